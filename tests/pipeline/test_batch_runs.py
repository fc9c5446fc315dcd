"""Batches in a project: each on record before it leaves, nothing paid twice, results like interactive ones, mixed with runs."""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from fakes.chat_server import ChatServer, Says
from fakes.projects import add_patch
from fakes.vendor_script import Fault
from fakes.vendor_server import VendorServer
from fakes.vlm import OWN_MODELS
from ggt_studio.core.errors import StudioError
from ggt_studio.core.facts import Aligned, Failed, Generated, Prompted
from ggt_studio.core.model import Alignment, GateResult
from ggt_studio.core.prompts import prompt_basis
from ggt_studio.core.recipe import Recipe
from ggt_studio.core.words import CostBasis, Hold, Outcome, State
from ggt_studio.pipeline import batch_results, batch_runs, engine
from ggt_studio.pipeline.budget import BudgetReached
from ggt_studio.pipeline.engine import Engine
from ggt_studio.pipeline.recipes import MetricGate
from ggt_studio.pipeline.retrying import retry_failed
from ggt_studio.pipeline.session import Session
from ggt_studio.providers.base import ProviderError
from ggt_studio.providers.batching import BatchLimits
from ggt_studio.settings import Settings
from ggt_studio.store import patches, runs
from ggt_studio.store.batch_jobs import BatchStage, batch_jobs
from ggt_studio.store.check import check
from ggt_studio.store.holds import set_hold
from ggt_studio.store.project import Project
from ggt_studio.store.status import status

COUNT = 4
MISALIGNED = Aligned(1, Alignment(9.0, 0.0, 1.0, 0.0, 0.9), GateResult(False, "shift", "9 px"))
MODEL = {"google": "nano-banana-2", "openai": "gpt-image-2"}


class Bench:
    """A project of four patches, and the vendors to which its session speaks."""

    def __init__(self, folder: Path, vendors: VendorServer) -> None:
        self.folder, self.vendors, self.script = folder, vendors, vendors.script
        self.session = Session(folder, Settings(worker_processes=1))

    def reopen(self) -> None:
        self.session.close()
        self.session = Session(self.folder, Settings(worker_processes=1))

    def recipe(self, vendor: str = "google") -> Recipe:
        return self.session.recipe(MODEL[vendor], "fix", "measured", metric_gate=MetricGate.NONE)

    async def submit(self, vendor: str = "google", **options: object) -> batch_runs.Submission:
        return await batch_runs.submit(self.session, self.recipe(vendor), **options)  # type: ignore[arg-type]

    async def collect(self) -> batch_results.Collected:
        return await batch_results.collect(self.session)

    async def run(self, vendor: str = "google", *, generate: bool = True):
        session = self.session
        recipe = self.recipe(vendor)
        return await Engine(session.store, session.pool, session.registry, recipe, generate=generate).run()

    async def read(self, function):
        return await self.session.store.call(function)

    async def facts(self, patch_id: int, kind: type) -> list:
        return [fact for fact in await self.read(lambda p: patches.facts(p, patch_id)) if isinstance(fact, kind)]

    async def jobs(self):
        return await self.read(batch_jobs)

    async def runnable(self) -> list[int]:
        found = await self.read(lambda p: [patch.id for patch in patches.runnable(p)])
        assert (await self.read(status)).runnable == len(found)
        return found

    async def healthy(self) -> bool:
        report = await self.read(check)
        assert report.ok, report.problems
        return True

    def paid(self) -> list[int]:
        """How often each image was paid for."""
        return list(Counter(charge.image for charge in self.script.bill).values())


@pytest.fixture
def vendors() -> Iterator[VendorServer]:
    with VendorServer() as server:
        yield server


@pytest.fixture
async def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, vendors: VendorServer):
    monkeypatch.setenv("GGT_STUDIO_HOME", str(tmp_path / "home"))
    for name, value in vendors.environment().items():
        monkeypatch.setenv(name, value)
    with Project.create(tmp_path / "p") as project:
        for seed in range(COUNT):
            add_patch(project, seed)
    made = Bench(tmp_path / "p", vendors)
    yield made
    made.session.close()


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


async def test_parts_that_fail_are_told_apart_and_the_rest_is_kept(bench: Bench) -> None:
    bench.script.faults = deque([Fault.BLOCKED_IMAGE, Fault.UNAVAILABLE, None, Fault.UNDECODABLE])
    await bench.submit()
    collected = await bench.collect()
    assert (collected.made, collected.failed, collected.taken_back) == (1, 2, 1)
    states = [patch.state for patch in await bench.read(lambda p: patches.by_ids(p, [1, 2, 3, 4]))]
    assert states == [State.FAILED, State.OPEN, State.OPEN, State.FAILED]
    (blocked,), (broken,) = await bench.facts(1, Failed), await bench.facts(4, Failed)
    assert (blocked.outcome, broken.outcome) == (Outcome.SAFETY_BLOCK, Outcome.MALFORMED)
    entries = {entry.patch_id: entry for entry in await bench.read(runs.ledger)}
    assert (entries[4].cost_usd or 0.0) > 0, "made, and no image"
    assert (entries[2].cost_usd, entries[2].cost_basis) == (0.0, CostBasis.NOTHING)
    assert await bench.runnable() == [2, 3]
    assert await bench.healthy()
    await bench.read(lambda p: retry_failed(p, "again"))
    assert (await bench.submit()).items == 3, "the one that was not got to, and the two that failed"


@pytest.mark.parametrize(("vendor", "made"), [("google", 0), ("openai", 1)])
async def test_what_expired_is_taken_back_at_no_cost(bench: Bench, vendor: str, made: int) -> None:
    bench.script.batch_done = 1
    await bench.submit(vendor)
    collected = await bench.collect()
    assert (collected.made, collected.taken_back, collected.failed) == (made, COUNT - made, 0)
    (job,) = collected.jobs
    assert job.stage is (BatchStage.COLLECTED if made else BatchStage.TAKEN_BACK)
    assert "expired" in job.message
    assert await bench.runnable() == [1, 2, 3, 4]
    free = [entry for entry in await bench.read(runs.ledger) if entry.outcome == Outcome.CANCELLED]
    assert [entry.cost_usd for entry in free] == [0.0] * (COUNT - made)


async def test_a_cancelled_batch_keeps_what_was_done(bench: Bench) -> None:
    bench.script.hold_batches, bench.script.batch_done = True, 2
    (job,) = (await bench.submit("openai")).jobs
    assert (await batch_results.cancel(bench.session, job.name)).ended_at is None
    bench.script.hold_batches = False
    collected = await bench.collect()
    assert (collected.made, collected.taken_back) == (2, 2)
    assert bench.paid() == [1, 1]
    with pytest.raises(StudioError, match="has ended already"):
        await batch_results.cancel(bench.session, job.name)
    with pytest.raises(StudioError, match="no batch nothing"):
        await batch_results.cancel(bench.session, "nothing")


async def test_a_batch_that_its_vendor_lost_is_set_aside_only_when_asked(bench: Bench) -> None:
    (job,) = (await bench.submit()).jobs
    bench.vendors.batches.google.clear()
    collected = await bench.collect()
    assert collected.open == 1
    assert "Cancel the batch" in collected.jobs[0].message
    assert await bench.runnable() == [], "perhaps only the key is another"
    ended = await batch_results.cancel(bench.session, job.name)
    assert ended.stage is BatchStage.SET_ASIDE
    assert ended.cost_usd == pytest.approx(ended.estimated_usd), "booked: it may have been charged"
    (failed,) = await bench.facts(1, Failed)
    assert failed.outcome is Outcome.AMBIGUOUS
    assert await bench.healthy()


async def test_an_order_whose_answer_is_lost_is_adopted_by_its_name(bench: Bench) -> None:
    bench.script.order_faults = deque([Fault.HALF])
    with pytest.raises(ProviderError, match="broke off"):
        await bench.submit()
    (job,) = await bench.jobs()
    assert job.stage is BatchStage.LEAVING
    assert (await bench.run()).ambiguous == 0, "what a batch holds is not ambiguous"
    bench.reopen()
    (job,) = await batch_results.refresh(bench.session)
    assert (job.stage, job.vendor_name) == (BatchStage.RUNNING, next(iter(bench.vendors.batches.google)))
    assert (await bench.collect()).made == COUNT
    assert len(bench.vendors.batches.google) == 1
    assert bench.paid() == [1] * COUNT


async def test_an_order_that_did_not_arrive_is_taken_back_once_that_is_certain(bench: Bench) -> None:
    bench.script.order_faults = deque([Fault.UNAVAILABLE])
    with pytest.raises(ProviderError, match="out of order"):
        await bench.submit()
    (job,) = await batch_results.refresh(bench.session)
    assert job.stage is BatchStage.LEAVING
    assert "does not list it yet" in job.message
    assert await bench.runnable() == []
    with pytest.raises(StudioError, match="not known yet"):
        await batch_results.cancel(bench.session, job.name)
    earlier = (datetime.now(UTC) - timedelta(seconds=batch_results.SETTLED_S + 1)).isoformat()
    await bench.read(lambda p: p.db.execute("UPDATE batch SET left_at = ?", (earlier,)))
    (job,) = await batch_results.refresh(bench.session)
    assert (job.stage, job.cost_usd) == (BatchStage.TAKEN_BACK, 0.0)
    assert await bench.runnable() == [1, 2, 3, 4]


@pytest.mark.parametrize("vendor", MODEL)
async def test_an_order_whose_account_is_not_at_hand_is_not_ordered_again(bench: Bench, vendor: str) -> None:
    bench.script.order_faults = deque([Fault.HALF])
    with pytest.raises(ProviderError, match="broke off"):
        await bench.submit(vendor)
    earlier = (datetime.now(UTC) - timedelta(seconds=batch_results.SETTLED_S + 1)).isoformat()
    await bench.read(lambda p: p.db.execute("UPDATE batch SET left_at = ?", (earlier,)))
    # Another key: an account with neither jobs nor files.
    batches = bench.vendors.batches
    jobs, files = getattr(batches, vendor), batches.files
    setattr(batches, vendor, {})
    batches.files = {}
    (job,) = await batch_results.refresh(bench.session)
    assert job.stage is BatchStage.LEAVING
    assert "another account" in job.message
    assert await bench.runnable() == []
    setattr(batches, vendor, jobs)
    batches.files = files
    assert (await bench.collect()).made == COUNT, "with the first key it is found again"
    assert bench.paid() == [1] * COUNT


async def test_an_order_in_an_account_that_is_gone_is_set_aside_when_asked(bench: Bench) -> None:
    bench.script.order_faults = deque([Fault.HALF])
    with pytest.raises(ProviderError, match="broke off"):
        await bench.submit()
    (job,) = await bench.jobs()
    bench.vendors.batches.google, bench.vendors.batches.files = {}, {}
    ended = await batch_results.cancel(bench.session, job.name)
    assert ended.stage is BatchStage.SET_ASIDE
    assert ended.cost_usd == pytest.approx(ended.estimated_usd)
    assert await bench.healthy()


@pytest.mark.parametrize(("where", "fault"), [("upload_faults", Fault.UNAVAILABLE), ("order_faults", Fault.BILLING)])
async def test_what_was_certainly_not_taken_is_taken_back_at_once(bench: Bench, where: str, fault: Fault) -> None:
    setattr(bench.script, where, deque([fault]))
    with pytest.raises(ProviderError):
        await bench.submit("openai")
    (job,) = await bench.jobs()
    assert (job.stage, job.cost_usd) == (BatchStage.TAKEN_BACK, 0.0)
    assert await bench.runnable() == [1, 2, 3, 4]
    assert list((bench.folder / "cache" / "batches").iterdir()) == []


async def test_results_that_could_not_be_fetched_are_fetched_the_next_time(bench: Bench) -> None:
    await bench.submit()
    bench.script.download_faults = deque([Fault.HALF])
    collected = await bench.collect()
    assert (collected.made, collected.open) == (0, 1)
    assert "could not be fetched" in collected.jobs[0].message
    assert (await bench.collect()).made == COUNT
    assert bench.paid() == [1] * COUNT


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
