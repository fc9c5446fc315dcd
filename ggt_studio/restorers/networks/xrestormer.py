"""X-Restormer (Chen et al., ECCV 2024): a Restormer whose blocks look at neighbouring windows as well as at channels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor, nn
from torch.nn import functional

from ggt_studio.restorers.networks.restormer import (
    ChannelAttention,
    ChannelNorm,
    Double,
    Embedding,
    GatedFeedForward,
    Halve,
)
from ggt_studio.restorers.networks.shapes import StateDict, columns, length, rows


@dataclass(frozen=True, slots=True)
class XRestormerOptions:
    """Widths and depths. `window` px a side are queried, `reach` px a side looked at. `scale`: super-resolution factor."""

    colours: int = 3
    out_colours: int = 3
    width: int = 48
    blocks: tuple[int, ...] = (2, 4, 4, 4)
    refinement: int = 4
    channel_heads: tuple[int, ...] = (1, 2, 4, 8)
    spatial_heads: tuple[int, ...] = (1, 2, 4, 8)
    head_channels: int = 16
    window: int = 8
    reach: int = 12
    expansion: float = 2.66
    bias: bool = False
    norm_bias: bool = True
    scale: int = 1

    @classmethod
    def of(cls, weights: StateDict, scale: int = 1) -> Self:
        """The options that a state dict was trained with; the scale leaves no trace in it. Windows overlap by a half."""
        width = rows(weights, "patch_embed.proj.weight")
        levels = ("encoder_level1", "encoder_level2", "encoder_level3", "latent")
        hidden = columns(weights, "encoder_level1.0.channel_ffn.project_out.weight")
        relative = weights["encoder_level1.0.spatial_attn.rel_pos_emb.rel_height"]
        reach = (relative.shape[0] + 1) // 2
        inner = (columns(weights, f"{level}.0.spatial_attn.project_out.weight") for level in levels)
        return cls(
            colours=columns(weights, "patch_embed.proj.weight"),
            out_colours=rows(weights, "output.weight"),
            width=width,
            blocks=tuple(length(weights, level) for level in levels),
            refinement=length(weights, "refinement"),
            channel_heads=tuple(rows(weights, f"{level}.0.channel_attn.temperature") for level in levels),
            spatial_heads=tuple(channels // relative.shape[1] for channels in inner),
            head_channels=relative.shape[1],
            window=reach * 2 // 3,
            reach=reach,
            expansion=2.66 if hidden == int(width * 2.66) else hidden / width,
            bias="encoder_level1.0.channel_attn.qkv.bias" in weights,
            norm_bias="encoder_level1.0.norm1.body.bias" in weights,
            scale=scale,
        )


class XRestormer(nn.Module):
    """(B, 3, H, W) of 0 to 1 -> (B, 3, H scale, W scale); H and W scale multiples of 8 windows."""

    def __init__(self, options: XRestormerOptions) -> None:
        super().__init__()
        width, bias = options.width, options.bias
        one, two, three, four = (width << level for level in range(4))
        self.scale = options.scale

        def level(number: int, channels: int, count: int = 0) -> nn.Sequential:
            blocks = range(count or options.blocks[number])
            return nn.Sequential(*(TransformerBlock(channels, number, options) for _ in blocks))

        self.patch_embed = Embedding(options.colours, width)
        self.encoder_level1 = level(0, one)
        self.down1_2 = Halve(one)
        self.encoder_level2 = level(1, two)
        self.down2_3 = Halve(two)
        self.encoder_level3 = level(2, three)
        self.down3_4 = Halve(three)
        self.latent = level(3, four)
        self.up4_3 = Double(four)
        self.reduce_chan_level3 = nn.Conv2d(four, three, 1, bias=bias)
        self.decoder_level3 = level(2, three)
        self.up3_2 = Double(three)
        self.reduce_chan_level2 = nn.Conv2d(three, two, 1, bias=bias)
        self.decoder_level2 = level(1, two)
        self.up2_1 = Double(two)
        self.decoder_level1 = level(0, two)
        self.refinement = level(0, two, options.refinement)
        self.output = nn.Conv2d(two, options.out_colours, 3, padding=1, bias=bias)
        counts = options.blocks
        blocks = 2 * counts[0] + options.refinement + 2 * (2 * counts[1]) + 4 * (2 * counts[2]) + 8 * counts[3]
        # Three 3 x 3 convolutions a block; a window at its far end looks `reach` less its padding further.
        self.radius = blocks * (3 + (options.reach + options.window) // 2) + 2 * (1 + 2 + 4 + 8)

    def forward(self, image: Tensor) -> Tensor:
        """See the class."""
        if self.scale > 1:
            image = functional.interpolate(image, scale_factor=self.scale, mode="bilinear", align_corners=False)
        first = self.encoder_level1(self.patch_embed(image))
        second = self.encoder_level2(self.down1_2(first))
        third = self.encoder_level3(self.down2_3(second))
        x = self.latent(self.down3_4(third))
        x = self.decoder_level3(self.reduce_chan_level3(torch.cat([self.up4_3(x), third], 1)))
        del third
        x = self.decoder_level2(self.reduce_chan_level2(torch.cat([self.up3_2(x), second], 1)))
        del second
        x = torch.cat([self.up2_1(x), first], 1)
        del first
        return self.output(self.refinement(self.decoder_level1(x))) + image


class TransformerBlock(nn.Module):
    """Channel attention, then window attention, each followed by a feed-forward."""

    def __init__(self, channels: int, level: int, options: XRestormerOptions) -> None:
        super().__init__()
        hidden = int(channels * options.expansion)
        self.norm1, self.norm2, self.norm3, self.norm4 = (ChannelNorm(channels, options.norm_bias) for _ in range(4))
        self.channel_attn = ChannelAttention(channels, options.channel_heads[level], options.bias)
        self.channel_ffn = GatedFeedForward(channels, hidden, options.bias)
        self.spatial_attn = WindowAttention(channels, options.spatial_heads[level], options)
        self.spatial_ffn = GatedFeedForward(channels, hidden, options.bias)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, h, w) -> the same shape."""
        x = x + self.channel_attn(self.norm1(x))
        x = x + self.channel_ffn(self.norm2(x))
        x = x + self.spatial_attn(self.norm3(x))
        return x + self.spatial_ffn(self.norm4(x))


class WindowAttention(nn.Module):
    """Each window attends to itself and what surrounds it (overlapping cross-attention)."""

    def __init__(self, channels: int, heads: int, options: XRestormerOptions) -> None:
        super().__init__()
        self.heads, self.head_channels = heads, options.head_channels
        self.window, self.reach = options.window, options.reach
        inner = heads * options.head_channels
        self.qkv = nn.Conv2d(channels, 3 * inner, 1, bias=options.bias)
        self.project_out = nn.Conv2d(inner, channels, 1, bias=options.bias)
        self.rel_pos_emb = RelativePosition(options.reach, options.head_channels)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, h, w) -> the same shape; h and w multiples of the window."""
        batch, _, height, width = x.shape
        side, rows, columns = self.window, height // self.window, width // self.window
        query, key, value = self.qkv(x).chunk(3, 1)
        shape = (batch, self.heads, self.head_channels, rows, side, columns, side)
        # To (batch, row, column, head) x places in the window x channels.
        query = query.reshape(shape).permute(0, 3, 5, 1, 4, 6, 2).reshape(-1, side, side, self.head_channels)
        query = query * self.head_channels**-0.5
        key, value = self._surroundings(key), self._surroundings(value)
        bias = self.rel_pos_emb(query).reshape(len(query), side * side, self.reach * self.reach)
        attention = (query.flatten(1, 2) @ key.transpose(-2, -1) + bias).softmax(-1)
        out = (attention @ value).reshape(batch, rows, columns, self.heads, side, side, self.head_channels)
        return self.project_out(out.permute(0, 3, 6, 1, 4, 2, 5).reshape(batch, -1, height, width))

    def _surroundings(self, x: Tensor) -> Tensor:
        """(B, heads C, h, w) -> (B windows heads, reach², C)."""
        batch = len(x)
        seen = functional.unfold(x, self.reach, stride=self.window, padding=(self.reach - self.window) // 2)
        seen = seen.reshape(batch, self.heads, self.head_channels, self.reach**2, -1)
        return seen.permute(0, 4, 1, 3, 2).reshape(-1, self.reach**2, self.head_channels)


class RelativePosition(nn.Module):
    """How much a query cares for a place so many rows below and columns to the right of it."""

    def __init__(self, reach: int, channels: int) -> None:
        super().__init__()
        self.reach = reach
        self.rel_height = nn.Parameter(torch.randn(2 * reach - 1, channels) * channels**-0.5)
        self.rel_width = nn.Parameter(torch.randn(2 * reach - 1, channels) * channels**-0.5)

    def forward(self, query: Tensor) -> Tensor:
        """(N, rows, columns, C) -> (N, rows, columns, reach, reach)."""
        there = torch.arange(self.reach, device=query.device)
        here = torch.arange(query.shape[1], device=query.device)
        apart = there[None, :] - here[:, None] + self.reach - 1
        by_row = torch.einsum("nxyc,xic->nxyi", query, self.rel_height[apart])
        by_column = torch.einsum("nxyc,yjc->nxyj", query, self.rel_width[apart])
        return by_row[..., :, None] + by_column[..., None, :]
