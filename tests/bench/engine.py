"""Engine overhead: how long a run takes with a 50 ms generator and 64 in flight, against the bare calls to that generator.

All that a run records is recorded: five facts, two ledger rows and the candidate's file of every patch. Alignment, metrics
and judge answer at once, so that what is measured is the engine, the store and the disk. Runs and bare calls take turns, so
that other work on the machine meets both.
"""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from bench.report import Figure
from fakes.instant_pool import InstantPool
from fakes.projects import add_patch
from fakes.providers import ScriptedGenerator, ScriptedJudge, ScriptedPrompts, blurred
from ggt_studio.core.model import Patch
from ggt_studio.core.recipe import MetricRule, Recipe
from ggt_studio.core.words import Category
from ggt_studio.pipeline.engine import Engine
from ggt_studio.providers.base import GeneratedImage, GenerateRequest
from ggt_studio.providers.registry import Registry
from ggt_studio.store import patches
from ggt_studio.store.project import Project
from ggt_studio.store.thread import StoreThread

DELAY_S, IN_FLIGHT = 0.05, 64
# Each chunk takes 1.2 s at best.
WARM_UP, CHUNK, CHUNKS = 256, 1536, 5
RECIPE = Recipe("scripted", "scripted", "scripted", metric_rules=(MetricRule("piqe", True, -10.0),))


@dataclass(frozen=True)
class Turn:
    """The same number of patches as bare calls and as a run, and the processor time of the run."""

    bare_s: float
    run_s: float
    run_processor_s: float


def measure(chunk: int = CHUNK, chunks: int = CHUNKS) -> list[Figure]:
    """The share of the bare calls' throughput that a run reaches, and what a patch costs: medians, after a run to warm up."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        with Project.create(Path(folder) / "p") as project, project.transaction():
            for seed in range(WARM_UP + chunk * chunks):
                add_patch(project, seed, size=128)
        _, *turns = asyncio.run(_turns(Path(folder) / "p", [WARM_UP, *[chunk] * chunks]))
    share = statistics.median(turn.bare_s / turn.run_s for turn in turns)
    processor_ms = statistics.median(turn.run_processor_s for turn in turns) / chunk * 1000
    return [
        Figure("engine: share of ideal throughput", share, 0.90, at_least=True),
        Figure("engine: processor time per patch", processor_ms, None, at_least=False, unit="ms"),
    ]


async def _turns(folder: Path, counts: list[int]) -> list[Turn]:
    """One turn after the other, each of so many patches; a run counts from the call to the report."""
    store = StoreThread(folder)
    store.start()
    generator = ScriptedGenerator(_first_answer(), delay_s=DELAY_S, concurrency=IN_FLIGHT)
    generator.info = replace(generator.info, paid=True)
    judge = ScriptedJudge()
    judge.info = replace(judge.info, concurrency=IN_FLIGHT)
    registry = Registry({"scripted": generator}, {"scripted": ScriptedPrompts()}, {"scripted": judge})
    request = _request(await store.call(lambda project: patches.patch(project, 1)))
    turns = []
    try:
        for count in counts:
            began = time.perf_counter()
            await _bare_calls(generator, request, count)
            bare_s = time.perf_counter() - began
            began, processor_began = time.perf_counter(), time.process_time()
            report = await Engine(store, InstantPool(), registry, RECIPE, limit=count).run()  # type: ignore[arg-type]
            turns.append(Turn(bare_s, time.perf_counter() - began, time.process_time() - processor_began))
            if report.waiting != count:
                raise RuntimeError(f"only {report.waiting} of {count} patches came through")
    finally:
        store.close()
    return turns


async def _bare_calls(generator: ScriptedGenerator, request: GenerateRequest, count: int) -> None:
    """What is ideal: the generator's slots are never empty, and nothing is done with what comes back."""
    left = iter(range(count))

    async def slot() -> None:
        for _ in left:
            await generator.generate(request)

    await asyncio.gather(*(slot() for _ in range(IN_FLIGHT)))


def _request(patch: Patch) -> GenerateRequest:
    size = patch.geometry
    return GenerateRequest(
        "scripted", patch.lq_path, patch.sha256, size.width, size.height, Category.GENERAL_MIXED, "", (), 1, 0
    )


def _first_answer() -> Callable[[GenerateRequest], GeneratedImage]:
    """The bytes of a real answer with something of the request in them, so that each candidate is a file of its own."""
    template: list[bytes] = []

    def answer(request: GenerateRequest) -> GeneratedImage:
        if not template:
            template.append(blurred(request).data)
        return GeneratedImage(template[0] + request.lq_sha256.encode(), "image/png")

    return answer
