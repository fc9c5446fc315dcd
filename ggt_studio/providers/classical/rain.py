"""Rain: streaks found by their common slant and taken out of the fine layer, the veil thinned, sharpness recovered."""

from __future__ import annotations

import cv2
import numpy as np

from ggt_studio.providers.classical.colour import luma_of, with_luma
from ggt_studio.providers.classical.defects import replace_softly
from ggt_studio.providers.classical.denoise import denoise
from ggt_studio.providers.classical.drops import lens_drops
from ggt_studio.providers.classical.filters import blur
from ggt_studio.providers.classical.general import sharpened
from ggt_studio.providers.classical.haze import dehaze
from ggt_studio.providers.classical.strength import Strengths

_SLANTS = np.deg2rad(np.arange(-90.0, 90.0, 7.5))
_STEEP = np.deg2rad(45.0)
_VEIL = 0.3
_DROPS_FROM = 0.7


def restore_rain(image: np.ndarray, strengths: Strengths) -> np.ndarray:
    """Take rain off an (H, W, 3) float32 RGB image in grey levels; the rainy mood stays, not clipped."""
    luma = luma_of(image)
    slant, confidence = find_rain(luma)
    if confidence > 0.0:
        share = min(1.1, strengths.remove) * confidence
        dry = luma - share * streaks(luma, slant)
        dry = dry - 0.5 * share * streaks(dry, slant)
        image = with_luma(image, dry)
    if strengths.remove > _DROPS_FROM:
        image = replace_softly(image, lens_drops(image), min(1.0, strengths.remove))
    clean, noise = denoise(image, strengths.denoise)
    if confidence > 0.0:
        clean = dehaze(clean, _VEIL * confidence * strengths.enhance, relight=1.0)
    return sharpened(clean, 1.1 * strengths.sharpen, noise)


def find_rain(luma: np.ndarray) -> tuple[int, float]:
    """The index in `_SLANTS` of the streaks' common slant, and how sure it is that it rains, in [0, 1].

    Streaks share one steep slant, far above what lies in all other directions, and are spread over the frame.
    """
    smooth = blur(luma, 0.5)
    energy = np.array([float(np.mean(_response(smooth, slant)[1])) for slant in _SLANTS])
    best = int(np.argmax(np.where(np.abs(_SLANTS) <= _STEEP, energy, 0.0)))
    common = energy[best] / max(float(np.median(energy)), 0.05)
    spread = _spread(streaks(luma, best))
    return best, float(np.clip((common - 2.3) / 0.7, 0.0, 1.0) * np.clip((spread - 0.4) / 0.3, 0.0, 1.0))


def streaks(luma: np.ndarray, slant: int) -> np.ndarray:
    """The rain layer in grey levels (float32, 0 and up): thin bright lines of about the slant `slant` (an index).

    Lines eight times as long as a streak must be are left out: they are a building's edges.
    """
    smooth = blur(luma, 0.5)
    layer = np.maximum.reduce([_response(smooth, _SLANTS[k])[0] for k in (slant - 1, slant, slant + 1)])
    long = cv2.morphologyEx(layer, cv2.MORPH_OPEN, _segment(8 * _least_length(luma), float(_SLANTS[slant])))
    return np.maximum(layer - cv2.dilate(long, np.ones((3, 3), np.uint8)), 0.0).astype(np.float32)


def _least_length(luma: np.ndarray) -> int:
    """The shortest line that counts as a streak, in pixels."""
    return max(9, min(luma.shape) // 45) | 1


def _response(luma: np.ndarray, slant: float) -> tuple[np.ndarray, np.ndarray]:
    """Height of the thin bright lines of a slant (radians from the vertical): with their rims, and their cores alone.

    The whole line includes its soft rims, the core is what a straight line of one pixel finds: a stricter witness.
    """
    short, thin = _least_length(luma), max(2, min(luma.shape) // 160)
    across = slant + np.pi / 2
    fine = luma - cv2.morphologyEx(luma, cv2.MORPH_OPEN, _segment(2 * thin + 3, across))
    core = cv2.morphologyEx(fine, cv2.MORPH_OPEN, _segment(short, slant))
    wide = cv2.morphologyEx(cv2.dilate(fine, _segment(3, across)), cv2.MORPH_OPEN, _segment(short, slant))
    near = cv2.dilate(core, np.ones((3, 3), np.uint8)) > 2.0
    return np.where(near, np.minimum(fine, wide), core), core


def _segment(length: int, slant: float) -> np.ndarray:
    """A line through the middle of a square structuring element, uint8; `slant` in radians from the vertical."""
    side = length | 1
    kernel = np.zeros((side, side), np.uint8)
    middle = side // 2
    reach = np.array([np.sin(slant), np.cos(slant)]) * middle
    start = (round(middle - reach[0]), round(middle - reach[1]))
    end = (round(middle + reach[0]), round(middle + reach[1]))
    cv2.line(kernel, start, end, (1,), 1)
    return kernel


def _spread(layer: np.ndarray) -> float:
    """The share of the frame's 64 cells in which streaks stand above 6 grey levels in at least 1 % of the pixels."""
    cells = cv2.resize((layer > 6.0).astype(np.float32), (8, 8), interpolation=cv2.INTER_AREA)
    return float(np.mean(cells > 0.01))
