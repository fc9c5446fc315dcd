"""Clean public-domain photos, degraded in the ways of the categories, and what is measured of a restored one."""

from __future__ import annotations

import cv2
import numpy as np
from skimage import data

from ggt_studio.core.words import Category

CLEAN = {
    "astronaut": data.astronaut,
    "chelsea": data.chelsea,
    "coffee": data.coffee,
    "rocket": data.rocket,
    "camera": lambda: np.repeat(data.camera()[..., None], 3, axis=-1),
}


def to_bytes(image: np.ndarray) -> np.ndarray:
    return np.clip(np.rint(image), 0, 255).astype(np.uint8)


def psnr(a: np.ndarray, b: np.ndarray) -> float:
    return float(10 * np.log10(255.0**2 / max(1e-9, np.mean((a.astype(float) - b.astype(float)) ** 2))))


def luma(image: np.ndarray) -> np.ndarray:
    return image.astype(np.float64) @ np.array([0.299, 0.587, 0.114])


def detail(image: np.ndarray) -> float:
    """Mean size of the finest details in grey levels."""
    plane = luma(image)
    return float(np.abs(plane - cv2.GaussianBlur(plane, (0, 0), 1.5)).mean())


def hue_deg(image: np.ndarray) -> np.ndarray:
    """Hue angle in degrees from the Lab colour plane."""
    lab = cv2.cvtColor(image.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    return np.rad2deg(np.arctan2(lab[..., 2], lab[..., 1]))


def noisy(image: np.ndarray, sigma: float, seed: int = 1) -> np.ndarray:
    return to_bytes(image + np.random.default_rng(seed).normal(0, sigma, image.shape))


def rainy(image: np.ndarray, slant_deg: float = 12.0) -> np.ndarray:
    rng = np.random.default_rng(1)
    height, width = image.shape[:2]
    layer = np.zeros((height, width), np.float32)
    direction = np.array([np.sin(np.deg2rad(slant_deg)), np.cos(np.deg2rad(slant_deg))])
    for _ in range(height * width // 220):
        start = rng.uniform((0, 0), (width, height))
        end = start + rng.uniform(13, 28) * direction
        points = [tuple(int(v) for v in np.rint(point)) for point in (start, end)]
        streak = cv2.line(np.zeros((height, width), np.uint8), points[0], points[1], (int(rng.uniform(40, 100)),), 1)
        layer = np.maximum(layer, streak)
    return to_bytes(image + cv2.GaussianBlur(layer, (0, 0), 0.7)[..., None])


def snowy(image: np.ndarray) -> np.ndarray:
    rng = np.random.default_rng(1)
    height, width = image.shape[:2]
    opacity = np.zeros((height, width), np.float32)
    for _ in range(500):
        flake = np.zeros((height, width), np.float32)
        centre = (int(rng.uniform(0, width)), int(rng.uniform(0, height)))
        cv2.circle(flake, centre, int(rng.integers(1, 4)), (float(rng.uniform(0.5, 1)),), -1)
        opacity = np.maximum(opacity, flake)
    opacity = cv2.GaussianBlur(opacity, (0, 0), 0.7)[..., None]
    return to_bytes(image * (1 - opacity) + 245 * opacity)


def hazy(image: np.ndarray) -> np.ndarray:
    transmission = np.linspace(0.35, 0.75, image.shape[0])[:, None, None]
    return to_bytes(image * transmission + np.array([225, 228, 232]) * (1 - transmission))


def dark(image: np.ndarray) -> np.ndarray:
    return noisy(255 * (image / 255.0) ** 1.3 * 0.2, 1.0)


def scratched(image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The photo with two light scratches over its whole height and some dust, and where they are."""
    mask = np.zeros(image.shape[:2], np.uint8)
    height, width = mask.shape
    cv2.line(mask, (width // 5, 0), (width // 5 + 9, height - 1), (1,), 2)
    cv2.line(mask, (3 * width // 4, 0), (3 * width // 4 - 6, height - 1), (1,), 2)
    rng = np.random.default_rng(3)
    for _ in range(40):
        cv2.circle(mask, (int(rng.uniform(0, width)), int(rng.uniform(0, height))), 1, (1,), -1)
    return np.where(mask[..., None] > 0, 245, image).astype(np.uint8), mask > 0


DEGRADED = {
    Category.GENERAL_MIXED: lambda image: noisy(image, 12),
    Category.RAIN: rainy,
    Category.SNOW: snowy,
    Category.HAZE: hazy,
    Category.LOW_LIGHT: dark,
    Category.OLD_PHOTO: lambda image: noisy(scratched(image)[0], 6),
}
