"""Restoring with a generative model: what the base's own pipeline would make, at any size, in tiles that agree."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("diffusers", reason="needs the ml extra")

import numpy as np
import torch
from diffusers import FluxControlNetPipeline
from diffusers.pipelines.qwenimage import pipeline_qwenimage_edit_plus
from PIL import Image

from fakes.generative_jobs import tiny_base
from ggt_studio.core.errors import StudioError
from ggt_studio.generative.bases import find_base
from ggt_studio.generative.flow import FlowModel, pack, unpack
from ggt_studio.generative.loading import load_model
from ggt_studio.generative.options import FLUX_CONTROLNET, QWEN_LORA, parse_options
from ggt_studio.generative.sampling import Blend, Hearing, sample
from ggt_studio.restorers.meeting import Box
from ggt_studio.restorers.plan import plan_tiles

pytestmark = pytest.mark.ml
OPTIONS = {
    QWEN_LORA: {"rank": 4, "guidance": 3.0},
    FLUX_CONTROLNET: {"double_blocks": 1, "prompt_tokens": 32, "prompt": "Restore."},
}


def trained_a_little(folder: Path, network: str) -> FlowModel:
    """A model whose learnt part does something."""
    base = tiny_base(folder / network, network)
    options = parse_options(network, OPTIONS[network], "test")
    model = load_model(find_base(base, network, folder), options, torch.float32, torch.device("cpu"))
    torch.manual_seed(3)
    with torch.no_grad():
        for parameter in model.learnt.parameters():
            parameter.add_(0.2 * torch.randn_like(parameter))
        # The deviation of latents of real VAEs is next to nothing; a random one's would be drawn by each in its own way.
        channels = model.channels
        if network == FLUX_CONTROLNET:
            model.vae.encoder.conv_out.weight[channels:] = 0
            model.vae.encoder.conv_out.bias[channels:] = -40
    return model


@pytest.fixture(scope="module")
def flux(tmp_path_factory: pytest.TempPathFactory) -> FlowModel:
    return trained_a_little(tmp_path_factory.mktemp("flux"), FLUX_CONTROLNET)


@pytest.fixture(scope="module")
def qwen(tmp_path_factory: pytest.TempPathFactory) -> FlowModel:
    return trained_a_little(tmp_path_factory.mktemp("qwen"), QWEN_LORA)


def photo(height: int, width: int) -> torch.Tensor:
    pixels = np.random.default_rng(5).integers(0, 256, (height, width, 3), np.uint8)
    return torch.from_numpy(pixels).permute(2, 0, 1)[None].float() / 255


def as_image(pixels: torch.Tensor) -> Image.Image:
    return Image.fromarray((pixels[0].permute(1, 2, 0) * 255).round().byte().numpy())


def noise_of(model: FlowModel, side: int, seed: int) -> torch.Tensor:
    generator = torch.Generator("cpu").manual_seed(seed)
    return pack(torch.randn(1, model.channels, side // model.factor, side // model.factor, generator=generator))


def test_a_controlnet_makes_what_the_pipeline_of_diffusers_makes_with_it(flux: FlowModel) -> None:
    lq = photo(64, 64)
    pipeline = FluxControlNetPipeline(
        **{
            name: part
            for name, part in flux.pipeline.components.items()
            if name not in ("image_encoder", "feature_extractor")
        },
        controlnet=flux.learnt,
    )
    pipeline.set_progress_bar_config(disable=True)
    theirs = pipeline(
        prompt_embeds=flux.words, pooled_prompt_embeds=flux.whole, control_image=as_image(lq), height=64, width=64,
        guidance_scale=flux.options.guidance, num_inference_steps=3, latents=noise_of(flux, 64, 7), output_type="pt",
    ).images  # fmt: skip
    ours, done = sample(flux, lq, steps=3, seed=7)
    assert done.tiles == 1
    assert torch.allclose(ours, theirs, atol=2e-3)
    assert ours.std() > 0.01


def test_a_lora_makes_what_the_pipeline_of_diffusers_makes_with_it(
    qwen: FlowModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Their pipeline enlarges each photo to a million px before it looks at it; here it looks at it as it is.
    monkeypatch.setattr(pipeline_qwenimage_edit_plus, "VAE_IMAGE_SIZE", 64 * 64)
    lq = photo(64, 64)
    theirs = qwen.pipeline(
        image=as_image(lq), prompt=qwen.options.prompt, negative_prompt=" ", true_cfg_scale=3.0, height=64, width=64,
        num_inference_steps=3, latents=noise_of(qwen, 64, 7), output_type="pt",
    ).images  # fmt: skip
    ours, _ = sample(qwen, lq, steps=3, seed=7)
    assert torch.allclose(ours, theirs, atol=2e-3)
    assert ours.std() > 0.01


def test_photos_of_any_size_go_through_in_tiles_and_keep_it(flux: FlowModel) -> None:
    lq, heard = photo(70, 150), []
    hearing = Hearing(lambda done, total: heard.append((done, total)))
    restored, done = sample(flux, lq, steps=2, seed=1, tile=64, hearing=hearing)
    assert restored.shape == lq.shape
    assert 0 <= restored.min() <= restored.max() <= 1
    assert done.tiles > 2
    assert done.tile <= 64
    assert heard[-1] == (done.tiles * 4, done.tiles * 4)
    again, _ = sample(flux, lq, steps=2, seed=1, tile=64)
    other, _ = sample(flux, lq, steps=2, seed=2, tile=64)
    assert torch.equal(restored, again)
    assert not torch.allclose(restored, other, atol=1e-3)


def test_parts_that_agree_are_put_together_without_a_seam() -> None:
    plan = plan_tiles(96, 160, 64, 8, 16)
    boxes = [tile.box for tile in plan.tiles]
    whole = photo(96, 160)
    blend = Blend(boxes, 96, 160)
    for box in boxes:
        blend.put(box.of(whole), box)
    assert torch.allclose(blend.finish(), whole, atol=1e-6)
    # Two that differ go over into each other, evenly.
    pair = [Box(0, 0, 1, 6), Box(0, 2, 1, 8)]
    blend = Blend(pair, 1, 8)
    blend.put(torch.zeros(1, 1, 1, 6), pair[0])
    blend.put(torch.ones(1, 1, 1, 6), pair[1])
    assert blend.finish().flatten().tolist() == pytest.approx([0, 0, 0.125, 0.375, 0.625, 0.875, 1, 1])


def test_tokens_and_latents_are_the_same_numbers() -> None:
    latents = torch.randn(2, 3, 4, 6)
    assert pack(latents).shape == (2, 6, 12)
    assert torch.equal(unpack(pack(latents), 4, 6), latents)


def test_where_memory_runs_out_tiles_are_halved(flux: FlowModel, monkeypatch: pytest.MonkeyPatch) -> None:
    real: Any = flux.velocity
    monkeypatch.setattr("ggt_studio.generative.sampling.LEAST_TILE", 48)

    def greedy(latents: torch.Tensor, *rest: Any) -> torch.Tensor:
        if latents.shape[-1] > 8:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return real(latents, *rest)

    monkeypatch.setattr(flux, "velocity", greedy)
    restored, done = sample(flux, photo(64, 128), steps=1, seed=0)
    assert (done.halvings, done.tile) == (1, 64)
    assert restored.shape == (1, 3, 64, 128)
    monkeypatch.setattr("ggt_studio.generative.sampling.LEAST_TILE", 100)
    with pytest.raises(StudioError, match="not enough memory for this model, even in tiles of 128 px"):
        sample(flux, photo(64, 128), steps=1, seed=0)


def test_it_stops_after_the_pass_under_way(flux: FlowModel) -> None:
    class Stopped(Exception):
        pass

    heard: list[int] = []

    def check() -> None:
        if len(heard) == 2:
            raise Stopped

    with pytest.raises(Stopped):
        sample(flux, photo(32, 32), steps=5, seed=0, hearing=Hearing(lambda done, _: heard.append(done), check))
    assert heard == [1, 2]
