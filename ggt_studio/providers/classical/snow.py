"""Snow: falling flakes found as small bright colourless blobs and painted over from around them, the veil thinned."""

from __future__ import annotations

import cv2
import numpy as np

from ggt_studio.providers.classical.defects import disc, keep_components, prominence, replace_softly
from ggt_studio.providers.classical.denoise import denoise
from ggt_studio.providers.classical.filters import blur
from ggt_studio.providers.classical.general import sharpened
from ggt_studio.providers.classical.haze import dehaze
from ggt_studio.providers.classical.strength import Strengths

_LEAST_HEIGHT = 14.0
_PROMINENCE = 3.0
_COVERAGE = 0.015
_WORK_RADIUS = 5.0
_VEIL = 0.25
_SCALES = (0.5, 1.0, 1.0, 2.2)


def restore_snow(image: np.ndarray, strengths: Strengths) -> np.ndarray:
    """Take flakes and veil off an (H, W, 3) float32 RGB image in grey levels; brightness style kept, not clipped."""
    calm = image
    snowing = 0.0
    lettering = _lettering(image.min(axis=-1))
    for scale in _SCALES:
        mask, confidence = flakes(calm, strengths.remove, scale)
        mask &= ~lettering
        snowing = max(snowing, confidence)
        calm = replace_softly(calm, mask, confidence * min(1.0, 0.75 + 0.25 * strengths.remove))
    clean, noise = denoise(calm, strengths.denoise)
    if snowing > 0.0:
        clean = dehaze(clean, _VEIL * snowing * strengths.enhance, relight=1.0)
    return sharpened(clean, 0.6 * strengths.sharpen, noise)


def flakes(image: np.ndarray, strength: float, scale: float) -> tuple[np.ndarray, float]:
    """Bool mask of the flakes of about `scale` times the usual size, and how sure it is that it snows, in [0, 1].

    Flakes are bright in all three channels, so they are sought in the darkest one, where blue sky between branches is not
    bright. They must stand out from their own surroundings and be compact; few of them are no snow.
    """
    height, width = image.shape[:2]
    reach = scale * min(height, width) / 120
    shrink = max(1.0, reach / _WORK_RADIUS)
    size = (max(1, round(width / shrink)), max(1, round(height / shrink)))
    darkest = cv2.resize(blur(image.min(axis=-1), 0.6), size, interpolation=cv2.INTER_AREA)
    radius = max(2, round(reach / shrink))
    top_hat = darkest - cv2.morphologyEx(darkest, cv2.MORPH_OPEN, disc(radius))
    least = _LEAST_HEIGHT / max(0.5, strength)
    clear = _PROMINENCE * (1.0 if scale < 2.0 else 1.3) / max(0.5, strength) ** 0.5
    seeds = (top_hat > least) & (prominence(darkest, top_hat, radius) > clear)
    seeds = keep_components(seeds, (3, round(5.0 * radius * radius)), 6.0 if scale < 2.0 else 3.6)
    near = cv2.dilate(seeds.astype(np.uint8), disc(max(1, radius // 3))).astype(bool)
    small = (near & (top_hat > 0.3 * least)) | seeds
    mask = cv2.resize(small.astype(np.float32), (width, height), interpolation=cv2.INTER_LINEAR) > 0.4
    return mask, float(np.clip(mask.mean() / _COVERAGE - 0.3, 0.0, 1.0))


def _lettering(darkest: np.ndarray) -> np.ndarray:
    """Bool mask of lines of white text, which specks in a row at one height may be: not to be taken for flakes."""
    gap = max(5, min(darkest.shape) // 50)
    white = (darkest > 205).astype(np.uint8)
    joined = cv2.morphologyEx(white, cv2.MORPH_CLOSE, np.ones((3, gap), np.uint8))
    count, labels, statistics, _ = cv2.connectedComponentsWithStats(joined, connectivity=8)
    width, height = statistics[:, cv2.CC_STAT_WIDTH], statistics[:, cv2.CC_STAT_HEIGHT]
    lines = (width >= 4 * gap) & (width >= 3 * height) & (height <= 4 * gap)
    lines[0] = False
    if count == 1 or not lines.any():
        return np.zeros(darkest.shape, bool)
    return cv2.dilate(
        lines[np.asarray(labels, np.intp)].astype(np.uint8), np.ones((2 * gap, 8 * gap), np.uint8)
    ).astype(bool)
