"""Screening by a VLM: real store and ledger, the vendor's client over HTTP, a chat server that says what a test scripts."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from fakes.chat_server import Answer, Asked, ChatServer, Fails, Hangs, Refuses, Says, screening_text
from fakes.projects import add_patch
from fakes.providers import ScriptedGenerator, ScriptedJudge, ScriptedPrompts
from fakes.vlm import vlm_services
from ggt_studio.core.facts import Failed, Screened
from ggt_studio.core.recipe import AlignmentRule, Recipe, ScreeningRecipe
from ggt_studio.core.words import Category, Hold, Outcome, QualityLevel, Screening, State
from ggt_studio.dataset.sampling import release
from ggt_studio.pipeline.engine import Engine
from ggt_studio.pipeline.retrying import retry_failed
from ggt_studio.pipeline.screening import ScreeningRun, ScreenReport
from ggt_studio.providers.registry import Registry, build_registry
from ggt_studio.store import patches, runs
from ggt_studio.store.check import check
from ggt_studio.store.project import Project
from ggt_studio.store.thread import StoreThread
from ggt_studio.worker.client import WorkerPool

COUNT = 6


class Bench:
    """A project of six patches and a screener behind a real server."""

    def __init__(self, folder: Path, registry: Registry, server: ChatServer) -> None:
        self.folder, self.registry, self.server = folder, registry, server
        self.store = StoreThread(folder)
        self.store.start()

    def screening(self, **options: object) -> ScreeningRun:
        return ScreeningRun(self.store, self.registry.screener("gemini"), **options)  # type: ignore[arg-type]

    async def screen(self, **options: object) -> ScreenReport:
        return await self.screening(**options).run()

    async def read(self, function):
        return await self.store.call(function)

    def images(self) -> dict[bytes, int]:
        with Project.open(self.folder, read_only=True) as project:
            return {p.lq_path.read_bytes(): p.id for p in patches.page(project, patches.Filter())}


@pytest.fixture
def server() -> Iterator[ChatServer]:
    with ChatServer(lambda _: Says(screening_text())) as running:
        yield running


@pytest.fixture
async def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, server: ChatServer):
    with Project.create(tmp_path / "p") as project:
        for seed in range(COUNT):
            add_patch(project, seed, category=Category.RAIN, level=QualityLevel.HIGH)
    services = vlm_services(server.address, tmp_path / "home", monkeypatch)
    made = Bench(tmp_path / "p", build_registry(services), server)
    yield made
    made.store.close()
    services.clients.close()


def by_patch(bench: Bench, answers: dict[int, Answer]) -> None:
    """Script one answer per patch; `usable` for the others."""
    images = bench.images()
    bench.server.script = lambda asked: answers.get(images[asked.images[0]], Says(screening_text()))


async def test_what_is_not_worth_restoring_is_held_with_the_reason_in_words(bench: Bench) -> None:
    by_patch(
        bench,
        {
            1: Says(screening_text("content-poor", "medium", "A blank wall.")),
            2: Says(screening_text("degraded", "low", "Nothing can be told apart.")),
            3: Says(screening_text("not-visible", "high", "There is no rain.")),
        },
    )
    report = await bench.screen()
    assert (report.screened, report.failed, report.ended) == (COUNT, 0, "done")
    assert report.held == {Hold.CONTENT_POOR: 1, Hold.DEGRADED: 1, Hold.NOT_VISIBLE: 1}
    first, second, third, fourth = await bench.read(lambda p: patches.by_ids(p, [1, 2, 3, 4]))
    assert (first.hold, first.hold_words) == (Hold.CONTENT_POOR, "A blank wall.")
    assert (second.hold, second.hold_words) == (Hold.DEGRADED, "Nothing can be told apart.")
    assert (third.hold, third.hold_words) == (Hold.NOT_VISIBLE, "There is no rain.")
    assert fourth.hold is None
    (fact,) = await bench.read(lambda p: patches.facts(p, 2))
    assert isinstance(fact, Screened)
    assert (fact.model, fact.verdict, fact.level) == ("gemini", Screening.DEGRADED, QualityLevel.LOW)
    assert fact.raw == screening_text("degraded", "low", "Nothing can be told apart.")
    assert fact.cost_usd > 0
    assert (await bench.read(check)).ok


async def test_the_model_is_told_the_category_and_sees_the_patch(bench: Bench) -> None:
    await bench.screen(limit=1)
    (asked,) = bench.server.asked
    assert '"rain"' in asked.instruction
    assert "rain streaks" in asked.instruction
    assert "{" not in asked.instruction.replace('{"reason"', "")
    assert asked.images == [patch.lq_path.read_bytes() for patch in await bench.read(lambda p: patches.by_ids(p, [1]))]
    assert asked.schema is not None


async def test_every_call_is_paid_for_through_the_ledger(bench: Bench) -> None:
    report = await bench.screen()
    entries = await bench.read(runs.ledger)
    assert [(e.step, e.provider, e.paid, e.outcome) for e in entries] == [("screen", "gemini", True, "ok")] * COUNT
    assert report.cost_usd == pytest.approx(sum(e.cost_usd or 0 for e in entries))
    assert report.cost_usd > 0


async def test_levels_are_taken_over_only_where_that_is_asked_for(bench: Bench) -> None:
    await bench.screen(limit=3)
    assert {p.level for p in await bench.read(lambda p: patches.by_ids(p, [1, 2, 3]))} == {QualityLevel.HIGH}
    await bench.screen(grade=True)
    assert {p.level for p in await bench.read(lambda p: patches.by_ids(p, [4, 5, 6]))} == {QualityLevel.LOW}
    assert (await bench.read(check)).ok


async def test_it_goes_on_where_it_stood_and_asks_nothing_twice(bench: Bench) -> None:
    assert (await bench.screen(limit=2)).screened == 2
    assert (await bench.screen()).screened == COUNT - 2
    assert (await bench.screen()).screened == 0
    assert len(bench.server.asked) == COUNT
    assert len({asked.images[0] for asked in bench.server.asked}) == COUNT


async def test_a_stop_books_what_was_under_way_and_the_rest_goes_on(bench: Bench) -> None:
    asked = threading.Event()

    def hang(_: Asked) -> Answer:
        asked.set()
        return Hangs(30)

    bench.server.script = hang
    screening = bench.screening()
    task = asyncio.create_task(screening.run())
    await asyncio.to_thread(asked.wait, 20)
    screening.stop()
    report = await asyncio.wait_for(task, 5)
    assert report.ended == "stopped"
    entries = await bench.read(runs.ledger)
    assert {e.outcome for e in entries} == {"cancelled"}
    booked = [e for e in entries if e.cost_usd]
    assert booked, "what had left may have been charged"
    bench.server.script = lambda _: Says(screening_text())
    assert (await bench.screen()).screened == COUNT - len(booked), "those are asked again only when somebody says so"
    await bench.read(lambda p: retry_failed(p, "asked for"))
    assert (await bench.screen()).screened == len(booked)


async def test_a_call_that_a_crash_left_open_is_not_made_again_by_itself(bench: Bench) -> None:
    info = bench.registry.screener("gemini").info

    def leave_open(project: Project) -> None:
        run = runs.begin_run(project, ScreeningRecipe(info.id, info.model, info.instruction, False))
        runs.begin_calls(project, [runs.Call(run, 2, "screen", info.id, 1, "x", True, 0.05)])

    await bench.read(leave_open)
    report = await bench.screen()
    assert (report.ambiguous, report.screened) == (1, COUNT - 1)
    assert (await bench.read(lambda p: patches.patch(p, 2))).decided_by == "screen:ambiguous"
    assert len(bench.server.asked) == COUNT - 1


@pytest.mark.parametrize(
    "reply", ["", "I would keep it.", '{"verdict": "usable"', screening_text("perhaps"), screening_text(quality="4")]
)
async def test_an_unreadable_reply_is_asked_again_twice_and_never_a_verdict(bench: Bench, reply: str) -> None:
    bench.server.script = lambda _: Says(reply)
    report = await bench.screen(limit=1)
    assert (report.screened, report.failed) == (0, 1)
    assert len(bench.server.asked) == 3
    facts = await bench.read(lambda p: patches.facts(p, 1))
    assert [(type(f), f.raw, f.ask_again) for f in facts if isinstance(f, Failed)] == [(Failed, reply, True)] * 3
    entries = await bench.read(runs.ledger)
    assert [e.outcome for e in entries] == ["malformed"] * 3
    assert all((e.cost_usd or 0) > 0 for e in entries), "each was paid for"
    patch = await bench.read(lambda p: patches.patch(p, 1))
    assert (patch.state, patch.decided_by, patch.hold) == (State.FAILED, "screen:malformed", None)
    assert (await bench.read(check)).ok


async def test_a_readable_reply_after_an_unreadable_one_counts(bench: Bench) -> None:
    bench.server.script = lambda _: Says("Hm." if len(bench.server.asked) == 1 else screening_text("degraded"))
    report = await bench.screen(limit=1)
    assert (report.screened, report.held) == (1, {Hold.DEGRADED: 1})
    assert [e.outcome for e in await bench.read(runs.ledger)] == ["malformed", "ok"]


async def test_a_refusal_fails_its_patch_alone(bench: Bench) -> None:
    by_patch(bench, {2: Refuses()})
    report = await bench.screen()
    assert (report.screened, report.failed) == (COUNT - 1, 1)
    assert (await bench.read(lambda p: patches.patch(p, 2))).decided_by == "screen:safety_block"


async def test_a_refused_key_ends_it_at_once(bench: Bench) -> None:
    body = b'{"error": {"status": "UNAUTHENTICATED", "message": "no"}}'
    bench.server.script = lambda _: Fails(401, body)
    report = await bench.screen()
    assert (report.ended, report.screened) == ("halted", 0)
    assert "key" in report.message
    assert {f.outcome for f in await bench.read(lambda p: patches.facts(p, 1))} == {Outcome.BAD_KEY}  # type: ignore[union-attr]


async def test_a_pause_lets_no_further_call_leave(bench: Bench) -> None:
    screening = bench.screening()
    screening.pause()
    task = asyncio.create_task(screening.run())
    await asyncio.sleep(0.3)
    assert bench.server.asked == []
    screening.resume()
    assert (await task).screened == COUNT


async def test_held_patches_take_no_part_in_runs_until_they_are_released(bench: Bench) -> None:
    by_patch(bench, {1: Says(screening_text("degraded"))})
    await bench.screen()
    pool = WorkerPool(1)
    try:
        registry = Registry(
            {"scripted": ScriptedGenerator()}, {"scripted": ScriptedPrompts()}, {"scripted": ScriptedJudge()}
        )
        rule = AlignmentRule(min_correlation=-1.0)
        recipe = Recipe(generator="scripted", prompts="scripted", judge="scripted", alignment_rule=rule)
        assert (await Engine(bench.store, pool, registry, recipe).run()).patches == COUNT - 1
        assert await bench.read(lambda p: release(p, (Hold.DEGRADED,))) == 1
        assert (await bench.screen()).screened == 0, "a person said that it takes part"
        assert (await Engine(bench.store, pool, registry, recipe).run()).patches == 1
    finally:
        pool.close()
