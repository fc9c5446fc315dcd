"""Which tiles an image is cut into: as few as fit, of equal size, with the overlap that the network needs."""

from __future__ import annotations

import math
from dataclasses import dataclass

from ggt_studio.core.errors import StudioError
from ggt_studio.restorers.meeting import Box, Tile


@dataclass(frozen=True, slots=True)
class Plan:
    """Tiles of an image of `height` x `width` px; `margin` px around each tile's own part go through the network with it."""

    tiles: tuple[Tile, ...]
    height: int
    width: int
    margin: int

    @property
    def whole(self) -> bool:
        """Whether the image goes through at once."""
        return len(self.tiles) == 1

    @property
    def work(self) -> float:
        """Pixels that go through the network per pixel of the image; 1 is the least."""
        return sum(tile.box.area for tile in self.tiles) / (self.height * self.width)


def plan_tiles(height: int, width: int, tile: int, margin: int, grid: int) -> Plan:
    """Tiles no larger than `tile` px a side (0: the whole image).

    Each begins at a multiple of `grid` px and reaches `margin` px, rounded up to the grid, beyond its own part on every side
    where there is image. Where `tile` is too small for that, the margin gives way, not the size. Raises StudioError when `tile`
    holds not even one step of the grid and a margin of one.
    """
    if not tile or (height <= tile and width <= tile):
        box = Box(0, 0, height, width)
        return Plan((Tile(box, box),), height, width, 0)
    tile = tile // grid * grid
    margin = min(math.ceil(margin / grid) * grid, (tile - grid) // 2 // grid * grid)
    if margin < grid:
        raise StudioError(f"Tiles are too small for this network: the least is {3 * grid} px a side.")
    rows = _spans(height, tile, margin, grid)
    columns = _spans(width, tile, margin, grid)
    tiles = []
    for (top, bottom), (own_top, own_bottom) in rows:
        for (left, right), (own_left, own_right) in columns:
            tiles.append(Tile(Box(top, left, bottom, right), Box(own_top, own_left, own_bottom, own_right)))
    return Plan(tuple(tiles), height, width, margin)


def _spans(length: int, tile: int, margin: int, grid: int) -> list[tuple[tuple[int, int], tuple[int, int]]]:
    """What goes through, and what of it is own, for each tile along one side."""
    count = 1
    while True:
        step = math.ceil(length / count / grid) * grid
        starts = range(0, length, step)
        owns = [(start, min(start + step, length)) for start in starts]
        boxes = [(max(0, start - margin), min(length, end + margin)) for start, end in owns]
        if max(end - start for start, end in boxes) <= tile:
            return list(zip(boxes, owns, strict=True))
        count += 1
