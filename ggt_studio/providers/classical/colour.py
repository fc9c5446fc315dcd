"""Luma and chroma planes, exact grey, and colour held to the LQ photo."""

from __future__ import annotations

import cv2
import numpy as np

LUMA = np.array([0.299, 0.587, 0.114], np.float32)
"""Weights of R, G, B in luma (ITU-R BT.601)."""


def is_grey(image: np.ndarray) -> bool:
    """Whether R = G = B at every pixel of an (H, W, 3) image."""
    return bool(np.array_equal(image[..., 0], image[..., 1]) and np.array_equal(image[..., 1], image[..., 2]))


def luma_of(image: np.ndarray) -> np.ndarray:
    """(H, W) float32 luma of an (H, W, 3) RGB image, on the image's own scale."""
    return image.astype(np.float32) @ LUMA


def split(image: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Luma and the two colour differences R - Y and B - Y, each (H, W) float32, of an (H, W, 3) RGB image."""
    pixels = image.astype(np.float32)
    luma = pixels @ LUMA
    return luma, pixels[..., 0] - luma, pixels[..., 2] - luma


def join(luma: np.ndarray, red: np.ndarray, blue: np.ndarray) -> np.ndarray:
    """(H, W, 3) float32 RGB of `split`'s planes."""
    green = -(LUMA[0] * red + LUMA[2] * blue) / LUMA[1]
    return np.stack([luma + red, luma + green, luma + blue], axis=-1)


def with_luma(image: np.ndarray, luma: np.ndarray) -> np.ndarray:
    """The float32 RGB image with another luma and the same colour differences."""
    return image.astype(np.float32) + (luma - luma_of(image))[..., None]


def low_frequencies(plane: np.ndarray) -> np.ndarray:
    """The plane blurred over about a sixteenth of its shorter side."""
    return cv2.GaussianBlur(plane, (0, 0), max(4.0, min(plane.shape[:2]) / 32), borderType=cv2.BORDER_REFLECT_101)


def lock_colour(restored: np.ndarray, lq: np.ndarray, tone: bool) -> np.ndarray:
    """The float32 RGB image with the low-frequency chromaticity of `lq`, and with its low-frequency luma if `tone`."""
    luma, red, blue = split(restored)
    lq_luma, lq_red, lq_blue = split(lq)
    base, lq_base = low_frequencies(luma), low_frequencies(lq_luma)
    if tone:
        luma = luma + lq_base - base
        base = lq_base
    gain = np.clip(base / np.maximum(lq_base, 1.0), 0.5, 8.0)
    red = red + low_frequencies(lq_red) * gain - low_frequencies(red)
    blue = blue + low_frequencies(lq_blue) * gain - low_frequencies(blue)
    return join(luma, red, blue)


def to_bytes(image: np.ndarray) -> np.ndarray:
    """uint8 of a float image in grey levels, rounded and clipped."""
    return np.clip(np.rint(image), 0, 255).astype(np.uint8)
