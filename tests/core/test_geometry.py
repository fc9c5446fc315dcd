"""Patches lie inside their photo, are of the right size, and the way back ends where it began."""

from __future__ import annotations

import numpy as np
import pytest
import skimage.data
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from ggt_studio.core.errors import UnusableImage
from ggt_studio.core.geometry import cut, is_resized, plan_patches, put_back, to_patch, to_photo
from ggt_studio.core.model import Geometry
from ggt_studio.core.words import MIN_SIDE, PATCH_SIZE, Category, Prepare

SIDES = st.integers(MIN_SIDE, 12_000)
MAX_OVERLAP = PATCH_SIZE // 8


def spans(plan: list[Geometry]) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
    """The distinct columns and rows of a plan as (start, end)."""
    columns = sorted({(g.left, g.left + g.width) for g in plan})
    rows = sorted({(g.top, g.top + g.height) for g in plan})
    return columns, rows


@given(SIDES, SIDES, st.sampled_from(Prepare), st.sampled_from(Category))
def test_plan(width: int, height: int, prepare: Prepare, category: Category) -> None:
    plan = plan_patches(width, height, prepare, category)
    first = plan[0]
    columns, rows = spans(plan)
    assert len(plan) == len(set(plan)) == len(columns) * len(rows)
    for patch in plan:
        assert (patch.photo_width, patch.photo_height) == (width, height)
        assert (patch.resized_width, patch.resized_height) == (first.resized_width, first.resized_height)
        assert 0 <= patch.left <= patch.left + patch.width <= patch.resized_width <= width
        assert 0 <= patch.top <= patch.top + patch.height <= patch.resized_height <= height
        assert patch.width == min(PATCH_SIZE, patch.resized_width)
        assert patch.height == min(PATCH_SIZE, patch.resized_height)
        assert patch.small == (min(patch.resized_width, patch.resized_height) < PATCH_SIZE)
    for side, tiles in ((first.resized_width, columns), (first.resized_height, rows)):
        starts, ends = [start for start, _ in tiles], [end for _, end in tiles]
        assert all(end - start <= MAX_OVERLAP for end, start in zip(ends, starts[1:], strict=False))
        assert abs(starts[0] - (side - ends[-1])) <= 1, "the grid is centred"
        gaps = np.diff(starts)
        assert gaps.size == 0 or gaps.max() - gaps.min() <= 1, "the grid is even"
        if side >= PATCH_SIZE:
            assert len(tiles) == (side - PATCH_SIZE) // (PATCH_SIZE - MAX_OVERLAP) + 1, "no room for one more tile"


@given(SIDES, SIDES, st.sampled_from(Category))
def test_resizing(width: int, height: int, category: Category) -> None:
    first = plan_patches(width, height, Prepare.AUTO, category)[0]
    if category in (Category.RAIN, Category.SNOW) and min(width, height) > PATCH_SIZE:
        assert min(first.resized_width, first.resized_height) == PATCH_SIZE
        aspect, resized_aspect = width / height, first.resized_width / first.resized_height
        assert abs(resized_aspect / aspect - 1) <= 0.5 / PATCH_SIZE
    else:
        assert not is_resized(first)
    assert plan_patches(width, height, Prepare.CROP, category)[0].resized_width == width


@given(SIDES, SIDES, st.sampled_from(Prepare), st.floats(0, 1), st.floats(0, 1))
def test_coordinates_come_back(width: int, height: int, prepare: Prepare, u: float, v: float) -> None:
    for patch in plan_patches(width, height, prepare, Category.SNOW)[:3]:
        x, y = u * patch.width, v * patch.height
        in_photo = to_photo(patch, x, y)
        assert -1e-6 <= in_photo[0] <= width + 1e-6
        assert -1e-6 <= in_photo[1] <= height + 1e-6
        assert to_patch(patch, *in_photo) == pytest.approx((x, y), abs=1e-6)


@settings(max_examples=15)
@given(st.integers(MIN_SIDE, 2600), st.integers(MIN_SIDE, 2600), st.integers(0, 2**32 - 1))
def test_crops_go_back_exactly(width: int, height: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    photo = rng.integers(0, 256, (height, width, 3), dtype=np.uint8)
    for patch in plan_patches(width, height, Prepare.CROP, Category.HAZE):
        pixels = cut(photo, patch)
        assert pixels.shape == (patch.height, patch.width, 3)
        np.testing.assert_array_equal(put_back(photo, pixels, patch), photo)
        black = put_back(photo, np.zeros_like(pixels), patch)
        np.testing.assert_array_equal(cut(black, patch), np.zeros_like(pixels))
        assert np.count_nonzero(np.any(black != photo, axis=-1)) <= patch.width * patch.height


def large_photo(width: int, height: int) -> np.ndarray:
    return np.asarray(Image.fromarray(skimage.data.astronaut()).resize((width, height), Image.Resampling.BICUBIC))


@pytest.mark.parametrize(("width", "height"), [(1600, 1100), (1300, 2600), (4100, 1031)])
def test_resized_patches_go_back_closely(width: int, height: int) -> None:
    photo = large_photo(width, height)
    for patch in plan_patches(width, height, Prepare.RESIZE_CROP, Category.RAIN):
        assert is_resized(patch)
        back = put_back(photo, cut(photo, patch), patch)
        error = np.mean((back.astype(float) - photo) ** 2)
        assert 10 * np.log10(255**2 / max(error, 1e-9)) > 38


def test_a_resized_patch_is_painted_where_it_was() -> None:
    photo = large_photo(3000, 2000)
    patch = plan_patches(3000, 2000, Prepare.RESIZE_CROP, Category.SNOW)[0]
    white = put_back(photo, np.full((patch.height, patch.width, 3), 255, np.uint8), patch)
    left, top = to_photo(patch, 0, 0)
    right, bottom = to_photo(patch, patch.width, patch.height)
    rows, columns = np.nonzero((white != photo).any(axis=-1))
    assert columns.min() >= left - 1
    assert columns.max() <= right
    assert rows.min() >= top - 1
    assert rows.max() <= bottom
    assert (white[int(top) + 1 : int(bottom) - 1, int(left) + 1 : int(right) - 1] == 255).all()


def test_no_shift_creeps_in() -> None:
    """A point drawn in the patch is found in the photo where `to_photo` says, to a fraction of a pixel."""
    photo = np.zeros((2048, 3072, 3), np.uint8)
    patch = plan_patches(3072, 2048, Prepare.RESIZE_CROP, Category.RAIN)[0]
    pixels = cut(photo, patch).copy()
    pixels[300:304, 700:704] = 255
    weights = put_back(photo, pixels, patch)[..., 0].astype(float)
    ys, xs = np.mgrid[0:2048, 0:3072] + 0.5
    centre = (float((weights * xs).sum() / weights.sum()), float((weights * ys).sum() / weights.sum()))
    assert centre == pytest.approx(to_photo(patch, 702, 302), abs=0.1)


@pytest.mark.parametrize(("width", "height"), [(127, 4000), (4000, 127), (1, 1)])
def test_tiny_photos_are_unusable(width: int, height: int) -> None:
    with pytest.raises(UnusableImage, match=f"{width} x {height} px"):
        plan_patches(width, height, Prepare.AUTO, Category.HAZE)


def test_the_wrong_photo_is_noticed() -> None:
    patch = plan_patches(300, 200, Prepare.CROP, Category.HAZE)[0]
    with pytest.raises(ValueError, match="expected 200 x 300 x 3"):
        cut(np.zeros((300, 200, 3), np.uint8), patch)
