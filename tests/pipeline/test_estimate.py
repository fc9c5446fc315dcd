"""Estimates of a run: from the project's own history where there is enough of it, else from assumptions that are told."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from fakes.instant_pool import InstantPool
from fakes.projects import add_patch
from fakes.providers import ScriptedGenerator, ScriptedJudge, ScriptedPrompts, scored
from ggt_studio.core.recipe import MetricRule, Recipe
from ggt_studio.core.words import Decision, Stage
from ggt_studio.pipeline.engine import Engine
from ggt_studio.pipeline.estimate import ENOUGH, Estimate, estimate, project_facts
from ggt_studio.pipeline.retrying import retry_failed
from ggt_studio.providers.base import Allowance
from ggt_studio.providers.registry import Registry
from ggt_studio.store import runs
from ggt_studio.store.project import Project
from ggt_studio.store.thread import StoreThread

RECIPE = Recipe("scripted", "scripted", "scripted", metric_rules=(MetricRule("piqe", True, -10.0),))
PATCHES = 60


def providers(**generator: object) -> Registry:
    """A generator at $0.04 that can cost $0.10, a writer at $0.01, and a judge at $0.02 that turns the first candidate away."""
    maker, writer = ScriptedGenerator(paid=True, price_usd=0.04), ScriptedPrompts(paid=True, price_usd=0.01)
    judge = ScriptedJudge(scored(30, Decision.REJECT), scored(95))
    maker.info = replace(maker.info, **{"most_usd": 0.10, "quota": "s/maker", "concurrency": 8, **generator})
    writer.info = replace(writer.info, model="reader", quota="s/reader", concurrency=64)
    judge.info = replace(judge.info, paid=True, price_usd=0.02, quota="s/reader", concurrency=64)
    return Registry({"scripted": maker}, {"scripted": writer}, {"scripted": judge})


@pytest.fixture
def store(tmp_path: Path):
    with Project.create(tmp_path / "p") as project, project.transaction():
        for seed in range(PATCHES):
            add_patch(project, seed, size=64)
    made = StoreThread(tmp_path / "p")
    made.start()
    yield made
    made.close()


async def estimated(store: StoreThread, registry: Registry, count: int | None = None) -> Estimate:
    facts = await store.call(lambda project: project_facts(project, RECIPE, registry, count))
    return estimate(facts, RECIPE, registry)


async def test_without_history_the_assumption_is_told(store: StoreThread) -> None:
    found = await estimated(store, providers())
    assert found.calls == {"prompt": 60, "generate": 96, "judge": 96}
    assert found.expected_usd == pytest.approx(60 * 0.01 + 96 * 0.04 + 96 * 0.02)
    assert found.most_usd == pytest.approx(180 * 0.01 + 180 * 0.10 + 540 * 0.02), (
        "all attempts, all replies asked thrice"
    )
    assert any("1.6 attempts" in line and "assumption" in line for line in found.assumptions)
    assert (await estimated(store, providers(), 10)).calls["generate"] == 16


async def test_a_projects_own_history_takes_the_assumptions_place(store: StoreThread) -> None:
    registry = providers()
    report = await Engine(store, InstantPool(), registry, RECIPE, limit=ENOUGH).run()  # type: ignore[arg-type]
    assert (report.attempts, report.waiting) == (2 * ENOUGH, ENOUGH)
    found = await estimated(store, registry)
    assert found.patches == PATCHES - ENOUGH
    assert found.calls == {"prompt": 40, "generate": 80, "judge": 80}
    assert found.expected_usd == pytest.approx(40 * 0.01 + 80 * 0.04), "this judge's calls turned out to cost nothing"
    assert any("2.00 attempts" in line for line in found.assumptions)
    assert found.expected_seconds is not None
    # What is estimated is what comes.
    report = await Engine(store, InstantPool(), registry, RECIPE).run()  # type: ignore[arg-type]
    assert report.cost_usd == pytest.approx(found.expected_usd)
    assert report.cost_per_accepted_usd == pytest.approx(found.expected_usd / 40)
    assert report.cost_usd <= found.most_usd


async def test_written_prompts_cost_nothing_again(store: StoreThread) -> None:
    registry = providers()
    other = replace(RECIPE, generator="other")
    registry.generators["other"] = ScriptedGenerator(lambda _: 1 / 0)  # type: ignore[arg-type, return-value]
    await Engine(store, InstantPool(), registry, other, limit=15).run()  # type: ignore[arg-type]
    assert await store.call(lambda project: retry_failed(project, "asked")) == 15
    found = await estimated(store, registry)
    assert found.calls["prompt"] == PATCHES - 15
    assert any("15 prompts are written already" in line for line in found.assumptions)


async def test_a_price_that_nobody_knows_is_said_and_not_counted(store: StoreThread) -> None:
    found = await estimated(store, providers(price_known=False, price_usd=0.0, most_usd=None))
    assert found.unpriced == ("Scripted generator",)
    assert found.expected_usd == pytest.approx(60 * 0.01 + 96 * 0.02)
    assert any("Scripted generator costs is not known" in line for line in found.assumptions)


async def test_limits_make_the_time(store: StoreThread) -> None:
    quick = await estimated(store, providers(concurrency=64))
    slow = await estimated(store, providers(concurrency=64, allowance=Allowance(requests=10)))
    assert quick.expected_seconds is not None
    assert slow.expected_seconds == 9 * 60.0, "96 requests at 10 a minute"
    assert slow.expected_seconds > quick.expected_seconds


async def test_what_is_free_costs_nothing(store: StoreThread) -> None:
    free = Registry({"scripted": ScriptedGenerator()}, {"scripted": ScriptedPrompts()}, {"scripted": ScriptedJudge()})
    found = await estimated(store, free)
    assert (found.paid, found.expected_usd, found.most_usd) == (False, 0.0, 0.0)
    assert set(found.calls) == {"generate", "judge"}, "preset prompts are no calls"


async def test_what_a_run_leaves_out_is_not_counted(store: StoreThread) -> None:
    registry = providers()

    def interrupted(project: Project) -> None:
        run = runs.begin_run(project, RECIPE)
        calls = [runs.Call(run, patch, "generate", "scripted", 1, "hash", True, 0.04) for patch in (1, 2)]
        runs.begin_calls(project, calls)

    await store.call(interrupted)
    assert (await estimated(store, registry)).patches == PATCHES - 2, (
        "their calls may have been charged: they are set aside"
    )

    await store.call(lambda p: p.db.execute("UPDATE patch SET stage = ? WHERE id <= 5", (Stage.GENERATED,)))
    facts = await store.call(lambda project: project_facts(project, RECIPE, registry, generate=False))
    found = estimate(facts, RECIPE, registry, generate=False)
    assert (found.patches, found.calls) == (5, {"judge": 5})
    assert found.expected_usd == pytest.approx(5 * 0.02)


async def test_the_time_of_a_model_on_this_machine_is_not_guessed(store: StoreThread) -> None:
    found = await estimated(store, providers(quota="", model="org/open-weights"))
    assert found.expected_seconds is None
    assert "How long Scripted generator takes for a candidate on this machine is not known yet." in found.assumptions
