"""Whatever size and place a provider gives the photo, the target lies over the patch, or is refused with its reason."""

from __future__ import annotations

import hashlib
import io
import math
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import cv2
import numpy as np
import pytest
import skimage.data
from PIL import Image

from ggt_studio.core.canvas import AllowedRatio, Canvas, SizeRule, plan_canvas, render
from ggt_studio.core.errors import NotRegistrable
from ggt_studio.core.files import content_path
from ggt_studio.core.images import load_photo
from ggt_studio.core.model import Registration
from ggt_studio.core.words import Category
from ggt_studio.providers.classical.dispatch import restore
from ggt_studio.quality.registration import find, register

WIDE = SizeRule(ratios=(AllowedRatio("16:9", 1344, 768),))


@pytest.fixture(scope="module")
def scene() -> np.ndarray:
    return skimage.data.astronaut()


def seen(scene: np.ndarray, dx=0.0, dy=0.0, scale_x=1.0, scale_y=1.0, size: int = 340) -> np.ndarray:
    """The middle of a scene, scaled about its centre and then shifted, without invented borders."""
    height, width = scene.shape[:2]
    back = np.array(
        [
            [1 / scale_x, 0, width / 2 - (size / 2 + dx - 0.5) / scale_x - 0.5],
            [0, 1 / scale_y, height / 2 - (size / 2 + dy - 0.5) / scale_y - 0.5],
        ]
    )
    return cv2.warpAffine(scene, back, (size, size), flags=cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP)


def resized(image: np.ndarray, width: int, height: int) -> np.ndarray:
    return np.asarray(Image.fromarray(image).resize((width, height), Image.Resampling.LANCZOS))


def with_bars(image: np.ndarray, width: int, height: int, left: int, top: int) -> np.ndarray:
    framed = np.zeros((height, width, 3), np.uint8)
    framed[top : top + image.shape[0], left : left + image.shape[1]] = image
    return framed


def noisy(image: np.ndarray, sigma: float) -> np.ndarray:
    noise = np.random.default_rng(3).normal(0, sigma, image.shape)
    return np.clip(image + noise, 0, 255).astype(np.uint8)


def jpeg(image: np.ndarray, quality: int) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


def hazy(image: np.ndarray) -> np.ndarray:
    transmission = np.linspace(0.3, 0.7, image.shape[0])[:, None, None]
    return noisy(image * transmission + 210 * (1 - transmission), 2)


DEGRADATIONS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "noise and JPEG": lambda image: np.asarray(Image.open(io.BytesIO(jpeg(noisy(image, 15), 40)))),
    "dark": lambda image: noisy(image * 0.15, 3),
    "haze": hazy,
    "blur": lambda image: cv2.GaussianBlur(image, (0, 0), 1.5),
}

SCENES = [("astronaut", "noise and JPEG"), ("astronaut", "dark"), ("coffee", "haze"), ("coffee", "blur")]


def answers(scene: np.ndarray) -> dict[str, tuple[np.ndarray, str, tuple[float, float, float, float]]]:
    """What a provider may return: the image, its case, and the shift and scale that are left."""
    clean = seen(scene)
    return {
        "none": (clean, "same-size", (0, 0, 1, 1)),
        "shift": (seen(scene, 3.4, -2.2), "same-size", (3.4, -2.2, 1, 1)),
        "scale": (seen(scene, scale_x=1.013, scale_y=1.013), "same-size", (0, 0, 1.013, 1.013)),
        "squeezed": (seen(scene, 1, 2, 1.02, 0.99), "same-size", (1, 2, 1.02, 0.99)),
        "twice": (resized(clean, 680, 680), "resized", (0, 0, 1, 1)),
        "half": (resized(clean, 170, 170), "resized", (0, 0, 1, 1)),
        "letterboxed": (with_bars(clean, 604, 340, 132, 0), "letterboxed", (0, 0, 1, 1)),
        "bars on one side": (with_bars(clean, 604, 340, 200, 0), "letterboxed", (68, 0, 1, 1)),
        "stretched": (resized(clean, 510, 340), "stretched", (0, 0, 1, 1)),
        "stretched and shifted": (resized(seen(scene, 3.4, -2.2), 510, 340), "stretched", (3.4, -2.2, 1, 1)),
    }


@pytest.mark.parametrize(("subject", "degradation"), SCENES)
def test_what_was_done_is_found(subject: str, degradation: str) -> None:
    scene = getattr(skimage.data, subject)()
    lq = DEGRADATIONS[degradation](seen(scene))
    for name, (received, case, (dx, dy, scale_x, scale_y)) in answers(scene).items():
        found, _ = find(received, lq, Canvas.whole(340, 340))
        assert found.case == case, name
        assert math.hypot(found.dx - dx, found.dy - dy) < 0.25, name
        assert found.scale_x == pytest.approx(scale_x, abs=1e-3), name
        assert found.scale_y == pytest.approx(scale_y, abs=1e-3), name
        assert abs(found.rotation_deg) < 0.05, name
        assert (found.received_width, found.received_height) == received.shape[1::-1]


def refusals(scene: np.ndarray) -> dict[str, tuple[np.ndarray, str, str]]:
    """What must not become a target: the image, what speaks against it, and a word of the reason."""
    clean = seen(scene)
    other = skimage.data.chelsea()[:280, :280]
    return {
        "unrelated": (resized(other, 340, 340), "correlation", "something else"),
        "unrelated, of another aspect": (resized(other, 604, 340), "correlation", "something else"),
        "mirrored": (clean[:, ::-1].copy(), "correlation", "something else"),
        "turned": (np.rot90(clean).copy(), "correlation", "something else"),
        "upside down": (clean[::-1, ::-1].copy(), "correlation", "something else"),
        "without any structure": (np.full_like(clean, 90), "correlation", "something else"),
        "cropped to 4:5": (clean[:, 34:-34].copy(), "border", "of the photo at one side"),
        "shifted far": (seen(scene, 40, 0), "shift", "shifted by 4"),
        "enlarged": (seen(scene, scale_x=1.1, scale_y=1.1), "scale", "a scale that is off by"),
    }


@pytest.mark.parametrize(("subject", "degradation"), SCENES[1:3])
def test_what_cannot_be_laid_over_the_patch_is_refused(subject: str, degradation: str) -> None:
    scene = getattr(skimage.data, subject)()
    lq = DEGRADATIONS[degradation](seen(scene))
    for name, (received, decided_by, words) in refusals(scene).items():
        with pytest.raises(NotRegistrable) as refused:
            find(received, lq, Canvas.whole(340, 340))
        assert refused.value.decided_by == decided_by, name
        assert words in str(refused.value), name


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("as told", lambda sent: resized(sent, 1344, 768)),
        ("cropped to another size", lambda sent: resized(sent, 1400, 800)[:, 20:-20].copy()),
        ("without the padding", lambda sent: resized(sent, 1344, 768)[:, 280:-280].copy()),
    ],
)
def test_the_padding_is_taken_off(scene: np.ndarray, name: str, answer: Callable[[np.ndarray], np.ndarray]) -> None:
    clean = seen(scene)
    canvas = plan_canvas(340, 340, WIDE)
    assert canvas.left > 100
    registration, placement = find(answer(render(clean, canvas)), DEGRADATIONS["noise and JPEG"](clean), canvas)
    assert math.hypot(registration.dx, registration.dy) < 0.25
    assert registration.filled == 0.0
    assert placement.scale_x == pytest.approx(placement.scale_y, rel=0.005)


def call(folder: Path, received: bytes, suffix: str, lq: np.ndarray, canvas: Canvas | None = None) -> dict:
    (folder / f"received{suffix}").write_bytes(received)
    Image.fromarray(lq).save(folder / "lq.png")
    return register(
        {
            "path": str(folder / f"received{suffix}"),
            "lq_path": str(folder / "lq.png"),
            "canvas": asdict(canvas) if canvas else None,
            "folder": str(folder / "candidates"),
        }
    )


def png(pixels: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def target(folder: Path, answer: dict) -> np.ndarray:
    path = content_path(folder / "candidates", answer["sha256"], answer["suffix"])
    assert path.stat().st_size == answer["bytes"]
    return load_photo(path).pixels


def test_what_fits_already_is_kept_to_the_byte(scene: np.ndarray, tmp_path: Path) -> None:
    received = jpeg(seen(scene), 92)
    answer = call(tmp_path, received, ".jpg", noisy(seen(scene), 10))
    assert answer["sha256"] == hashlib.sha256(received).hexdigest()
    assert (answer["suffix"], answer["bytes"], answer["refused"]) == (".jpg", len(received), None)
    found = Registration(**answer["registration"])
    assert (found.case, found.dx, found.scale_x, found.filled) == ("same-size", 0.0, 1.0, 0.0)
    assert not (tmp_path / "candidates").exists()


def test_only_padding_is_cut_off_where_nothing_moved(scene: np.ndarray, tmp_path: Path) -> None:
    clean = seen(scene)
    canvas = plan_canvas(340, 340, WIDE)
    assert canvas.sent_height == 340
    sent = render(clean, canvas)
    answer = call(tmp_path, png(sent), ".png", noisy(clean, 10), canvas)
    assert np.array_equal(target(tmp_path, answer), clean)


@pytest.mark.parametrize("name", ["shift", "scale", "squeezed", "twice", "letterboxed", "stretched and shifted"])
def test_the_target_lies_over_the_patch(scene: np.ndarray, name: str, tmp_path: Path) -> None:
    received, _, _ = answers(scene)[name]
    answer = call(tmp_path, png(received), ".png", noisy(seen(scene), 15))
    made = target(tmp_path, answer)
    assert made.shape == (340, 340, 3)
    inner = (slice(8, -8), slice(8, -8))
    error = made[inner].astype(float) - seen(scene)[inner]
    assert np.sqrt(np.mean(error**2)) < 8, "PSNR over 30 dB"
    assert answer["registration"]["filled"] < 0.03


def test_a_refused_image_is_still_there_to_be_looked_at(scene: np.ndarray, tmp_path: Path) -> None:
    answer = call(tmp_path, png(resized(seen(scene)[:, ::-1], 510, 340)), ".png", noisy(seen(scene), 10))
    assert answer["registration"] is None
    assert answer["refused"]["decided_by"] == "correlation"
    assert "something else" in answer["refused"]["reason"]
    assert set(answer["refused"]["alignment"]) == {"dx", "dy", "scale", "rotation_deg", "correlation"}
    assert target(tmp_path, answer).shape == (340, 340, 3)


def test_an_answer_turned_by_its_orientation_tag_is_seen_upright(scene: np.ndarray, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    buffer = io.BytesIO()
    Image.fromarray(np.rot90(seen(scene)).copy()).save(buffer, "JPEG", quality=95, exif=exif)
    answer = call(tmp_path, buffer.getvalue(), ".jpg", noisy(seen(scene), 10))
    assert answer["refused"] is None
    assert answer["registration"]["correlation"] > 0.8


@pytest.mark.shared
def test_restored_photos_are_never_refused_and_never_moved(shared_data: Path) -> None:
    for path in sorted((shared_data / "lq").glob("*/*")):
        lq = load_photo(path).pixels[:320, :320].copy()
        hq = restore(lq, Category(path.parent.name), frozenset(), 1)
        canvas = Canvas.whole(lq.shape[1], lq.shape[0])
        for received in (hq, resized(hq, 2 * lq.shape[1], 2 * lq.shape[0])):
            found, _ = find(received, lq, canvas)
            assert math.hypot(found.dx, found.dy) < 0.25, path.name
            assert found.scale_x == pytest.approx(1, abs=1e-3), path.name
            assert found.scale_y == pytest.approx(1, abs=1e-3), path.name
        with pytest.raises(NotRegistrable):
            find(np.ascontiguousarray(hq[::-1, ::-1]), lq, canvas)


@pytest.mark.shared
def test_a_real_pair_is_registered_whatever_the_light(shared_data: Path) -> None:
    """The low-light pair was shot from a tripod: under a pixel apart."""
    lq, hq = (load_photo(shared_data / "pairs" / side / "1118.png").pixels for side in ("lq", "gt"))
    cut = (slice(252, 1276), slice(848, 1872))
    for received, scale in ((hq[cut], 1.0), (resized(hq[cut], 1536, 1024), 1.0)):
        found, _ = find(received, lq[cut], Canvas.whole(1024, 1024))
        assert math.hypot(found.dx, found.dy) < 1.0
        assert found.scale_x == pytest.approx(scale, abs=1e-3)
        assert found.scale_y == pytest.approx(scale, abs=1e-3)
