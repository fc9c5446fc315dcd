"""Second-order degradation: repeatable, within the preset's ranges, and each step does what it says."""

from __future__ import annotations

import math
from pathlib import Path

import cv2
import numpy as np
import pytest
from skimage import data

from ggt_studio.core.errors import StudioError
from ggt_studio.dataset.degradations import degradation_names, load_degradation
from ggt_studio.dataset.second_order import (
    Blurred,
    Compressed,
    GaussianNoise,
    PoissonNoise,
    Resized,
    Step,
    carry_out,
    degrade_again,
    kernel_of,
    plan,
)

FLAT = np.full((200, 200, 3), (60, 120, 180), np.uint8)


@pytest.fixture(scope="module")
def clean() -> np.ndarray:
    return np.ascontiguousarray(data.coffee()[:150, 100:301])


def do(image: np.ndarray, *steps: Step, seed: int = 0) -> np.ndarray:
    return carry_out(image, list(steps), np.random.default_rng(seed))


def detail(image: np.ndarray) -> float:
    return float(cv2.Laplacian(image.astype(np.float32), cv2.CV_32F).std())


@pytest.mark.parametrize("name", degradation_names())
def test_the_same_seed_gives_the_same_pixels_and_another_others(clean: np.ndarray, name: str) -> None:
    preset = load_degradation(name)
    results = [degrade_again(clean, preset, seed) for seed in range(6)]
    for seed, result in enumerate(results):
        assert result.shape == clean.shape
        assert result.dtype == np.uint8
        assert np.array_equal(result, degrade_again(clean, preset, seed))
        assert np.abs(result.astype(int) - clean).mean() > 1
    assert len({result.tobytes() for result in results}) == len(results)


@pytest.mark.parametrize("name", degradation_names())
def test_what_is_drawn_lies_in_the_presets_ranges_and_reaches_their_ends(name: str) -> None:
    preset = load_degradation(name)
    first, last = preset.stages[0], preset.stages[-1]
    plans = [plan(preset, np.random.default_rng(seed)) for seed in range(1500)]
    steps = [step for steps in plans for step in steps]
    assert {s.quality for s in steps if isinstance(s, Compressed)} == set(range(first.jpeg[0], first.jpeg[1] + 1))
    blurs = [s for s in steps if isinstance(s, Blurred)]
    assert {s.size for s in blurs} == set(range(first.blur.sizes[0], first.blur.sizes[1] + 1, 2))
    sinc = first.blur.sinc_chance or preset.final.sinc_chance
    assert {s.kind for s in blurs} == {*first.blur.weights, *(["sinc"] if sinc else [])}
    for blur in blurs:
        if blur.kind == "sinc":
            assert (math.pi / 3 if blur.size < 13 else math.pi / 5) <= blur.cutoff <= math.pi
            continue
        assert all(first.blur.sigma[0] <= sigma <= first.blur.sigma[1] for sigma in blur.sigmas)
        assert (blur.sigmas[0] == blur.sigmas[1]) == (not blur.kind.endswith("anisotropic"))
        low, high = {"g": first.blur.beta_gaussian, "p": first.blur.beta_plateau}.get(blur.kind[0], (1, 1))
        assert low <= blur.beta <= high
    sigmas = [s.sigma for s in steps if isinstance(s, GaussianNoise)]
    scales = [s.scale for s in steps if isinstance(s, PoissonNoise)]
    for values, stage_range in ((sigmas, first.noise.sigma), (scales, first.noise.scale)):
        assert stage_range[0] <= min(values) <= max(values) <= stage_range[1]
        assert max(values) > 0.95 * stage_range[1]
    assert len(sigmas) / (len(sigmas) + len(scales)) == pytest.approx(first.noise.gaussian_chance, abs=0.04)
    factors = [s.factor for s in steps if isinstance(s, Resized)]
    lowest = min(first.resize.factor[0], last.resize.factor[0] / preset.scale, 1 / preset.scale)
    assert lowest <= min(factors) <= max(factors) <= first.resize.factor[1]
    order = [isinstance(steps[-1], Compressed) for steps in plans]
    assert np.mean(order) == pytest.approx(0.5, abs=0.05)


def test_kernels_of_all_drawn_blurs_sum_to_one() -> None:
    preset = load_degradation("real-esrgan")
    drawn = [s for seed in range(60) for s in plan(preset, np.random.default_rng(seed)) if isinstance(s, Blurred)]
    assert all(float(kernel_of(blur).sum()) == pytest.approx(1, abs=1e-5) for blur in drawn)


@pytest.mark.parametrize("grey", [False, True])
def test_gaussian_noise_has_its_deviation(grey: bool) -> None:
    noise = do(FLAT, GaussianNoise(12.0, grey)).astype(float) - FLAT
    assert noise.std(axis=(0, 1)) == pytest.approx([12, 12, 12], rel=0.03)
    assert abs(noise.mean()) < 0.3
    correlation = np.corrcoef(noise[..., 0].ravel(), noise[..., 2].ravel())[0, 1]
    assert correlation == pytest.approx(1.0 if grey else 0.0, abs=0.03)


@pytest.mark.parametrize("scale", [0.5, 1.0, 2.0])
def test_poisson_noise_grows_with_the_light(scale: float) -> None:
    noise = do(FLAT, PoissonNoise(scale, grey=False)).astype(float) - FLAT
    # Rounding to levels adds 1/12.
    expected = scale**2 * np.array([60.0, 120.0, 180.0]) + 1 / 12
    assert noise.var(axis=(0, 1)) == pytest.approx(expected, rel=0.04)
    assert abs(noise.mean()) < 0.3
    grey = do(FLAT, PoissonNoise(scale, grey=True)).astype(float) - FLAT
    assert np.ptp(grey.std(axis=(0, 1))) < 0.05


def test_blur_and_resizing_take_detail_and_keep_the_mean(clean: np.ndarray) -> None:
    mild = do(clean, Blurred("isotropic", 21, (1.0, 1.0)))
    strong = do(clean, Blurred("isotropic", 21, (3.0, 3.0)))
    assert detail(clean) > 1.5 * detail(mild) > 2 * detail(strong)
    small = do(clean, Resized(0.25, "area"))
    assert small.shape == clean.shape
    assert detail(small) < 0.5 * detail(clean)
    for result in (mild, strong, small):
        assert result.mean() == pytest.approx(clean.mean(), abs=1.0)


def test_one_way_blur_keeps_detail_across_it() -> None:
    stripes = np.zeros((64, 64, 3), np.uint8)
    stripes[:, ::4] = 255
    along = do(stripes, Blurred("anisotropic", 21, (3.0, 0.2), angle=math.pi / 2))
    across = do(stripes, Blurred("anisotropic", 21, (3.0, 0.2), angle=0.0))
    assert along.std() > 0.9 * stripes.std()
    assert across.std() < 0.3 * stripes.std()


def test_compression_leaves_blocks_and_less_with_a_higher_quality(clean: np.ndarray) -> None:
    errors = [np.abs(do(clean, Compressed(quality)).astype(int) - clean).mean() for quality in (10, 50, 95)]
    assert errors[0] > 1.5 * errors[1] > 1.5 * errors[2] > 0


@pytest.mark.parametrize("shape", [(16, 16), (17, 400), (64, 33)])
def test_small_and_narrow_photos_keep_their_size(shape: tuple[int, int]) -> None:
    image = np.random.default_rng(0).integers(0, 256, (*shape, 3), np.uint8)
    for name in degradation_names():
        assert degrade_again(image, load_degradation(name), 1).shape == image.shape


@pytest.mark.parametrize(
    "wrong", [np.zeros((15, 20, 3), np.uint8), np.zeros((20, 20), np.uint8), np.zeros((20, 20, 3), np.float32)]
)
def test_other_shapes_and_types_are_refused(wrong: np.ndarray) -> None:
    with pytest.raises(ValueError, match="expected uint8"):
        degrade_again(wrong, load_degradation("mild"), 0)


def test_a_preset_of_ones_own_is_read_or_refused_with_the_reason(tmp_path: Path) -> None:
    mine = tmp_path / "mine.toml"
    resources = Path(__file__).parents[2] / "ggt_studio" / "resources" / "degradations"
    text = (resources / "mild.toml").read_text("utf-8")
    mine.write_text(text, "utf-8")
    assert load_degradation(str(mine)) == load_degradation("mild")
    for old, new, words in (
        ("sizes = [7, 21]", "sizes = [8, 21]", "two odd numbers"),
        ("jpeg = [55, 95]", "jpeg = [95, 55]", "whole numbers from 1 to 100"),
        ("sinc_chance = 0.1", "sinc_chance = 1.1", "less than or equal to 1"),
        ("grey_chance", "gray_chance", "not permitted"),
        ("factor = [0.5, 1.2]", "factor = [1.1, 1.2]", "must hold 1"),
        ("label", "label label", "no valid TOML"),
    ):
        mine.write_text(text.replace(old, new), "utf-8")
        with pytest.raises(StudioError, match=words):
            load_degradation(str(mine))
    with pytest.raises(StudioError, match=r"no degradation such; choose high-iso, mild, real-esrgan"):
        load_degradation("such")
    with pytest.raises(StudioError, match="Cannot read the degradation"):
        load_degradation(str(tmp_path / "none.toml"))
