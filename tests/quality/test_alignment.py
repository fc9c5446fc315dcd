"""Alignment finds known transforms to a tenth of a pixel, whatever the restoration did to noise and light."""

import math
import time
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from ggt_studio.core.model import Alignment
from ggt_studio.quality.alignment import align, measure

TRANSFORMS = [
    (12.0, -7.3, 1.0, 0.0),
    (40.0, -5.0, 1.0, 0.0),
    (0.4, 0.25, 1.0008, 0.02),
    (20.0, 10.0, 1.05, 3.0),
    (-30.0, 25.0, 0.95, -3.0),
    (3.0, 2.0, 1.03, -1.5),
]


@pytest.fixture(scope="module")
def scene(shared_data: Path) -> np.ndarray:
    """A real photo, 1080 x 1920 px, from whose middle LQ and HQ are cut."""
    return np.asarray(Image.open(shared_data / "pairs" / "gt" / "0001.png").convert("RGB"))


def cut(image: np.ndarray, size: int, dx=0.0, dy=0.0, scale=1.0, rotation_deg=0.0) -> np.ndarray:
    """The middle of `image`, seen through the transform of `Alignment`, so without invented borders."""
    height, width = image.shape[:2]
    middle = np.array([(width - size) // 2, (height - size) // 2]) + (size - 1) / 2
    angle = math.radians(rotation_deg)
    # Anticlockwise on screen, where y points down.
    turn = scale * np.array([[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]])
    back = np.linalg.inv(turn)
    offset = middle - back @ np.array([(size - 1) / 2 + dx, (size - 1) / 2 + dy])
    flags = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
    return cv2.warpAffine(image, np.column_stack([back, offset]), (size, size), flags=flags)


def noisy(image: np.ndarray, sigma: float) -> np.ndarray:
    noise = np.random.default_rng(3).normal(0, sigma, image.shape)
    return np.clip(image + noise, 0, 255).astype(np.uint8)


def dark(image: np.ndarray) -> np.ndarray:
    return noisy(image * 0.12, 4)


def hazy(image: np.ndarray) -> np.ndarray:
    """More veil towards the top."""
    transmission = np.linspace(0.25, 0.7, image.shape[0])[:, None, None]
    return np.clip(image * transmission + 210 * (1 - transmission), 0, 255).astype(np.uint8)


def gamma(image: np.ndarray) -> np.ndarray:
    return ((image / 255) ** 2.2 * 255).astype(np.uint8)


def blurred(image: np.ndarray) -> np.ndarray:
    return cv2.GaussianBlur(image, (0, 0), 3)


def grey(image: np.ndarray) -> np.ndarray:
    return np.repeat(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)[..., None], 3, axis=2)


DEGRADATIONS = {
    "none": lambda image: image,
    "noise": lambda image: noisy(image, 25),
    "dark": dark,
    "haze": hazy,
    "gamma": gamma,
    "blur": blurred,
    "grey": grey,
}


@pytest.mark.shared
@pytest.mark.parametrize("degrade", DEGRADATIONS.values(), ids=DEGRADATIONS)
@pytest.mark.parametrize(("dx", "dy", "scale", "rotation_deg"), TRANSFORMS)
def test_a_known_transform_is_found(scene, degrade, dx: float, dy: float, scale: float, rotation_deg: float):
    found = measure(degrade(cut(scene, 1024)), cut(scene, 1024, dx, dy, scale, rotation_deg))
    assert math.hypot(found.dx - dx, found.dy - dy) <= 0.1
    assert found.scale == pytest.approx(scale, abs=5e-4)
    assert found.rotation_deg == pytest.approx(rotation_deg, abs=0.03)
    assert found.correlation > 0.8


@pytest.mark.shared
@pytest.mark.parametrize(("width", "height"), [(128, 128), (300, 128), (500, 420)])
def test_small_and_oblong_photos_are_measured(scene, width: int, height: int):
    small = cv2.resize(scene, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    lq = noisy(cut(small, 512), 8)[:height, :width]
    hq = cut(small, 512, 3.0, -2.0)[:height, :width]
    found = measure(lq, hq)
    assert math.hypot(found.dx - 3.0, found.dy + 2.0) <= 0.2
    assert found.scale == pytest.approx(1.0, abs=2e-3)


@pytest.mark.shared
def test_every_sample_photo_lies_on_itself(shared_data: Path):
    for path in sorted((shared_data / "lq").glob("*/*")):
        pixels = np.asarray(Image.open(path).convert("RGB"))[:1024, :1024]
        assert measure(pixels, pixels) == Alignment(
            pytest.approx(0, abs=0.02),
            pytest.approx(0, abs=0.02),
            pytest.approx(1, abs=1e-4),
            pytest.approx(0, abs=0.005),
            pytest.approx(1, abs=1e-3),
        ), path


@pytest.mark.shared
def test_real_captured_pairs_are_registered(shared_data: Path):
    """The low-light pair was shot from a tripod: under a pixel apart, its light far apart."""
    lq, hq = (np.asarray(Image.open(shared_data / "pairs" / side / "1118.png").convert("RGB")) for side in ("lq", "gt"))
    found = measure(lq[252:1276, 848:1872], hq[252:1276, 848:1872])
    assert math.hypot(found.dx, found.dy) < 1.0
    assert found.scale == pytest.approx(1.0, abs=1e-3)
    assert found.correlation > 0.8


@pytest.mark.shared
def test_unrelated_and_mirrored_photos_do_not_correlate(scene, shared_data: Path):
    lq = cut(scene, 512)
    other = np.asarray(Image.open(shared_data / "lq" / "low-light" / "1127.JPG").convert("RGB"))[:512, :512]
    assert measure(lq, other).correlation < 0.3
    assert measure(lq, lq[:, ::-1].copy()).correlation < 0.3


@pytest.mark.shared
def test_a_target_of_another_size_is_measured_after_resizing(scene):
    hq = cut(scene, 1024)
    found = measure(cut(scene, 1024)[::2, ::2].copy(), hq)
    assert found.scale == pytest.approx(1.0, abs=2e-3)
    assert math.hypot(found.dx, found.dy) < 0.5


@pytest.mark.parametrize("value", [0, 90, 255])
def test_photos_without_any_structure_are_not_registrable(value: int):
    found = measure(np.full((256, 256, 3), value, np.uint8), np.full((256, 256, 3), 40, np.uint8))
    assert found.correlation == 0.0
    assert math.isfinite(found.dx + found.dy + found.scale + found.rotation_deg)


@pytest.mark.shared
def test_measuring_leaves_the_photos_alone_and_repeats_itself(scene):
    lq, hq = cut(scene, 512), cut(scene, 512, 5.0, 1.0)
    before = lq.copy(), hq.copy()
    assert measure(lq, hq) == measure(lq, hq)
    assert np.array_equal(lq, before[0])
    assert np.array_equal(hq, before[1])


@pytest.mark.shared
def test_a_patch_takes_well_under_a_second_of_one_core(scene):
    lq, hq = dark(cut(scene, 1024)), cut(scene, 1024, 20.0, 10.0, 1.05, 3.0)
    measure(lq, hq)
    started = time.process_time()
    measure(lq, hq)
    assert time.process_time() - started < 0.7


def test_the_worker_method_answers_in_plain_numbers(tmp_path: Path):
    pixels = cv2.GaussianBlur(np.random.default_rng(0).integers(0, 256, (160, 160, 3), dtype=np.uint8), (0, 0), 2)
    Image.fromarray(pixels[:150, :150]).save(tmp_path / "lq.png")
    Image.fromarray(pixels[4:154, 3:153]).save(tmp_path / "hq.png")
    answer = align({"lq_path": str(tmp_path / "lq.png"), "hq_path": str(tmp_path / "hq.png")})
    assert set(answer) == {"dx", "dy", "scale", "rotation_deg", "correlation"}
    assert all(type(value) is float for value in answer.values())
    assert answer["dx"] == pytest.approx(-3.0, abs=0.1)
    assert answer["dy"] == pytest.approx(-4.0, abs=0.1)
