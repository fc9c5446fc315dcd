"""FoundIR (Li et al., ICCV 2025): residual diffusion. A U-Net sees the photo and its noisy estimate and says what is to go."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple, Self

import torch
from torch import Tensor, nn
from torch.nn import functional

from ggt_studio.restorers.networks.sampling import Apply
from ggt_studio.restorers.networks.shapes import StateDict, columns, length, rows
from ggt_studio.restorers.networks.unet import GroupNorm, LinearAttention, PlaceAttention, normed, sinusoid

_GROUPS = 8


@dataclass(frozen=True, slots=True)
class FoundIROptions:
    """Widths: `width` times `multiples` at each level. Attention has `heads` heads of 32 channels."""

    colours: int = 3
    width: int = 64
    multiples: tuple[int, ...] = (1, 2, 4, 8)
    heads: int = 4

    @classmethod
    def of(cls, weights: StateDict) -> Self:
        """The options that a state dict was trained with."""
        width = rows(weights, "unet0.init_conv.weight")
        levels = length(weights, "unet0.downs")
        return cls(
            colours=rows(weights, "unet0.final_conv.weight"),
            width=width,
            multiples=tuple(rows(weights, f"unet0.downs.{level}.3.weight") // width for level in range(levels)),
            heads=columns(weights, "unet0.mid_attn.fn.fn.to_out.weight") // 32,
        )


class FoundIR(nn.Module):
    """(B, 6, h, w): estimate and photo, of -1 to 1, at a noise level -> the residual (B, 3, h, w). Sides multiples of 16."""

    def __init__(self, options: FoundIROptions) -> None:
        super().__init__()
        self.unet0 = _UNet(options)

    def forward(self, x: Tensor, level: Tensor) -> Tensor:
        """`level` (B): how much of the residual is in the estimate, times the number of steps."""
        return self.unet0(x, level)


class _UNet(nn.Module):
    def __init__(self, options: FoundIROptions) -> None:
        super().__init__()
        width, time, heads = options.width, 4 * options.width, options.heads
        widths = [width, *(width * multiple for multiple in options.multiples)]
        pairs = list(pairwise(widths))
        self.width = width
        self.init_conv = nn.Conv2d(2 * options.colours, width, 7, padding=3)
        # Index 0 is the sinusoid, which has no weights.
        self.time_mlp = nn.ModuleDict({"1": nn.Linear(width, time), "3": nn.Linear(time, time)})
        self.downs, self.ups = nn.ModuleList(), nn.ModuleList()
        last = len(pairs) - 1
        for level, (inner, outer) in enumerate(pairs):
            step = nn.Conv2d(inner, outer, 4, 2, 1) if level < last else nn.Conv2d(inner, outer, 3, padding=1)
            blocks = (ResidualBlock(inner, inner, time), ResidualBlock(inner, inner, time))
            self.downs.append(nn.ModuleList([*blocks, normed(inner, LinearAttention(inner, heads)), step]))
        self.mid_block1 = ResidualBlock(widths[-1], widths[-1], time)
        self.mid_attn = normed(widths[-1], PlaceAttention(widths[-1], heads))
        self.mid_block2 = ResidualBlock(widths[-1], widths[-1], time)
        for level, (inner, outer) in enumerate(reversed(pairs)):
            larger = nn.Sequential(nn.Upsample(scale_factor=2), nn.Conv2d(outer, inner, 3, padding=1))
            step = larger if level < last else nn.Conv2d(outer, inner, 3, padding=1)
            blocks = (ResidualBlock(outer + inner, outer, time), ResidualBlock(outer + inner, outer, time))
            self.ups.append(nn.ModuleList([*blocks, normed(outer, LinearAttention(outer, heads)), step]))
        self.final_res_block = ResidualBlock(2 * width, width, time)
        self.final_conv = nn.Conv2d(width, options.colours, 1)

    def forward(self, x: Tensor, level: Tensor) -> Tensor:
        time = self.time_mlp["3"](functional.gelu(self.time_mlp["1"](sinusoid(level, self.width).to(x.dtype))))
        x = first = self.init_conv(x)
        skips = []
        for one, two, attention, step in self.downs:  # type: ignore[misc]
            x = one(x, time)
            skips.append(x)
            x = attention(two(x, time))
            skips.append(x)
            x = step(x)
        x = self.mid_block2(self.mid_attn(self.mid_block1(x, time)), time)
        for one, two, attention, step in self.ups:  # type: ignore[misc]
            x = one(torch.cat([x, skips.pop()], 1), time)
            x = two(torch.cat([x, skips.pop()], 1), time)
            x = step(attention(x))
        return self.final_conv(self.final_res_block(torch.cat([x, first], 1), time))


class ResidualBlock(nn.Module):
    """Two convolutions, the first scaled and shifted by the noise level."""

    def __init__(self, channels: int, out: int, time: int) -> None:
        super().__init__()
        self.mlp = nn.Sequential(nn.SiLU(), nn.Linear(time, 2 * out))
        self.block1 = _Block(channels, out)
        self.block2 = _Block(out, out)
        self.res_conv = nn.Conv2d(channels, out, 1) if channels != out else nn.Identity()

    def forward(self, x: Tensor, time: Tensor) -> Tensor:
        """(B, C, h, w) and (B, T) -> (B, out, h, w)."""
        scale, shift = self.mlp(time)[:, :, None, None].chunk(2, 1)
        return self.block2(self.block1(x, scale + 1, shift)) + self.res_conv(x)


class _Block(nn.Module):
    def __init__(self, channels: int, out: int) -> None:
        super().__init__()
        self.proj = _StandardisedConv(channels, out, 3, padding=1)
        self.norm = GroupNorm(_GROUPS, out)

    def forward(self, x: Tensor, scale: Tensor | None = None, shift: Tensor | None = None) -> Tensor:
        x = self.norm(self.proj(x))
        return functional.silu(x if scale is None or shift is None else x * scale + shift)


class _StandardisedConv(nn.Conv2d):
    """A convolution whose kernels have mean 0 and variance 1 (weight standardisation)."""

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002 - torch's name
        weight = self.weight.float()
        variance, mean = torch.var_mean(weight, (1, 2, 3), correction=0, keepdim=True)
        weight = ((weight - mean) * torch.rsqrt(variance + 1e-5)).to(input.dtype)
        return functional.conv2d(input, weight, self.bias, padding=self.padding)


class Schedule(NamedTuple):
    """What an estimate holds after each of the trained steps, (steps,) each: the part of the residual, the deviation of the noise,
    and the part of the photo that is taken away."""

    residual: Tensor
    noise: Tensor
    faded: Tensor


@dataclass(frozen=True, slots=True)
class ResidualDiffusion:
    """The sampler: in `steps` of the `trained` steps, from the faded photo with noise to an image without its residual."""

    steps: int = 4
    trained: int = 1000
    noise: float = 0.1
    fade: float = 1.4e-3

    def __call__(self, image: Tensor, apply: Apply, seed: int) -> Tensor:
        """See `Sampler`. Noise is drawn on the processor: a seed means the same on each device."""
        residual, _, faded = self.schedule()
        photo = 2 * image - 1
        drawn = torch.randn(photo.shape, generator=torch.Generator().manual_seed(seed % 2**63))
        estimate = (1 - faded[-1]) * photo + self.noise * drawn
        times = torch.linspace(-1, self.trained - 1, self.steps + 1).int().flip(0).tolist()
        for number, (now, then) in enumerate(pairwise(times)):
            level = (residual[now] * self.trained)[None]

            def denoise(network: nn.Module, part: Tensor, level: Tensor = level) -> Tensor:
                return network(part, level.to(part.device))

            said = apply(torch.cat([estimate, photo], 1), denoise, (number, self.steps)).clamp(-1, 1)
            if then < 0:
                return ((photo - said).clamp(-1, 1) + 1) / 2
            estimate = estimate - (residual[now] - residual[then]) * said + (faded[now] - faded[then]) * photo
        return image

    def schedule(self) -> Schedule:
        """As it is trained. There is more noise in training than the sampler begins with, which keeps to `noise`."""
        left = torch.cumprod(1 - torch.linspace(1e-4, 0.02, self.trained), 0)
        faded = torch.linspace(1e-6, self.fade, self.trained).cumsum(0).clip(0, 1)
        return Schedule(1 - left.sqrt(), (1 - left).sqrt(), faded)
