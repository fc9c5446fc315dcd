"""The estimate of an order in batches: what is ordered, what it costs, and that it keeps the budget as the order does."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from fakes.projects import add_patch, facts_until_waiting, make_candidate
from fakes.vendor_server import VendorServer
from ggt_studio.core.errors import StudioError
from ggt_studio.core.facts import Aligned, Judged, Prompted
from ggt_studio.core.model import GateResult
from ggt_studio.core.prompts import prompt_basis
from ggt_studio.core.words import Decision
from ggt_studio.pipeline import batch_results, batch_runs
from ggt_studio.pipeline.batch_estimate import OrderFacts, estimate_order, order_facts
from ggt_studio.pipeline.batch_runs import batches_of, most_of_prompt, most_usd
from ggt_studio.pipeline.estimate import project_facts
from ggt_studio.pipeline.recipes import MetricGate
from ggt_studio.pipeline.session import Session
from ggt_studio.settings import Settings
from ggt_studio.store import patches, runs, tryouts
from ggt_studio.store.named_recipes import Choice
from ggt_studio.store.project import Project


@pytest.fixture
def vendors(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[VendorServer]:
    with VendorServer() as server:
        for name, value in server.environment().items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("GGT_STUDIO_HOME", str(tmp_path / "home"))
        yield server


@pytest.fixture
def session(vendors: VendorServer, tmp_path: Path) -> Iterator[Session]:
    with Project.create(tmp_path / "p") as project:
        for seed in range(4):
            add_patch(project, seed, size=64)
    with Session(tmp_path / "p", Settings(worker_processes=1)) as opened:
        yield opened


async def test_the_facts_follow_an_order_and_its_collection(session: Session, vendors: VendorServer) -> None:
    vendors.script.hold_batches = True
    recipe = session.recipe("nano-banana-2", "fix", "measured", metric_gate=MetricGate.NONE)

    async def facts(count: int | None = None) -> OrderFacts:
        return await session.store.call(lambda project: order_facts(project, recipe, session.registry, count))

    assert await facts() == OrderFacts(4, 0)
    assert (await facts(3)).patches == 3
    done = await batch_runs.submit(session, recipe, limit=3)
    value = estimate_order(OrderFacts(3, 0), recipe, session.registry)
    assert (value.expected_usd, value.most_usd) == pytest.approx((done.estimated_usd, done.most_usd))
    assert await facts() == OrderFacts(1, 0), "what is in a batch is not ordered again"
    vendors.script.hold_batches = False
    await batch_results.collect(session)
    assert await facts() == OrderFacts(1, 0), "what is there is judged first"
    assert await session.store.call(patches.count_unjudged) == 3


async def test_a_budget_allows_what_the_order_then_takes(session: Session, vendors: VendorServer) -> None:
    recipe = session.recipe("nano-banana-2", "gemini", "measured")
    one = most_usd(batches_of(session.registry, "nano-banana-2").info)
    prompt = most_of_prompt(session.registry.prompt_writer("gemini").info)
    some = estimate_order(OrderFacts(4, 0), recipe, session.registry, 2.5 * (one + prompt))
    assert (some.patches, some.calls) == (2, {"generate": 2, "prompt": 2})
    assert some.most_usd <= 2.5 * (one + prompt)
    assert any("allows 2 of 4" in words for words in some.assumptions)
    written = estimate_order(OrderFacts(4, 3), recipe, session.registry, 3 * one + prompt)
    assert (written.patches, written.calls["prompt"]) == (3, 0), "those whose prompt is paid for come first"
    assert estimate_order(OrderFacts(4, 0), recipe, session.registry, 0.0).patches == 0
    assert estimate_order(OrderFacts(4, 0), recipe, session.registry).patches == 4
    with pytest.raises(StudioError, match="takes no batches"):
        estimate_order(OrderFacts(4, 0), session.recipe("classical", "fix", "measured"), session.registry)


async def test_prompts_of_patches_in_batches_are_not_taken_for_those_of_the_next_run(
    session: Session, vendors: VendorServer
) -> None:
    vendors.script.hold_batches = True
    recipe = session.recipe("nano-banana-2", "gemini", "measured")

    def write(project: Project) -> None:
        for patch in patches.runnable(project, limit=2):
            patches.append(project, patch.id, [Prompted("gemini", "Restore it.", prompt_basis(recipe, patch.category))])

    await session.store.call(write)
    before = await session.store.call(lambda project: project_facts(project, recipe, session.registry))
    assert (before.patches, before.prompted) == (4, 2)
    await batch_runs.submit(session, recipe, limit=2)
    after = await session.store.call(lambda project: project_facts(project, recipe, session.registry))
    assert (after.patches, after.prompted) == (2, 0)


async def test_candidates_count_until_a_gate_or_the_judge_has_turned_them_away(session: Session) -> None:
    def tell(project: Project) -> list[int]:
        counts = []
        facts = facts_until_waiting(make_candidate(project, 1))
        for fact in facts:
            if isinstance(fact, Judged):
                rejected = replace(fact.verdict, decision=Decision.REJECT)
                fact = replace(fact, verdict=rejected, ruled=Decision.REJECT)
            patches.append(project, 1, [fact])
            if not isinstance(fact, Prompted):
                counts.append(patches.count_unjudged(project))
        refused = facts_until_waiting(make_candidate(project, 2))
        aligned = next(fact for fact in refused if isinstance(fact, Aligned))
        upto = refused[: refused.index(aligned)]
        patches.append(project, 2, [*upto, replace(aligned, gate=GateResult(False, "shift", "too far"))])
        return [*counts, patches.count_unjudged(project)]

    assert await session.store.call(tell) == [1, 1, 1, 0, 0]


async def test_interrupted_calls_count_once_and_only_where_they_set_a_patch_aside(session: Session) -> None:
    recipe = session.recipe("nano-banana-2", "fix", "measured", metric_gate=MetricGate.NONE)

    def interrupt(project: Project) -> None:
        for fact in facts_until_waiting(make_candidate(project, 1))[:2]:
            patches.append(project, 1, [fact])
        tried = tryouts.begin(project, [2], [("Mine", Choice("nano-banana-2", "fix", "measured"), recipe)])
        run = runs.begin_run(project, recipe)
        calls = [(run, 1, "judge"), (tried.entries[0].run_id, 2, "generate"), (run, 3, "generate")]
        runs.begin_calls(project, [runs.Call(*call, "nano-banana-2", 1, "hash", True, 0.04) for call in calls])

    await session.store.call(interrupt)
    assert await session.store.call(patches.count_unjudged) == 1
    facts = await session.store.call(lambda project: order_facts(project, recipe, session.registry))
    assert facts.patches == 2, "1 is to be judged, 3 is set aside; a try-out leaves 2 as it is"
    assert (await session.store.call(lambda project: project_facts(project, recipe, session.registry))).patches == 2
    nothing = estimate_order(OrderFacts(0, 0), recipe, session.registry, 0.0)
    assert (nothing.patches, nothing.left_out) == (0, 0), "it is not the budget that stands against it"
