"""Content tells the empty from the full, quality orders degradations, hashes recognise copies."""

from __future__ import annotations

import io
from collections.abc import Callable
from itertools import combinations, pairwise
from pathlib import Path

import numpy as np
import pytest
import skimage.data
from PIL import Image, ImageFilter
from scipy.ndimage import gaussian_filter

from ggt_studio.core.geometry import cut, plan_patches
from ggt_studio.core.images import load_photo
from ggt_studio.core.measures import (
    CONTENT_POOR_BELOW,
    LEVELS_FROM,
    blockiness,
    content,
    hamming,
    level,
    noise,
    perceptual_hash,
    quality,
    sharpness,
)
from ggt_studio.core.words import Category, Prepare, QualityLevel

PHOTOS = {name: getattr(skimage.data, name)() for name in ("astronaut", "coffee", "chelsea", "rocket")}
TEXTURES = {
    name: np.repeat(getattr(skimage.data, name)()[..., None], 3, axis=-1) for name in ("grass", "gravel", "brick")
}


def clipped(values: np.ndarray) -> np.ndarray:
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)


def jpeg(pixels: np.ndarray, grade: int) -> np.ndarray:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=grade)
    return np.asarray(Image.open(buffer))


def noisy(pixels: np.ndarray, sigma: float, grain_px: float = 0) -> np.ndarray:
    noise = np.random.default_rng(3).normal(0, 1, pixels.shape)
    if grain_px:
        noise = gaussian_filter(noise, (grain_px, grain_px, 0))
    return clipped(pixels + noise * (sigma / noise.std()))


def blurred(pixels: np.ndarray, radius: float) -> np.ndarray:
    return np.asarray(Image.fromarray(pixels).filter(ImageFilter.GaussianBlur(radius)))


def flattened(pixels: np.ndarray, factor: float) -> np.ndarray:
    return clipped(128 + factor * (pixels.astype(float) - 128))


# --- content --------------------------------------------------------------------------------------------------------


def empty_scene(name: str, side: int) -> np.ndarray:
    y, x = np.mgrid[0:side, 0:side] / side
    scenes = {
        "black": 0 * y,
        "dark": 0 * y + 6,
        "grey": 0 * y + 128,
        "white": 0 * y + 255,
        "sky": 120 + 70 * y,
        "wall": 180 - 100 * ((x - 0.5) ** 2 + (y - 0.5) ** 2),
    }
    return np.repeat(scenes[name][..., None], 3, axis=-1)


@pytest.mark.parametrize("side", [300, 1024])
@pytest.mark.parametrize("scene", ["black", "dark", "grey", "white", "sky", "wall"])
def test_empty_scenes_are_poor_with_and_without_noise(scene: str, side: int) -> None:
    plain = empty_scene(scene, side)
    for pixels in (clipped(plain), noisy(plain, 3), noisy(plain, 15), noisy(plain, 50), noisy(plain, 15, 1.0)):
        assert content(pixels) < CONTENT_POOR_BELOW


def test_photos_and_textures_are_not_poor() -> None:
    for pixels in (*PHOTOS.values(), *TEXTURES.values()):
        assert content(pixels) > 2 * CONTENT_POOR_BELOW
        assert content(clipped(pixels * 0.15)) > CONTENT_POOR_BELOW, "dark photos are not empty"
        assert content(noisy(flattened(pixels, 0.4), 6)) > CONTENT_POOR_BELOW, "hazy photos are not empty"


@pytest.mark.shared
def test_no_sample_photo_is_poor(shared_data: Path) -> None:
    for path in sorted((shared_data / "lq").glob("*/*")):
        photo = load_photo(path)
        for prepare in (Prepare.CROP, Prepare.RESIZE_CROP):
            for geometry in plan_patches(photo.width, photo.height, prepare, Category.HAZE):
                assert content(cut(photo.pixels, geometry)) > 4 * CONTENT_POOR_BELOW, path.name


# --- quality --------------------------------------------------------------------------------------------------------

LADDERS: dict[str, list[Callable[[np.ndarray], np.ndarray]]] = {
    "noise": [lambda p: noisy(p, 6), lambda p: noisy(p, 15), lambda p: noisy(p, 35)],
    "grain": [lambda p: noisy(p, 10, 1.0), lambda p: noisy(p, 25, 1.0), lambda p: noisy(p, 45, 1.0)],
    "blur": [lambda p: blurred(p, 0.8), lambda p: blurred(p, 1.6), lambda p: blurred(p, 3.5)],
    "jpeg": [lambda p: jpeg(p, 60), lambda p: jpeg(p, 25), lambda p: jpeg(p, 8)],
    "contrast": [lambda p: flattened(p, 0.7), lambda p: flattened(p, 0.4), lambda p: flattened(p, 0.2)],
    "dark": [lambda p: clipped(p * 0.6), lambda p: clipped(p * 0.3), lambda p: clipped(p * 0.1)],
}


@pytest.mark.parametrize("ladder", LADDERS)
@pytest.mark.parametrize("name", PHOTOS)
def test_quality_falls_as_degradation_grows(name: str, ladder: str) -> None:
    clean = PHOTOS[name]
    marks = [quality(clean), *(quality(degrade(clean)) for degrade in LADDERS[ladder])]
    assert all(0 <= mark <= 1 for mark in marks)
    assert all(better > worse for better, worse in pairwise(marks)), marks


def test_levels_cover_all_qualities() -> None:
    assert [level(mark) for mark, _ in LEVELS_FROM] == [QualityLevel.HIGH, QualityLevel.MEDIUM, QualityLevel.LOW]
    assert level(1.0) is QualityLevel.HIGH
    assert level(0.0) is QualityLevel.LOW


@pytest.mark.shared
def test_sample_photos_fall_into_all_levels(shared_data: Path) -> None:
    levels = [level(quality(load_photo(path).pixels)) for path in sorted((shared_data / "lq").glob("*/*"))]
    assert all(levels.count(each) >= 3 for each in QualityLevel)


def test_measures_take_any_patch_size() -> None:
    for shape in ((128, 128, 3), (128, 1024, 3), (1024, 131, 3), (8, 8, 3)):
        pixels = np.random.default_rng(1).integers(0, 256, shape, dtype=np.uint8)
        assert 0 <= content(pixels) <= 1
        assert 0 <= quality(pixels) <= 1


# --- the parts of quality ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sigma", [4, 8, 16])
def test_noise_is_its_standard_deviation_in_grey_levels(sigma: int) -> None:
    grey = np.full((256, 256, 3), 120.0) + np.random.default_rng(sigma).normal(0, sigma, (256, 256, 1))
    assert noise(clipped(grey)) == pytest.approx(0.85 * sigma, rel=0.12)
    assert noise(np.full((256, 256, 3), 120, np.uint8)) == 0


@pytest.mark.parametrize("name", [*PHOTOS, *TEXTURES])
def test_added_noise_is_seen_and_restored_texture_is_not_taken_for_it(name: str) -> None:
    clean = (PHOTOS | TEXTURES)[name][:256, -256:, :3]
    soft = blurred(clean, 2)
    assert noise(clean) - noise(soft) < 1.5, "what a perfect restoration brings back"
    assert noise(noisy(soft, 16)) - noise(soft) > 3.0


@pytest.mark.shared
def test_no_clean_photo_is_called_noisy(shared_data: Path) -> None:
    for path in sorted((shared_data / "clean").iterdir()):
        assert noise(load_photo(path).pixels) < 1.0, path.name


@pytest.mark.parametrize("name", PHOTOS)
def test_compression_raises_blockiness_wherever_its_grid_lies(name: str) -> None:
    blocky = jpeg(PHOTOS[name][..., :3], 8)
    for offset in (0, 3):
        assert blockiness(blocky[offset:, offset:]) - blockiness(PHOTOS[name][..., :3]) > 0.7


@pytest.mark.parametrize("name", [*PHOTOS, *TEXTURES])
def test_blur_takes_sharpness_away(name: str) -> None:
    clean = (PHOTOS | TEXTURES)[name][..., :3]
    assert sharpness(clean) - sharpness(blurred(clean, 4)) > 0.27


# --- hashes ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", PHOTOS)
def test_copies_share_their_hash(name: str) -> None:
    photo = PHOTOS[name]
    own = perceptual_hash(photo)
    assert -(2**63) <= own < 2**63
    height, width = photo.shape[:2]
    smaller = np.asarray(Image.fromarray(photo).resize((width // 3, height // 3), Image.Resampling.LANCZOS))
    larger = np.asarray(Image.fromarray(photo).resize((2 * width, 2 * height), Image.Resampling.BICUBIC))
    for copy in (smaller, larger, jpeg(photo, 40), clipped(photo * 1.1 + 5), noisy(photo, 5)):
        assert hamming(own, perceptual_hash(copy)) <= 6


def test_different_photos_differ() -> None:
    hashes = [perceptual_hash(photo) for photo in (*PHOTOS.values(), *TEXTURES.values(), skimage.data.retina())]
    assert min(hamming(a, b) for a, b in combinations(hashes, 2)) > 10


@pytest.mark.shared
def test_different_sample_photos_differ(shared_data: Path) -> None:
    hashes = [perceptual_hash(load_photo(path).pixels) for path in sorted((shared_data / "lq").glob("*/*"))]
    assert min(hamming(a, b) for a, b in combinations(hashes, 2)) > 10


def test_hamming_counts_bits_of_signed_numbers() -> None:
    assert hamming(0, 0) == 0
    assert hamming(-1, 0) == 64
    assert hamming(-(2**63), 0) == 1
    assert hamming(5, -5) == (5 ^ (2**64 - 5)).bit_count()
