"""Runs with vision language models over HTTP: prompts that are paid once, judges that are asked again, people who decide."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from fakes.chat_server import Asked, ChatServer, Fails, Refuses, Says, verdict_text
from fakes.projects import add_patch
from fakes.providers import ScriptedGenerator
from fakes.vlm import vlm_services
from ggt_studio.core.errors import NothingToUndo, StudioError
from ggt_studio.core.facts import Failed, Generated, Judged, Prompted
from ggt_studio.core.recipe import AlignmentRule, Recipe
from ggt_studio.core.words import Category, Decision, State
from ggt_studio.pipeline.engine import Engine, RunReport
from ggt_studio.pipeline.prompts import edit_prompt, take_back_edit, write_prompts
from ggt_studio.pipeline.recipes import MetricGate, make_recipe
from ggt_studio.pipeline.retrying import reopen, retry_failed
from ggt_studio.providers.registry import Registry, build_registry
from ggt_studio.providers.vlm.writer import AdaptivePrompts
from ggt_studio.store import patches, runs
from ggt_studio.store.check import check
from ggt_studio.store.details import details
from ggt_studio.store.project import Project
from ggt_studio.store.thread import StoreThread
from ggt_studio.worker.client import WorkerPool

PROMPT = "Remove the rain streaks over the red bus and recover its lettering as it is."


def is_judging(asked: Asked) -> bool:
    return len(asked.images) == 2


class Bench:
    """A project of three patches; `gemini` writes the prompts and judges, behind a server that a test scripts."""

    def __init__(self, folder: Path, registry: Registry, server: ChatServer) -> None:
        self.registry, self.server = registry, server
        self.generator = ScriptedGenerator()
        self.second = ScriptedGenerator()
        registry.generators.update({"scripted": self.generator, "second": self.second})
        self.store = StoreThread(folder)
        self.store.start()
        self.pool = WorkerPool(1)
        self.verdicts = [verdict_text()]
        self.judged: list[Asked] = []
        self.written: list[Asked] = []
        server.script = self.answer

    def answer(self, asked: Asked) -> Says:
        if not is_judging(asked):
            self.written.append(asked)
            return Says(PROMPT)
        self.judged.append(asked)
        return Says(self.verdicts[min(len(self.judged), len(self.verdicts)) - 1])

    def recipe(self, generator: str = "scripted", prompts: str = "gemini") -> Recipe:
        made = make_recipe(self.registry, generator, prompts, "gemini", metric_gate=MetricGate.NONE)
        fields = {name: getattr(made, name) for name in Recipe.__slots__}
        return Recipe(**{**fields, "alignment_rule": AlignmentRule(min_correlation=-1.0)})

    async def run(self, generator: str = "scripted", prompts: str = "gemini", **options: object) -> RunReport:
        recipe = self.recipe(generator, prompts)
        return await Engine(self.store, self.pool, self.registry, recipe, **options).run()  # type: ignore[arg-type]

    async def read(self, function):
        return await self.store.call(function)

    async def facts(self, kind: type, patch_id: int = 1) -> list:
        return [f for f in await self.read(lambda p: patches.facts(p, patch_id)) if isinstance(f, kind)]


@pytest.fixture
def server() -> Iterator[ChatServer]:
    with ChatServer() as running:
        yield running


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, server: ChatServer):
    with Project.create(tmp_path / "p") as project:
        for seed in range(3):
            add_patch(project, seed, category=Category.RAIN)
    services = vlm_services(server.address, tmp_path / "home", monkeypatch)
    made = Bench(tmp_path / "p", build_registry(services), server)
    yield made
    made.pool.close()
    made.store.close()
    services.clients.close()


async def test_a_run_writes_prompts_judges_and_books_each_call(bench: Bench) -> None:
    report = await bench.run()
    assert (report.waiting, report.failed) == (3, 0)
    assert {request.prompt for request in bench.generator.requests} == {PROMPT}
    entries = await bench.read(runs.ledger)
    assert sorted((e.step, e.provider, e.paid) for e in entries if e.paid) == sorted(
        [("judge", "gemini", True), ("prompt", "gemini", True)] * 3
    )
    assert report.cost_usd == pytest.approx(sum(e.cost_usd or 0 for e in entries))
    assert all((e.cost_usd or 0) > 0 for e in entries if e.paid)
    (judged,) = await bench.facts(Judged)
    assert judged.verdict.raw == verdict_text()
    assert (await bench.read(check)).ok


async def test_the_recipe_tells_the_models_the_meta_prompts_and_what_the_judge_was_told(bench: Bench) -> None:
    recipe = bench.recipe()
    assert recipe.models == {"prompts": "gemini-3.1-pro-preview", "judge": "gemini-3.1-pro-preview"}
    assert "rainy mood" in recipe.prompt_texts["rain"]
    assert "object_consistency" in recipe.judge_text
    writer = bench.registry.prompt_writer("gemini")
    assert isinstance(writer, AdaptivePrompts)
    own = writer.own_copy()
    own.write_text(own.read_text("utf-8").replace("Fidelity comes first", "Mine comes first"), "utf-8")
    writer.reread()
    assert bench.recipe().hash != recipe.hash


async def test_generators_are_compared_on_equal_prompts_that_are_paid_once(bench: Bench) -> None:
    bench.verdicts = [verdict_text(20, "Reject")]
    assert (await bench.run()).rejected == 3
    assert len(bench.written) == 3
    await bench.read(lambda p: reopen(p, State.REJECTED, "another generator"))
    await bench.run("second")
    assert len(bench.written) == 3, "no prompt was paid for twice"
    first = {(r.lq_sha256, r.prompt) for r in bench.generator.requests if r.attempt == 1}
    assert {(r.lq_sha256, r.prompt) for r in bench.second.requests if r.attempt == 1} == first
    await bench.read(lambda p: reopen(p, State.REJECTED, "another strategy"))
    await bench.run(prompts="fix")
    await bench.read(lambda p: reopen(p, State.REJECTED, "the first again"))
    await bench.run()
    assert len(bench.written) == 3


async def test_prompts_can_be_written_read_and_edited_before_anything_is_generated(bench: Bench) -> None:
    recipe = bench.recipe()
    written = await write_prompts(bench.store, bench.pool, bench.registry, recipe, [1, 2])
    assert {n: prompt.text for n, prompt in written.items()} == {1: PROMPT, 2: PROMPT}
    assert bench.generator.requests == []
    await bench.read(lambda p: edit_prompt(p, 2, "  Only denoise it.  "))
    shown = await bench.read(lambda p: details(p, 2))
    assert shown.prompt == Prompted("edited", "Only denoise it.")
    await bench.run()
    assert sorted(r.prompt for r in bench.generator.requests) == sorted(["Only denoise it.", PROMPT, PROMPT])
    assert len(bench.written) == 3, "two before, one in the run"
    assert await write_prompts(bench.store, bench.pool, bench.registry, recipe, [1]) == {1: written[1]}
    assert len(bench.written) == 3


async def test_an_edit_can_be_taken_back_and_makes_sense_or_is_refused(bench: Bench) -> None:
    await write_prompts(bench.store, bench.pool, bench.registry, bench.recipe(), [1])
    with pytest.raises(NothingToUndo):
        await bench.read(lambda p: take_back_edit(p, 1))
    await bench.read(lambda p: edit_prompt(p, 1, "Mine."))
    await bench.read(lambda p: take_back_edit(p, 1))
    assert (await bench.read(lambda p: details(p, 1))).prompt.text == PROMPT
    await bench.run(limit=1)
    assert bench.generator.requests[0].prompt == PROMPT
    for text, patch_id in (("  ", 1), ("x" * 8001, 1), ("Fine.", 99)):
        with pytest.raises(StudioError):
            await bench.read(lambda p, t=text, n=patch_id: edit_prompt(p, n, t))


async def test_a_prompt_that_cannot_be_written_fails_its_patch_and_is_told(bench: Bench) -> None:
    bench.server.script = lambda _: Refuses()
    assert await write_prompts(bench.store, bench.pool, bench.registry, bench.recipe(), [1]) == {}
    assert (await bench.read(lambda p: patches.patch(p, 1))).decided_by == "prompt:safety_block"


async def test_an_unreadable_verdict_is_asked_again_and_uses_up_no_attempt(bench: Bench) -> None:
    bench.verdicts = ["Fine by me!", verdict_text()[:99], verdict_text()]
    report = await bench.run(limit=1)
    assert (report.attempts, report.waiting) == (1, 1)
    assert [f.raw for f in await bench.facts(Failed)] == ["Fine by me!", verdict_text()[:99]]
    assert len(await bench.facts(Judged)) == len(await bench.facts(Generated)) == 1
    entries = [e for e in await bench.read(runs.ledger) if e.step == "judge"]
    assert [(e.outcome, e.attempt) for e in entries] == [("malformed", 1), ("malformed", 1), ("ok", 1)]
    assert all((e.cost_usd or 0) > 0 for e in entries), "each was paid for"
    assert len({asked.images[1] for asked in bench.judged}) == 1, "the same candidate each time"
    assert (await bench.read(check)).ok


async def test_a_judge_that_stays_unreadable_is_a_failure_and_no_rejection(bench: Bench) -> None:
    bench.verdicts = ["Fine by me!"]
    report = await bench.run(limit=1)
    assert (report.attempts, report.failed, report.rejected) == (1, 1, 0)
    assert len(bench.judged) == 3
    assert (await bench.read(lambda p: patches.patch(p, 1))).decided_by == "judge:malformed"
    bench.verdicts = [verdict_text()]
    await bench.read(lambda p: retry_failed(p, "asked for"))
    report = await bench.run(limit=1)
    assert (report.attempts, report.waiting) == (0, 1), "the candidate was kept"


@pytest.mark.parametrize(
    ("said", "scores", "state", "by"),
    [
        ("Accept", {}, State.WAITING, "judge"),
        ("Accept", {"object_consistency": 80}, State.WAITING, "disagreement"),
        ("Accept", {"colour_consistency": 10}, State.WAITING, "disagreement"),
        ("Reject", {}, State.WAITING, "disagreement"),
        ("Reject", {"object_consistency": 80}, State.REJECTED, "judge"),
    ],
)
async def test_where_judge_and_rule_disagree_a_person_decides(
    bench: Bench, said: str, scores: dict[str, float], state: State, by: str
) -> None:
    bench.verdicts = [verdict_text(95, said, **scores)]
    await bench.run(limit=1)
    patch = await bench.read(lambda p: patches.patch(p, 1))
    assert (patch.state, patch.decided_by) == (state, by)
    first = (await bench.facts(Judged))[0]
    assert first.verdict.decision is Decision(said.lower())


async def test_a_rejection_strengthens_with_the_judge_s_words(bench: Bench) -> None:
    bench.verdicts = [verdict_text(95, "Reject", geometry_alignment=10), verdict_text()]
    report = await bench.run(limit=1)
    assert (report.attempts, report.waiting) == (2, 1)
    first, second = bench.generator.requests
    assert second.prompt.startswith(first.prompt)
    assert "geometry_alignment was looked at" in second.prompt


async def test_a_model_of_one_s_own_writes_and_judges_without_charge(bench: Bench) -> None:
    made = make_recipe(bench.registry, "scripted", "mine", "mine", metric_gate=MetricGate.NONE)
    fields = {name: getattr(made, name) for name in Recipe.__slots__}
    recipe = Recipe(**{**fields, "alignment_rule": AlignmentRule(min_correlation=-1.0)})
    report = await Engine(bench.store, bench.pool, bench.registry, recipe).run()
    assert (report.waiting, report.cost_usd) == (3, 0.0)
    entries = await bench.read(runs.ledger)
    assert {(e.step, e.paid) for e in entries} == {("prompt", False), ("generate", False), ("judge", False)}


async def test_a_refused_key_halts_the_run_before_anything_is_generated(bench: Bench) -> None:
    bench.server.script = lambda _: Fails(401, b'{"error": {"status": "UNAUTHENTICATED", "message": "no"}}')
    report = await bench.run()
    assert report.ended == "halted"
    assert bench.generator.requests == []
