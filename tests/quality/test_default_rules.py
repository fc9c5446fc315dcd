"""The default metric gate lets perfect restorations of every category pass and discards little gain and clear losses."""

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from ggt_studio.core.gates import DEFAULT_CHANGE_RULE, DEFAULT_METRIC_RULES, metric_gate
from ggt_studio.core.model import GateResult
from ggt_studio.core.words import Category
from ggt_studio.dataset.degrade import degrade
from ggt_studio.quality.metrics import score

pytestmark = [pytest.mark.ml, pytest.mark.shared]

Change = Callable[[np.ndarray], np.ndarray]
CLEAN = ("mcm01", "mcm07", "mcm11")


def u8(values: np.ndarray) -> np.ndarray:
    return np.clip(np.round(values), 0, 255).astype(np.uint8)


def noisy(image: np.ndarray, sigma: float = 20.0) -> np.ndarray:
    return u8(image + np.random.default_rng(5).normal(0, sigma, image.shape))


def blurred(image: np.ndarray, sigma: float = 3.0) -> np.ndarray:
    return cv2.GaussianBlur(image, (0, 0), sigma)


def jpeg(image: np.ndarray, quality: int = 10) -> np.ndarray:
    encoded = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    return np.asarray(cv2.imdecode(encoded, cv2.IMREAD_COLOR), np.uint8)


def smoothed(image: np.ndarray) -> np.ndarray:
    """Fine texture wiped away, edges left: what a timid denoiser at full strength does."""
    return cv2.bilateralFilter(cv2.bilateralFilter(image, 9, 60, 9), 9, 60, 9)


def rainy(image: np.ndarray) -> np.ndarray:
    streaks = (np.random.default_rng(5).random(image.shape[:2]) > 0.997).astype(np.float32)
    kernel = cv2.line(np.zeros((25, 25), np.float32), (9, 0), (15, 24), 1.0)
    return u8(image * 0.9 + 15 + 110 * np.clip(cv2.filter2D(streaks, -1, kernel), 0, 1)[..., None])


def snowy(image: np.ndarray) -> np.ndarray:
    rng, veil = np.random.default_rng(5), np.zeros(image.shape[:2], np.float32)
    for x, y, radius in rng.integers((0, 0, 1), (image.shape[1], image.shape[0], 5), (150, 3)).tolist():
        cv2.circle(veil, (x, y), radius, 0.9, -1)
    return u8(image + (245.0 - image) * cv2.GaussianBlur(veil, (0, 0), 1)[..., None])


def sharpened(image: np.ndarray) -> np.ndarray:
    return u8(image + 2.5 * (image.astype(float) - blurred(image, 2.0)))


DEGRADATIONS: dict[str, tuple[Category, Change]] = {
    "noise": (Category.GENERAL_MIXED, noisy),
    "strong noise": (Category.GENERAL_MIXED, lambda image: noisy(image, 30)),
    "blur": (Category.GENERAL_MIXED, lambda image: blurred(image, 2)),
    "jpeg": (Category.GENERAL_MIXED, lambda image: jpeg(image, 15)),
    "mixed": (Category.GENERAL_MIXED, lambda image: jpeg(noisy(blurred(image, 1.2), 12), 40)),
    "haze": (Category.HAZE, lambda image: u8(image * 0.4 + 125)),
    "dark": (Category.LOW_LIGHT, lambda image: noisy(image * 0.25, 5)),
    "rain": (Category.RAIN, rainy),
    "snow": (Category.SNOW, snowy),
}
LOSSES: dict[str, Change] = {"blur": blurred, "noise": noisy, "jpeg": jpeg, "smoothing": smoothed}


def gate(data: Path, tmp_path: Path, lq: np.ndarray, hq: np.ndarray, category: Category, *, niqe: bool) -> GateResult:
    """What the default rules say, with NIQE's parameter file or, as on a new machine, without it."""
    for name, image in (("lq", lq), ("hq", hq)):
        Image.fromarray(image).save(tmp_path / f"{name}.png", compress_level=1)
    rules = tuple(rule for rule in DEFAULT_METRIC_RULES if niqe or rule.metric != "niqe")
    answer = score(
        {
            "lq_path": str(tmp_path / "lq.png"),
            "hq_path": str(tmp_path / "hq.png"),
            "no_reference": [rule.metric for rule in rules],
            "full_reference": ["psnr"],
            "niqe_parameters": str(data / "weights" / "niqe_modelparameters.mat") if niqe else None,
        }
    )
    return metric_gate(answer["lq"], answer["hq"], answer["between"], category, rules, DEFAULT_CHANGE_RULE)


def photo(path: Path) -> np.ndarray:
    return np.array(Image.open(path).convert("RGB"))


def aged_and_true(clean: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """An old print of a photo, and the photo in grey in the print's own tone."""
    lq = degrade(clean, Category.OLD_PHOTO, 7)
    tone = lq.reshape(-1, 3).mean(axis=0)
    grey = cv2.cvtColor(clean, cv2.COLOR_RGB2GRAY)[..., None]
    return lq, u8((grey * 0.8 + 25) * tone / (tone @ (0.299, 0.587, 0.114)))


@pytest.mark.parametrize("niqe", [True, False], ids=["niqe", "without niqe"])
@pytest.mark.parametrize(("category", "spoil"), DEGRADATIONS.values(), ids=DEGRADATIONS)
@pytest.mark.parametrize("name", CLEAN)
def test_a_perfect_restoration_passes(
    shared_data: Path, tmp_path: Path, name: str, category: Category, spoil: Change, niqe: bool
):
    hq = photo(shared_data / "clean" / f"{name}.png")
    result = gate(shared_data, tmp_path, spoil(hq), hq, category, niqe=niqe)
    assert result.passed, result


@pytest.mark.parametrize("category", list(Category))
@pytest.mark.parametrize("name", ["mcm01", "mcm03", "mcm09"])
def test_a_perfect_restoration_of_what_the_demo_degrades_passes(
    shared_data: Path, tmp_path: Path, name: str, category: Category
):
    hq = photo(shared_data / "clean" / f"{name}.png")
    lq, hq = aged_and_true(hq) if category is Category.OLD_PHOTO else (degrade(hq, category, 7), hq)
    result = gate(shared_data, tmp_path, lq, hq, category, niqe=True)
    assert result.passed, result


@pytest.mark.parametrize("every", [4, pytest.param(1, marks=pytest.mark.long)])
def test_of_perfect_restorations_of_clean_photos_at_least_97_percent_pass(
    shared_data: Path, tmp_path: Path, every: int
):
    results = []
    for path in sorted((shared_data / "clean").iterdir())[::every]:
        hq = photo(path)
        for category in Category:
            pair = aged_and_true(hq) if category is Category.OLD_PHOTO else (degrade(hq, category, 7), hq)
            results.append(gate(shared_data, tmp_path, *pair, category, niqe=False))
        for category, spoil in DEGRADATIONS.values():
            results.append(gate(shared_data, tmp_path, spoil(hq), hq, category, niqe=False))
    failed = [result.reason for result in results if not result.passed]
    assert len(failed) <= 0.03 * len(results), failed
    assert not any(result.decided_by in ("noise", "blockiness", "sharpness") for result in results if not result.passed)


@pytest.mark.parametrize(("name", "category"), [("0001", Category.GENERAL_MIXED), ("1118", Category.LOW_LIGHT)])
def test_real_captured_pairs_pass(shared_data: Path, tmp_path: Path, name: str, category: Category):
    lq, hq = (photo(shared_data / "pairs" / side / f"{name}.png")[:1024, :1024] for side in ("lq", "gt"))
    assert (result := gate(shared_data, tmp_path, lq, hq, category, niqe=True)).passed, result


@pytest.mark.parametrize("category", list(Category))
def test_a_target_that_changes_nothing_is_discarded_in_every_category(
    shared_data: Path, tmp_path: Path, category: Category
):
    lq = photo(sorted((shared_data / "lq" / category).iterdir())[0])[:512, :512]
    nearly = jpeg(lq, 97)
    for hq in (lq, nearly):
        result = gate(shared_data, tmp_path, lq, hq, category, niqe=False)
        assert not result.passed
        assert result.decided_by == "change", result


@pytest.mark.parametrize("category", [Category.GENERAL_MIXED, Category.HAZE, Category.LOW_LIGHT, Category.OLD_PHOTO])
def test_a_timid_step_towards_the_truth_is_too_little_gain(shared_data: Path, tmp_path: Path, category: Category):
    hq = photo(shared_data / "clean" / "mcm05.png")
    lq, hq = aged_and_true(hq) if category is Category.OLD_PHOTO else (degrade(hq, category, 7, 0.5), hq)
    timid = u8(lq * 0.85 + hq * 0.15)
    result = gate(shared_data, tmp_path, lq, timid, category, niqe=False)
    assert not result.passed, result


@pytest.mark.parametrize("category", list(Category))
def test_sharpening_is_no_restoration(shared_data: Path, tmp_path: Path, category: Category):
    lq = degrade(photo(shared_data / "clean" / "mcm07.png"), category, 7)
    result = gate(shared_data, tmp_path, lq, sharpened(lq), category, niqe=False)
    assert not result.passed, result


@pytest.mark.parametrize("category", list(Category))
@pytest.mark.parametrize("spoil", LOSSES.values(), ids=LOSSES)
@pytest.mark.parametrize("name", CLEAN)
def test_a_spoilt_photo_is_discarded(shared_data: Path, tmp_path: Path, name: str, spoil: Change, category: Category):
    lq = photo(shared_data / "clean" / f"{name}.png")
    result = gate(shared_data, tmp_path, lq, spoil(lq), category, niqe=False)
    assert not result.passed, result


@pytest.mark.parametrize("category", list(Category))
def test_a_perfect_restoration_that_is_then_blurred_is_discarded(shared_data: Path, tmp_path: Path, category: Category):
    hq = photo(shared_data / "clean" / "mcm01.png")
    result = gate(shared_data, tmp_path, degrade(hq, category, 7, 0.5), blurred(hq), category, niqe=False)
    assert not result.passed, result
