"""Local models through diffusers: real pipelines with tiny random weights, in a real worker process."""

from __future__ import annotations

import asyncio
import importlib.util
import io
import json
import shutil
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from safetensors.numpy import save_file

from ggt_studio.core.errors import StudioError
from ggt_studio.core.words import Category, Outcome
from ggt_studio.providers.base import GeneratedImage, GenerateRequest, ProviderError
from ggt_studio.providers.catalogue import Model
from ggt_studio.providers.local.generator import LocalGenerator, find_machine
from ggt_studio.providers.local.settings import LocalSettings
from ggt_studio.worker.client import GPU_LANE, WorkerPool
from ggt_studio.worker.process import Progress

from .conftest import Tiny

pytestmark = [pytest.mark.ml, pytest.mark.asyncio(loop_scope="module")]

Plain = Callable[[str], Awaitable[GeneratedImage]]
QWEN, FLUX2, KLEIN = "QwenImageEditPlusPipeline", "Flux2Pipeline", "Flux2KleinPipeline"


def entry(pipeline: str) -> Model:
    return Model(
        id="tiny",
        label="Tiny",
        service="diffusers",
        model="a/tiny",
        roles=("generator",),
        options={"pipeline": pipeline},
    )


def request_for(lq_path: Path, *, seed: int = 7, options: dict[str, Any] | None = None) -> GenerateRequest:
    return GenerateRequest(
        generator="tiny",
        lq_path=lq_path,
        lq_sha256="0" * 64,
        width=160,
        height=136,
        category=Category.RAIN,
        prompt="Remove the rain, change nothing else.",
        aspects=(),
        attempt=1,
        seed=seed,
        options=options or {},
    )


def generator_for(pool: WorkerPool, pipeline: str, folder: Path, **settings: Any) -> LocalGenerator:
    return LocalGenerator(pool, entry(pipeline), LocalSettings(str(folder), **{"steps": 2, **settings}))


def pixels(image: GeneratedImage) -> np.ndarray:
    assert image.media_type == "image/png"
    return np.asarray(Image.open(io.BytesIO(image.data)))


@pytest.fixture(scope="module")
def plain(pool: WorkerPool, tiny: Tiny, lq_path: Path) -> Callable[[str], Awaitable[GeneratedImage]]:
    """What a pipeline makes of the usual request with the usual settings; made once."""
    made: dict[str, GeneratedImage] = {}

    async def get(pipeline: str) -> GeneratedImage:
        if pipeline not in made:
            made[pipeline] = await generator_for(pool, pipeline, await tiny(pipeline)).generate(request_for(lq_path))
        return made[pipeline]

    return get


async def loaded(pool: WorkerPool) -> dict[str, Any]:
    return await pool.call("local_chores:loaded", {}, lane=GPU_LANE)


@pytest.mark.parametrize(
    ("pipeline", "size"),
    [(QWEN, (1088, 960)), (FLUX2, (160, 144)), (KLEIN, (160, 144))],
    ids=["qwen", "flux2", "klein"],
)
async def test_a_seed_determines_the_image(
    pool: WorkerPool, tiny: Tiny, plain: Plain, lq_path: Path, pipeline: str, size: tuple[int, int]
) -> None:
    generator = generator_for(pool, pipeline, await tiny(pipeline))
    first = await plain(pipeline)
    again = await generator.generate(request_for(lq_path))
    other = await generator.generate(request_for(lq_path, seed=8))
    assert first.data == again.data
    assert np.abs(pixels(first).astype(int) - pixels(other)).mean() > 1
    assert pixels(first).shape == (size[1], size[0], 3)
    assert first.canvas is not None
    assert (first.canvas.patch_width, first.canvas.patch_height) == (160, 136)
    assert first.cost_usd == 0
    assert any("fp32" in note and "2 steps" in note for note in first.notes)
    assert not generator.info.paid
    assert generator.info.leaves_machine == ""
    assert generator.info.concurrency == 1


async def test_the_image_depends_on_patch_and_prompt(
    pool: WorkerPool, tiny: Tiny, plain: Plain, lq_path: Path, tmp_path: Path
) -> None:
    generator = generator_for(pool, KLEIN, await tiny(KLEIN))
    other_words = await generator.generate(replace(request_for(lq_path), prompt="Remove the haze."))
    Image.new("RGB", (160, 136), (200, 30, 90)).save(tmp_path / "other.png")
    other_patch = await generator.generate(request_for(tmp_path / "other.png"))
    assert len({(await plain(KLEIN)).data, other_words.data, other_patch.data}) == 3


async def test_a_recipe_s_options_go_before_the_settings(pool: WorkerPool, tiny: Tiny, lq_path: Path) -> None:
    folder = await tiny(KLEIN)
    three_steps = generator_for(pool, KLEIN, folder, steps=3)
    frozen = json.loads(json.dumps(three_steps.info.options))
    expected = await three_steps.generate(request_for(lq_path))
    two_steps = generator_for(pool, KLEIN, folder)
    assert (await two_steps.generate(request_for(lq_path, options=frozen))).data == expected.data
    assert (await two_steps.generate(request_for(lq_path))).data != expected.data
    assert request_for(lq_path, options=frozen).hash != request_for(lq_path, options=two_steps.info.options).hash


async def test_it_tells_how_far_it_is_and_stays_loaded(pool: WorkerPool, tiny: Tiny, lq_path: Path) -> None:
    await pool.call("unload_local", {}, lane=GPU_LANE)
    told: list[Progress] = []
    settings = LocalSettings(str(await tiny(KLEIN)), steps=3)
    generator = LocalGenerator(pool, entry(KLEIN), settings, on_progress=told.append)
    await generator.generate(request_for(lq_path))
    steps = [Progress("steps", n, 3) for n in (1, 2, 3)]
    assert told == [Progress("load", 0, 1), Progress("load", 1, 1), *steps]
    told.clear()
    await generator.generate(request_for(lq_path))
    assert told == steps, "it was loaded already"
    await generator.unload()
    assert (await loaded(pool))["folder"] is None


async def test_another_model_takes_the_place_of_the_first(pool: WorkerPool, tiny: Tiny, lq_path: Path) -> None:
    for pipeline in (KLEIN, FLUX2):
        await generator_for(pool, pipeline, await tiny(pipeline)).generate(request_for(lq_path))
        assert (await loaded(pool))["folder"] == str(await tiny(pipeline))


async def test_cancelling_stops_within_a_step_and_keeps_the_model(pool: WorkerPool, tiny: Tiny, lq_path: Path) -> None:
    told: list[Progress] = []
    settings = LocalSettings(str(await tiny(KLEIN)), steps=50)
    generator = LocalGenerator(pool, entry(KLEIN), settings, on_progress=told.append)
    await generator_for(pool, KLEIN, await tiny(KLEIN)).generate(request_for(lq_path))
    before = await loaded(pool)
    await pool.call("local_chores:slow_steps", {"s": 1.0}, lane=GPU_LANE)
    try:
        task = asyncio.create_task(generator.generate(request_for(lq_path)))
        while not told:
            await asyncio.sleep(0.01)
        began = time.monotonic()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert time.monotonic() - began < 0.8, "who stops does not wait for the step"
        assert await loaded(pool) == before, "the same process, with the model still loaded"
    finally:
        answer = await pool.call("local_chores:slow_steps", {"s": 0}, lane=GPU_LANE)
    assert answer["steps"] <= 3, "the one that was told, the one under way, and one while the word travelled"
    again = await generator_for(pool, KLEIN, await tiny(KLEIN)).generate(request_for(lq_path))
    assert (await generator_for(pool, KLEIN, await tiny(KLEIN)).generate(request_for(lq_path))).data == again.data


async def test_a_full_gpu_is_answered_with_cheaper_settings_that_are_told(
    pool: WorkerPool, tiny: Tiny, lq_path: Path
) -> None:
    notices: list[str] = []
    settings = LocalSettings(str(await tiny(KLEIN)), steps=2)
    generator = LocalGenerator(pool, entry(KLEIN), settings, on_notice=notices.append)
    expected = await generator.generate(request_for(lq_path))
    await pool.call("local_chores:fill_gpu", {"pipeline": KLEIN, "times": 2}, lane=GPU_LANE)
    image = await generator.generate(request_for(lq_path))
    assert image.data == expected.data
    assert [("none offload" in n, "model offload" in n, "group offload" in n) for n in notices] == [
        (True, True, False),
        (False, True, True),
    ]
    assert any("not enough for none offload; with group offload" in note for note in image.notes)
    # What was found to be enough is used from then on, and said again.
    notices.clear()
    later = await generator.generate(request_for(lq_path))
    assert notices == []
    assert later.notes == image.notes


async def test_a_gpu_that_is_too_small_for_all_settings_is_told(pool: WorkerPool, tiny: Tiny, lq_path: Path) -> None:
    generator = generator_for(pool, KLEIN, await tiny(KLEIN))
    await generator.generate(request_for(lq_path))
    await pool.call("local_chores:fill_gpu", {"pipeline": KLEIN, "times": 4}, lane=GPU_LANE)
    with pytest.raises(
        ProviderError, match="not enough for Tiny, even with sequential offload. Choose quantisation"
    ) as told:
        await generator.generate(request_for(lq_path))
    assert told.value.outcome is Outcome.CRASHED
    assert (await loaded(pool))["folder"] is None


@pytest.mark.parametrize("pipeline", [QWEN, FLUX2, KLEIN], ids=["qwen", "flux2", "klein"])
async def test_a_lora_changes_the_image(
    pool: WorkerPool, tiny: Tiny, plain: Plain, lq_path: Path, pipeline: str
) -> None:
    folder = await tiny(pipeline)
    lora = str(folder.parent / "lora.safetensors")
    changed = await generator_for(pool, pipeline, folder, lora=lora).generate(request_for(lq_path))
    assert np.abs(pixels(changed).astype(int) - pixels(await plain(pipeline))).mean() > 0.5


async def test_a_lora_of_no_strength_changes_nothing(pool: WorkerPool, tiny: Tiny, plain: Plain, lq_path: Path) -> None:
    folder = await tiny(KLEIN)
    lora = str(folder.parent / "lora.safetensors")
    off = await generator_for(pool, KLEIN, folder, lora=lora, lora_scale=0.0).generate(request_for(lq_path))
    assert np.abs(pixels(off).astype(int) - pixels(await plain(KLEIN))).mean() < 0.01


async def test_a_lora_of_another_model_is_refused(pool: WorkerPool, tiny: Tiny, lq_path: Path, tmp_path: Path) -> None:
    strange = tmp_path / "strange.safetensors"
    part = "unet.down_blocks.0.attentions.0.to_q"
    weights = {
        f"{part}.lora_A.weight": np.ones((2, 8), np.float32),
        f"{part}.lora_B.weight": np.ones((8, 2), np.float32),
    }
    save_file(weights, strange)
    (tmp_path / "text.safetensors").write_text("no tensors")
    for path in ((await tiny(QWEN)).parent / "lora.safetensors", strange, tmp_path / "text.safetensors"):
        generator = generator_for(pool, KLEIN, await tiny(KLEIN), lora=str(path))
        with pytest.raises(ProviderError, match=f"The LoRA {path} .* Choose one made for this model"):
            await generator.generate(request_for(lq_path))


async def test_int8_gives_nearly_the_same_image(pool: WorkerPool, tiny: Tiny, plain: Plain, lq_path: Path) -> None:
    if importlib.util.find_spec("torchao") is None:
        pytest.skip("torchao is not installed")
    folder = await tiny(KLEIN)
    full = pixels(await plain(KLEIN)).astype(int)
    image = await generator_for(pool, KLEIN, folder, quantisation="int8").generate(request_for(lq_path))
    difference = np.abs(pixels(image) - full).mean()
    assert 0 < difference < 5
    assert any("int8 quantisation" in note for note in image.notes)


async def test_a_model_in_the_hub_s_cache_is_found_without_the_hub(
    pool: WorkerPool, tiny: Tiny, plain: Plain, lq_path: Path, hub_cache: Path
) -> None:
    snapshot = hub_cache / "models--someone--tiny" / "snapshots" / ("a" * 40)
    shutil.copytree(await tiny(KLEIN), snapshot)
    refs = hub_cache / "models--someone--tiny" / "refs"
    refs.mkdir()
    (refs / "main").write_text("a" * 40)
    generator = LocalGenerator(pool, entry(KLEIN), LocalSettings("someone/tiny", steps=2))
    assert (await generator.generate(request_for(lq_path))).data == (await plain(KLEIN)).data


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"model": "/no/such/folder"}, r"There is no folder /no/such/folder\. Download the model"),
        ({"model": "someone/absent"}, r"someone/absent is not on this machine\. Download it"),
        ({"quantisation": "nf4"}, r"nf4 quantisation needs an NVIDIA GPU"),
        ({"device": "cuda:7"}, r"There is no device cuda:7 here"),
        ({"lora": "/no/lora.safetensors"}, r"There is no LoRA /no/lora.safetensors"),
        ({"fingerprint": "f" * 64}, r"is not the one that the recipe was made with"),
    ],
    ids=["folder", "hub", "nf4", "device", "lora", "fingerprint"],
)
async def test_what_cannot_be_used_is_told(
    pool: WorkerPool, tiny: Tiny, lq_path: Path, change: dict[str, str], words: str
) -> None:
    options = {"model": str(await tiny(KLEIN)), "steps": 1, **change}
    generator = LocalGenerator(pool, entry(KLEIN), LocalSettings.from_options(options))
    with pytest.raises(ProviderError, match=words) as told:
        await generator.generate(request_for(lq_path))
    assert told.value.outcome is Outcome.MALFORMED


async def test_a_changed_lora_and_another_class_are_told(
    pool: WorkerPool, tiny: Tiny, lq_path: Path, tmp_path: Path
) -> None:
    lora = str((await tiny(KLEIN)).parent / "lora.safetensors")
    generator = generator_for(pool, KLEIN, await tiny(KLEIN), lora=lora, lora_sha256="0" * 64)
    with pytest.raises(ProviderError, match="has changed since the recipe was made"):
        await generator.generate(request_for(lq_path))
    generator = generator_for(pool, QWEN, await tiny(KLEIN))
    with pytest.raises(ProviderError, match=f"holds a {KLEIN}, but this model is a {QWEN}"):
        await generator.generate(request_for(lq_path))
    broken = tmp_path / "broken"
    shutil.copytree(await tiny(KLEIN), broken)
    (broken / "tokenizer" / "tokenizer.json").write_text("{}")
    with pytest.raises(ProviderError, match="cannot be loaded: .* Download it again"):
        await generator_for(pool, KLEIN, broken).generate(request_for(lq_path))


async def test_a_catalogue_entry_of_no_known_class_is_refused(pool: WorkerPool) -> None:
    with pytest.raises(StudioError, match="has the pipeline SomePipeline; there are QwenImageEditPlusPipeline"):
        LocalGenerator(pool, entry("SomePipeline"), LocalSettings("x"))


async def test_the_machine_is_described(pool: WorkerPool) -> None:
    machine = await find_machine(pool)
    assert machine.free_memory_bytes > 100_000_000
    assert set(machine.quantisations) <= {"int8", "nf4"}
    for gpu in machine.gpus:
        assert 0 < gpu.free_bytes <= gpu.total_bytes
