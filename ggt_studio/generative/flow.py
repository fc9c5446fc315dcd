"""What training and restoring ask of a generative model: latents, what it is shown, and where it would move them. Heavy."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import Any, Self

import torch
from torch import Tensor, nn

from ggt_studio.generative.options import GenerativeOptions


@dataclass(frozen=True, slots=True)
class Shown:
    """What a model is shown beside the noisy picture, made of LQ photos; tensors with one entry per photo, or None."""

    def to(self, device: torch.device, dtype: torch.dtype | None = None) -> Self:
        """The same elsewhere; only numbers that are no integers are converted."""
        moved = {}
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, Tensor):
                value = value.to(device, dtype if value.is_floating_point() else None)
            moved[field.name] = value
        return type(self)(**moved)


class FlowModel(nn.Module):
    """A rectified flow (arXiv 2209.03003) between pictures and noise: at noise level s the latents are (1 - s) picture + s noise.

    Frozen but for what is `learnt`. Photos are (B, 3, H, W) of 0 to 1, H and W multiples of 16; latents (B, C, H / 8, W / 8).
    """

    def __init__(self, pipeline: Any, options: GenerativeOptions) -> None:
        super().__init__()
        self.options = options
        self._pipeline = [pipeline]
        self.computes_on: torch.device | None = None
        """Where it computes, when parts of it wait elsewhere."""
        self.vae: Any = pipeline.vae
        self.transformer: Any = pipeline.transformer

    @property
    def pipeline(self) -> Any:
        """The base's pipeline. It shares its components with this module, but is no part of it."""
        return self._pipeline[0]

    @property
    def learnt(self) -> nn.Module:
        """What is trained: its state dict is what a checkpoint holds, with the names that diffusers uses."""
        raise NotImplementedError

    def recompute(self) -> None:
        """Let blocks be computed again for the gradients instead of being remembered."""
        self.transformer.enable_gradient_checkpointing()

    @property
    def device(self) -> torch.device:
        """Where it computes."""
        return self.computes_on or self.transformer.device

    @property
    def channels(self) -> int:
        """Of latents."""
        return self.transformer.config.in_channels // 4

    @property
    def factor(self) -> int:
        """Px of a photo per latent and side."""
        return self.pipeline.vae_scale_factor

    @property
    def dtype(self) -> torch.dtype:
        """The number format of what is frozen."""
        return self.transformer.dtype

    def encode(self, photos: Tensor) -> Tensor:
        """Photos -> latents, float32; always the same for the same photo."""
        raise NotImplementedError

    def decode(self, latents: Tensor) -> Tensor:
        """Latents -> photos, float32, not clipped."""
        raise NotImplementedError

    def show(self, photos: Tensor) -> Any:
        """What the model is shown of LQ photos: a `Shown`."""
        raise NotImplementedError

    def velocity(self, latents: Tensor, level: Tensor, shown: Any) -> Tensor:
        """Where noisy latents of noise levels (B,) would move: noise less picture, of the latents' shape, float32."""
        raise NotImplementedError

    def guided(self, latents: Tensor, level: Tensor, shown: Any) -> Tensor:
        """The same for restoring, with guidance where that needs more than one pass."""
        return self.velocity(latents, level, shown)

    def shift_of(self, height: int, width: int) -> float:
        """How much the base's scheduler moves noise levels towards noise for latents of a size; the `mu` of diffusers."""
        config = self.pipeline.scheduler.config
        short, long = config.get("base_image_seq_len", 256), config.get("max_image_seq_len", 4096)
        least, most = config.get("base_shift", 0.5), config.get("max_shift", 1.15)
        return least + (most - least) * (height * width / 4 - short) / (long - short)

    def levels(self, steps: int, height: int, width: int) -> list[float]:
        """The noise levels of restoring, from 1 to 0, one more than steps, as the base's own pipeline has them."""
        even = [1 - step / steps for step in range(steps)]
        scheduler = self.pipeline.scheduler
        scheduler.set_timesteps(sigmas=even, mu=self.shift_of(height, width), device="cpu")
        return scheduler.sigmas.tolist()

    def draw_levels(self, count: int, height: int, width: int) -> Tensor:
        """Noise levels (B,) to train at, drawn from torch's generator, on the CPU."""
        options = self.options
        if options.timesteps == "uniform":
            levels = torch.rand(count)
        else:
            levels = torch.normal(options.logit_mean, options.logit_std, (count,)).sigmoid()
        if options.shift:
            factor = math.exp(self.shift_of(height, width))
            levels = factor * levels / (1 + (factor - 1) * levels)
        return levels


def pack(latents: Tensor) -> Tensor:
    """Latents (B, C, h, w) -> tokens of 2 x 2 of them (B, h w / 4, 4 C)."""
    count, channels, height, width = latents.shape
    parts = latents.reshape(count, channels, height // 2, 2, width // 2, 2).permute(0, 2, 4, 1, 3, 5)
    return parts.reshape(count, height * width // 4, channels * 4)


def unpack(tokens: Tensor, height: int, width: int) -> Tensor:
    """The inverse of `pack`, to latents of `height` x `width`."""
    count, _, channels = tokens.shape
    parts = tokens.reshape(count, height // 2, width // 2, channels // 4, 2, 2).permute(0, 3, 1, 4, 2, 5)
    return parts.reshape(count, channels // 4, height, width)
