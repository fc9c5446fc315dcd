"""The engine: real store, real files, real worker for alignment; providers that do what a test scripts."""

from __future__ import annotations

import asyncio
import io
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from fakes.projects import add_patch
from fakes.providers import ScriptedGenerator, ScriptedJudge, ScriptedPrompts, blurred, scored
from ggt_studio.core.facts import Failed, Generated
from ggt_studio.core.model import AspectScore, Verdict
from ggt_studio.core.recipe import AlignmentRule, Recipe
from ggt_studio.core.words import Aspect, Decision, Hold, Outcome, State
from ggt_studio.pipeline.engine import Engine, RunReport
from ggt_studio.pipeline.progress import Progress
from ggt_studio.pipeline.retrying import reopen, retry_failed
from ggt_studio.providers.base import GeneratedImage, GenerateRequest, ProviderError
from ggt_studio.providers.registry import Registry
from ggt_studio.store import holds, patches, runs
from ggt_studio.store.check import check
from ggt_studio.store.project import Project
from ggt_studio.store.thread import StoreThread
from ggt_studio.worker.client import WorkerPool

RECIPE = Recipe(
    generator="scripted", prompts="scripted", judge="scripted", alignment_rule=AlignmentRule(min_correlation=-1.0)
)


class Bench:
    """An open project with scripted providers."""

    def __init__(self, folder: Path) -> None:
        self.store = StoreThread(folder)
        self.store.start()
        self.pool = WorkerPool(1)
        self.generator = ScriptedGenerator()
        self.judge = ScriptedJudge()
        self.prompts = ScriptedPrompts()

    def engine(self, recipe: Recipe = RECIPE, **options: object) -> Engine:
        registry = Registry({"scripted": self.generator}, {"scripted": self.prompts}, {"scripted": self.judge})
        return Engine(self.store, self.pool, registry, recipe, **options)  # type: ignore[arg-type]

    async def run(self, **options: object) -> RunReport:
        return await self.engine(**options).run()

    async def read(self, function: Callable[[Project], object]):
        return await self.store.call(function)


@pytest.fixture
def bench(tmp_path: Path):
    with Project.create(tmp_path / "p") as project:
        for seed in range(4):
            add_patch(project, seed)
    made = Bench(tmp_path / "p")
    yield made
    made.pool.close()
    made.store.close()


async def test_patches_run_to_the_review_with_all_on_record(bench: Bench) -> None:
    seen: list[Progress] = []
    report = await bench.run(on_progress=seen.append)
    assert (report.patches, report.attempts, report.waiting, report.ended) == (4, 4, 4, "done")
    assert seen[-1].done == 4
    facts = await bench.read(lambda p: patches.facts(p, 1))
    assert [type(f).__name__ for f in facts] == ["Prompted", "Generated", "Aligned", "Scored", "Judged"]
    entries = await bench.read(runs.ledger)
    assert len(entries) == 8
    assert all(e.outcome == "ok" for e in entries)
    assert (await bench.read(check)).ok


async def test_a_finished_project_has_nothing_left_to_run(bench: Bench) -> None:
    await bench.run()
    again = await bench.run()
    assert (again.patches, again.attempts) == (0, 0)


async def test_a_rejection_is_followed_by_a_strengthened_attempt(bench: Bench) -> None:
    bench.judge = ScriptedJudge(scored(30, Decision.REJECT), scored(95))
    report = await bench.run(limit=1)
    assert (report.patches, report.attempts, report.waiting) == (1, 2, 1)
    first, second = bench.generator.requests
    assert second.prompt.startswith(first.prompt)
    assert "was seen" in second.prompt
    assert second.seed != first.seed
    assert second.hash != first.hash


async def test_three_rejections_end_it(bench: Bench) -> None:
    bench.judge = ScriptedJudge(scored(30, Decision.REJECT))
    report = await bench.run(limit=1)
    assert (report.attempts, report.rejected) == (3, 1)
    assert (await bench.read(lambda p: patches.patch(p, 1))).decided_by == "judge"
    assert await bench.read(lambda p: reopen(p, State.REJECTED, "other settings")) == 1
    bench.judge = ScriptedJudge(scored(95))
    assert (await bench.run(limit=1)).waiting == 1


async def test_a_disagreement_goes_to_a_person(bench: Bench) -> None:
    bench.judge = ScriptedJudge(scored(70, Decision.ACCEPT))
    report = await bench.run(limit=1)
    assert (report.attempts, report.waiting) == (1, 1)
    assert (await bench.read(lambda p: patches.patch(p, 1))).decided_by == "disagreement"


@pytest.mark.parametrize("outcome", [Outcome.SAFETY_BLOCK, Outcome.NO_IMAGE, Outcome.NETWORK])
async def test_outcomes_stay_apart_and_are_no_attempts(bench: Bench, outcome: Outcome) -> None:
    def refuse(_: GenerateRequest) -> GeneratedImage:
        raise ProviderError(outcome, "The provider said no.")

    bench.generator = ScriptedGenerator(refuse)
    report = await bench.run()
    assert (report.failed, report.attempts) == (4, 0)
    facts = await bench.read(lambda p: patches.facts(p, 1))
    assert facts[-1] == Failed(1, "generate", outcome, "The provider said no.")
    assert {e.outcome for e in await bench.read(runs.ledger)} == {str(outcome)}
    bench.generator = ScriptedGenerator()
    assert (await bench.run()).patches == 0, "a failure is not retried by itself"
    assert await bench.read(lambda p: retry_failed(p, "asked")) == 4
    assert (await bench.run()).waiting == 4


async def test_a_defect_in_a_provider_costs_only_its_patch(bench: Bench) -> None:
    answered: list[GenerateRequest] = []

    def fall_over(request: GenerateRequest) -> GeneratedImage:
        answered.append(request)
        if len(answered) == 2:
            raise ZeroDivisionError("oops")
        return blurred(request)

    bench.generator = ScriptedGenerator(fall_over)
    report = await bench.run()
    assert (report.failed, report.waiting) == (1, 3)


@pytest.mark.parametrize(
    "image",
    [
        GeneratedImage(b"no image at all", "image/png"),
        GeneratedImage(b"", "image/png"),
        GeneratedImage(b"GIF89a", "image/gif"),
    ],
)
async def test_what_is_no_image_is_malformed(bench: Bench, image: GeneratedImage) -> None:
    bench.generator = ScriptedGenerator(lambda _: image)
    report = await bench.run(limit=1)
    assert report.failed == 1
    failed = (await bench.read(lambda p: patches.facts(p, 1)))[-1]
    assert isinstance(failed, Failed)
    assert failed.outcome is Outcome.MALFORMED


async def test_another_size_is_fitted_and_the_received_bytes_are_kept(bench: Bench) -> None:
    received: list[bytes] = []

    def larger(request: GenerateRequest) -> GeneratedImage:
        with Image.open(request.lq_path) as image:
            buffer = io.BytesIO()
            image.resize((320, 320)).save(buffer, "JPEG", quality=95)
        received.append(buffer.getvalue())
        return GeneratedImage(buffer.getvalue(), "image/jpeg")

    bench.generator = ScriptedGenerator(larger)
    assert (await bench.run(limit=1)).waiting == 1
    made = next(f for f in await bench.read(lambda p: patches.facts(p, 1)) if isinstance(f, Generated))
    assert made.received_sha256 != made.target_sha256
    patch = await bench.read(lambda p: patches.patch(p, 1))
    with Image.open(patch.hq_path) as target:
        assert target.size == (160, 160)
    kept = bench.store.folder / "candidates" / made.received_sha256[:2] / f"{made.received_sha256}.jpg"
    assert kept.read_bytes() == received[0]
    assert (await bench.read(check)).ok


async def test_limits_are_kept(bench: Bench) -> None:
    bench.generator = ScriptedGenerator(delay_s=0.05, concurrency=2)
    await bench.run()
    assert bench.generator.most_at_once == 2


async def test_held_patches_are_left_out(bench: Bench) -> None:
    await bench.read(lambda p: holds.set_hold(p, [1, 2], Hold.NOT_SAMPLED))
    assert (await bench.run()).patches == 2


async def test_pause_begins_nothing_new_and_resume_goes_on(bench: Bench) -> None:
    bench.generator = ScriptedGenerator(delay_s=0.02, concurrency=1)
    engine = bench.engine()
    task = asyncio.create_task(engine.run())
    while not bench.generator.requests:
        await asyncio.sleep(0.01)
    engine.pause()
    await asyncio.sleep(1.5)
    asked = len(bench.generator.requests)
    await asyncio.sleep(0.3)
    assert len(bench.generator.requests) == asked
    assert not task.done()
    engine.resume()
    assert (await task).waiting == 4


async def test_stop_ends_at_once_and_loses_nothing_recorded(bench: Bench) -> None:
    bench.generator = ScriptedGenerator(delay_s=60, concurrency=1)
    engine = bench.engine()
    task = asyncio.create_task(engine.run())
    while not bench.generator.requests:
        await asyncio.sleep(0.01)
    engine.stop()
    report = await asyncio.wait_for(task, 5)
    assert (report.ended, report.patches) == ("stopped", 0)
    entries = await bench.read(runs.ledger)
    assert [e.outcome for e in entries] == ["cancelled"]
    bench.generator = ScriptedGenerator()
    assert (await bench.run()).waiting == 4


async def test_an_interrupted_paid_call_is_never_repeated_by_itself(bench: Bench) -> None:
    def begin(project: Project) -> None:
        run_id = runs.begin_run(project, RECIPE)
        runs.begin_calls(project, [runs.Call(run_id, 1, "generate", "scripted", 1, "x", True, 0.04)])

    await bench.read(begin)
    report = await bench.run()
    assert (report.ambiguous, report.patches, report.waiting) == (1, 3, 3)
    failed = await bench.read(lambda p: patches.patch(p, 1))
    assert (failed.state, failed.decided_by) == (State.FAILED, "generate:ambiguous")
    assert [(e.outcome, e.cost_usd) for e in await bench.read(runs.ledger)][0] == ("ambiguous", 0.04)
    await bench.read(lambda p: retry_failed(p, "a person said so"))
    assert (await bench.run()).waiting == 1


async def test_spending_adds_up(bench: Bench) -> None:
    bench.generator = ScriptedGenerator(paid=True, price_usd=0.04)
    report = await bench.run()
    assert report.cost_usd == pytest.approx(0.16)
    assert sum(e.cost_usd or 0 for e in await bench.read(runs.ledger)) == pytest.approx(0.16)


async def test_the_recipe_of_each_attempt_is_on_record(bench: Bench) -> None:
    await bench.run(limit=1)
    assert await bench.read(runs.recipes) == {RECIPE.hash: RECIPE.canonical_json()}
    assert replace(RECIPE, seed=1).hash != RECIPE.hash


@pytest.mark.parametrize("outcome", [Outcome.BAD_KEY, Outcome.QUOTA])
async def test_what_would_fail_every_patch_ends_the_run(tmp_path: Path, outcome: Outcome) -> None:
    def refuse(_: GenerateRequest) -> GeneratedImage:
        raise ProviderError(outcome, "The provider said no.")

    with Project.create(tmp_path / "p") as project:
        for seed in range(60):
            add_patch(project, seed)
    bench = Bench(tmp_path / "p")
    try:
        bench.generator = ScriptedGenerator(refuse, delay_s=0.01, concurrency=1)
        report = await bench.run()
        assert report.ended == "halted"
        assert "The provider said no." in report.message
        assert len(bench.generator.requests) < 20
        bench.generator = ScriptedGenerator()
        await bench.read(lambda p: retry_failed(p, "the key was changed"))
        assert (await bench.run()).waiting == 60
    finally:
        bench.pool.close()
        bench.store.close()


async def test_a_pause_lets_no_queued_call_leave(bench: Bench) -> None:
    bench.generator = ScriptedGenerator(delay_s=0.3, concurrency=1, paid=True, price_usd=0.04)
    engine = bench.engine()
    task = asyncio.create_task(engine.run())
    while not bench.generator.requests:
        await asyncio.sleep(0.01)
    engine.pause()
    await asyncio.sleep(1.0)
    assert len(bench.generator.requests) == 1, "the others had their place in the queue, and wait"
    engine.resume()
    assert (await task).waiting == 4
    entries = await bench.read(runs.ledger)
    assert sum(e.cost_usd or 0 for e in entries if e.step == "generate") == pytest.approx(0.16)


async def test_a_stopped_paid_call_is_booked_and_not_made_again_by_itself(bench: Bench) -> None:
    bench.generator = ScriptedGenerator(delay_s=60, concurrency=1, paid=True, price_usd=0.04)
    engine = bench.engine()
    task = asyncio.create_task(engine.run())
    while not bench.generator.requests:
        await asyncio.sleep(0.01)
    engine.stop()
    report = await asyncio.wait_for(task, 5)
    assert report.cost_usd == pytest.approx(0.04)
    entries = await bench.read(runs.ledger)
    assert sum(e.cost_usd or 0 for e in entries) == pytest.approx(0.04)
    assert all(e.outcome == "cancelled" for e in entries)
    assert (await bench.read(lambda p: patches.patch(p, 1))).decided_by == "generate:cancelled"
    bench.generator = ScriptedGenerator(paid=True, price_usd=0.04)
    assert (await bench.run()).waiting == 3
    await bench.read(lambda p: retry_failed(p, "a person said so"))
    assert (await bench.run()).waiting == 1


async def test_an_image_that_arrives_as_the_run_is_stopped_is_kept(bench: Bench) -> None:
    kept = asyncio.Event()

    def stop_at_once(request: GenerateRequest) -> GeneratedImage:
        asyncio.get_running_loop().call_soon(asyncio.get_running_loop().call_soon, engine.stop)
        kept.set()
        return blurred(request)

    bench.generator = ScriptedGenerator(stop_at_once, concurrency=1, paid=True, price_usd=0.04)
    engine = bench.engine()
    task = asyncio.create_task(engine.run())
    await kept.wait()
    for _ in range(5):
        task.cancel()
        await asyncio.sleep(0)
    await asyncio.wait([task])
    paid = [e for e in await bench.read(runs.ledger) if e.cost_usd]
    made = [
        f for n in range(1, 5) for f in await bench.read(lambda p, n=n: patches.facts(p, n)) if isinstance(f, Generated)
    ]
    failed = [
        f for n in range(1, 5) for f in await bench.read(lambda p, n=n: patches.facts(p, n)) if isinstance(f, Failed)
    ]
    assert len(paid) == len(made) + len(failed) >= 1, "each paid call has its image, or says that it was stopped"
    assert not [t for t in threading.enumerate() if "filing" in t.name], "no thread is left behind"


async def test_an_unreadable_candidate_is_drawn_again_when_it_is_retried(bench: Bench) -> None:
    def torn(request: GenerateRequest) -> GeneratedImage:
        return replace(blurred(request), data=blurred(request).data[:200])

    bench.generator = ScriptedGenerator(torn)
    report = await bench.run(limit=1)
    assert report.failed == 1
    assert (await bench.read(lambda p: patches.patch(p, 1))).decided_by == "align:malformed"
    bench.generator = ScriptedGenerator()
    await bench.read(lambda p: retry_failed(p, "asked"))
    assert (await bench.run(limit=1)).waiting == 1
    assert len(bench.generator.requests) == 1


async def test_starting_afresh_draws_another_sample(bench: Bench) -> None:
    bench.judge = ScriptedJudge(scored(30, Decision.REJECT))
    await bench.run(limit=1)
    first = {r.seed for r in bench.generator.requests}
    await bench.read(lambda p: reopen(p, State.REJECTED, "again"))
    await bench.run(limit=1)
    assert len({r.seed for r in bench.generator.requests} - first) == 3


@pytest.mark.parametrize(
    "verdict",
    [
        Verdict({}, Decision.ACCEPT),
        Verdict({a: AspectScore(float("nan"), "") for a in Aspect}, Decision.ACCEPT),
        Verdict({a: AspectScore(101, "") for a in Aspect}, Decision.ACCEPT),
        None,
    ],
)
async def test_a_senseless_verdict_is_malformed_and_no_score(bench: Bench, verdict: Verdict | None) -> None:
    bench.judge = ScriptedJudge(verdict)  # type: ignore[arg-type]
    report = await bench.run(limit=1)
    assert report.failed == 1
    assert (await bench.read(lambda p: patches.patch(p, 1))).decided_by == "judge:malformed"
    assert (await bench.read(check)).ok


async def test_half_a_character_in_a_verdict_is_no_trouble(bench: Bench) -> None:
    bench.judge = ScriptedJudge(Verdict({a: AspectScore(95, "bad \ud83d half") for a in Aspect}, Decision.ACCEPT))
    assert (await bench.run(limit=1)).waiting == 1
    assert (await bench.read(check)).ok


async def test_the_type_is_that_of_the_bytes(bench: Bench) -> None:
    def disguised(request: GenerateRequest) -> GeneratedImage:
        with Image.open(request.lq_path) as image:
            buffer = io.BytesIO()
            image.save(buffer, "JPEG", quality=95)
        return GeneratedImage(buffer.getvalue(), "image/png")

    bench.generator = ScriptedGenerator(disguised)
    assert (await bench.run(limit=1)).waiting == 1
    patch = await bench.read(lambda p: patches.patch(p, 1))
    assert patch.hq_path is not None
    assert patch.hq_path.suffix == ".jpg"


async def test_an_edited_preset_is_written_anew_when_patches_start_afresh(bench: Bench) -> None:
    bench.judge = ScriptedJudge(scored(30, Decision.REJECT))
    await bench.run(limit=1)
    await bench.read(lambda p: reopen(p, State.REJECTED, "other words"))
    bench.prompts = ScriptedPrompts("Other words.")
    recipe = replace(RECIPE, prompt_texts={"general-mixed": "Other words."})
    await bench.engine(limit=1, recipe=recipe).run()
    assert bench.generator.requests[-3].prompt == "Other words."


async def test_paid_prompts_stand_in_the_ledger_and_keep_their_limit(bench: Bench) -> None:
    bench.prompts = ScriptedPrompts("Restore.", paid=True, price_usd=0.01, delay_s=0.05)
    report = await bench.run()
    assert report.cost_usd == pytest.approx(0.04)
    assert [e.step for e in await bench.read(runs.ledger)].count("prompt") == 4
    assert bench.prompts.most_at_once == 1
