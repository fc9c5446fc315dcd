"""Raindrops on the lens: bright discs of one size, the images of the aperture, painted over from around them."""

from __future__ import annotations

import cv2
import numpy as np

from ggt_studio.providers.classical.colour import luma_of
from ggt_studio.providers.classical.defects import disc
from ggt_studio.providers.classical.filters import blur

_WORK_SIDE = 256
_LEAST_DISCS = 4
_LEAST_RADIUS, _MOST_RADIUS = 4.0, 20.0


def lens_drops(image: np.ndarray) -> np.ndarray:
    """Bool mask (H, W) of the drops' discs in a float32 RGB image in grey levels.

    Drops far out of focus all take the shape of the aperture: convex, even inside, brighter than what is round about and
    of equal size. A single such disc may be a lamp, so nothing is found where there are fewer than four alike.
    """
    height, width = image.shape[:2]
    scale = min(1.0, _WORK_SIDE / min(height, width))
    size = (round(width * scale), round(height * scale))
    luma = blur(luma_of(cv2.resize(image, size, interpolation=cv2.INTER_AREA)), 0.7)
    colourful = np.ptp(cv2.resize(image, size, interpolation=cv2.INTER_AREA), axis=-1)
    found: list[tuple[float, np.ndarray]] = []
    for level in range(240, 80, -8):
        for area, blob in _blobs(luma > level):
            if not _is_disc(luma, colourful, blob):
                continue
            radius = float(np.sqrt(area / np.pi))
            within = [k for k, (_, earlier) in enumerate(found) if (earlier & blob).any()]
            if not within:
                found.append((radius, blob))
            elif len(within) == 1 and radius < 1.15 * found[within[0]][0]:
                found[within[0]] = (radius, blob)
    mask = np.zeros(luma.shape, bool)
    if len(found) >= _LEAST_DISCS:
        radii = np.array([radius for radius, _ in found])
        alike = max((np.abs(radii / radius - 1.0) < 0.25 for radius in radii), key=np.count_nonzero)
        if np.count_nonzero(alike) >= _LEAST_DISCS:
            mask = np.logical_or.reduce([blob for (_, blob), same in zip(found, alike, strict=True) if same])
    wide = cv2.dilate(mask.astype(np.uint8), disc(4)).astype(np.float32)
    return cv2.resize(wide, (width, height), interpolation=cv2.INTER_LINEAR) > 0.5


def _blobs(mask: np.ndarray) -> list[tuple[float, np.ndarray]]:
    """Area and bool mask of the connected parts that are of a disc's size, convex and as wide as high."""
    count, labels, statistics, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=4)
    labels = np.asarray(labels)
    blobs = []
    for k in range(1, count):
        area = float(statistics[k, cv2.CC_STAT_AREA])
        width, height = float(statistics[k, cv2.CC_STAT_WIDTH]), float(statistics[k, cv2.CC_STAT_HEIGHT])
        if not np.pi * _LEAST_RADIUS**2 <= area <= np.pi * _MOST_RADIUS**2:
            continue
        if max(width, height) > 1.3 * min(width, height) or not 0.68 < area / (width * height) < 0.88:
            continue
        blob = labels == k
        contours, _ = cv2.findContours(blob.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
        hull = cv2.convexHull(contours[0])
        inside = np.zeros(mask.shape, np.uint8)
        cv2.fillConvexPoly(inside, hull, (1,))
        if area > 0.92 * float(inside.sum()):
            blobs.append((area, blob))
    return blobs


def _is_disc(luma: np.ndarray, colourful: np.ndarray, blob: np.ndarray) -> bool:
    """Whether a blob is even and nearly colourless inside and clearly brighter than the ring just outside."""
    bytes_ = blob.astype(np.uint8)
    core = cv2.erode(bytes_, disc(1)).astype(bool)
    near = cv2.dilate(bytes_, disc(1)).astype(bool)
    ring = cv2.dilate(bytes_, disc(3)).astype(bool) & ~near
    if not core.any() or not ring.any():
        return False
    steps = float(np.median(luma[core])) - luma[ring]
    return bool(
        luma[core].std() < 16.0
        and colourful[core].mean() < 60.0
        and np.mean(steps > 10.0) > 0.9
        and steps.mean() > 25.0
    )
