"""An image through a network, whole or in tiles that are blended into each other."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

from ggt_studio.restorers.catalogue import Padding
from ggt_studio.restorers.meeting import Box, Meeting, Tile
from ggt_studio.restorers.parking import InFiles, InMainMemory
from ggt_studio.restorers.plan import Plan
from ggt_studio.restorers.whole import Alone, askers, show

Call = Callable[[Tensor], Tensor]


def run_tiles(
    network: nn.Module, call: Call, image: Tensor, plan: Plan, scale: int, asks: int, done: Callable[[float], None]
) -> Tensor:
    """`call` of an image (1, C, H, W), which may be in main memory, by the tiles of a plan -> (1, C', H scale, W scale) float32
    in main memory.

    `call` moves what it gets to where the network is. The network's `AsksWhole` layers, which ask `asks` times, are answered from
    all tiles. `done` is told how many tiles are done, in parts of tiles where they go side by side; what it raises ends the run.
    """
    if plan.whole:
        done(0)
        show(network, Alone(plan.height))
        result = call(image).float().cpu()
        done(1)
        return result
    canvas = _Canvas(plan, scale)

    def work(tile: Tile) -> None:
        canvas.put(call(tile.box.of(image)), tile)

    with torch.no_grad():
        if not any(True for _ in askers(network)):
            for number, tile in enumerate(plan.tiles):
                done(number)
                work(tile)
        else:
            on_gpu = any(parameter.device.type == "cuda" for parameter in network.parameters())
            steps = itertools.count()
            with InMainMemory() if on_gpu else InFiles() as parking:
                meeting = Meeting(plan.tiles, plan.height, plan.width, parking)
                show(network, meeting)
                try:
                    meeting.walk(work, lambda: done(min(next(steps) / (asks + 1), len(plan.tiles))))
                finally:
                    show(network, Alone())
    done(len(plan.tiles))
    return canvas.finish()


class _Canvas:
    """Sums tiles, each with weights that fall from 1 to 0 across the seams, and the weights."""

    def __init__(self, plan: Plan, scale: int) -> None:
        self._plan, self._scale = plan, scale
        # Most of the margin is never used: towards its edge the tile differs more and more from the whole.
        self._ramp = plan.margin // 4
        self._sum: Tensor | None = None
        self._weights = torch.zeros(1, 1, plan.height * scale, plan.width * scale)

    def put(self, result: Tensor, tile: Tile) -> None:
        """Add a tile's result (1, C, h scale, w scale)."""
        scale, plan, ramp = self._scale, self._plan, self._ramp
        reach = Box(
            max(0, tile.own.top - ramp),
            max(0, tile.own.left - ramp),
            min(plan.height, tile.own.bottom + ramp),
            min(plan.width, tile.own.right + ramp),
        )
        vertical = _weights(tile.own.top, tile.own.bottom, plan.height, ramp)
        horizontal = _weights(tile.own.left, tile.own.right, plan.width, ramp)
        weights = (vertical[:, None] * horizontal[None, :]).repeat_interleave(scale, 0).repeat_interleave(scale, 1)
        top, left = reach.top - tile.box.top, reach.left - tile.box.left
        part = Box(top, left, top + reach.height, left + reach.width).of(result, scale).float().cpu()
        if self._sum is None:
            self._sum = torch.zeros(1, result.shape[1], *self._weights.shape[-2:])
        reach.of(self._sum, scale).add_(part * weights)
        reach.of(self._weights, scale).add_(weights)

    def finish(self) -> Tensor:
        """The whole image."""
        assert self._sum is not None
        return self._sum.div_(self._weights)


def _weights(start: int, end: int, length: int, ramp: int) -> Tensor:
    """1 inside, linear across the ramp px on either side of a seam."""
    first, last = max(0, start - ramp), min(length, end + ramp)
    weights = torch.ones(last - first)
    slope = (torch.arange(2 * ramp) + 0.5) / (2 * ramp) if ramp else torch.ones(0)
    if start > 0:
        weights[: 2 * ramp] *= slope[: len(weights)]
    if end < length:
        weights[-2 * ramp :] *= slope.flip(0)[-len(weights) :]
    return weights


def pad_to(image: Tensor, multiple: int, padding: Padding = "mirror") -> Tensor:
    """Fill an image (1, C, H, W) up at its right and lower border to multiples of `multiple` px."""
    if padding == "zero":
        return functional.pad(image, (0, -image.shape[-1] % multiple, 0, -image.shape[-2] % multiple))
    for dim in (-2, -1):
        missing = -image.shape[dim] % multiple
        while missing:
            # A mirror shows at most what is there, without the border itself.
            step = min(missing, max(1, image.shape[dim] - 1))
            tail = image.narrow(dim, max(0, image.shape[dim] - 1 - step), step).flip(dim)
            image = torch.cat([image, tail], dim)
            missing -= step
    return image
