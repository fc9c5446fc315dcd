"""What degrades one photo, measured without a reference: noise, JPEG blocks, blur, veil, clipping."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from ggt_studio.quality.structure import Plane, blur, luminance

_NOISE_KERNEL = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32)
_NOISE_NORM = 6.0
_BLOCK_PX = 8


@dataclass(frozen=True, slots=True)
class Degradations:
    """Figures of one photo; levels are grey levels, 0..255.

    `noise`: standard deviation of the fine noise in the flattest quarter; `grain`: the same at half the resolution,
    where blurred and compressed noise is. `blockiness`: mean step over the 8 px grid
    above that elsewhere. `sharpness`: the steepness of the strongest edges, as the share of their contrast that lies
    between neighbouring pixels, 0..1. `contrast`: standard deviation of detail up to a sixteenth of the photo.
    `brightness`: mean level. `veil`: the darkest channel's 5th percentile. `clipped`: share of pixels at an end.
    """

    noise: float
    grain: float
    blockiness: float
    sharpness: float
    contrast: float
    brightness: float
    veil: float
    clipped: float


def measure_degradations(image: npt.NDArray[np.uint8]) -> Degradations:
    """The figures of a uint8 H x W x 3 RGB photo."""
    plane = luminance(image) * np.float32(255)
    half = np.asarray(cv2.resize(plane, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA), np.float32)
    small = np.asarray(cv2.resize(plane, None, fx=0.25, fy=0.25, interpolation=cv2.INTER_AREA), np.float32)
    darkest = np.asarray(cv2.resize(image.min(axis=2), None, fx=0.25, fy=0.25, interpolation=cv2.INTER_AREA))
    detail = small - blur(small, max(small.shape) / 16)
    ends = (image <= 1).all(axis=2) | (image >= 254).any(axis=2)
    return Degradations(
        noise=_noise(plane),
        grain=_noise(half),
        blockiness=_blockiness(plane),
        sharpness=_sharpness(plane),
        contrast=float(detail.std()),
        brightness=float(small.mean()),
        veil=float(np.percentile(darkest, 5)),
        clipped=float(ends.mean()),
    )


def _noise(plane: Plane) -> float:
    """A difference of second differences answers noise and neither slopes nor straight edges; the flattest quarter of
    the 16 px blocks tells the noise there, at least 0."""
    answer = np.abs(cv2.filter2D(plane, -1, _NOISE_KERNEL)) / np.float32(_NOISE_NORM)
    height, width = (side // 16 * 16 for side in plane.shape)
    blocks = answer[:height, :width].reshape(height // 16, 16, width // 16, 16).mean(axis=(1, 3))
    return float(np.percentile(blocks, 12.5)) * float(np.sqrt(np.pi / 2))


def _blockiness(plane: Plane) -> float:
    """Mean over both directions, for the phase of the grid at which the steps stand out most."""
    excess: list[float] = []
    for steps in (np.abs(np.diff(plane, axis=1)).mean(axis=0), np.abs(np.diff(plane, axis=0)).mean(axis=1)):
        length = len(steps) // _BLOCK_PX * _BLOCK_PX
        phases = steps[:length].reshape(-1, _BLOCK_PX)
        means = np.median(phases, axis=0)
        strongest = int(means.argmax())
        excess.append(float(means[strongest] - np.delete(means, strongest).mean()))
    return float(np.mean(excess))


def _sharpness(plane: Plane) -> float:
    """Of the 2 % steepest places after light smoothing: the step between neighbours over the contrast within 5 px."""
    smooth = blur(plane, 0.7)
    dx, dy = np.abs(np.diff(smooth, axis=1))[:-1], np.abs(np.diff(smooth, axis=0))[:, :-1]
    step = np.hypot(dx, dy)
    size = np.ones((11, 11), np.uint8)
    spread = (cv2.dilate(smooth, size) - cv2.erode(smooth, size))[:-1, :-1]
    edges = spread >= np.percentile(spread, 80)
    peak = cv2.dilate(step, size)
    return float(np.median(peak[edges] / np.maximum(spread[edges], 1.0)))
