"""Old photos: scratches, dust and stains mended, fading and grain repaired, never colourised, tone kept."""

from __future__ import annotations

import cv2
import numpy as np

from ggt_studio.providers.classical.colour import luma_of, with_luma
from ggt_studio.providers.classical.defects import disc, keep_components, prominence, replace_softly
from ggt_studio.providers.classical.denoise import denoise
from ggt_studio.providers.classical.filters import blur
from ggt_studio.providers.classical.general import sharpened
from ggt_studio.providers.classical.noise import estimate_noise
from ggt_studio.providers.classical.strength import Strengths

_MOST_LINES = 60
_LEAST_CONTRAST = 20.0
_MOST_STRETCH = 1.25


def restore_old_photo(image: np.ndarray, strengths: Strengths) -> np.ndarray:
    """Mend an (H, W, 3) float32 RGB image in grey levels; a grey or toned photo stays so."""
    luma = luma_of(image)
    noise = estimate_noise(luma).sigma
    damage = scratches(luma, noise, strengths.remove) | dust(luma, noise, strengths.remove)
    mended = replace_softly(image, damage, min(1.0, 0.7 + 0.3 * strengths.remove))
    clean, noise = denoise(mended, strengths.denoise)
    sharp = sharpened(clean, 0.8 * strengths.sharpen, noise)
    return _unfaded(sharp, strengths.enhance)


def scratches(luma: np.ndarray, noise: float, strength: float) -> np.ndarray:
    """Bool mask of thin straight light or dark lines, much longer than wide: the film's scratches and creases.

    A line counts where a long straight segment stands out from both of its sides with hardly a gap, in a photo whose
    noise has the standard deviation `noise`; it is then followed both ways as long as it can be seen. Lines that belong
    to the scene are seldom so thin, straight, long and apart from other structure.
    """
    length = max(48, min(luma.shape) // 3)
    contrast = max(_LEAST_CONTRAST, 2.5 * noise) / max(0.5, strength) ** 0.5
    radius = max(2, min(luma.shape) // 300)
    smooth = blur(luma, 0.6)
    found = np.zeros(luma.shape, bool)
    for plane in (smooth, 255.0 - smooth):
        top_hat = plane - cv2.morphologyEx(plane, cv2.MORPH_OPEN, disc(radius))
        clear = prominence(plane, top_hat, 2 * radius) > 2.0 / max(0.5, strength) ** 0.5
        candidates = ((top_hat > contrast) & clear).astype(np.uint8)
        seen = cv2.dilate((top_hat > 0.4 * contrast).astype(np.uint8), np.ones((3, 3), np.uint8))
        lines = cv2.HoughLinesP(candidates, 1.0, np.pi / 360, length // 2, minLineLength=length, maxLineGap=6)
        for start_end in () if lines is None else np.asarray(lines).reshape(-1, 4)[:_MOST_LINES]:
            found |= _followed(start_end.astype(float), seen, candidates, radius) & (top_hat > 0.35 * contrast)
    return found


def _followed(line: np.ndarray, seen: np.ndarray, candidates: np.ndarray, radius: int) -> np.ndarray:
    """Bool mask of a segment (x0, y0, x1, y1) and of its straight continuation as far as it is `seen`.

    Nothing where less than nine tenths of the segment itself stand out: then it only joins unrelated specks.
    """
    height, width = seen.shape
    start, end = line[:2], line[2:]
    direction = (end - start) / max(float(np.hypot(*(end - start))), 1.0)
    own = int(np.hypot(*(end - start)))
    steps = np.arange(-max(height, width), own + max(height, width))
    points = np.rint(start + steps[:, None] * direction).astype(int)
    inside = (points >= 0).all(axis=1) & (points[:, 0] < width) & (points[:, 1] < height)
    steps, points = steps[inside], points[inside]
    near = cv2.dilate(candidates, np.ones((3, 3), np.uint8))[points[:, 1], points[:, 0]] > 0
    within = (steps >= 0) & (steps <= own)
    mask = np.zeros(seen.shape, np.uint8)
    if not within.any() or near[within].mean() < 0.9:
        return mask.astype(bool)
    visible = seen[points[:, 1], points[:, 0]] > 0
    whole = float(visible.mean()) > 0.7
    first, last = (points[0], points[-1]) if whole else (start.astype(int), end.astype(int))
    cv2.line(mask, tuple(int(v) for v in first), tuple(int(v) for v in last), (1,), 2 * radius + 1)
    return mask.astype(bool)


def dust(luma: np.ndarray, noise: float, strength: float) -> np.ndarray:
    """Bool mask of small compact specks far lighter or darker than calm surroundings."""
    radius = max(2, min(luma.shape) // 200)
    contrast = max(1.6 * _LEAST_CONTRAST, 5.0 * noise) / max(0.5, strength) ** 0.5
    found = np.zeros(luma.shape, bool)
    for sign in (1.0, -1.0):
        plane = sign * luma
        top_hat = plane - cv2.morphologyEx(plane, cv2.MORPH_OPEN, disc(radius))
        bright = plane if sign > 0 else 255.0 + plane
        specks = (top_hat > contrast) & (prominence(bright, top_hat, radius) > 4.0 / max(0.5, strength) ** 0.5)
        found |= keep_components(specks, (2, round(3.5 * radius * radius)), 6.0)
    return found


def _unfaded(image: np.ndarray, enhance: float) -> np.ndarray:
    """The image with its luma stretched a little towards full contrast about its own mean; colour untouched."""
    luma = luma_of(image)
    low, high = (float(v) for v in np.percentile(blur(luma, 1.5), (0.5, 99.5)))
    span = max(high - low, 40.0)
    stretch = 1.0 + min(_MOST_STRETCH - 1.0, max(0.0, 225.0 / span - 1.0) * 0.6) * min(enhance, 1.5)
    middle = float(luma.mean())
    stretch = min(stretch, _room(middle, low, high))
    return with_luma(image, middle + (luma - middle) * stretch)


def _room(middle: float, low: float, high: float) -> float:
    """The largest contrast about `middle` that takes neither end of the range past 5 or 250."""
    down = (middle - 5.0) / max(middle - low, 1.0)
    up = (250.0 - middle) / max(high - middle, 1.0)
    return max(1.0, min(down, up))
