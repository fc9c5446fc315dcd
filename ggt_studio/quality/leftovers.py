"""What is left in HQ of what fell before the lens: flakes and streaks found in LQ, and how much of each still shows."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from ggt_studio.quality.structure import Plane, blur

Image = npt.NDArray[np.uint8]

_SIGMAS_PX = (1.0, 2.0, 4.0, 8.0, 14.0)
_LARGE_FROM_PX = 4.0
_LEAST_HEIGHT = 6.0
_PROMINENCE = 1.0
_LARGE_PROMINENCE = 1.2
_ROUND_FROM = 0.45
_STREAK_SIGMAS_PX = (1.0, 2.0)
_SLANTS = 24
_STEEP = slice(_SLANTS // 4, 3 * _SLANTS // 4)
_LEAST_RIDGE = 2.0
_FLATNESS = 0.4


@dataclass(frozen=True, slots=True)
class Leftovers:
    """What LQ shows, and how much of it HQ still does. Parts of the scene are among it, and rightly stay.

    `flakes`: round bright specks up to about 6 px wide (in a photo with a short side of 512 px); `flakes_left`: the mean
    share, 0..1, of their height that HQ has in their places. `large`: wider ones; `large_left`: how many of them HQ still
    shows. `slant`: how many times as much line a steep slant holds as the median slant does, high where it rains;
    `streaks_left`: the share of that excess that HQ has at the same slant.
    """

    flakes: int
    flakes_left: float
    large: int
    large_left: int
    slant: float
    streaks_left: float


def measure_leftovers(lq: Image, hq: Image) -> Leftovers:
    """Look for specks in LQ and for what HQ, laid over it, has in their places: uint8 H x W x 3 RGB of one size.

    Specks are maxima of differences of Gaussians in the darkest channel, in which snow and rain are as bright as in the
    others and few things of a scene are. A speck stands out from the spread of its own surroundings, so that leaves and
    grain are none.
    """
    unit = max(min(lq.shape[:2]) / 512, 0.5)
    planes = [np.asarray(image.min(axis=2), np.float32) for image in (lq, hq)]
    flakes, large, large_left = [], 0, 0
    for sigma in _SIGMAS_PX:
        ours, theirs = (_Specks.of(plane, sigma * unit) for plane in planes)
        if sigma < _LARGE_FROM_PX:
            chosen = ours.maxima & (ours.prominence > _PROMINENCE) & (ours.roundness > _ROUND_FROM)
            flakes.append(np.clip(theirs.height[chosen] / ours.height[chosen], 0, 1))
        else:
            chosen = ours.maxima & (ours.prominence > _LARGE_PROMINENCE) & (ours.roundness > _ROUND_FROM)
            large += int(chosen.sum())
            large_left += int((theirs.height[chosen] > 0.5 * ours.height[chosen]).sum())
    small = np.concatenate(flakes)
    before, after = (_slants(plane, unit) for plane in planes)
    rain = _STEEP.start + int(before[_STEEP].argmax())
    usual = float(np.median(before))
    excess = max(float(before[rain]) - usual, 1e-3)
    return Leftovers(
        flakes=len(small),
        flakes_left=float(small.mean()) if len(small) else 0.0,
        large=large,
        large_left=large_left,
        slant=float(before[rain]) / max(usual, 1e-3),
        streaks_left=float(np.clip((after[rain] - np.median(after)) / excess, 0, 1)),
    )


@dataclass(frozen=True, slots=True)
class _Specks:
    """Of one size, at a resolution at which it is about 2 px: `height` above the surroundings in grey levels; where it is
    greatest and visible (`maxima`); `prominence`: over the spread around; `roundness`: 0 a line, 1 a disc."""

    height: Plane
    maxima: npt.NDArray[np.bool_]
    prominence: Plane
    roundness: Plane

    @classmethod
    def of(cls, plane: Plane, sigma: float) -> _Specks:
        shrink = max(1.0, sigma / 2)
        if shrink > 1:
            size = (max(8, round(plane.shape[1] / shrink)), max(8, round(plane.shape[0] / shrink)))
            plane = np.asarray(cv2.resize(plane, size, interpolation=cv2.INTER_AREA), np.float32)
        sigma /= shrink
        core, around = blur(plane, sigma), blur(plane, 4 * sigma)
        height = np.asarray(core - blur(plane, 2.2 * sigma), np.float32)
        spread = np.sqrt(np.maximum(blur(np.square(plane), 4 * sigma) - np.square(around), 0))
        strongest, weakest, _ = _curvatures(core)
        roundness = np.where(strongest < 0, np.clip(weakest / np.minimum(strongest, -1e-3), 0, 1), 0)
        highest = height >= cv2.dilate(height, np.ones((3, 3), np.uint8))
        return cls(
            height=height,
            maxima=highest & (height > _LEAST_HEIGHT),
            prominence=np.asarray(height / (spread + 2), np.float32),
            roundness=np.asarray(roundness, np.float32),
        )


def _curvatures(plane: Plane) -> tuple[Plane, Plane, Plane]:
    """The lower and the higher second derivative of all directions, and the direction of the higher one (radians, 0..pi)."""
    across, down, mixed = (
        np.asarray(cv2.Sobel(plane, cv2.CV_32F, *order), np.float32) / 4 for order in ((2, 0), (0, 2), (1, 1))
    )
    middle, reach = (across + down) / 2, np.hypot((across - down) / 2, mixed)
    angle = np.mod(0.5 * np.arctan2(2 * mixed, across - down), np.pi)
    return (middle - reach).astype(np.float32), (middle + reach).astype(np.float32), angle.astype(np.float32)


def _slants(plane: Plane, unit: float) -> npt.NDArray[np.float64]:
    """How much thin bright line the plane holds along each of 24 directions, the horizontal first."""
    total = np.zeros(_SLANTS)
    for sigma in _STREAK_SIGMAS_PX:
        sigma *= unit
        lower, higher, angle = _curvatures(blur(plane, sigma))
        lower, higher = lower * sigma**2, higher * sigma**2
        strength = np.where((lower < -_LEAST_RIDGE) & (np.abs(higher) < -_FLATNESS * lower), -lower, 0)
        direction = (angle * (_SLANTS / np.pi)).astype(np.intp) % _SLANTS
        total += np.bincount(direction.ravel(), strength.ravel(), _SLANTS) / plane.size
    return (total + np.roll(total, 1) + np.roll(total, -1)) / 3
