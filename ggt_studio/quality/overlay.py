"""Find what is left between a patch and a received image after a supposed placement: an affine transform, by ECC."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from ggt_studio.core.images import Pixels
from ggt_studio.quality.alignment import measure
from ggt_studio.quality.structure import luminance, structure_map

Plane = npt.NDArray[np.float32]
Matrix = npt.NDArray[np.float64]

_SIDES = (128, 256, 512)
_MARGIN = 0.06
_SMALLEST_OVERLAP = 0.6


@dataclass(frozen=True, slots=True)
class Placement:
    """Where a patch lies in a received image: its point (x, y) in px, from the top left corner, is found at
    (`scale_x` x + `left`, `scale_y` y + `top`); pixel centres lie at halves."""

    scale_x: float
    scale_y: float
    left: float
    top: float

    def box(self, width: int, height: int) -> tuple[float, float, float, float]:
        """Left, top, right and bottom of a patch of `width` x `height` px."""
        return self.left, self.top, self.left + self.scale_x * width, self.top + self.scale_y * height

    def after(self, scale_x: float, scale_y: float, dx: float, dy: float, width: int, height: int) -> Placement:
        """This placement after a scaling about the patch's centre and a shift, in patch px."""
        return Placement(
            self.scale_x * scale_x,
            self.scale_y * scale_y,
            self.left + self.scale_x * (width / 2 * (1 - scale_x) + dx),
            self.top + self.scale_y * (height / 2 * (1 - scale_y) + dy),
        )

    def missing(self, width: int, height: int, received_width: int, received_height: int) -> tuple[float, float]:
        """How much of the patch lies beyond the edges of the received image: the widest strip, as a share of the patch's
        side, and the share of its area, both 0..1."""
        left, top, right, bottom = self.box(width, height)
        before_x, after_x = (min(1.0, max(0.0, b) / (right - left)) for b in (-left, right - received_width))
        before_y, after_y = (min(1.0, max(0.0, b) / (bottom - top)) for b in (-top, bottom - received_height))
        shown = max(0.0, 1.0 - before_x - after_x) * max(0.0, 1.0 - before_y - after_y)
        return max(before_x, after_x, before_y, after_y), 1.0 - shown


class Overlay:
    """A patch and a received image, uint8 H x W x 3, ready to be compared at several resolutions."""

    def __init__(self, lq: Pixels, received: Pixels) -> None:
        self._lq, self._received = luminance(lq), luminance(received)
        self._height, self._width = lq.shape[:2]
        longest = max(lq.shape[:2])
        self._sides = sorted({min(side, longest) for side in _SIDES})
        self._structures = {side: structure_map(self._small_lq(side)) for side in self._sides}
        self._levels: dict[tuple[int, Placement], _Level] = {}

    def refine(self, nominal: Placement) -> tuple[Matrix, float]:
        """What is left of a placement: an affine transform about the patch's centre (2 x 3, patch px), and the correlation of
        the structures, -1..1, once its scales and shift are undone (rotation and shear are not). Nothing is left where ECC
        finds nothing better near by."""
        return self._best(nominal, np.eye(2, 3), self._sides)

    def search(self, nominal: Placement) -> tuple[Matrix, float]:
        """As `refine`, from where phase correlation finds that the whole images agree best."""
        return self._best(nominal, self._whole(nominal), self._sides[1:] or self._sides)

    def correlation(self, nominal: Placement) -> float:
        """Correlation of the structures, -1..1, when a placement is taken as it is."""
        return self._level(self._sides[-1], nominal).correlation(np.eye(2, 3))

    def _best(self, nominal: Placement, start: Matrix, sides: list[int]) -> tuple[Matrix, float]:
        found: Matrix | None = start
        for side in sides:
            found = self._level(side, nominal).refine(found) if found is not None else None
        finest = self._level(self._sides[-1], nominal)
        candidates = [start] if found is None else [start, found]
        best = max(candidates, key=finest.correlation)
        return best, finest.correlation(best)

    def _level(self, side: int, nominal: Placement) -> _Level:
        if (side, nominal) not in self._levels:
            self._levels[side, nominal] = _Level(self, side, nominal)
        return self._levels[side, nominal]

    def _whole(self, nominal: Placement) -> Matrix:
        """The similarity transform that phase correlation finds over the whole images."""
        side = self._sides[-1]
        lq = self._small_lq(side)
        height, width = lq.shape
        placed, _ = self.sampled(nominal, width, height, 0)
        as_bytes = [np.repeat((np.clip(p, 0, 1) * 255).astype(np.uint8)[..., None], 3, axis=2) for p in (lq, placed)]
        a = measure(*as_bytes)
        angle, step = math.radians(a.rotation_deg), self._width / width
        cos, sin = a.scale * math.cos(angle), a.scale * math.sin(angle)
        return np.array([[cos, sin, a.dx * step], [-sin, cos, a.dy * step]])

    def _small_lq(self, side: int) -> Plane:
        factor = side / max(self._width, self._height)
        size = (max(1, round(self._width * factor)), max(1, round(self._height * factor)))
        return np.asarray(cv2.resize(self._lq, size, interpolation=cv2.INTER_AREA), np.float32)

    def structure(self, side: int) -> Plane:
        """The patch's structure map at a longest side of `side` px."""
        return self._structures[side]

    @property
    def size(self) -> tuple[int, int]:
        """The patch's width and height in px."""
        return self._width, self._height

    def sampled(self, nominal: Placement, width: int, height: int, margin: int) -> tuple[Plane, npt.NDArray[np.uint8]]:
        """The received luminance where the patch should lie, `width` x `height` px and `margin` px more on each side, and
        where (1) there is any; beyond it is continued by reflection."""
        step_x, step_y = nominal.scale_x * self._width / width, nominal.scale_y * self._height / height
        small, left, top = self._received, nominal.left, nominal.top
        if max(step_x, step_y) > 1.0:
            received_height, received_width = small.shape
            size = (
                max(1, round(received_width / max(1.0, step_x))),
                max(1, round(received_height / max(1.0, step_y))),
            )
            small = np.asarray(cv2.resize(small, size, interpolation=cv2.INTER_AREA), np.float32)
            shrunk_x, shrunk_y = size[0] / received_width, size[1] / received_height
            step_x, step_y, left, top = step_x * shrunk_x, step_y * shrunk_y, left * shrunk_x, top * shrunk_y
        matrix = np.array(
            [
                [step_x, 0.0, left + step_x * (0.5 - margin) - 0.5],
                [0.0, step_y, top + step_y * (0.5 - margin) - 0.5],
            ]
        )
        size = (width + 2 * margin, height + 2 * margin)
        flags = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
        plane = cv2.warpAffine(small, matrix, size, flags=flags, borderMode=cv2.BORDER_REFLECT)
        flags = cv2.INTER_NEAREST | cv2.WARP_INVERSE_MAP
        inside = cv2.warpAffine(np.ones(small.shape, np.uint8), matrix, size, flags=flags)
        return np.asarray(plane, np.float32), np.asarray(inside, np.uint8)


class _Level:
    """Patch and placed image at one resolution. Transforms are affine about the patch's centre, in patch px."""

    def __init__(self, overlay: Overlay, side: int, nominal: Placement) -> None:
        self._lq = overlay.structure(side)
        height, width = self._lq.shape
        margin = math.ceil(_MARGIN * side)
        plane, self._inside = overlay.sampled(nominal, width, height, margin)
        self._placed = structure_map(plane)
        (full_width, full_height), step = overlay.size, np.array([overlay.size[0] / width, overlay.size[1] / height])
        self._to_patch = np.diag([*step, 1.0])
        self._to_patch[:2, 2] = step * 0.5 - np.array([full_width, full_height]) / 2
        self._placed_to_patch = self._to_patch.copy()
        self._placed_to_patch[:2, 2] -= step * margin

    def refine(self, start: Matrix) -> Matrix | None:
        """ECC's affine transform from `start`; None where it does not converge."""
        criteria = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 40, 1e-5)
        warp = self._warp(start)
        try:
            _, warp = cv2.findTransformECC(self._lq, self._placed, warp, cv2.MOTION_AFFINE, criteria, self._inside, 1)
        except cv2.error:
            return None
        found = (self._placed_to_patch @ _square(warp) @ np.linalg.inv(self._to_patch))[:2]
        return found if np.isfinite(found).all() else None

    def correlation(self, residual: Matrix) -> float:
        """Correlation of the structures once scales and shift are undone; 0 where too little is shown by both."""
        corrected = residual.copy()
        corrected[0, 1] = corrected[1, 0] = 0.0
        height, width = self._lq.shape
        warp, flags = self._warp(corrected), cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        moved = cv2.warpAffine(self._placed, warp, (width, height), flags=flags)
        inside = cv2.warpAffine(self._inside.astype(np.float32), warp, (width, height), flags=flags) > 0.999
        if inside.mean() < _SMALLEST_OVERLAP:
            return 0.0
        one, other = self._lq[inside], moved[inside]
        one, other = one - one.mean(), other - other.mean()
        norm = math.sqrt(float((one * one).sum()) * float((other * other).sum()))
        return float((one * other).sum()) / norm if norm > 1e-6 else 0.0

    def _warp(self, residual: Matrix) -> npt.NDArray[np.float32]:
        warp = np.linalg.inv(self._placed_to_patch) @ _square(residual) @ self._to_patch
        return warp[:2].astype(np.float32)


def _square(matrix: npt.NDArray[Any]) -> Matrix:
    return np.vstack([matrix, [0.0, 0.0, 1.0]])
