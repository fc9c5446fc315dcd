"""From noise to a restored photo of any size: at each step all tiles are asked where they would move, and move together.

Tiles overlap and are averaged in the latents, so that they agree step by step on what they invent (arXiv 2302.08113), at the
photo's own resolution.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ggt_studio.core.errors import StudioError
from ggt_studio.generative.flow import FlowModel
from ggt_studio.restorers.meeting import Box
from ggt_studio.restorers.memory import is_out_of_memory, release
from ggt_studio.restorers.plan import Plan, plan_tiles
from ggt_studio.restorers.tiling import pad_to

TILE = 1024
"""Px a side that go through at once unless another size is chosen: what the base models were made for."""
LEAST_TILE = 256
_MULTIPLE = 16
# Of a tile's side, how far it reaches beyond its own part.
_MARGIN = 1 / 16


@dataclass(frozen=True, slots=True)
class Sampled:
    """What was done: tiles of at most `tile` px a side (0: the whole photo at once), and how often memory ran out and they were halved."""

    tile: int
    tiles: int
    halvings: int


@dataclass(frozen=True, slots=True)
class Hearing:
    """Who hears of passes through the model (done, of how many); `check` may raise to end it."""

    report: Callable[[int, int], None] = lambda _done, _total: None
    check: Callable[[], None] = lambda: None


def sample(
    model: FlowModel, photo: Tensor, *, steps: int, seed: int, tile: int = 0, hearing: Hearing | None = None
) -> tuple[Tensor, Sampled]:
    """An LQ photo (1, 3, H, W) of 0 to 1 in main memory -> the restored one, float32, clipped to 0 to 1; and what was done.

    The same seed draws the same noise on every device. Where memory runs out, tiles are halved. Raises StudioError where even the
    smallest do not fit, or the model gives numbers out of range.
    """
    height, width = photo.shape[-2:]
    padded = pad_to(photo.float(), _MULTIPLE)
    side, halvings = max(_MULTIPLE * 3, (tile or TILE) // _MULTIPLE * _MULTIPLE), 0
    while True:
        plan = plan_tiles(padded.shape[-2], padded.shape[-1], side, int(side * _MARGIN), _MULTIPLE)
        failed = ""
        try:
            with torch.no_grad(), torch.autocast(model.device.type, model.dtype, enabled=model.dtype != torch.float32):
                made = _sample(model, padded, plan, steps, seed, hearing or Hearing())
            break
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            failed = str(error).split("\n", 1)[0]
        # Out of the handler: until then, what the error refers to cannot be freed.
        release(model.device)
        side = min(side, max(padded.shape[-2:])) // 2 // _MULTIPLE * _MULTIPLE
        halvings += 1
        if side < LEAST_TILE:
            raise StudioError(
                f"There is not enough memory for this model, even in tiles of {2 * side} px ({failed}). Close other programs, or "
                "use another device."
            )
    if not torch.isfinite(made).all():
        raise StudioError("The model gave numbers out of range instead of an image.")
    largest = 0 if plan.whole else max(max(tile.box.height, tile.box.width) for tile in plan.tiles)
    return made[..., :height, :width].clamp(0, 1), Sampled(largest, len(plan.tiles), halvings)


def _sample(model: FlowModel, photo: Tensor, plan: Plan, steps: int, seed: int, hearing: Hearing) -> Tensor:
    device, factor = model.device, model.factor
    boxes = [tile.box for tile in plan.tiles]
    places = [Box(box.top // factor, box.left // factor, box.bottom // factor, box.right // factor) for box in boxes]
    passes = len(boxes) * (steps + 2)
    done = 0

    def one_done() -> None:
        nonlocal done
        done += 1
        hearing.report(done, passes)
        hearing.check()

    shown: list[Any] = []
    for box in boxes:
        shown.append(model.show(box.of(photo).to(device)).to(torch.device("cpu")))
        one_done()
    rows, columns = photo.shape[-2] // factor, photo.shape[-1] // factor
    tallest, widest = max(place.height for place in places), max(place.width for place in places)
    noise = torch.Generator("cpu").manual_seed(seed % 2**63)
    latents = torch.randn(1, model.channels, rows, columns, generator=noise)
    levels = model.levels(steps, tallest, widest)
    for level, following in itertools.pairwise(levels):
        blend = Blend(places, rows, columns)
        at = torch.full((1,), level, device=device)
        for place, seen in zip(places, shown, strict=True):
            velocity = model.guided(place.of(latents).to(device), at, seen.to(device))
            blend.put(velocity, place)
            one_done()
        latents = latents + (following - level) * blend.finish()
    blend = Blend(boxes, *photo.shape[-2:])
    for box, place in zip(boxes, places, strict=True):
        blend.put(model.decode(place.of(latents).to(device)), box)
        one_done()
    return blend.finish()


class Blend:
    """Averages overlapping parts (1, C, h, w), each with weights that fall to its inner borders; in main memory."""

    def __init__(self, boxes: Sequence[Box], height: int, width: int) -> None:
        self._height, self._width = height, width
        self._boxes = boxes
        self._sum: Tensor | None = None
        self._weights = torch.zeros(1, 1, height, width)

    def put(self, part: Tensor, box: Box) -> None:
        """Add a part."""
        part = part.float().cpu()
        if self._sum is None:
            self._sum = torch.zeros(1, part.shape[1], self._height, self._width)
        down = self._ramp(box.top, box.bottom, self._height, [(one.top, one.bottom) for one in self._boxes])
        along = self._ramp(box.left, box.right, self._width, [(one.left, one.right) for one in self._boxes])
        weights = down[:, None] * along[None, :]
        box.of(self._sum).add_(part * weights)
        box.of(self._weights).add_(weights)

    def finish(self) -> Tensor:
        """The whole."""
        assert self._sum is not None
        return self._sum / self._weights

    @staticmethod
    def _ramp(start: int, end: int, length: int, spans: Sequence[tuple[int, int]]) -> Tensor:
        """1 where nothing overlaps, falling linearly to the borders across what the next parts share."""
        weights = torch.ones(end - start)
        before = max((last - start for first, last in spans if first < start < last), default=0)
        after = max((end - first for first, last in spans if first < end < last), default=0)
        if start > 0 and before:
            weights[:before] *= (torch.arange(before) + 0.5) / before
        if end < length and after:
            weights[-after:] *= ((torch.arange(after) + 0.5) / after).flip(0)
        return weights
