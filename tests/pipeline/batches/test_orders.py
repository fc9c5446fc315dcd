"""Batches in a project: each on record before it leaves, nothing paid twice, results like interactive ones, mixed with runs."""

from __future__ import annotations

import asyncio
from collections import deque
from pathlib import Path

import pytest

from fakes.batch_bench import COUNT, MISALIGNED, MODEL, Bench
from fakes.chat_server import ChatServer, Says
from fakes.vendor_script import Fault
from fakes.vlm import OWN_MODELS
from ggt_studio.core.errors import StudioError
from ggt_studio.core.facts import Aligned, Generated, Prompted
from ggt_studio.core.prompts import prompt_basis
from ggt_studio.core.words import CostBasis, Hold
from ggt_studio.pipeline import batch_results, batch_runs, engine
from ggt_studio.pipeline.budget import BudgetReached
from ggt_studio.pipeline.engine import Engine
from ggt_studio.pipeline.recipes import MetricGate
from ggt_studio.providers.base import ProviderError
from ggt_studio.providers.batching import BatchLimits
from ggt_studio.store import patches, runs
from ggt_studio.store.batch_jobs import BatchStage
from ggt_studio.store.holds import set_hold
from ggt_studio.store.project import Project


@pytest.mark.parametrize("vendor", list(MODEL))
async def test_a_batch_gives_candidates_at_half_price_and_a_run_takes_them_on(bench: Bench, vendor: str) -> None:
    bench.script.hold_batches = True
    done = await bench.submit(vendor)
    (job,) = done.jobs
    assert (done.items, job.items, job.open_items, job.stage) == (COUNT, COUNT, COUNT, BatchStage.RUNNING)
    price = bench.session.registry.generator(MODEL[vendor]).info.price_usd
    assert done.estimated_usd == pytest.approx(COUNT * price / 2)
    assert done.most_usd >= done.estimated_usd
    assert await bench.runnable() == []
    assert (await bench.run(vendor)).patches == 0, "a run leaves what a batch has alone"
    assert bench.script.bill == []
    waiting = await bench.collect()
    assert (waiting.made, waiting.open) == (0, 1)

    bench.script.hold_batches = False
    collected = await bench.collect()
    assert (collected.made, collected.failed, collected.taken_back, collected.open) == (COUNT, 0, 0, 0)
    assert bench.paid() == [1] * COUNT
    entries = [entry for entry in await bench.read(runs.ledger) if entry.batch]
    assert [entry.outcome for entry in entries] == ["ok"] * COUNT
    assert {entry.batch for entry in entries} == {job.name}
    assert {entry.cost_basis for entry in entries} == {CostBasis.TOKENS}
    assert all(entry.images == 1 and entry.finished_at for entry in entries)
    assert collected.cost_usd == pytest.approx(sum(entry.cost_usd or 0.0 for entry in entries))
    for patch_id in range(1, COUNT + 1):
        (made,) = await bench.facts(patch_id, Generated)
        (prompt,) = await bench.facts(patch_id, Prompted)
        assert (made.prompt, made.attempt, made.max_attempts) == (prompt.text, 1, 3)
        assert made.registration is not None, "laid over its patch like an interactive answer"
    assert await bench.healthy()
    assert await bench.runnable() == [1, 2, 3, 4]
    assert list((bench.folder / "cache" / "batches").iterdir()) == []

    assert (await bench.run(vendor)).patches == COUNT
    assert await bench.facts(1, Aligned)
    assert (await bench.submit(vendor)).jobs == (), "what rests wants no candidate"


async def test_patches_of_a_batch_and_of_a_run_go_side_by_side(bench: Bench) -> None:
    bench.script.hold_batches = True
    await bench.submit(limit=2)
    await bench.run()
    bench.script.hold_batches = False
    await bench.collect()
    entries = [entry for entry in await bench.read(runs.ledger) if (entry.step, entry.attempt) == ("generate", 1)]
    first = {entry.patch_id: entry for entry in entries}
    assert [first[patch_id].batch != "" for patch_id in (1, 2, 3, 4)] == [True, True, False, False]
    assert first[1].cost_usd == pytest.approx((first[3].cost_usd or 0.0) / 2)
    assert first[1].estimated_usd == pytest.approx(first[3].estimated_usd / 2)
    assert sorted(bench.paid())[:2] == [1, 1]
    assert await bench.healthy()


async def test_what_comes_back_beside_a_run_is_left_to_the_next_one(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "_PAGE", 1)
    await bench.read(lambda p: set_hold(p, [1, 2], Hold.BY_HAND))
    bench.script.hold_batches, bench.script.batch_done = True, 0
    (job,) = (await bench.submit("openai")).jobs
    await bench.read(lambda p: set_hold(p, [1, 2], None))
    session = bench.session
    beside = Engine(session.store, session.pool, session.registry, bench.recipe("openai"))
    beside.pause()
    running = asyncio.create_task(beside.run())
    while not await bench.read(lambda p: len(runs.recipes(p)) and runs.left_off(p) == "interrupted"):
        await asyncio.sleep(0.01)
    await batch_results.cancel(session, job.name)
    bench.script.hold_batches = False
    assert (await bench.collect()).taken_back == 2
    beside.resume()
    assert (await running).patches == 2
    assert not await bench.facts(3, Generated), "its estimate was for two patches"
    assert await bench.runnable() == [3, 4]
    assert (await bench.run("openai")).patches == 2


async def test_later_attempts_can_go_into_another_batch(bench: Bench) -> None:
    await bench.submit(limit=2)
    await bench.collect()
    await bench.read(lambda p: patches.append(p, 1, [MISALIGNED]))
    done = await bench.submit()
    assert done.items == 3, "patch 1 for its second attempt, 3 and 4 for their first; 2 is still to be judged"
    await bench.collect()
    assert [made.attempt for made in await bench.facts(1, Generated)] == [1, 2]
    assert [made.attempt for made in await bench.facts(2, Generated)] == [1]
    assert bench.paid() == [2, 1, 1, 1]
    assert await bench.healthy()


async def test_a_run_can_judge_what_came_and_leave_the_next_attempts_to_a_batch(bench: Bench) -> None:
    await bench.submit(limit=2)
    await bench.collect()
    paid = len(bench.script.bill)
    report = await bench.run(generate=False)
    assert (report.patches, report.attempts) == (2, 0)
    assert len(bench.script.bill) == paid
    assert await bench.facts(1, Aligned)
    assert not await bench.facts(3, Prompted)
    again = [patch.id for patch in await bench.read(lambda p: patches.runnable(p)) if patch.id < 3]
    assert again, "the plain fake does not satisfy every gate"
    await bench.submit()
    await bench.collect()
    assert [made.attempt for made in await bench.facts(again[0], Generated)] == [1, 2]


async def test_big_orders_are_split_and_each_part_is_a_batch(bench: Bench) -> None:
    batches = batch_runs.batches_of(bench.session.registry, MODEL["google"])
    batches.limits = BatchLimits(items=3, bytes=500_000_000)
    assert [job.items for job in (await bench.submit(limit=3)).jobs] == [3]
    await bench.collect()
    batches.limits = BatchLimits(items=100, bytes=1)
    assert [job.items for job in (await bench.submit(limit=4)).jobs] == [1]


async def test_the_most_that_a_batch_can_cost_stays_under_the_budget(bench: Bench) -> None:
    info = batch_runs.batches_of(bench.session.registry, MODEL["google"]).info
    assert info.most_usd is not None
    done = await bench.submit(budget_usd=2.5 * info.most_usd)
    assert done.items == 2
    assert done.most_usd <= 2.5 * info.most_usd
    assert "allows no further call" in done.message
    with pytest.raises(BudgetReached):
        await bench.submit(budget_usd=0.5 * info.most_usd)
    assert len(await bench.jobs()) == 1


async def test_a_budget_goes_first_to_patches_whose_prompts_are_written(bench: Bench) -> None:
    recipe = bench.session.recipe(MODEL["google"], "gemini", "measured", metric_gate=MetricGate.NONE)

    def write(project: Project) -> None:
        (patch,) = [one for one in patches.runnable(project) if one.id == COUNT]
        patches.append(project, COUNT, [Prompted("gemini", "Restore it.", prompt_basis(recipe, patch.category))])

    await bench.read(write)
    image = batch_runs.most_usd(batch_runs.batches_of(bench.session.registry, recipe.generator).info)
    done = await batch_runs.submit(bench.session, recipe, budget_usd=image)
    assert done.items == 1
    assert await bench.runnable() == [1, 2, 3]


async def test_counts_follow_what_people_do_with_patches_in_a_batch(bench: Bench) -> None:
    bench.script.hold_batches = True
    await bench.submit(limit=3)
    assert await bench.runnable() == [4]
    await bench.read(lambda p: set_hold(p, [1, 4], Hold.BY_HAND))
    assert await bench.runnable() == []
    await bench.read(lambda p: set_hold(p, [4], None))
    assert await bench.runnable() == [4]
    assert await bench.healthy()
    bench.script.hold_batches = False
    assert (await bench.collect()).made == 3, "also of a patch that a person held back meanwhile"
    assert await bench.runnable() == [2, 3, 4]
    assert await bench.healthy()


async def test_a_generator_without_batches_says_which_have_them(bench: Bench) -> None:
    recipe = bench.session.recipe("classical", "fix", "measured", metric_gate=MetricGate.NONE)
    with pytest.raises(StudioError, match=r"classical takes no batches\. These do: .*nano-banana-2"):
        await batch_runs.submit(bench.session, recipe)


async def test_prompts_that_a_model_writes_are_written_first_and_once(bench: Bench, tmp_path: Path) -> None:
    with ChatServer(lambda _: Says("Remove the rain streaks and recover the lettering.")) as server:
        (tmp_path / "home").mkdir(exist_ok=True)
        (tmp_path / "home" / "models.toml").write_text(OWN_MODELS.format(address=server.address))
        bench.reopen()
        recipe = bench.session.recipe(MODEL["google"], "mine", "measured", metric_gate=MetricGate.NONE)
        bench.script.order_faults = deque([Fault.BILLING])
        with pytest.raises(ProviderError, match="quota or credit"):
            await batch_runs.submit(bench.session, recipe)
        assert (await batch_runs.submit(bench.session, recipe)).items == COUNT
        assert len(server.asked) == COUNT, "what was written for the refused order serves the next one"
    await bench.collect()
    (made,) = await bench.facts(1, Generated)
    assert made.prompt.startswith("Remove the rain streaks")
    assert len(await bench.facts(1, Prompted)) == 1
    assert await bench.healthy()
