"""Building blocks of the Restormer family (Zamir et al., CVPR 2022): channel attention, gated feed-forward, resizing.

Attention between channels weighs every place of the image: its Gram matrix and norms are asked of the whole image.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from ggt_studio.restorers.whole import AsksWhole

_EPS = 1e-5


class _Affine(nn.Module):
    """The weight and, where there is one, bias of a layer norm."""

    def __init__(self, channels: int, bias: bool) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels)) if bias else None


class ChannelNorm(nn.Module):
    """Layer norm over the channels of each place; without bias the mean stays in."""

    def __init__(self, channels: int, bias: bool = True) -> None:
        super().__init__()
        self.body = _Affine(channels, bias)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, h, w) -> the same shape."""
        variance, mean = torch.var_mean(x.float(), 1, correction=0, keepdim=True)
        scale = torch.rsqrt(variance + _EPS).to(x.dtype) * self.body.weight[:, None, None]
        if self.body.bias is None:
            return x * scale
        return (x - mean.to(x.dtype)) * scale + self.body.bias[:, None, None]


def depthwise(channels: int, kernel: int = 3, bias: bool = False) -> nn.Conv2d:
    """A convolution of each channel by itself that keeps the size."""
    return nn.Conv2d(channels, channels, kernel, padding=kernel // 2, groups=channels, bias=bias)


class GatedFeedForward(nn.Module):
    """Two depthwise branches, one gating the other (GDFN)."""

    def __init__(self, channels: int, hidden: int, bias: bool) -> None:
        super().__init__()
        self.project_in = nn.Conv2d(channels, 2 * hidden, 1, bias=bias)
        self.dwconv = depthwise(2 * hidden, bias=bias)
        self.project_out = nn.Conv2d(hidden, channels, 1, bias=bias)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, h, w) -> the same shape."""
        gate, value = self.dwconv(self.project_in(x)).chunk(2, 1)
        return self.project_out(functional.gelu(gate) * value)


class GramAttention(AsksWhole):
    """Softmax over channel similarities, which are cosines over all places of the whole image."""

    def __init__(self, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.temperature = nn.Parameter(torch.ones(heads, 1, 1))

    def mix(self, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        """Each (B, C, h, w) -> value's channels mixed, (B, C, h, w)."""
        batch, channels, height, width = value.shape
        shape = (batch, self.heads, channels // self.heads, -1)
        seen_query = self.view.own(query).float().reshape(shape)
        seen_key = self.view.own(key).float().reshape(shape)
        part = torch.cat(
            [
                seen_query @ seen_key.transpose(-2, -1),
                seen_query.square().sum(-1, keepdim=True),
                seen_key.square().sum(-1, keepdim=True),
            ],
            -1,
        )
        del seen_query, seen_key
        total = self.view.total(part)
        gram, of_query, of_key = total[..., :-2], total[..., -2:-1].sqrt(), total[..., -1:].sqrt()
        cosine = gram / (of_query.clamp(min=1e-12) * of_key.clamp(min=1e-12).transpose(-2, -1))
        weights = (cosine * self.temperature).softmax(-1).to(value.dtype)
        return (weights @ value.reshape(shape)).reshape(batch, channels, height, width)


class ChannelAttention(GramAttention):
    """Attention between the channels of one map (MDTA)."""

    def __init__(self, channels: int, heads: int, bias: bool) -> None:
        super().__init__(heads)
        self.qkv = nn.Conv2d(channels, 3 * channels, 1, bias=bias)
        self.qkv_dwconv = depthwise(3 * channels, bias=bias)
        self.project_out = nn.Conv2d(channels, channels, 1, bias=bias)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, h, w) -> the same shape."""
        query, key, value = self.qkv_dwconv(self.qkv(x)).chunk(3, 1)
        return self.project_out(self.mix(query, key, value))


class Embedding(nn.Module):
    """Colours to features."""

    def __init__(self, colours: int, channels: int, bias: bool = False) -> None:
        super().__init__()
        self.proj = nn.Conv2d(colours, channels, 3, padding=1, bias=bias)

    def forward(self, x: Tensor) -> Tensor:
        """(B, colours, h, w) -> (B, channels, h, w)."""
        return self.proj(x)


class Halve(nn.Module):
    """(B, C, h, w) -> (B, 2 C, h / 2, w / 2)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(channels, channels // 2, 3, padding=1, bias=False), nn.PixelUnshuffle(2))

    def forward(self, x: Tensor) -> Tensor:
        """See the class."""
        return self.body(x)


class Double(nn.Module):
    """(B, C, h, w) -> (B, C / 2, 2 h, 2 w)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(channels, 2 * channels, 3, padding=1, bias=False), nn.PixelShuffle(2))

    def forward(self, x: Tensor) -> Tensor:
        """See the class."""
        return self.body(x)
