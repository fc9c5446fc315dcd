"""Try-outs: several recipes on a few patches; paid for and kept like any calls, and no patch changes its state."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from fakes.projects import add_patch
from fakes.providers import ScriptedGenerator, ScriptedJudge, ScriptedPrompts, blurred, scored
from ggt_studio.core.errors import StudioError
from ggt_studio.core.facts import Prompted
from ggt_studio.core.words import Category, Decision, Outcome, State
from ggt_studio.pipeline.recovery import settle_interrupted_calls
from ggt_studio.pipeline.session import Session
from ggt_studio.pipeline.trying import Trying, estimate_tryout
from ggt_studio.providers.base import ProviderError
from ggt_studio.settings import Settings
from ggt_studio.store import patches, runs, tryouts
from ggt_studio.store.check import check
from ggt_studio.store.named_recipes import Choice
from ggt_studio.store.project import Project
from ggt_studio.store.review import decide

A = ("Scripted", Choice("scripted", "fix", "scripted", "none"))
B = ("Other", Choice("other", "fix-nc", "scripted", "none"))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GGT_STUDIO_HOME", str(tmp_path / "home"))
    with Project.create(tmp_path / "p") as project:
        for seed in range(6):
            add_patch(project, seed, category=list(Category)[seed])
    return tmp_path / "p"


@pytest.fixture
def session(folder: Path) -> Iterator[Session]:
    with Session(folder, Settings(worker_processes=1)) as opened:
        opened.registry.generators["scripted"] = ScriptedGenerator(paid=True, price_usd=0.04)
        other = ScriptedGenerator(lambda r: blurred(replace(r, seed=r.seed + 3)), paid=True, price_usd=0.10)
        other.info = replace(other.info, id="other", label="Other generator")
        opened.registry.generators["other"] = other
        opened.registry.judges["scripted"] = ScriptedJudge()
        yield opened


async def test_results_of_each_recipe_stand_apart_and_no_patch_changes(session: Session) -> None:
    before = await session.store.call(lambda p: [patches.patch(p, i) for i in range(1, 7)])
    report = await Trying(session, [A, B], [1, 3]).run()
    assert (report.made, report.passed, report.failed, report.ended) == (4, 4, 0, "done")
    assert await session.store.call(lambda p: patches.facts(p, 1)) == [], (
        "the texts of presets are no facts of the patch"
    )
    assert report.cost_usd == pytest.approx(0.28)
    results = await session.store.call(lambda p: tryouts.results(p, report.tryout))
    assert {key[1] for key in results} == {1, 3}
    costs = [results[entry.run_id, 1].cost_usd for entry in report.tryout.entries]
    assert costs == [pytest.approx(0.04), pytest.approx(0.10)]
    assert all(result.hq_path is not None and result.hq_path.is_file() for result in results.values())
    assert before == await session.store.call(lambda p: [patches.patch(p, i) for i in range(1, 7)])
    assert await session.store.call(runs.left_off) == "", "there is no run to continue"
    ledger = await session.store.call(runs.ledger)
    assert sum(entry.cost_usd or 0 for entry in ledger) == pytest.approx(0.28), "what was paid is in the ledger"
    assert not (await session.store.call(check)).problems


async def test_a_result_is_adopted_without_paying_again(session: Session) -> None:
    report = await Trying(session, [A, B], [1]).run()
    run_id = report.tryout.entries[1].run_id
    paid = len(await session.store.call(runs.ledger))
    summary = await session.store.call(lambda p: tryouts.adopt(p, run_id, 1))
    assert summary.state is State.WAITING
    patch = await session.store.call(lambda p: patches.patch(p, 1))
    results = await session.store.call(lambda p: tryouts.results(p, report.tryout))
    assert patch.hq_path == results[run_id, 1].hq_path
    assert len(await session.store.call(runs.ledger)) == paid
    with pytest.raises(StudioError, match="already"):
        await session.store.call(lambda p: tryouts.adopt(p, run_id, 1))
    # The other one takes its place; the first stays on record.
    await session.store.call(lambda p: tryouts.adopt(p, report.tryout.entries[0].run_id, 1))
    await session.store.call(lambda p: decide(p, 1, Decision.ACCEPT, reviewer="Ada"))
    with pytest.raises(StudioError, match="a person accepted"):
        await session.store.call(lambda p: tryouts.adopt(p, run_id, 1))
    assert not (await session.store.call(check)).problems


async def test_what_did_not_pass_is_not_adopted(session: Session) -> None:
    session.registry.judges["scripted"] = ScriptedJudge(scored(20, Decision.REJECT))
    report = await Trying(session, [A], [1]).run()
    assert (report.made, report.passed) == (1, 0)
    with pytest.raises(StudioError, match="did not pass"):
        await session.store.call(lambda p: tryouts.adopt(p, report.tryout.entries[0].run_id, 1))


async def test_a_written_prompt_is_paid_for_once_and_kept_with_its_patch(session: Session) -> None:
    writer = session.registry.prompt_writers["scripted"] = ScriptedPrompts(paid=True, price_usd=0.02)
    recipes = [
        ("A", Choice("scripted", "scripted", "scripted", "none")),
        ("B", Choice("other", "scripted", "scripted", "none")),
    ]
    estimates = await estimate_tryout(session, [choice for _, choice in recipes], [1, 2])
    assert [estimate.calls["prompt"] for estimate in estimates] == [2, 2]
    report = await Trying(session, recipes, [1, 2]).run()
    assert report.cost_usd == pytest.approx(2 * (0.02 + 0.04 + 0.10))
    assert writer.info.paid
    facts = await session.store.call(lambda p: patches.facts(p, 1))
    assert [type(fact) for fact in facts] == [Prompted]
    again = await estimate_tryout(session, [recipes[0][1]], [1, 2])
    assert again[0].calls["prompt"] == 0


async def test_the_budget_holds_over_all_recipes(session: Session) -> None:
    report = await Trying(session, [A, B], [1, 2, 3, 4], budget_usd=0.25).run()
    assert report.ended == "halted"
    assert report.cost_usd <= 0.25
    assert "budget of $0.25" in report.message


async def test_a_recipe_whose_key_is_refused_ends_and_the_others_go_on(session: Session) -> None:
    def refuse(_: object) -> None:
        raise ProviderError(Outcome.BAD_KEY, "The key was refused.", cost_usd=0.0)

    refusing = ScriptedGenerator(refuse, concurrency=1)  # type: ignore[arg-type]
    refusing.info = replace(refusing.info, id="other")
    session.registry.generators["other"] = refusing
    report = await Trying(session, [B, A], [1, 2, 3]).run()
    assert report.passed == 3
    assert report.message == "The key was refused."


async def test_stopping_ends_within_a_second_and_keeps_what_came(session: Session) -> None:
    slow = ScriptedGenerator(delay_s=30)
    slow.info = replace(slow.info, id="other")
    session.registry.generators["other"] = slow
    trying = Trying(session, [A, B], [1, 2])
    task = asyncio.create_task(trying.run())
    while not slow.requests:
        await asyncio.sleep(0.01)
    began = asyncio.get_running_loop().time()
    trying.stop()
    report = await task
    assert asyncio.get_running_loop().time() - began < 1
    assert report.ended == "stopped"
    assert report.passed >= 1


async def test_an_interrupted_paid_call_is_told_of_in_the_try_out_alone(session: Session) -> None:
    report = await Trying(session, [A], [1]).run()
    run_id = report.tryout.entries[0].run_id

    def cut_off(project: Project) -> None:
        call = runs.Call(run_id, 1, "judge", "scripted", 1, "hash", paid=True, estimated_usd=0.5)
        runs.begin_calls(project, [call])

    await session.store.call(cut_off)
    assert await session.store.call(settle_interrupted_calls) == 1
    assert (await session.store.call(lambda p: patches.patch(p, 1))).state is State.OPEN
    results = await session.store.call(lambda p: tryouts.results(p, report.tryout))
    assert results[run_id, 1].summary.decided_by == "judge:ambiguous"


async def test_patches_are_picked_from_all_categories_and_open_ones_first(session: Session) -> None:
    picked = await session.store.call(lambda p: tryouts.pick(p, 6, seed=1))
    assert picked == [1, 2, 3, 4, 5, 6]
    few = await session.store.call(lambda p: tryouts.pick(p, 3, seed=2))
    categories = await session.store.call(lambda p: {patches.patch(p, i).category for i in few})
    assert len(categories) == 3
    assert await session.store.call(lambda p: tryouts.pick(p, 10, seed=1)) == picked
    await session.store.call(lambda p: p.db.execute("UPDATE patch SET state = 'waiting'"))
    for seed in range(9):
        assert await session.store.call(lambda p, s=seed: tryouts.pick(p, 6, seed=s)) == picked
    with pytest.raises(StudioError, match="1 to 10 patches"):
        await Trying(session, [A], list(range(1, 12))).run()
