from __future__ import annotations

import numpy as np
import pytest

from ggt_studio.core.difference import absolute_difference, amplify, delta_e, heat, heat_scale, lab


@pytest.fixture
def random_pair() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(7)
    return rng.integers(0, 256, (32, 48, 3), dtype=np.uint8), rng.integers(0, 256, (32, 48, 3), dtype=np.uint8)


def test_the_absolute_difference_does_not_wrap_around():
    lq = np.array([[[0, 255, 100]]], dtype=np.uint8)
    hq = np.array([[[255, 0, 103]]], dtype=np.uint8)
    assert absolute_difference(lq, hq).tolist() == [[[255, 255, 3]]]
    assert absolute_difference(hq, lq).tolist() == [[[255, 255, 3]]]


def test_lab_and_delta_e_agree_with_scikit_image(random_pair):
    from skimage.color import deltaE_cie76, rgb2lab

    lq, hq = random_pair
    assert np.abs(lab(lq) - rgb2lab(lq)).max() < 0.02
    assert np.abs(delta_e(lq, hq) - deltaE_cie76(rgb2lab(lq), rgb2lab(hq))).max() < 0.03


def test_known_perceived_differences():
    black, white = np.zeros((1, 1, 3), np.uint8), np.full((1, 1, 3), 255, np.uint8)
    assert delta_e(black, white)[0, 0] == pytest.approx(100, abs=0.01)
    assert delta_e(white, white)[0, 0] == 0
    assert np.abs(lab(white)[0, 0] - (100, 0, 0)).max() < 0.01


def test_a_hue_change_of_equal_absolute_size_is_weighed_as_people_see_it():
    grey = np.full((1, 1, 3), 128, np.uint8)
    green, blue = grey.copy(), grey.copy()
    green[..., 1] += 30
    blue[..., 2] += 30
    assert absolute_difference(grey, green).sum() == absolute_difference(grey, blue).sum()
    assert abs(delta_e(grey, green)[0, 0] - delta_e(grey, blue)[0, 0]) > 3


def test_amplified_differences_are_clipped():
    assert amplify(np.array([0, 3, 40, 255], np.uint8), 8).tolist() == [0, 24, 255, 255]
    assert amplify(np.array([3], np.uint8), 0.5).tolist() == [2]


def test_heat_rises_in_brightness_and_saturates():
    luminance = heat_scale() @ np.array([0.2126, 0.7152, 0.0722])
    assert (np.diff(luminance) > 0).mean() > 0.98
    picture = heat(np.array([[0, 25, 400]], np.float32), 25)
    assert picture[0, 0].tolist() == [0, 0, 0]
    assert picture[0, 1].tolist() == picture[0, 2].tolist() == heat_scale()[255].tolist()


def test_different_shapes_are_refused(random_pair):
    lq, hq = random_pair
    for function in (absolute_difference, delta_e):
        with pytest.raises(ValueError, match="different shapes"):
            function(lq, hq[:8])
