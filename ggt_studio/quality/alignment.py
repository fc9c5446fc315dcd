"""How HQ lies over LQ: a similarity transform by phase correlation over a small grid, refined by ECC on structure maps."""

from __future__ import annotations

import math
from dataclasses import asdict
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from ggt_studio.core.images import load_photo
from ggt_studio.core.model import Alignment
from ggt_studio.quality.structure import luminance, structure_map

Image = npt.NDArray[np.uint8]
Plane = npt.NDArray[np.float32]
Matrix = npt.NDArray[np.float64]

_COARSE_SIDE, _MIDDLE_SIDE, _FINE_SIDE = 128, 256, 512
_SCALES = np.linspace(0.90, 1.10, 9)
_ROTATIONS_DEG = np.linspace(-6.0, 6.0, 7)
_LARGEST_SCALE_ERROR, _LARGEST_ROTATION_DEG = 0.25, 15.0
_STARTS = 3
_SMALLEST_OVERLAP = 0.6
_CONVINCING = 0.5


def align(params: dict[str, Any]) -> dict[str, float]:
    """Worker method: `measure` on two files. `params`: `lq_path`, `hq_path`. Returns the fields of `Alignment`."""
    return asdict(measure(load_photo(Path(params["lq_path"])).pixels, load_photo(Path(params["hq_path"])).pixels))


def measure(lq: Image, hq: Image) -> Alignment:
    """The similarity transform from LQ to HQ, and how well their structures agree once it is undone.

    `lq`, `hq`: uint8, H x W x 3, RGB. An HQ of another size is resized to LQ's first, so all figures are in LQ pixels and
    a mere difference of resolution is no misalignment. Found within about a third of the image in shift, 0.9 to 1.1
    in scale and 6 degrees in rotation. A positive `rotation_deg` means that HQ's content is turned anticlockwise on
    screen. `correlation` is that of the locally normalised luminance structure, so it ignores global and slowly
    varying changes of brightness, contrast and veil; it is near 1 for a faithful target, and near 0 (the other
    figures then mean nothing) for an unrelated or featureless one. Where ECC does not converge, the result of phase
    correlation stands, with its own correlation.
    """
    height, width = lq.shape[:2]
    if hq.shape[:2] != (height, width):
        hq = np.asarray(cv2.resize(hq, (width, height), interpolation=cv2.INTER_AREA), np.uint8)
    levels = [_Level.of(lq, hq, side) for side in _sides(max(height, width))]
    coarse, fine = levels[0], levels[-1]

    finalists: list[Matrix] = [np.eye(2, 3)]
    for start in [*_grid_search(coarse), np.eye(2, 3)]:
        finalists.append(start)
        found = _refine_through(levels, start)
        if found is not None:
            finalists.append(found)
            if fine.correlation(found) > _CONVINCING:
                break
    best = max(finalists, key=fine.correlation)
    return _as_alignment(best, fine.correlation(best))


class _Level:
    """Structure maps of LQ and HQ at one resolution. Transforms are similarities about the centre, in LQ pixels;
    `step` is the size of this level's pixels (x, y) in those."""

    def __init__(self, lq: Plane, hq: Plane, scale_x: float, scale_y: float) -> None:
        self.lq, self.hq = lq, hq
        height, width = lq.shape
        self.step = np.array([1 / scale_x, 1 / scale_y])
        self._to_pixels = np.array(
            [[scale_x, 0, (width - 1) / 2], [0, scale_y, (height - 1) / 2], [0, 0, 1]], dtype=np.float64
        )

    @classmethod
    def of(cls, lq: Image, hq: Image, longest_side: int) -> _Level:
        """Both images shrunk to `longest_side` px."""
        height, width = lq.shape[:2]
        factor = longest_side / max(height, width)
        size = (max(1, round(width * factor)), max(1, round(height * factor)))
        planes = (cv2.resize(luminance(image), size, interpolation=cv2.INTER_AREA) for image in (lq, hq))
        lq_plane, hq_plane = (structure_map(np.asarray(plane, np.float32)) for plane in planes)
        return cls(lq_plane, hq_plane, size[0] / width, size[1] / height)

    def warp(self, matrix: Matrix) -> npt.NDArray[np.float32]:
        """`matrix` (2 x 3, centred LQ pixels) in this level's pixel coordinates, as OpenCV wants it."""
        return (self._to_pixels @ _square(matrix) @ np.linalg.inv(self._to_pixels))[:2].astype(np.float32)

    def centred(self, warp: npt.NDArray[Any]) -> Matrix:
        """The inverse of `warp`."""
        return (np.linalg.inv(self._to_pixels) @ _square(warp) @ self._to_pixels)[:2]

    def undone(self, matrix: Matrix) -> tuple[Plane, npt.NDArray[np.bool_]]:
        """HQ's structure laid over LQ's, and where it is defined."""
        height, width = self.lq.shape
        warp, flags = self.warp(matrix), cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        moved = cv2.warpAffine(self.hq, warp, (width, height), flags=flags)
        inside = cv2.warpAffine(np.ones_like(self.hq), warp, (width, height), flags=flags)
        return np.asarray(moved, np.float32), inside > 0.999

    def correlation(self, matrix: Matrix) -> float:
        """Correlation of both structures after `matrix` is undone, over what both show; 0 where that is
        under 60 % of LQ, since any two photos agree on some sliver."""
        moved, inside = self.undone(matrix)
        if inside.mean() < _SMALLEST_OVERLAP:
            return 0.0
        one, other = self.lq[inside], moved[inside]
        one, other = one - one.mean(), other - other.mean()
        norm = math.sqrt(float((one * one).sum()) * float((other * other).sum()))
        return float((one * other).sum()) / norm if norm > 1e-6 else 0.0


def _sides(longest: int) -> list[int]:
    """The pyramid, coarse to fine: longest sides in pixels."""
    return sorted({min(side, longest) for side in (_COARSE_SIDE, _MIDDLE_SIDE, _FINE_SIDE)})


def _grid_search(level: _Level) -> list[Matrix]:
    """The most likely transforms: phase correlation under each scale and rotation of a grid, best peaks first."""
    height, width = level.lq.shape
    window = cv2.createHanningWindow((width, height), cv2.CV_32F)
    found: list[tuple[float, Matrix]] = []
    for scale in _SCALES:
        for rotation in _ROTATIONS_DEG:
            matrix = _similarity(float(scale), float(rotation))
            turned, _ = level.undone(matrix)
            (dx, dy), response = cv2.phaseCorrelate(level.lq.copy(), turned, window)  # it alters its arguments
            # `turned` shows at p what HQ has at A p; LQ's p is at p + d there, so in HQ at A (p + d).
            matrix[:, 2] = matrix[:, :2] @ (level.step * (dx, dy))
            found.append((response, matrix))
    found.sort(key=lambda item: -item[0])
    return [matrix for _, matrix in found[:_STARTS]]


def _refine_through(levels: list[_Level], start: Matrix) -> Matrix | None:
    """`start` refined from level to level; None where one of them fails."""
    found: Matrix | None = start
    for level in levels:
        if found is not None:
            found = _refine(level, found)
    return found


def _refine(level: _Level, start: Matrix) -> Matrix | None:
    """The nearest similarity to ECC's affine transform; None where ECC does not converge or runs away."""
    mask = np.ones(level.hq.shape, np.uint8)
    criteria = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 40, 1e-5)
    try:
        _, warp = cv2.findTransformECC(level.lq, level.hq, level.warp(start), cv2.MOTION_AFFINE, criteria, mask, 1)
    except cv2.error:
        return None
    matrix = _nearest_similarity(level.centred(warp))
    found = _as_alignment(matrix, 0.0)
    near = abs(found.scale - 1) <= _LARGEST_SCALE_ERROR and abs(found.rotation_deg) <= _LARGEST_ROTATION_DEG
    return matrix if near else None


def _similarity(scale: float, rotation_deg: float) -> Matrix:
    """Scale times rotation, anticlockwise on screen (y points down)."""
    angle = math.radians(rotation_deg)
    cos, sin = scale * math.cos(angle), scale * math.sin(angle)
    return np.array([[cos, sin, 0.0], [-sin, cos, 0.0]])


def _nearest_similarity(affine: Matrix) -> Matrix:
    (a, b, dx), (c, d, dy) = affine
    cos, sin = (a + d) / 2, (b - c) / 2
    return np.array([[cos, sin, dx], [-sin, cos, dy]])


def _as_alignment(matrix: Matrix, correlation: float) -> Alignment:
    cos, sin = float(matrix[0, 0]), float(matrix[0, 1])
    return Alignment(
        dx=float(matrix[0, 2]),
        dy=float(matrix[1, 2]),
        scale=math.hypot(cos, sin),
        rotation_deg=math.degrees(math.atan2(sin, cos)),
        correlation=correlation,
    )


def _square(matrix: npt.NDArray[Any]) -> Matrix:
    return np.vstack([matrix, [0.0, 0.0, 1.0]])
