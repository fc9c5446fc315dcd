"""How two images differ, pixel by pixel: absolute, and as people see it (CIE76 in CIELAB)."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]
Floats = NDArray[np.float32]

# IEC 61966-2-1: linear sRGB to CIE XYZ, here divided by the D65 white (0.95047, 1, 1.08883), so that white is (1, 1, 1).
_XYZ_OF_RGB = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
)
_WHITE = np.array([0.95047, 1.0, 1.08883])
_RELATIVE_XYZ = (_XYZ_OF_RGB / _WHITE[:, None]).astype(np.float32)
_EPSILON, _KAPPA = 216 / 24389, 24389 / 27

# The heat of a difference, from none to much: dark to light, so that it reads without colour, too (sRGB).
_HEAT_STOPS = ((0, 0, 0), (60, 20, 90), (160, 35, 95), (230, 95, 45), (250, 185, 60), (255, 255, 225))


def absolute_difference(lq: Bytes, hq: Bytes) -> Bytes:
    """|LQ - HQ| per channel. Both uint8, H x W x 3 (or any equal shapes); raises ValueError when the shapes differ."""
    _same_shape(lq, hq)
    return np.maximum(lq, hq) - np.minimum(lq, hq)


def delta_e(lq: Bytes, hq: Bytes) -> Floats:
    """Perceived difference, CIE 1976 Delta E*ab of sRGB uint8 images H x W x 3; float32 H x W, from 0 up to about 260.

    About 2.3 is just noticeable; 100 is black against white. Raises ValueError when the shapes differ.
    """
    _same_shape(lq, hq)
    difference = lab(lq) - lab(hq)
    return np.sqrt(np.einsum("...c,...c->...", difference, difference))


def lab(rgb: Bytes) -> Floats:
    """CIELAB (D65 white, 2 degrees) of sRGB uint8 ... x 3: float32 of the same shape, L* in [0, 100]."""
    relative = _linear_levels()[rgb] @ _RELATIVE_XYZ.T
    bent = np.where(relative > _EPSILON, np.cbrt(relative), (_KAPPA * relative + 16) / 116)
    result = np.empty_like(bent, dtype=np.float32)
    result[..., 0] = 116 * bent[..., 1] - 16
    result[..., 1] = 500 * (bent[..., 0] - bent[..., 1])
    result[..., 2] = 200 * (bent[..., 1] - bent[..., 2])
    return result


def amplify(difference: Bytes, gain: float) -> Bytes:
    """A uint8 difference times `gain`, rounded and clipped to 255; same shape."""
    levels = np.clip(np.rint(np.arange(256) * gain), 0, 255).astype(np.uint8)
    return levels[difference]


def heat(delta: Floats, full_scale: float) -> Bytes:
    """Delta E (H x W) as a heat picture (H x W x 3, uint8): 0 is black, `full_scale` and more nearly white."""
    indices = np.clip(np.rint(delta * (255 / full_scale)), 0, 255).astype(np.uint8)
    return heat_scale()[indices]


@lru_cache(maxsize=1)
def heat_scale() -> Bytes:
    """The 256 colours of `heat`, 256 x 3 uint8, from no difference to the full scale."""
    stops = np.array(_HEAT_STOPS, dtype=np.float64)
    where = np.linspace(0, 255, len(stops))
    channels = [np.interp(np.arange(256), where, stops[:, channel]) for channel in range(3)]
    return np.rint(np.stack(channels, axis=1)).astype(np.uint8)


@lru_cache(maxsize=1)
def _linear_levels() -> Floats:
    coded = np.arange(256) / 255
    linear = np.where(coded <= 0.04045, coded / 12.92, ((coded + 0.055) / 1.055) ** 2.4)
    return linear.astype(np.float32)


def _same_shape(lq: Bytes, hq: Bytes) -> None:
    if lq.shape != hq.shape:
        raise ValueError(f"images of different shapes cannot be subtracted: {lq.shape} and {hq.shape}")
