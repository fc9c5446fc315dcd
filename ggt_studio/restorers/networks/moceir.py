"""MoCE-IR (Zamfir et al., CVPR 2025): a Restormer whose decoder sends each image to the expert that is complex enough for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor, nn

from ggt_studio.restorers.networks.experts import SMALLEST_PATCH, Experts
from ggt_studio.restorers.networks.restormer import (
    ChannelAttention,
    ChannelNorm,
    Double,
    Embedding,
    GatedFeedForward,
    GramAttention,
    Halve,
    depthwise,
)
from ggt_studio.restorers.networks.shapes import StateDict, columns, length, rows
from ggt_studio.restorers.whole import AsksWhole


@dataclass(frozen=True, slots=True)
class MoCEIROptions:
    """Widths and depths. `ranks`: the widths of the experts of each decoder level, coarsest level first."""

    colours: int = 3
    out_colours: int = 3
    width: int = 48
    blocks: tuple[int, ...] = (4, 6, 6, 8)
    decoder_blocks: tuple[int, ...] = (4, 4, 2)
    refinement: int = 4
    heads: tuple[int, ...] = (1, 2, 4, 8)
    expansion: float = 2
    ranks: tuple[tuple[int, ...], ...] = ((24, 48, 96, 192), (12, 24, 48, 96), (6, 12, 24, 48))
    encoder_bias: bool = True
    decoder_bias: bool = False
    norm_bias: bool = True
    top: int = 1

    @property
    def patch(self) -> int:
        """The side in px of the largest patch that an expert works on, at its level."""
        return SMALLEST_PATCH << (max(len(ranks) for ranks in self.ranks) - 1)

    @classmethod
    def of(cls, weights: StateDict, top: int = 1) -> Self:
        """The options that a state dict was trained with; how many experts are asked (`top`) leaves no trace in it."""
        levels = length(weights, "enc")
        groups = [*(f"enc.{level}.0" for level in range(levels)), "latent"]
        decoders = [f"dec.{level}.2" for level in range(levels)]
        experts = (f"{decoder}.layers.0.adapter.experts" for decoder in decoders)
        return cls(
            colours=columns(weights, "patch_embed.proj.weight"),
            out_colours=rows(weights, "output.weight"),
            width=rows(weights, "patch_embed.proj.weight"),
            blocks=tuple(length(weights, f"{group}.layers") for group in groups),
            decoder_blocks=tuple(length(weights, f"{decoder}.layers") for decoder in decoders),
            refinement=length(weights, "refinement.layers"),
            heads=tuple(rows(weights, f"{group}.layers.0.mixer.temperature") for group in groups),
            expansion=columns(weights, "latent.layers.0.ffn.project_out.weight")
            / rows(weights, "latent.layers.0.ffn.project_out.weight"),
            ranks=tuple(
                tuple(rows(weights, f"{prefix}.{number}.0.proj.0.weight") for number in range(length(weights, prefix)))
                for prefix in experts
            ),
            encoder_bias="latent.layers.0.mixer.qkv.bias" in weights,
            decoder_bias="output.bias" in weights,
            norm_bias="latent.layers.0.norms.0.body.bias" in weights,
            top=top,
        )


class MoCEIR(nn.Module):
    """(B, 3, H, W) of 0 to 1 -> the same shape; H and W multiples of 8."""

    def __init__(self, options: MoCEIROptions) -> None:
        super().__init__()
        levels = len(options.blocks) - 1
        widths = [options.width << level for level in range(levels + 1)]
        self.patch_embed = Embedding(options.colours, options.width)
        self.freq_embed = FrequencyEmbedding(widths[-1])
        self.enc = nn.ModuleList(
            nn.ModuleList([EncoderGroup(widths[level], options.blocks[level], level, options), Halve(widths[level])])
            for level in range(levels)
        )
        self.latent = EncoderGroup(widths[-1], options.blocks[-1], levels, options)
        self.dec = nn.ModuleList()
        for step, level in enumerate(reversed(range(levels))):
            fuse = nn.Conv2d(widths[level + 1], widths[level], 1, bias=options.decoder_bias)
            group = DecoderGroup(widths[level], step, level, widths[-1], options)
            self.dec.append(nn.ModuleList([Double(widths[level + 1]), fuse, group]))
        self.refinement = EncoderGroup(options.width, options.refinement, 0, options)
        self.output = nn.Conv2d(options.width, options.out_colours, 3, padding=1, bias=options.decoder_bias)
        encoders = sum(2 * count << level for level, count in enumerate(options.blocks))
        # A decoder block: 3 x 3 three times, 7 x 7 twice, and a patch that is convolved with itself.
        decoder = 3 + 2 * 3 + options.patch
        decoders = sum(decoder * count << (levels - 1 - step) for step, count in enumerate(options.decoder_blocks))
        self.radius = encoders + decoders + 2 * options.refinement + 2 * sum(1 << level for level in range(levels + 1))

    def forward(self, image: Tensor) -> Tensor:
        """See the class."""
        x = self.patch_embed(image)
        skips = []
        for group, halve in self.enc:  # type: ignore[misc]
            x = group(x)
            skips.append(x)
            x = halve(x)
        x = self.latent(x)
        frequencies = self.freq_embed(x)
        for double, fuse, group in self.dec:  # type: ignore[misc]
            x = group(fuse(torch.cat([double(x), skips.pop()], 1)), frequencies)
        return self.output(self.refinement(x)) + image


class FrequencyEmbedding(AsksWhole):
    """What high frequencies there are, as one vector: (B, C, h, w) -> (B, C)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.high_conv = nn.Sequential(_HighPass(channels), nn.GELU())
        self.mlp = nn.Sequential(nn.Linear(channels, 2 * channels), nn.GELU(), nn.Linear(2 * channels, channels))

    def forward(self, x: Tensor) -> Tensor:
        """See the class."""
        return self.mlp(self.mean(self.high_conv(x)).flatten(1))


class _HighPass(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = depthwise(channels)
        laplacian = torch.full((3, 3), -1.0)
        laplacian[1, 1] = 8
        self.conv.weight.data = laplacian.expand(channels, 1, 3, 3).clone()

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(x)


class EncoderGroup(nn.Module):
    """Restormer blocks."""

    def __init__(self, channels: int, count: int, level: int, options: MoCEIROptions) -> None:
        super().__init__()
        self.layers = nn.ModuleList(EncoderBlock(channels, options.heads[level], options) for _ in range(count))

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, h, w) -> the same shape."""
        for layer in self.layers:
            x = layer(x)
        return x


class EncoderBlock(nn.Module):
    """Channel attention and feed-forward, each around a residual."""

    def __init__(self, channels: int, heads: int, options: MoCEIROptions) -> None:
        super().__init__()
        self.norms = nn.ModuleList(ChannelNorm(channels, options.norm_bias) for _ in range(2))
        self.mixer = ChannelAttention(channels, heads, options.encoder_bias)
        self.ffn = GatedFeedForward(channels, int(channels * options.expansion), options.encoder_bias)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, h, w) -> the same shape."""
        x = x + self.mixer(self.norms[0](x))
        return x + self.ffn(self.norms[1](x))


class DecoderGroup(nn.Module):
    """Blocks of which each picks its experts."""

    def __init__(self, channels: int, step: int, level: int, frequencies: int, options: MoCEIROptions) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            DecoderBlock(channels, options.heads[level], options.ranks[step], frequencies, options)
            for _ in range(options.decoder_blocks[step])
        )

    def forward(self, x: Tensor, frequencies: Tensor) -> Tensor:
        """(B, C, h, w) and (B, F) -> (B, C, h, w)."""
        for layer in self.layers:
            x = layer(x, frequencies)
        return x


class DecoderBlock(nn.Module):
    """What all images share looks at what an image's expert made of it."""

    def __init__(
        self, channels: int, heads: int, ranks: tuple[int, ...], frequencies: int, options: MoCEIROptions
    ) -> None:
        super().__init__()
        self.norms = nn.ModuleList(ChannelNorm(channels, options.norm_bias) for _ in range(2))
        self.proj = nn.ModuleList(nn.Conv2d(channels, channels, 1) for _ in range(2))
        self.shared = ChannelAttention(channels, heads, options.decoder_bias)
        self.mixer = CrossAttention(channels, heads, options.decoder_bias)
        self.ffn = GatedFeedForward(channels, int(channels * options.expansion), options.decoder_bias)
        self.adapter = Experts(channels, ranks, frequencies, options.top)

    def forward(self, x: Tensor, frequencies: Tensor) -> Tensor:
        """(B, C, h, w) and (B, F) -> (B, C, h, w)."""
        normed = self.norms[0](x)
        shared = self.shared(self.proj[0](normed))
        adapted = self.adapter(self.proj[1](normed), frequencies, shared)
        x = self.mixer(adapted, shared) + x
        return x + self.ffn(self.norms[1](x))


class CrossAttention(GramAttention):
    """Channels of one map ask those of another."""

    def __init__(self, channels: int, heads: int, bias: bool) -> None:
        super().__init__(heads)
        self.q = nn.Conv2d(channels, channels, 1, bias=bias)
        self.q_dwconv = depthwise(channels, bias=bias)
        self.kv = nn.Conv2d(channels, 2 * channels, 1, bias=bias)
        self.kv_dwconv = depthwise(2 * channels, 7, bias=bias)
        self.project_out = nn.Conv2d(channels, channels, 1, bias=bias)

    def forward(self, x: Tensor, other: Tensor) -> Tensor:
        """Twice (B, C, h, w) -> the same shape."""
        key, value = self.kv_dwconv(self.kv(other)).chunk(2, 1)
        return self.project_out(self.mix(self.q_dwconv(self.q(x)), key, value))
