"""What the offline restoration promises: better photos, nothing moved, nothing coloured, the same for the same arguments."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image
from skimage import data

from fakes.degraded_photos import (
    CLEAN,
    DEGRADED,
    dark,
    detail,
    hazy,
    hue_deg,
    luma,
    noisy,
    psnr,
    rainy,
    scratched,
    snowy,
    to_bytes,
)
from ggt_studio.core.words import Aspect, Category
from ggt_studio.providers.classical import restore, restore_file

NONE: frozenset[Aspect] = frozenset()


@pytest.mark.parametrize("name", CLEAN)
def test_noise_is_taken_out(name: str) -> None:
    clean = CLEAN[name]()
    lq = noisy(clean, 15)
    hq = restore(lq, Category.GENERAL_MIXED, NONE, 0)
    assert psnr(hq, clean) >= psnr(lq, clean) + 4
    assert np.std(hq.astype(float) - clean) < 0.6 * np.std(lq.astype(float) - clean)


def test_texture_that_fills_the_photo_is_not_taken_for_noise() -> None:
    grass = np.repeat(data.grass()[:384, :384, None], 3, axis=-1)
    white_sky = np.concatenate([np.full_like(grass[:256], 255), grass])
    for clean in (grass, white_sky):
        assert psnr(restore(clean, Category.GENERAL_MIXED, NONE, 0), clean) > 35
    assert psnr(restore(noisy(grass, 20), Category.GENERAL_MIXED, NONE, 0), grass) > psnr(noisy(grass, 20), grass) + 1.5


def test_correlated_noise_is_taken_out_too() -> None:
    clean = data.coffee()
    grain = cv2.GaussianBlur(np.random.default_rng(2).normal(0, 45, clean.shape).astype(np.float32), (0, 0), 1.0)
    lq = to_bytes(clean + grain)
    assert psnr(restore(lq, Category.GENERAL_MIXED, NONE, 0), clean) >= psnr(lq, clean) + 2


@pytest.mark.parametrize("offset", [0, 3])
def test_compression_blocks_are_smoothed_wherever_their_grid_lies(offset: int) -> None:
    clean = data.camera()
    lq = cv2.imdecode(cv2.imencode(".jpg", clean, [cv2.IMWRITE_JPEG_QUALITY, 12])[1], cv2.IMREAD_GRAYSCALE)
    crop = np.s_[offset:, offset:]
    lq, clean = (np.repeat(plane[crop][..., None], 3, axis=-1) for plane in (lq, clean))
    hq = restore(lq, Category.GENERAL_MIXED, NONE, 0)

    def jump(image: np.ndarray) -> float:
        steps = np.abs(np.diff(luma(image), axis=1))
        return float(steps[:, 7 - offset :: 8].mean() - steps[:, 3 - offset :: 8].mean())

    assert jump(hq) < 0.6 * jump(lq)
    assert psnr(hq, clean) > psnr(lq, clean)


@pytest.mark.parametrize("name", ["astronaut", "coffee", "camera"])
def test_blur_is_sharpened_without_halos(name: str) -> None:
    clean = CLEAN[name]()
    lq = cv2.GaussianBlur(clean, (0, 0), 1.5)
    hq = restore(lq, Category.GENERAL_MIXED, NONE, 0)
    assert detail(hq) > 1.15 * detail(lq)
    assert psnr(hq, clean) > psnr(lq, clean) + 0.5


def test_a_blurred_step_gets_no_overshoot() -> None:
    lq = np.full((160, 200, 3), 80, np.uint8)
    lq[:, 100:] = 170
    lq = cv2.GaussianBlur(lq, (0, 0), 2.0)
    hq = restore(lq, Category.GENERAL_MIXED, frozenset({Aspect.RESTORATION_QUALITY}), 0)
    assert hq.min() >= 80 - 6
    assert hq.max() <= 170 + 6


@pytest.mark.parametrize("name", CLEAN)
@pytest.mark.parametrize("category", [Category.GENERAL_MIXED, Category.RAIN, Category.SNOW])
def test_a_clean_photo_is_barely_changed(name: str, category: Category) -> None:
    clean = CLEAN[name]()
    assert psnr(restore(clean, category, NONE, 0), clean) >= 32


@pytest.mark.parametrize("name", ["astronaut", "chelsea", "coffee", "camera"])
def test_haze_is_lifted(name: str) -> None:
    clean = CLEAN[name]()
    lq = hazy(clean)
    hq = restore(lq, Category.HAZE, NONE, 0)
    assert luma(hq).std() > 1.25 * luma(lq).std()
    assert psnr(hq, clean) >= psnr(lq, clean) + 3
    cast = np.median(hue_deg(hq) - hue_deg(clean)) if name != "camera" else 0.0
    assert abs(cast) < 12


@pytest.mark.parametrize("name", ["astronaut", "chelsea", "coffee", "camera"])
def test_a_dark_photo_becomes_readable(name: str) -> None:
    clean = CLEAN[name]()
    lq = dark(clean)
    hq = restore(lq, Category.LOW_LIGHT, NONE, 0)
    assert luma(hq).mean() > 2.0 * luma(lq).mean()
    assert 60 < luma(hq).mean() < 150
    assert psnr(hq, clean) >= psnr(lq, clean) + 5
    assert np.mean(hq == 255) <= np.mean(lq == 255) + 0.002


def test_brightening_keeps_hue_and_leaves_highlights() -> None:
    lq = to_bytes(data.astronaut() * 0.22)
    lq[20:60, 20:60] = (250, 240, 225)
    hq = restore(lq, Category.LOW_LIGHT, NONE, 0)
    chroma = np.ptp(lq.astype(int), axis=-1) > 20
    turned = np.abs((hue_deg(hq) - hue_deg(lq) + 180) % 360 - 180)[chroma]
    assert np.median(turned) < 5
    assert np.percentile(turned, 90) < 15
    lamp = hq[25:55, 25:55].astype(float)
    assert np.abs(lamp - (250, 240, 225)).mean() < 20


def test_noise_is_not_amplified_with_the_light() -> None:
    lq = noisy(np.full((256, 256, 3), 24.0), 2.0)
    lq[:, 128:] = noisy(np.full((256, 128, 3), 60.0), 2.0)
    hq = restore(lq, Category.LOW_LIGHT, NONE, 0)
    gain = luma(hq)[:, :100].mean() / luma(lq)[:, :100].mean()
    assert gain > 1.8
    assert luma(hq)[:, :100].std() < 0.7 * gain * luma(lq)[:, :100].std()


@pytest.mark.parametrize("name", ["astronaut", "chelsea", "coffee", "rocket"])
def test_rain_streaks_are_taken_out(name: str) -> None:
    clean = CLEAN[name]()
    lq = rainy(clean)
    hq = restore(lq, Category.RAIN, NONE, 0)
    assert psnr(hq, clean) >= psnr(lq, clean) + 1
    assert psnr(hq, clean) >= psnr(restore(lq, Category.GENERAL_MIXED, NONE, 0), clean) + 1


def test_drops_on_the_lens_are_painted_over_but_a_single_lamp_stays() -> None:
    clean = cv2.GaussianBlur(to_bytes(data.coffee() * 0.4), (0, 0), 2.0)
    places = [(80, 90), (210, 60), (330, 120), (450, 70), (520, 200)]
    rain = clean.copy()
    for place in places:
        cv2.circle(rain, place, 16, (205, 205, 200), -1)
    rain = cv2.GaussianBlur(rain, (0, 0), 0.8)
    hq = restore(rain, Category.RAIN, NONE, 0)
    for x, y in places:
        assert hq[y - 8 : y + 8, x - 8 : x + 8].mean() < 130
    lamp = cv2.GaussianBlur(cv2.circle(clean.copy(), (210, 60), 16, (205, 205, 200), -1), (0, 0), 0.8)
    assert restore(lamp, Category.RAIN, NONE, 0)[52:68, 202:218].mean() > 180


@pytest.mark.parametrize("name", CLEAN)
def test_flakes_are_taken_out(name: str) -> None:
    clean = CLEAN[name]()
    lq = snowy(clean)
    hq = restore(lq, Category.SNOW, NONE, 0)
    assert psnr(hq, clean) >= psnr(lq, clean) + 3


def test_white_lettering_is_not_taken_for_snow() -> None:
    lq = snowy(to_bytes(data.coffee() * 0.6))
    cv2.putText(lq, "ANTON MARTENS 2026", (40, 370), cv2.FONT_HERSHEY_SIMPLEX, 0.6, (255, 255, 255), 2)
    written = lq[350:375, 40:260].min(axis=-1) > 250
    hq = restore(lq, Category.SNOW, NONE, 0)
    assert np.median(hq[350:375, 40:260][written]) > 225


@pytest.mark.parametrize("name", ["coffee", "chelsea", "rocket"])
def test_scratches_and_dust_are_mended(name: str) -> None:
    clean = CLEAN[name]()
    lq, damage = scratched(clean)
    hq = restore(lq, Category.OLD_PHOTO, NONE, 0)
    assert psnr(hq, clean) >= psnr(lq, clean) + 1.5
    before = np.abs(luma(lq) - luma(clean))[damage].mean()
    after = np.abs(luma(hq) - luma(clean))[damage].mean()
    assert after < 0.5 * before


def test_a_thin_curve_of_the_scene_is_no_scratch() -> None:
    lq = cv2.GaussianBlur(noisy(np.full((300, 300, 3), 60.0), 3.0), (0, 0), 0.8)
    cv2.ellipse(lq, (150, 260), (140, 120), 0, 180, 360, (200, 200, 200), 2, cv2.LINE_AA)
    hq = restore(lq, Category.OLD_PHOTO, frozenset({Aspect.RESTORATION_QUALITY}), 0)
    assert np.median(hq[lq[..., 0] > 180]) > 150


def test_a_faded_photo_gets_contrast_and_keeps_its_tone() -> None:
    sepia = luma(data.camera()[..., None].repeat(3, axis=-1))[..., None] * 0.4 + np.array([105, 90, 70])
    lq = noisy(sepia, 4)
    hq = restore(lq, Category.OLD_PHOTO, NONE, 0)
    assert luma(hq).std() > 1.05 * luma(lq).std()
    assert abs(luma(hq).mean() - luma(lq).mean()) < 4
    tone = [np.array([np.mean(i[..., 0] - luma(i)), np.mean(i[..., 2] - luma(i))]) for i in (lq, hq)]
    assert np.abs(tone[0] - tone[1]).max() < 1


@pytest.mark.parametrize("category", list(Category))
def test_grey_stays_exactly_grey(category: Category) -> None:
    lq = np.repeat(noisy(data.camera()[:200, :240], 8)[..., None], 3, axis=-1)
    hq = restore(lq, category, frozenset({Aspect.COLOUR_CONSISTENCY}), 5)
    assert np.array_equal(hq[..., 0], hq[..., 1])
    assert np.array_equal(hq[..., 1], hq[..., 2])


@pytest.mark.parametrize("category", list(Category))
@pytest.mark.parametrize(("height", "width"), [(128, 128), (131, 257), (255, 129)])
def test_any_size_comes_back_as_it_was(category: Category, height: int, width: int) -> None:
    lq = DEGRADED[category](data.astronaut()[40 : 40 + height, 100 : 100 + width])
    hq = restore(lq, category, NONE, 3)
    assert hq.shape == lq.shape
    assert hq.dtype == np.uint8


@pytest.mark.parametrize("category", list(Category))
@pytest.mark.parametrize("value", [0, 128, 255])
def test_an_even_surface_stays_even(category: Category, value: int) -> None:
    hq = restore(np.full((128, 160, 3), value, np.uint8), category, NONE, 0)
    assert hq.max() - hq.min() <= 1


@pytest.mark.parametrize("category", list(Category))
def test_nothing_is_shifted(category: Category) -> None:
    lq = DEGRADED[category](data.astronaut()[:384, :384])
    hq = restore(lq, category, frozenset({Aspect.RESTORATION_QUALITY}), 2)
    window = cv2.createHanningWindow((384, 384), cv2.CV_64F)
    (dx, dy), _ = cv2.phaseCorrelate(luma(lq), luma(hq), window)
    assert np.hypot(dx, dy) < 0.1


@pytest.mark.parametrize("category", list(Category))
def test_equal_arguments_give_equal_bytes_and_another_seed_another_sample(category: Category) -> None:
    lq = DEGRADED[category](data.coffee()[:256, :256])
    aspects = frozenset({Aspect.RESTORATION_QUALITY, Aspect.CONTENT_REASONABLENESS})
    first = restore(lq, category, aspects, 11)
    assert np.array_equal(first, restore(lq.copy(), category, aspects, 11))
    other = restore(lq, category, aspects, 12)
    assert not np.array_equal(first, other)
    assert psnr(first, other) > 24


def test_wanting_quality_restores_more_and_wanting_content_less() -> None:
    lq = noisy(cv2.GaussianBlur(data.coffee(), (0, 0), 1.2), 8)

    def change(*aspects: Aspect) -> float:
        return float(np.abs(restore(lq, Category.GENERAL_MIXED, frozenset(aspects), 0).astype(float) - lq).mean())

    usual = change()
    assert change(Aspect.RESTORATION_QUALITY) > usual
    for aspect in (Aspect.OBJECT_CONSISTENCY, Aspect.GEOMETRY_ALIGNMENT, Aspect.CONTENT_REASONABLENESS):
        assert change(aspect) < usual


def test_wanting_quality_enhances_more() -> None:
    lq = dark(data.chelsea())
    usual = restore(lq, Category.LOW_LIGHT, NONE, 0)
    stronger = restore(lq, Category.LOW_LIGHT, frozenset({Aspect.RESTORATION_QUALITY}), 0)
    assert luma(stronger).mean() > luma(usual).mean() + 3


def test_wanting_content_paints_over_less() -> None:
    clean = data.coffee()
    lq = snowy(clean)
    usual = restore(lq, Category.SNOW, NONE, 0).astype(int)
    careful = restore(lq, Category.SNOW, frozenset({Aspect.CONTENT_REASONABLENESS}), 0).astype(int)
    assert np.mean(np.abs(careful - lq) > 25) < np.mean(np.abs(usual - lq) > 25)


@pytest.mark.parametrize("category", [Category.HAZE, Category.GENERAL_MIXED, Category.SNOW])
def test_wanting_colour_locks_the_broad_colours(category: Category) -> None:
    lq = DEGRADED[category](data.astronaut())

    def drift(hq: np.ndarray) -> float:
        """Mean change of the broad chromaticity, each colour taken relative to its brightness."""
        broad = [cv2.GaussianBlur(i.astype(np.float32), (0, 0), 24) for i in (lq, hq)]
        ratios = [i / np.maximum(luma(i)[..., None], 20) for i in broad]
        return float(np.abs(ratios[0] - ratios[1]).mean())

    usual = drift(restore(lq, category, NONE, 0))
    locked = drift(restore(lq, category, frozenset({Aspect.COLOUR_CONSISTENCY}), 0))
    assert locked < usual


def test_the_workers_method_reads_and_writes_files(tmp_path: Path) -> None:
    lq = noisy(data.chelsea()[:150, :201], 10)
    Image.fromarray(lq).save(tmp_path / "lq.png")
    answer = restore_file(
        {
            "lq_path": str(tmp_path / "lq.png"),
            "out_path": str(tmp_path / "hq.png"),
            "category": "general-mixed",
            "aspects": ["restoration_quality"],
            "seed": 4,
        }
    )
    assert answer == {"width": 201, "height": 150}
    with Image.open(tmp_path / "hq.png") as file:
        assert file.format == "PNG"
        written = np.asarray(file)
    expected = restore(lq, Category.GENERAL_MIXED, frozenset({Aspect.RESTORATION_QUALITY}), 4)
    assert np.array_equal(written, expected)


@pytest.mark.shared
def test_real_photos_of_every_category_change_visibly_and_keep_their_structure(shared_data: Path) -> None:
    for category in Category:
        for path in sorted((shared_data / "lq" / category.value).iterdir())[:3]:
            with Image.open(path) as file:
                if not file.mode.startswith(("RGB", "L")):
                    continue
                lq = np.asarray(file.convert("RGB"))[:512, :512]
            hq = restore(lq, category, NONE, 0)
            assert np.abs(hq.astype(float) - lq).mean() > 0.2, path.name
            assert np.corrcoef(luma(lq).ravel(), luma(hq).ravel())[0, 1] > 0.75, path.name
