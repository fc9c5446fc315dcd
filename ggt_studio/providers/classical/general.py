"""General mixed degradations: noise, compression blocks and blur, in balance over the frame."""

from __future__ import annotations

import numpy as np

from ggt_studio.providers.classical.colour import luma_of, with_luma
from ggt_studio.providers.classical.denoise import denoise
from ggt_studio.providers.classical.filters import edge_width, sharpen
from ggt_studio.providers.classical.strength import Strengths

_SHARP_EDGE_PX = 2.7
_LEAST_SHARPENING = 0.2


def restore_general(image: np.ndarray, strengths: Strengths) -> np.ndarray:
    """Restore an (H, W, 3) float32 RGB image in grey levels; same shape and range, not clipped."""
    clean, noise = denoise(image, strengths.denoise)
    return sharpened(clean, strengths.sharpen, noise)


def sharpened(image: np.ndarray, strength: float, noise: float) -> np.ndarray:
    """The image with its luma sharpened as far as its measured blur asks for; `noise` was in it, in grey levels."""
    luma = luma_of(image)
    width = edge_width(luma)
    blurred = float(np.clip((width - _SHARP_EDGE_PX) / 1.3, 0.0, 1.0))
    residual = 0.15 * noise
    fine = sharpen(luma, strength * (_LEAST_SHARPENING + (1.0 - _LEAST_SHARPENING) * blurred), 1.0, residual)
    wide = sharpen(fine, strength * 1.2 * blurred, float(np.clip(width / 2.2, 1.2, 2.5)), residual)
    return with_luma(image, wide)
