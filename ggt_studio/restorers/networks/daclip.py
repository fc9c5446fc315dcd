"""DA-CLIP's U-Net (Luo et al., ICLR 2024): tells the noise in a photo, knowing what CLIP sees of it and how it suffered."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from itertools import pairwise
from typing import Self

import torch
from torch import Tensor, nn
from torch.nn import functional

from ggt_studio.restorers.networks.clip import EncoderOptions, ImageEncoder, as_seen
from ggt_studio.restorers.networks.shapes import StateDict, length, rows
from ggt_studio.restorers.networks.unet import GroupNorm, LinearAttention, attend, normed, sinusoid
from ggt_studio.restorers.whole import AsksWhole

CONTENT = "mid_attn.fn.fn.transformer_blocks.0.attn2.to_k.weight"
"""Takes the embedding of the content: its columns are as many as that has numbers."""
# Of a head of attention.
_HEAD = 32
_GROUPS = 32


@dataclass(frozen=True, slots=True)
class DACLIPOptions:
    """Widths: `width` times `multiples` at each level. `heads` of linear attention, of 32 channels each.

    `degradation`: whether the embedding of the degradation counts. `halved`: whether the U-Net works at half the photo's size, as the
    one for photos in the wild does. `seen`: the encoder of the content and its controller.
    """

    seen: EncoderOptions
    width: int = 64
    multiples: tuple[int, ...] = (1, 2, 4, 8)
    heads: int = 4
    degradation: bool = True
    halved: bool = False

    @classmethod
    def of(cls, weights: StateDict) -> Self:
        """The options that the U-Net and the controller in a state dict were trained with."""
        width = rows(weights, "init_conv.weight")
        levels = length(weights, "downs")
        return cls(
            seen=EncoderOptions.of(weights, "visual"),
            width=width,
            multiples=tuple(rows(weights, f"downs.{level}.3.weight") // width for level in range(levels)),
            heads=rows(weights, "downs.0.2.fn.fn.to_qkv.weight") // (3 * _HEAD),
            degradation="prompt" in weights,
            halved="downsample.weight" in weights,
        )


class DACLIP(nn.Module):
    """(B, 6, h, w): the noisy state less the photo, and the photo, of 0 to 1 -> the noise (B, 3, h, w). Sides multiples of 16.

    The names of the authors' two files stand side by side: the controller's begin with `visual`.
    """

    def __init__(self, options: DACLIPOptions) -> None:
        super().__init__()
        width, time, context = options.width, 4 * options.width, options.seen.embedding
        widths = [width, *(width * multiple for multiple in options.multiples)]
        pairs = list(pairwise(widths))
        last = len(pairs) - 1
        self.width, self.halved = width, options.halved
        self.visual = ImageEncoder(options.seen)
        self.visual_control = ImageEncoder(options.seen, controls=True)
        self.init_conv = nn.Conv2d(6, width, 7, padding=3, bias=False)
        if options.halved:
            self.downsample, self.upsample = _smaller(width, width), _larger(width, width)
        # Index 0 is the sinusoid, which has no weights.
        self.time_mlp = nn.ModuleDict({"1": nn.Linear(width, time), "3": nn.Linear(time, time)})
        self.prompt = nn.Parameter(torch.rand(1, time)) if options.degradation else None
        if options.degradation:
            self.text_mlp = nn.Sequential(nn.Linear(context, time), nn.SiLU(), nn.Linear(time, time))
            self.prompt_mlp = nn.Linear(time, time)

        def attention(level: int, channels: int) -> nn.Module:
            if level < last:
                return normed(channels, LinearAttention(channels, options.heads))
            return normed(channels, SpatialTransformer(channels, context))

        self.downs, self.ups = nn.ModuleList(), nn.ModuleList()
        for level, (inner, outer) in enumerate(pairs):
            step = _smaller(inner, outer) if level < last else _conv(inner, outer, 3)
            blocks = (ResidualBlock(inner, inner, time), ResidualBlock(inner, inner, time))
            self.downs.append(nn.ModuleList([*blocks, attention(level, inner), step]))
        self.mid_block1 = ResidualBlock(widths[-1], widths[-1], time)
        self.mid_attn = attention(last, widths[-1])
        self.mid_block2 = ResidualBlock(widths[-1], widths[-1], time)
        for level, (inner, outer) in reversed(list(enumerate(pairs))):
            step = _larger(outer, inner) if level else _conv(outer, inner, 3)
            blocks = (ResidualBlock(outer + inner, outer, time), ResidualBlock(outer + inner, outer, time))
            self.ups.append(nn.ModuleList([*blocks, attention(level, outer), step]))
        self.final_res_block = ResidualBlock(2 * width, width, time)
        self.final_conv = nn.Conv2d(width, 3, 3, padding=1)

    def seen(self, photos: Tensor) -> tuple[Tensor, Tensor]:
        """The embeddings of content and degradation, (B, E) each, of photos (B, 3, H, W) of 0 to 1."""
        seen = as_seen(photos, self.visual.side).to(self.init_conv.weight)
        degradation, told = self.visual_control(seen)
        content, _ = self.visual(seen, told)
        return content, degradation

    def look(self, photo: Tensor) -> tuple[Tensor, Tensor]:
        """The same in main memory. Tiles that wait have what they hold moved away; none may take it from the others."""
        content, degradation = self.seen(photo)
        return content.cpu(), degradation.cpu()

    def forward(self, x: Tensor, time: Tensor, content: Tensor, degradation: Tensor) -> Tensor:
        """`time` (B): how many steps of noise there are. `content`, `degradation`: what `look` gave."""
        level = self.time_mlp["3"](functional.gelu(self.time_mlp["1"](sinusoid(time, self.width).to(x.dtype))))
        if self.prompt is not None:
            level = level + self.prompt_mlp(self.text_mlp(degradation.to(x)).softmax(1) * self.prompt)
        content = content.to(x)[:, None]
        last = len(self.downs) - 1
        x = first = self.init_conv(x)
        if self.halved:
            x = self.downsample(x)
        skips = []
        for depth, (one, two, attention, step) in enumerate(self.downs):  # type: ignore[misc]
            x = one(x, level)
            skips.append(x)
            x = two(x, level)
            x = attention(x, content) if depth == last else attention(x)
            skips.append(x)
            x = step(x)
        x = self.mid_block2(self.mid_attn(self.mid_block1(x, level), content), level)
        for height, (one, two, attention, step) in enumerate(self.ups):  # type: ignore[misc]
            x = one(torch.cat([x, skips.pop()], 1), level)
            x = two(torch.cat([x, skips.pop()], 1), level)
            x = step(attention(x) if height else attention(x, content))
        if self.halved:
            x = self.upsample(x)
        return self.final_conv(self.final_res_block(torch.cat([x, first], 1), level))


def _conv(channels: int, out: int, side: int) -> nn.Conv2d:
    return nn.Conv2d(channels, out, side, padding=side // 2, bias=False)


def _smaller(channels: int, out: int) -> nn.Module:
    return nn.Conv2d(channels, out, 4, 2, 1)


def _larger(channels: int, out: int) -> nn.Module:
    return nn.Sequential(nn.Upsample(scale_factor=2), nn.Conv2d(channels, out, 3, padding=1))


class ResidualBlock(nn.Module):
    """Two convolutions, the first scaled and shifted by the noise level."""

    def __init__(self, channels: int, out: int, time: int) -> None:
        super().__init__()
        self.mlp = nn.Sequential(nn.SiLU(), nn.Linear(time, 2 * out))
        self.block1 = nn.Sequential(OrderedDict(proj=_conv(channels, out, 3)))
        self.block2 = nn.Sequential(OrderedDict(proj=_conv(out, out, 3)))
        self.res_conv = _conv(channels, out, 1) if channels != out else nn.Identity()

    def forward(self, x: Tensor, level: Tensor) -> Tensor:
        """(B, C, h, w) and (B, T) -> (B, out, h, w)."""
        scale, shift = self.mlp(level)[:, :, None, None].chunk(2, 1)
        inside = functional.silu(self.block1(x) * (scale + 1) + shift)
        return functional.silu(self.block2(inside)) + self.res_conv(x)


class SpatialTransformer(nn.Module):
    """Places attend to each other and to the content (Rombach et al., CVPR 2022): (B, C, h, w), (B, N, E) -> (B, C, h, w).

    Raises ValueError for channels that do not divide into groups.
    """

    def __init__(self, channels: int, context: int) -> None:
        super().__init__()
        if channels % _GROUPS:
            raise ValueError(f"{channels} channels cannot be normed in {_GROUPS} groups")
        self.norm = GroupNorm(_GROUPS, channels, 1e-6)
        self.proj_in = nn.Conv2d(channels, channels, 1)
        self.transformer_blocks = nn.ModuleList([_TransformerBlock(channels, context)])
        self.proj_out = nn.Conv2d(channels, channels, 1)

    def forward(self, x: Tensor, context: Tensor) -> Tensor:
        """See the class."""
        inside = self.proj_in(self.norm(x))
        for block in self.transformer_blocks:
            inside = block(inside, context)
        return self.proj_out(inside) + x


class _TransformerBlock(nn.Module):
    def __init__(self, channels: int, context: int) -> None:
        super().__init__()
        self.norm1, self.attn1 = nn.LayerNorm(channels), _SelfAttention(channels, channels)
        self.norm2, self.attn2 = nn.LayerNorm(channels), _CrossAttention(channels, context)
        self.norm3, self.ff = nn.LayerNorm(channels), _FeedForward(channels)

    def forward(self, x: Tensor, context: Tensor) -> Tensor:
        tokens = x.flatten(2).transpose(1, 2)
        tokens = self.attn1(self.norm1(tokens), x.shape[-2:]) + tokens
        tokens = self.attn2(self.norm2(tokens), context) + tokens
        tokens = self.ff(self.norm3(tokens)) + tokens
        return tokens.transpose(1, 2).reshape(x.shape)


class _Attention(nn.Module):
    def __init__(self, channels: int, context: int) -> None:
        super().__init__()
        self.heads = channels // _HEAD
        self.to_q = nn.Linear(channels, channels, bias=False)
        self.to_k = nn.Linear(context, channels, bias=False)
        self.to_v = nn.Linear(context, channels, bias=False)
        self.to_out = nn.Sequential(nn.Linear(channels, channels))


class _SelfAttention(_Attention, AsksWhole):
    """Each place attends to all places of the whole image."""

    def forward(self, tokens: Tensor, size: tuple[int, int]) -> Tensor:
        given = (self.to_q(tokens), self.to_k(tokens), self.to_v(tokens))
        query, key, value = (side.transpose(1, 2).unflatten(2, size) for side in given)
        return self.to_out(attend(self.view, query, key, value, self.heads).flatten(2).transpose(1, 2))


class _CrossAttention(_Attention):
    """Each place attends to the context (B, N, E)."""

    def forward(self, tokens: Tensor, context: Tensor) -> Tensor:
        given = (self.to_q(tokens), self.to_k(context), self.to_v(context))
        query, key, value = (side.unflatten(2, (self.heads, _HEAD)).transpose(1, 2) for side in given)
        return self.to_out(functional.scaled_dot_product_attention(query, key, value).transpose(1, 2).flatten(2))


class _FeedForward(nn.Module):
    """A gated layer (GEGLU) and a linear one; indices of the authors' list, whose dropout has no weights."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        gated = nn.Sequential(OrderedDict(proj=nn.Linear(channels, 8 * channels)))
        self.net = nn.ModuleDict({"0": gated, "2": nn.Linear(4 * channels, channels)})

    def forward(self, x: Tensor) -> Tensor:
        x, gate = self.net["0"](x).chunk(2, -1)
        return self.net["2"](x * functional.gelu(gate))
