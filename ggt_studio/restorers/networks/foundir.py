"""FoundIR (Li et al., ICCV 2025): residual diffusion. A U-Net sees the photo and its noisy estimate and says what is to go."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Self

import torch
from torch import Tensor, nn
from torch.nn import functional

from ggt_studio.restorers.networks.sampling import Apply
from ggt_studio.restorers.networks.shapes import StateDict, columns, length, rows
from ggt_studio.restorers.whole import AsksWhole

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
            self.downs.append(nn.ModuleList([*blocks, _normed(inner, LinearAttention(inner, heads)), step]))
        self.mid_block1 = ResidualBlock(widths[-1], widths[-1], time)
        self.mid_attn = _normed(widths[-1], PlaceAttention(widths[-1], heads))
        self.mid_block2 = ResidualBlock(widths[-1], widths[-1], time)
        for level, (inner, outer) in enumerate(reversed(pairs)):
            larger = nn.Sequential(nn.Upsample(scale_factor=2), nn.Conv2d(outer, inner, 3, padding=1))
            step = larger if level < last else nn.Conv2d(outer, inner, 3, padding=1)
            blocks = (ResidualBlock(outer + inner, outer, time), ResidualBlock(outer + inner, outer, time))
            self.ups.append(nn.ModuleList([*blocks, _normed(outer, LinearAttention(outer, heads)), step]))
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


def sinusoid(level: Tensor, width: int) -> Tensor:
    """A number as (B, width) sines and cosines of falling frequency, in float32."""
    half = width // 2
    falling = torch.exp(torch.arange(half, device=level.device) * -(math.log(10000) / (half - 1)))
    angles = level.float()[:, None] * falling[None, :]
    return torch.cat([angles.sin(), angles.cos()], -1)


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
        self.norm = _GroupNorm(_GROUPS, out)

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


class _GroupNorm(AsksWhole):
    """Group norm over all places of the whole image."""

    def __init__(self, groups: int, channels: int) -> None:
        super().__init__()
        self.groups = groups
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        grouped = x.float().reshape(len(x), self.groups, -1, *x.shape[-2:])
        mean = self.mean(grouped.mean(2))[:, :, None]
        grouped = grouped - mean
        variance = self.mean(grouped.square().mean(2))[:, :, None]
        normed = (grouped * torch.rsqrt(variance + 1e-5)).reshape(x.shape).to(x.dtype)
        return normed * self.weight[:, None, None] + self.bias[:, None, None]


class _ChannelNorm(nn.Module):
    """Layer norm over the channels of each place, with a weight alone."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.g = nn.Parameter(torch.ones(1, channels, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        variance, mean = torch.var_mean(x.float(), 1, correction=0, keepdim=True)
        return ((x - mean) * torch.rsqrt(variance + 1e-5)).to(x.dtype) * self.g


class _Residual(nn.Module):
    def __init__(self, function: nn.Module) -> None:
        super().__init__()
        self.fn = function

    def forward(self, x: Tensor) -> Tensor:
        return self.fn(x) + x


class _Normed(nn.Module):
    def __init__(self, channels: int, function: nn.Module) -> None:
        super().__init__()
        self.fn = function
        self.norm = _ChannelNorm(channels)

    def forward(self, x: Tensor) -> Tensor:
        return self.fn(self.norm(x))


def _normed(channels: int, function: nn.Module) -> nn.Module:
    return _Residual(_Normed(channels, function))


class _Attention(AsksWhole):
    def __init__(self, channels: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.to_qkv = nn.Conv2d(channels, 3 * 32 * heads, 1, bias=False)

    def _flat(self, x: Tensor) -> Tensor:
        """(B, heads C, h, w) -> (B, heads, C, places)."""
        return x.reshape(len(x), self.heads, 32, -1)


class LinearAttention(_Attention):
    """Places send what they hold to channels and fetch it from there; a softmax over all places says how much each sends."""

    def __init__(self, channels: int, heads: int) -> None:
        super().__init__(channels, heads)
        self.to_out = nn.Sequential(nn.Conv2d(32 * heads, channels, 1), _ChannelNorm(channels))

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, h, w) -> the same shape."""
        view, lies = self.view, self.view.lies(x)
        query, key, value = self.to_qkv(x).chunk(3, 1)
        own_key, own_value = self._flat(view.own(key).float()), self._flat(view.own(value).float())
        highest = view.largest(own_key.amax(-1, keepdim=True))
        sent = (own_key - highest).exp()
        # One more column: the sum that the softmax divides by.
        columns = torch.cat([own_value, torch.ones_like(own_value[:, :, :1])], 2)
        total = view.total(sent @ columns.transpose(-2, -1))
        context = total[..., :-1] / total[..., -1:] / (lies.height * lies.width)
        fetched = self._flat(query).softmax(-2) * 32**-0.5
        out = context.to(x.dtype).transpose(-2, -1) @ fetched
        return self.to_out(out.reshape(len(x), -1, *x.shape[-2:]))


class PlaceAttention(_Attention):
    """Each place attends to all places of the whole image."""

    def __init__(self, channels: int, heads: int) -> None:
        super().__init__(channels, heads)
        self.to_out = nn.Conv2d(32 * heads, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, h, w) -> the same shape."""
        view = self.view
        query, key, value = self.to_qkv(x).chunk(3, 1)
        keys = view.joined(self._flat(view.own(key)))
        values = view.joined(self._flat(view.own(value)))
        query, key, value = (side.transpose(-2, -1).contiguous() for side in (self._flat(query), keys, values))
        out = functional.scaled_dot_product_attention(query, key, value)
        return self.to_out(out.transpose(-2, -1).reshape(len(x), -1, *x.shape[-2:]))


@dataclass(frozen=True, slots=True)
class ResidualDiffusion:
    """The sampler: in `steps` of the `trained` steps, from the faded photo with noise to an image without its residual."""

    steps: int = 4
    trained: int = 1000
    noise: float = 0.1
    fade: float = 1.4e-3

    def __call__(self, image: Tensor, apply: Apply, seed: int) -> Tensor:
        """See `Sampler`. Noise is drawn on the processor: a seed means the same on each device."""
        residual = 1 - torch.cumprod(1 - torch.linspace(1e-4, 0.02, self.trained), 0).sqrt()
        faded = torch.linspace(1e-6, self.fade, self.trained).cumsum(0).clip(0, 1)
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
