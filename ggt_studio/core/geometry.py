"""Where patches lie in a photo, and the way back: plan, cut, put back, coordinates."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ggt_studio.core.errors import UnusableImage
from ggt_studio.core.model import Geometry
from ggt_studio.core.words import MIN_SIDE, PATCH_SIZE, Category, Prepare

Pixels = NDArray[np.uint8]

# Neighbouring tiles overlap by at most 1/8 of their side, so the next tile begins at least this much further on.
_STEP = PATCH_SIZE - PATCH_SIZE // 8
_RESIZED_BY_DEFAULT = frozenset({Category.RAIN, Category.SNOW})


@dataclass(frozen=True, slots=True)
class _Span:
    start: int
    length: int


def plan_patches(width: int, height: int, prepare: Prepare, category: Category) -> list[Geometry]:
    """The patches of an upright photo of `width` x `height` px, row by row.

    Resizing (AUTO: for rain and snow, paper section 3.1) brings a short side above 1024 px down to 1024, keeping the
    aspect; nothing is enlarged. Then crops of 1024 x 1024 px lie on a grid, evenly spread, overlapping by at most 1/8; a
    side with room for one tile has it in its middle, a side below 1024 px is taken whole. Raises `UnusableImage` for a
    side below 128 px.
    """
    if min(width, height) < MIN_SIDE:
        raise UnusableImage(f"It is {width} x {height} px; each side must have at least {MIN_SIDE} px.")
    resized_width, resized_height = width, height
    if _resizes(prepare, category):
        resized_width, resized_height = _resized(width, height)
    return [
        Geometry(width, height, resized_width, resized_height, column.start, row.start, column.length, row.length)
        for row in _tiles(resized_height)
        for column in _tiles(resized_width)
    ]


def _resizes(prepare: Prepare, category: Category) -> bool:
    if prepare is Prepare.AUTO:
        return category in _RESIZED_BY_DEFAULT
    return prepare is Prepare.RESIZE_CROP


def _resized(width: int, height: int) -> tuple[int, int]:
    short = min(width, height)
    if short <= PATCH_SIZE:
        return width, height
    return round(width * PATCH_SIZE / short), round(height * PATCH_SIZE / short)


def _tiles(side: int) -> list[_Span]:
    if side < PATCH_SIZE:
        return [_Span(0, side)]
    room = side - PATCH_SIZE
    count = room // _STEP + 1
    if count == 1:
        return [_Span(room // 2, PATCH_SIZE)]
    return [_Span(room * index // (count - 1), PATCH_SIZE) for index in range(count)]


def is_resized(geometry: Geometry) -> bool:
    """Whether the photo was resized before the patch was cut from it."""
    return (geometry.resized_width, geometry.resized_height) != (geometry.photo_width, geometry.photo_height)


def resize_photo(pixels: Pixels, geometry: Geometry) -> Pixels:
    """The photo, uint8 H x W x 3, at the size its patches are cut from (Lanczos); the same array where only cropped."""
    _require_shape(pixels, geometry.photo_height, geometry.photo_width)
    if not is_resized(geometry):
        return pixels
    size = (geometry.resized_width, geometry.resized_height)
    return np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.LANCZOS))


def crop(resized: Pixels, geometry: Geometry) -> Pixels:
    """The patch, uint8 height x width x 3, from the photo as `resize_photo` gives it; a view of its memory."""
    _require_shape(resized, geometry.resized_height, geometry.resized_width)
    rows = slice(geometry.top, geometry.top + geometry.height)
    return resized[rows, geometry.left : geometry.left + geometry.width]


def cut(pixels: Pixels, geometry: Geometry) -> Pixels:
    """The patch, uint8 height x width x 3, from the upright photo, uint8 H x W x 3."""
    return crop(resize_photo(pixels, geometry), geometry)


def put_back(photo: Pixels, patch: Pixels, geometry: Geometry) -> Pixels:
    """A copy of `photo`, uint8 H x W x 3, with `patch` (a patch of this geometry, perhaps restored) in its place.

    Exact where the photo was only cropped. Where it was resized, the patch is resized back (Lanczos) onto the photo
    pixels that lie wholly inside its box.
    """
    _require_shape(photo, geometry.photo_height, geometry.photo_width)
    _require_shape(patch, geometry.height, geometry.width)
    painted = photo.copy()
    if not is_resized(geometry):
        crop(painted, geometry)[...] = patch
        return painted
    scale_x, scale_y = _scales(geometry)
    columns = _inside(geometry.left, geometry.width, scale_x, geometry.photo_width)
    rows = _inside(geometry.top, geometry.height, scale_y, geometry.photo_height)
    box = (
        max(0.0, columns.start * scale_x - geometry.left),
        max(0.0, rows.start * scale_y - geometry.top),
        min(float(geometry.width), (columns.start + columns.length) * scale_x - geometry.left),
        min(float(geometry.height), (rows.start + rows.length) * scale_y - geometry.top),
    )
    back = Image.fromarray(patch).resize((columns.length, rows.length), Image.Resampling.LANCZOS, box=box)
    painted[rows.start : rows.start + rows.length, columns.start : columns.start + columns.length] = np.asarray(back)
    return painted


def _scales(geometry: Geometry) -> tuple[float, float]:
    """Resized pixels per photo pixel, along x and y."""
    return geometry.resized_width / geometry.photo_width, geometry.resized_height / geometry.photo_height


def _inside(start: int, length: int, scale: float, limit: int) -> _Span:
    """The photo's pixels that lie wholly inside `start` to `start + length` of the resized photo."""
    tolerance = 1e-6
    first = max(0, int(np.ceil(start / scale - tolerance)))
    last = min(limit, int(np.floor((start + length) / scale + tolerance)))
    return _Span(first, last - first)


def to_photo(geometry: Geometry, x: float, y: float) -> tuple[float, float]:
    """Patch coordinates in px, (0, 0) its top left corner, as photo coordinates; pixel centres lie at halves."""
    scale_x, scale_y = _scales(geometry)
    return (x + geometry.left) / scale_x, (y + geometry.top) / scale_y


def to_patch(geometry: Geometry, x: float, y: float) -> tuple[float, float]:
    """Photo coordinates in px as patch coordinates; the inverse of `to_photo`. They may lie outside the patch."""
    scale_x, scale_y = _scales(geometry)
    return x * scale_x - geometry.left, y * scale_y - geometry.top


def _require_shape(pixels: Pixels, height: int, width: int) -> None:
    if pixels.ndim != 3 or pixels.shape != (height, width, 3):
        raise ValueError(f"expected {height} x {width} x 3 pixels, got {' x '.join(map(str, pixels.shape))}")
