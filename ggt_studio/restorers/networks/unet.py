"""What the U-Nets of diffusion models share: norms, attention to all places of the image, and a number as a sinusoid."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from ggt_studio.restorers.whole import AsksWhole, View


def sinusoid(level: Tensor, width: int) -> Tensor:
    """A number as (B, width) sines and cosines of falling frequency, in float32."""
    half = width // 2
    falling = torch.exp(torch.arange(half, device=level.device) * -(math.log(10000) / (half - 1)))
    angles = level.float()[:, None] * falling[None, :]
    return torch.cat([angles.sin(), angles.cos()], -1)


class GroupNorm(AsksWhole):
    """Group norm over all places of the whole image, (B, C, h, w) -> the same shape."""

    def __init__(self, groups: int, channels: int, eps: float = 1e-5) -> None:
        super().__init__()
        self.groups, self.eps = groups, eps
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        """See the class."""
        grouped = x.float().reshape(len(x), self.groups, -1, *x.shape[-2:])
        mean = self.mean(grouped.mean(2))[:, :, None]
        grouped = grouped - mean
        variance = self.mean(grouped.square().mean(2))[:, :, None]
        normed = (grouped * torch.rsqrt(variance + self.eps)).reshape(x.shape).to(x.dtype)
        return normed * self.weight[:, None, None] + self.bias[:, None, None]


class ChannelNorm(nn.Module):
    """Layer norm over the channels of each place, with a weight alone; (B, C, h, w) -> the same shape."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.g = nn.Parameter(torch.ones(1, channels, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        """See the class."""
        variance, mean = torch.var_mean(x.float(), 1, correction=0, keepdim=True)
        return ((x - mean) * torch.rsqrt(variance + 1e-5)).to(x.dtype) * self.g


class _Residual(nn.Module):
    def __init__(self, function: nn.Module) -> None:
        super().__init__()
        self.fn = function

    def forward(self, x: Tensor, *more: Tensor) -> Tensor:
        return self.fn(x, *more) + x


class _Normed(nn.Module):
    def __init__(self, channels: int, function: nn.Module) -> None:
        super().__init__()
        self.fn = function
        self.norm = ChannelNorm(channels)

    def forward(self, x: Tensor, *more: Tensor) -> Tensor:
        return self.fn(self.norm(x), *more)


def normed(channels: int, function: nn.Module) -> nn.Module:
    """`function` of the normed input, and whatever else is given, added to the input."""
    return _Residual(_Normed(channels, function))


def attend(view: View, query: Tensor, key: Tensor, value: Tensor, heads: int) -> Tensor:
    """Each place attends to all places of the whole image: (B, heads C, h, w) each -> the same shape."""

    def flat(x: Tensor) -> Tensor:
        return x.reshape(len(x), heads, x.shape[1] // heads, -1)

    keys, values = view.joined(flat(view.own(key))), view.joined(flat(view.own(value)))
    asked, key, value = (side.transpose(-2, -1).contiguous() for side in (flat(query), keys, values))
    out = functional.scaled_dot_product_attention(asked, key, value)
    return out.transpose(-2, -1).reshape(query.shape)


class _Attention(AsksWhole):
    def __init__(self, channels: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.to_qkv = nn.Conv2d(channels, 3 * 32 * heads, 1, bias=False)


class LinearAttention(_Attention):
    """Places send what they hold to channels and fetch it from there; a softmax over all places says how much each sends."""

    def __init__(self, channels: int, heads: int) -> None:
        super().__init__(channels, heads)
        self.to_out = nn.Sequential(nn.Conv2d(32 * heads, channels, 1), ChannelNorm(channels))

    def _flat(self, x: Tensor) -> Tensor:
        """(B, heads C, h, w) -> (B, heads, C, places)."""
        return x.reshape(len(x), self.heads, 32, -1)

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
        query, key, value = self.to_qkv(x).chunk(3, 1)
        return self.to_out(attend(self.view, query, key, value, self.heads))
