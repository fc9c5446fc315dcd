"""Degradations: repeatable, of the category's kind, stronger when asked."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from skimage import data
from skimage.metrics import peak_signal_noise_ratio

from ggt_studio.core.words import Category
from ggt_studio.dataset.degrade import degrade


@pytest.fixture(scope="module")
def clean() -> np.ndarray:
    return np.ascontiguousarray(data.coffee()[:300, 100:500])


def fine_detail(image: np.ndarray) -> np.ndarray:
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).astype(float)
    return (grey - cv2.GaussianBlur(grey, (0, 0), 1.0)).ravel()


@pytest.mark.parametrize("category", list(Category))
def test_same_seed_gives_same_pixels_and_another_seed_others(clean: np.ndarray, category: Category) -> None:
    first = degrade(clean, category, seed=3)
    assert first.shape == clean.shape
    assert first.dtype == np.uint8
    assert np.array_equal(first, degrade(clean, category, seed=3))
    assert not np.array_equal(first, degrade(clean, category, seed=4))


@pytest.mark.parametrize("category", list(Category))
def test_the_photo_stays_recognisable_and_strength_takes_it_further_from_the_clean_one(
    clean: np.ndarray, category: Category
) -> None:
    mild, usual, hard = (
        np.mean([peak_signal_noise_ratio(clean, degrade(clean, category, seed, strength)) for seed in range(3)])
        for strength in (0.4, 1.0, 1.8)
    )
    assert hard < usual < mild
    assert 6 < usual < 30


def test_the_input_is_left_alone(clean: np.ndarray) -> None:
    before = clean.copy()
    for category in Category:
        degrade(clean, category, seed=0)
    assert np.array_equal(clean, before)


def test_low_light_is_dark_and_keeps_its_hue(clean: np.ndarray) -> None:
    dark = degrade(clean, Category.LOW_LIGHT, seed=1)
    assert dark.mean() < 0.5 * clean.mean()
    before, after = clean.reshape(-1, 3).mean(0), dark.reshape(-1, 3).mean(0)
    assert np.argsort(before).tolist() == np.argsort(after).tolist()


def test_haze_raises_the_darkest_channel_and_more_so_at_the_top(clean: np.ndarray) -> None:
    lifted = degrade(clean, Category.HAZE, seed=1).min(axis=2).astype(float) - clean.min(axis=2)
    assert lifted.mean() > 20
    assert lifted[:60].mean() > lifted[-60:].mean()


def test_rain_and_snow_are_lighter_than_what_they_hide() -> None:
    grey = np.full((400, 600, 3), 70, np.uint8)
    for category in (Category.RAIN, Category.SNOW):
        fallen = degrade(grey, category, seed=2)
        assert np.percentile(fallen, 99) > np.percentile(fallen, 20) + 50


def test_rain_falls_in_streaks() -> None:
    grey = np.full((400, 600, 3), 70, np.uint8)
    rain = degrade(grey, Category.RAIN, seed=2, strength=0.7).astype(float).mean(axis=2)
    along, across = np.abs(np.diff(rain, axis=0)).mean(), np.abs(np.diff(rain, axis=1)).mean()
    assert across > 1.3 * along


def test_general_mixed_loses_fine_detail(clean: np.ndarray) -> None:
    for seed in range(4):
        degraded = degrade(clean, Category.GENERAL_MIXED, seed)
        assert np.corrcoef(fine_detail(clean), fine_detail(degraded))[0, 1] < 0.6


def test_an_old_photo_has_no_colours_but_its_tone(clean: np.ndarray) -> None:
    for seed in range(6):
        old = degrade(clean, Category.OLD_PHOTO, seed).astype(float)
        assert (old[..., 0] - old[..., 2]).std() < 0.35 * (clean[..., 0].astype(float) - clean[..., 2]).std()
        assert old.max() - old.min() > 60


def test_small_photos_work() -> None:
    tiny = np.tile(np.arange(16, dtype=np.uint8)[:, None, None] * 16, (1, 24, 3))
    for category in Category:
        assert degrade(tiny, category, seed=0).shape == (16, 24, 3)


def test_what_cannot_be_degraded_is_refused(clean: np.ndarray) -> None:
    with pytest.raises(ValueError, match="uint8"):
        degrade(clean.astype(np.float32), Category.RAIN, 0)
    with pytest.raises(ValueError, match="shape"):
        degrade(clean[..., 0], Category.RAIN, 0)
    with pytest.raises(ValueError, match="strength"):
        degrade(clean, Category.RAIN, 0, strength=0)
