from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ggt_studio.ui.widgets.compare import camera as cam
from ggt_studio.ui.widgets.compare.camera import Camera

IMAGE, PANE = (1024, 1024), (500, 400)


def test_fitting_shows_the_whole_image_in_the_middle():
    placement = cam.place(Camera(), IMAGE, PANE)
    assert placement.zoom == pytest.approx(400 / 1024)
    assert (placement.left, placement.top) == (50, 0)


def test_zooming_keeps_the_point_under_the_cursor():
    camera = cam.zoomed(Camera(), IMAGE, PANE, 4, (120, 90))
    before, after = cam.place(Camera(), IMAGE, PANE), cam.place(camera, IMAGE, PANE)
    assert after.to_image((120, 90)) == pytest.approx(before.to_image((120, 90)), abs=0.3)


def test_zoom_stays_between_the_whole_image_and_sixteen():
    assert cam.zoomed(Camera(), IMAGE, PANE, 99).zoom == 16
    assert cam.zoomed(Camera(), IMAGE, PANE, 0.001).zoom == pytest.approx(400 / 1024)
    assert cam.zoomed(Camera(), (50, 50), PANE, 0.001).zoom == 1


def test_a_small_image_fills_the_pane_when_fitted():
    assert cam.place(Camera(), (100, 100), PANE).zoom == 4


@given(
    zoom=st.floats(0.1, 16),
    x=st.floats(-0.5, 1.5),
    y=st.floats(-0.5, 1.5),
    pushes=st.lists(st.tuples(st.floats(-900, 900), st.floats(-900, 900)), max_size=4),
)
def test_the_image_never_leaves_a_gap_it_could_fill(zoom, x, y, pushes):
    camera = Camera(zoom, x, y, fitted=False)
    for push in pushes:
        camera = cam.panned(camera, IMAGE, PANE, *push)
    placement = cam.place(camera, IMAGE, PANE)
    for start, length, pane in zip((placement.left, placement.top), IMAGE, PANE, strict=True):
        size = length * placement.zoom
        if size >= pane:
            assert start <= 0.5
            assert start + size >= pane - 0.51
        else:
            assert start == pytest.approx((pane - size) / 2, abs=0.51)


def test_the_ladder_climbs_to_sixteen_and_back():
    zoom, seen = 0.39, []
    while zoom < 16:
        zoom = cam.rung(zoom, 1)
        seen.append(zoom)
    assert seen[:3] == [0.5, 0.67, 1.0]
    assert cam.rung(1.0, -1) == 0.67
    assert cam.rung(16, 1) == 16
