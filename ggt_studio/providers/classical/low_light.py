"""Low light: shadows made readable by an illumination map, noise taken out where the gain is high, night mood kept."""

from __future__ import annotations

import numpy as np

from ggt_studio.providers.classical.denoise import denoise
from ggt_studio.providers.classical.filters import guided
from ggt_studio.providers.classical.general import sharpened
from ggt_studio.providers.classical.strength import Strengths

_TARGET = 0.42
_MOST_GAIN = 14.0
_MOST_STRETCH = 4.0
_WHITE = 0.9
_SHOULDER = 0.8
_BLACK = 0.008


def restore_low_light(image: np.ndarray, strengths: Strengths) -> np.ndarray:
    """Brighten an (H, W, 3) float32 RGB image in grey levels; hue kept, no highlight clipped that was not before."""
    gain = light_gain(image, strengths.enhance)
    bright = image * gain[..., None]
    rounding = 0.29 * float(np.median(gain))
    clean, noise = denoise(bright, 1.1 * strengths.denoise, floor=rounding if rounding > 0.6 else 0.0)
    return sharpened(clean, 0.8 * strengths.sharpen, noise)


def light_gain(image: np.ndarray, enhance: float) -> np.ndarray:
    """(H, W) float32 factor on all channels, at least 1: large where the illumination is low, 1 at white.

    The illumination is the brightest channel, smoothed without crossing edges (after LIME and Retinex). It is stretched
    to just below white and lifted by a gamma until its mean is readable; deep black stays black.
    """
    value = image.max(axis=-1) / 255.0
    light = np.clip(guided(value, value, max(4, min(value.shape) // 40), 0.003), 1.0 / 255.0, 1.0)
    top = float(np.clip(np.percentile(light, 99.5), _WHITE / _MOST_STRETCH, _WHITE))
    base = np.minimum(light / top, 1.0)
    gamma = _gamma_for(base, min(0.6, _TARGET * enhance) / _WHITE)
    curved = _WHITE * base**gamma + (1.0 - _WHITE) * np.clip((light - top) / (1.0 - top), 0.0, 1.0)
    factor = np.clip(curved / (light + _BLACK), 1.0, _MOST_GAIN)
    return np.maximum(1.0, _shoulder(value * factor) / np.maximum(value, 1.0 / 255.0)).astype(np.float32)


def _shoulder(value: np.ndarray) -> np.ndarray:
    """Brightness rolled off smoothly above 0.8, so that it stays below 1."""
    over = np.maximum(value - _SHOULDER, 0.0) / (1.0 - _SHOULDER)
    return np.minimum(value, _SHOULDER) + (1.0 - _SHOULDER) * over / (1.0 + over)


def _gamma_for(light: np.ndarray, target: float) -> float:
    """The exponent in [0.3, 1] that brings the mean of `light` nearest to `target`."""
    low, high = 0.3, 1.0
    for _ in range(12):
        middle = 0.5 * (low + high)
        if float(np.mean(light**middle)) > target:
            low = middle
        else:
            high = middle
    return 0.5 * (low + high)
