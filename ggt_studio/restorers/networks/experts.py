"""MoCE-IR's experts: of growing width and patch size, of which each image is given those that its routing picks."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from ggt_studio.restorers.networks.restormer import ChannelNorm, depthwise
from ggt_studio.restorers.whole import AsksWhole

SMALLEST_PATCH = 4
"""The side in px of the patches that the simplest expert works on."""


class Routed(NamedTuple):
    """What a routing decided in training: how much each expert is wanted (B, experts), the same with noise of a `deviation`, and
    the experts that are asked for each image (B, top), the best first."""

    scores: Tensor
    noisy: Tensor
    deviation: float
    best: Tensor


class Experts(nn.Module):
    """Experts of growing width and patch size, of which each image is given the `top` best, weighted."""

    def __init__(self, channels: int, ranks: tuple[int, ...], frequencies: int, top: int) -> None:
        super().__init__()
        self.top = min(top, len(ranks))
        self.experts = nn.ModuleList(
            nn.Sequential(Expert(channels, rank, SMALLEST_PATCH << number)) for number, rank in enumerate(ranks)
        )
        self.proj_out = nn.Conv2d(channels, channels, 1, bias=False)
        self.routing = Routing(channels, frequencies, self._complexity())

    def _complexity(self) -> Tensor:
        counts = torch.tensor([sum(p.numel() for p in expert.parameters()) for expert in self.experts])
        return counts / counts.max()

    def forward(self, x: Tensor, frequencies: Tensor, shared: Tensor) -> Tensor:
        """(B, C, h, w), (B, F), (B, C, h, w) -> (B, C, h, w)."""
        chances, best = self.routing(x, frequencies, self.top)
        out = torch.zeros_like(x)
        for number, expert in enumerate(self.experts):
            chosen = (best == number).any(-1)
            if chosen.any():
                made = expert[0](x[chosen], shared[chosen])  # type: ignore[index]
                out[chosen] += chances[chosen, number, None, None, None] * made
            elif self.training:
                # Several processes add up their gradients: each must have one of every weight, if only 0.
                out = out + 0 * torch.stack([weight.sum() for weight in expert.parameters()]).sum().to(out.dtype)
        return self.proj_out(out)


class Routing(AsksWhole):
    """How much each expert is the one for the image: (B, experts), summing to 1.

    In training noise spreads images over the experts, and `routed` tells what was decided last. The authors add noise to photos that
    are restored, too; here it is left out: the same photo gives the same result.
    """

    complexity: Tensor

    def __init__(self, channels: int, frequencies: int, complexity: Tensor) -> None:
        super().__init__()
        # Named as the third step of the authors' gate, after the pooling and its reshaping.
        self.gate = nn.ModuleDict({"2": nn.Linear(channels, len(complexity), bias=False)})
        self.freq_gate = nn.Linear(frequencies, len(complexity), bias=False)
        self.register_buffer("complexity", complexity)
        self.routed: Routed | None = None

    def forward(self, x: Tensor, frequencies: Tensor, top: int) -> tuple[Tensor, Tensor]:
        """(B, C, h, w) and (B, F) -> (B, experts), and the `top` best, (B, top)."""
        scores = self.gate["2"](self.mean(x).flatten(1)) + self.freq_gate(frequencies)
        if not self.training:
            chances = scores.softmax(-1)
            return chances, chances.topk(top, -1).indices
        deviation = 1 / scores.shape[-1]
        noisy = scores + deviation * torch.randn_like(scores)
        best = noisy.topk(top, -1).indices
        self.routed = Routed(scores, noisy, deviation, best)
        return noisy.softmax(-1), best


class Expert(nn.Module):
    """Works at a small width, gated by what all images share."""

    def __init__(self, channels: int, rank: int, patch: int) -> None:
        super().__init__()
        self.proj = nn.ModuleList(
            nn.Conv2d(*sides, 1, bias=False) for sides in ((channels, rank), (channels, rank), (rank, channels))
        )
        self.body = PatchConvolution(rank, patch)

    def forward(self, x: Tensor, shared: Tensor) -> Tensor:
        """Twice (B, C, h, w) -> the same shape."""
        return self.proj[2](self.body(self.proj[0](x)) * functional.silu(self.proj[1](shared))) + x


class PatchConvolution(nn.Module):
    """Queries convolved with keys patch by patch, by way of their spectra, as weights of the values."""

    def __init__(self, channels: int, patch: int) -> None:
        super().__init__()
        self.patch = patch
        self.q = nn.Conv2d(channels, channels, 1, bias=False)
        self.q_dwconv = depthwise(channels, bias=True)
        self.kv = nn.Conv2d(channels, 2 * channels, 1, bias=False)
        self.kv_dwconv = depthwise(2 * channels, 7, bias=True)
        self.norm = ChannelNorm(channels)
        self.proj_out = nn.Conv2d(channels, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, h, w) -> the same shape."""
        height, width = x.shape[-2:]
        query = self._spectra(self.q_dwconv(self.q(x)))
        key, value = self.kv_dwconv(self.kv(x)).chunk(2, 1)
        convolved = torch.fft.irfft2(query * self._spectra(key), s=(self.patch, self.patch))
        joined = convolved.transpose(3, 4).flatten(4, 5).flatten(2, 3)[..., :height, :width]
        return self.proj_out(self.norm(joined.to(x.dtype)) * value)

    def _spectra(self, x: Tensor) -> Tensor:
        """(B, C, h, w) -> (B, C, rows, columns, patch, patch / 2 + 1), missing places being 0."""
        side = self.patch
        x = functional.pad(x.float(), (0, -x.shape[-1] % side, 0, -x.shape[-2] % side))
        return torch.fft.rfft2(x.unflatten(-1, (-1, side)).unflatten(-3, (-1, side)).transpose(3, 4))
