"""Tiles cover an image once, keep to their size, begin on the grid and reach the margin beyond their own part."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ggt_studio.core.errors import StudioError
from ggt_studio.restorers.plan import plan_tiles

pytestmark = pytest.mark.ml


@given(
    height=st.integers(8, 900),
    width=st.integers(8, 900),
    steps=st.integers(3, 60),
    margin=st.integers(1, 100),
    grid=st.sampled_from([8, 16]),
)
def test_tiles_cover_an_image_once(height: int, width: int, steps: int, margin: int, grid: int) -> None:
    tile = steps * grid
    plan = plan_tiles(height, width, tile, margin, grid)
    assert sum(part.own.area for part in plan.tiles) == height * width
    assert len({(part.own.top, part.own.left) for part in plan.tiles}) == len(plan.tiles)
    for part in plan.tiles:
        box, own = part.box, part.own
        assert plan.whole or max(box.height, box.width) <= tile
        assert box.top % grid == box.left % grid == own.top % grid == own.left % grid == 0
        assert box.top == max(0, own.top - plan.margin)
        assert box.right == min(width, own.right + plan.margin)
    assert plan.whole or plan.margin >= min(margin, (tile - grid) // 2 // grid * grid)


def test_a_large_image_costs_little_more_in_large_tiles() -> None:
    plan = plan_tiles(4000, 6000, 2048, 48, 8)
    assert len(plan.tiles) == 8
    assert plan.work < 1.1


def test_refuses_tiles_without_room_for_an_overlap() -> None:
    with pytest.raises(StudioError, match="the least is 192 px"):
        plan_tiles(1000, 1000, 100, 32, 64)
