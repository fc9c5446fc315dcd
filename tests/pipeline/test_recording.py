"""When facts go on record: an alignment that passed with the next fact, one that failed at once, none forgotten."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from fakes.projects import add_patch
from fakes.providers import ScriptedGenerator, ScriptedJudge, ScriptedPrompts
from ggt_studio.core.errors import MlExtraMissing
from ggt_studio.core.recipe import MetricRule, Recipe
from ggt_studio.pipeline.engine import Engine, RunReport
from ggt_studio.providers.registry import Registry
from ggt_studio.store import patches
from ggt_studio.store.project import Project
from ggt_studio.store.thread import StoreThread

RECIPE = Recipe("scripted", "scripted", "scripted", metric_rules=(MetricRule("piqe", True, -10.0),), max_attempts=1)


class ScriptedPool:
    """Answers as scripted instead of measuring."""

    size = 1

    def __init__(self, score: Callable[[], dict[str, Any]], *, dx: float = 0.0) -> None:
        self.asked: list[str] = []
        self._score, self._dx = score, dx

    async def call(self, method: str, params: dict[str, Any], *, timeout_s: float | None = None) -> dict[str, Any]:
        self.asked.append(method)
        if method == "align":
            return {"dx": self._dx, "dy": 0.0, "scale": 1.0, "rotation_deg": 0.0, "correlation": 1.0}
        return self._score()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[StoreThread]:
    with Project.create(tmp_path / "p") as project:
        add_patch(project, 0)
    made = StoreThread(tmp_path / "p")
    made.start()
    yield made
    made.close()


def engine(store: StoreThread, pool: ScriptedPool) -> Engine:
    registry = Registry(
        {"scripted": ScriptedGenerator()}, {"scripted": ScriptedPrompts()}, {"scripted": ScriptedJudge()}
    )
    return Engine(store, pool, registry, RECIPE)  # type: ignore[arg-type]


async def on_record(store: StoreThread) -> list[str]:
    return [type(fact).__name__ for fact in await store.call(lambda project: patches.facts(project, 1))]


async def run(store: StoreThread, pool: ScriptedPool) -> RunReport:
    return await engine(store, pool).run()


def scores() -> dict[str, Any]:
    return {"lq": {"piqe": 40.0}, "hq": {"piqe": 30.0}, "between": {}, "provenance": {}}


async def test_an_alignment_that_failed_goes_on_record_at_once(store: StoreThread) -> None:
    report = await run(store, ScriptedPool(scores, dx=50.0))
    assert report.rejected == 1
    assert await on_record(store) == ["Prompted", "Generated", "Aligned"]


async def test_an_alignment_that_passed_is_kept_while_the_ml_extra_is_missing(store: StoreThread) -> None:
    def missing() -> dict[str, Any]:
        raise MlExtraMissing("Install the ml extra.")

    report = await run(store, ScriptedPool(missing))
    assert report.waiting_for_extra == 1
    assert await on_record(store) == ["Prompted", "Generated", "Aligned"]
    later = ScriptedPool(scores)
    assert (await run(store, later)).waiting == 1
    assert later.asked == ["score"], "the alignment is known"


async def test_an_alignment_that_passed_goes_on_record_with_the_failure_that_follows(store: StoreThread) -> None:
    def endless() -> dict[str, Any]:
        return {**scores(), "hq": {"piqe": float("inf")}}

    assert (await run(store, ScriptedPool(endless))).failed == 1
    assert await on_record(store) == ["Prompted", "Generated", "Aligned", "Failed"]


async def test_a_run_stopped_while_measuring_aligns_again(store: StoreThread) -> None:
    class Slow(ScriptedPool):
        async def call(self, method: str, params: dict[str, Any], *, timeout_s: float | None = None) -> dict[str, Any]:
            answer = await super().call(method, params, timeout_s=timeout_s)
            if method == "score":
                going.stop()
                await asyncio.sleep(60)
            return answer

    going = engine(store, Slow(scores))
    assert (await asyncio.wait_for(going.run(), 10)).ended == "stopped"
    assert await on_record(store) == ["Prompted", "Generated"]
    later = ScriptedPool(scores)
    assert (await run(store, later)).waiting == 1
    assert later.asked == ["align", "score"]
