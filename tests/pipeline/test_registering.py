"""Generators of certain sizes: what they return is registered, recorded, and refused where it shows something else."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import skimage.data
from PIL import Image

from fakes.projects import add_patch
from fakes.providers import ScriptedGenerator, ScriptedJudge, ScriptedPrompts
from ggt_studio.core.canvas import AllowedRatio, Canvas, SizeRule, plan_canvas, render
from ggt_studio.core.facts import Aligned, Fact, Generated
from ggt_studio.core.files import content_path
from ggt_studio.core.recipe import Recipe
from ggt_studio.core.words import State
from ggt_studio.pipeline.engine import Engine, RunReport
from ggt_studio.providers.base import GeneratedImage, GenerateRequest
from ggt_studio.providers.registry import Registry
from ggt_studio.store import patches
from ggt_studio.store.check import check
from ggt_studio.store.facts import decode
from ggt_studio.store.project import Project
from ggt_studio.store.thread import StoreThread
from ggt_studio.worker.client import WorkerPool

RECIPE = Recipe(generator="scripted", prompts="scripted", judge="scripted")
WIDE = SizeRule(ratios=(AllowedRatio("16:9", 1344, 768),))


class OnePatch:
    """A project of one patch, 160 x 160 px, and a generator that answers as a test says."""

    def __init__(self, folder: Path) -> None:
        with Project.create(folder) as project:
            add_patch(project, 1)
        self.store, self.pool = StoreThread(folder), WorkerPool(1)
        self.store.start()

    async def run(self, answer: Callable[[GenerateRequest], GeneratedImage]) -> tuple[RunReport, list[Fact]]:
        generator = ScriptedGenerator(answer)
        registry = Registry({"scripted": generator}, {"scripted": ScriptedPrompts()}, {"scripted": ScriptedJudge()})
        report = await Engine(self.store, self.pool, registry, RECIPE).run()
        return report, await self.store.call(lambda p: patches.facts(p, 1))


@pytest.fixture
def one(tmp_path: Path) -> Iterator[OnePatch]:
    made = OnePatch(tmp_path / "p")
    yield made
    made.pool.close()
    made.store.close()


def encoded(pixels: np.ndarray, size: tuple[int, int]) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).resize(size, Image.Resampling.LANCZOS).save(buffer, "JPEG", quality=95)
    return buffer.getvalue()


def lq(request: GenerateRequest) -> np.ndarray:
    with Image.open(request.lq_path) as image:
        return np.asarray(image.convert("RGB"))


async def test_a_padded_answer_of_another_size_becomes_a_target_of_the_patch(one: OnePatch) -> None:
    sent: list[bytes] = []

    def wide(request: GenerateRequest) -> GeneratedImage:
        canvas = plan_canvas(request.width, request.height, WIDE)
        sent.append(encoded(render(lq(request), canvas), (1344, 768)))
        return GeneratedImage(sent[0], "image/jpeg", canvas=canvas)

    report, facts = await one.run(wide)
    assert report.waiting == 1
    (made,) = (fact for fact in facts if isinstance(fact, Generated))
    assert made.registration is not None
    assert made.registration.case == "resized"
    assert (made.registration.received_width, made.registration.received_height) == (1344, 768)
    assert made.registration.correlation > 0.9
    candidates = one.store.folder / "candidates"
    assert content_path(candidates, made.received_sha256, ".jpg").read_bytes() == sent[0]
    with Image.open(content_path(candidates, made.target_sha256, ".png")) as target:
        assert target.size == (160, 160)
    assert (await one.store.call(check)).ok


async def test_a_scene_that_cannot_be_registered_is_an_attempt_that_failed_and_stays_to_be_seen(one: OnePatch) -> None:
    scenes = [skimage.data.astronaut(), skimage.data.chelsea()]

    def elsewhere_then_faithful(request: GenerateRequest) -> GeneratedImage:
        pixels = scenes[request.attempt - 1] if request.attempt <= len(scenes) else lq(request)
        return GeneratedImage(encoded(pixels, (320, 320)), "image/jpeg", canvas=Canvas.whole(160, 160))

    report, facts = await one.run(elsewhere_then_faithful)
    assert (report.attempts, report.waiting, report.failed) == (3, 1, 0)
    first = next(fact for fact in facts if isinstance(fact, Aligned))
    assert (first.attempt, first.gate.passed, first.gate.decided_by) == (1, False, "correlation")
    assert "something else" in first.gate.reason
    made = [fact for fact in facts if isinstance(fact, Generated)]
    assert [fact.registration is None for fact in made] == [True, True, False]
    for fact in made:
        with Image.open(content_path(one.store.folder / "candidates", fact.target_sha256, ".png")) as target:
            assert target.size == (160, 160)
    assert (await one.store.call(check)).ok


async def test_what_cannot_be_registered_three_times_is_rejected_by_its_alignment(one: OnePatch) -> None:
    data = [
        encoded(scene(), (320, 320)) for scene in (skimage.data.astronaut, skimage.data.chelsea, skimage.data.coffee)
    ]
    report, _ = await one.run(lambda request: GeneratedImage(data[request.attempt - 1], "image/jpeg"))
    assert (report.attempts, report.rejected) == (3, 1)
    patch = await one.store.call(lambda p: patches.patch(p, 1))
    assert (patch.state, patch.decided_by) == (State.REJECTED, "alignment:correlation")


async def test_an_answer_of_another_size_that_is_cut_short_is_malformed(one: OnePatch) -> None:
    def torn(request: GenerateRequest) -> GeneratedImage:
        return GeneratedImage(encoded(lq(request), (320, 320))[:3000], "image/jpeg")

    report, _ = await one.run(torn)
    assert report.failed == 1
    patch = await asyncio.wait_for(one.store.call(lambda p: patches.patch(p, 1)), 5)
    assert patch.decided_by == "generate:malformed"


def test_candidates_from_before_there_were_registrations_are_still_read() -> None:
    before = (
        '{"attempt":1,"max_attempts":3,"generator":"g","prompt":"p","strengthened":[],"seed":1,"received_sha256":"a",'
        '"target_sha256":"b","media_type":"image/png","seconds":0.1,"cost_usd":0.0}'
    )
    fact = decode("generated", before)
    assert isinstance(fact, Generated)
    assert fact.registration is None
