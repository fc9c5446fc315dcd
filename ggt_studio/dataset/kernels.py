"""Blur kernels as arrays: Gaussian and its generalisations, plateaus, and the sinc filter; each sums to 1."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Kernel = NDArray[np.float32]

_BESSEL_POINTS = 256


def gaussian_kernel(size: int, sigmas: tuple[float, float], angle: float, beta: float = 1.0) -> Kernel:
    """exp(-q^beta / 2) over a `size` x `size` px grid, q the squared distance in units of `sigmas` (px) along the axes that are
    turned by `angle` (radians). `beta` 1 is a Gaussian; below, the peak is sharper and the tails longer."""
    return _normalised(np.exp(-0.5 * _squared_distance(size, sigmas, angle) ** beta))


def plateau_kernel(size: int, sigmas: tuple[float, float], angle: float, beta: float) -> Kernel:
    """1 / (1 + q^beta), otherwise as `gaussian_kernel`: flat inside, falling off outside."""
    return _normalised(1.0 / (1.0 + _squared_distance(size, sigmas, angle) ** beta))


def sinc_kernel(size: int, cutoff: float) -> Kernel:
    """The round ideal low-pass with this cutoff in radians per px, cut off at `size` px: cutoff J1(cutoff r) / (2 pi r). It
    overshoots at edges, as over-sharpened and compressed photos do."""
    offsets = np.arange(size) - (size - 1) / 2
    distance = np.hypot(*np.meshgrid(offsets, offsets))
    away = np.where(distance > 0, distance, 1.0)
    values = np.where(
        distance > 0, cutoff * _bessel_j1(cutoff * away) / (2 * math.pi * away), cutoff**2 / (4 * math.pi)
    )
    return _normalised(values)


def _squared_distance(size: int, sigmas: tuple[float, float], angle: float) -> NDArray[np.float64]:
    offsets = np.arange(size) - (size - 1) / 2
    x, y = np.meshgrid(offsets, offsets)
    along = x * math.cos(angle) + y * math.sin(angle)
    across = y * math.cos(angle) - x * math.sin(angle)
    return (along / sigmas[0]) ** 2 + (across / sigmas[1]) ** 2


def _bessel_j1(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """The Bessel function of the first kind and order 1, by its integral; the trapezoidal rule is exact to rounding for
    |x| below 200, and kernels stay below 120."""
    unique, back = np.unique(x, return_inverse=True)
    angles = (np.arange(_BESSEL_POINTS) + 0.5) * (2 * math.pi / _BESSEL_POINTS)
    values = np.cos(angles - unique[:, None] * np.sin(angles)).mean(axis=1)
    return values[back].reshape(x.shape)


def _normalised(values: NDArray[np.float64]) -> Kernel:
    return (values / values.sum()).astype(np.float32)
