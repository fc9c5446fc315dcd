"""Second-order degradation of clean photos, as Real-ESRGAN models it (arXiv 2107.10833): the customary blur, resize, noise
and JPEG, twice, and a sinc filter for ringing. Seeded; runs in the worker.

`plan` draws what is done to a photo, `carry_out` does it; so what was drawn can be told, and tested against its ranges.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from ggt_studio.dataset.degradations import Blur, Degradation, Noise, Resize
from ggt_studio.dataset.kernels import gaussian_kernel, plateau_kernel, sinc_kernel

Pixels = NDArray[np.uint8]
Array = np.ndarray

LUMA = np.array([0.299, 0.587, 0.114], np.float32)
LEAST_SIDE = 16
"""Smallest side in px of a photo, and of what it is reduced to on the way."""

_METHODS = {"area": cv2.INTER_AREA, "bilinear": cv2.INTER_LINEAR, "bicubic": cv2.INTER_CUBIC}
_WIDE_KERNEL = 13


@dataclass(frozen=True, slots=True)
class Blurred:
    """A blur by this kernel of `size` px; `sigmas` in px, `angle` in radians, `beta` the exponent, `cutoff` in radians per px
    for `sinc`."""

    kind: str
    size: int
    sigmas: tuple[float, float] = (0.0, 0.0)
    angle: float = 0.0
    beta: float = 1.0
    cutoff: float = 0.0


@dataclass(frozen=True, slots=True)
class Resized:
    """A resize to this factor of the photo's own size."""

    factor: float
    method: str


@dataclass(frozen=True, slots=True)
class GaussianNoise:
    """Added noise of this standard deviation, in levels of 255."""

    sigma: float
    grey: bool


@dataclass(frozen=True, slots=True)
class PoissonNoise:
    """`scale` times the noise of 255 photons at white: a variance of scale^2 x / 255 for a value x in [0, 1]."""

    scale: float
    grey: bool


@dataclass(frozen=True, slots=True)
class Compressed:
    """JPEG of this quality, 4:2:0."""

    quality: int


Step = Blurred | Resized | GaussianNoise | PoissonNoise | Compressed


def degrade_again(image: Pixels, degradation: Degradation, seed: int) -> Pixels:
    """Degrade a clean photo: uint8 RGB (H, W, 3), sides from 16 px; the same size comes out.

    The same arguments give the same pixels. Raises `ValueError` for other shapes and types, and for a negative seed.
    """
    rng = np.random.default_rng(seed)
    return carry_out(image, plan(degradation, rng), rng)


def plan(degradation: Degradation, rng: Generator) -> list[Step]:
    """Draw the steps from the preset's ranges."""
    steps: list[Step] = []
    for number, stage in enumerate(degradation.stages):
        steps += _blur(stage.blur, rng)
        steps += _resize(stage.resize, rng, 1.0 if number == 0 else 1.0 / degradation.scale)
        steps.append(_noise(stage.noise, rng))
        steps.append(Compressed(int(rng.integers(stage.jpeg[0], stage.jpeg[1] + 1))))
    ending: list[Step] = [Resized(1.0 / degradation.scale, _method(rng))]
    if rng.random() < degradation.final.sinc_chance:
        ending.append(_sinc(degradation.final.sizes, rng))
    # Compression and the last filter change places half of the time, which gives more kinds of ringing.
    return [*steps, *ending] if rng.random() < 0.5 else [*steps[:-1], *ending, steps[-1]]


def carry_out(image: Pixels, steps: list[Step], rng: Generator) -> Pixels:
    """Do these steps to a photo; shapes and errors as for `degrade_again`. Noise is drawn from `rng`."""
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or min(image.shape[:2]) < LEAST_SIDE:
        raise ValueError(f"expected uint8 of shape (H >= 16, W >= 16, 3), got {image.dtype} of shape {image.shape}")
    height, width = image.shape[:2]
    now = image.astype(np.float32) / 255.0
    for step in steps:
        now = _carry_out(now, step, height, width, rng)
    if now.shape != image.shape:
        now = cv2.resize(now, (width, height), interpolation=cv2.INTER_CUBIC)
    return _levels(now)


def _blur(blur: Blur, rng: Generator) -> list[Step]:
    if rng.random() >= blur.chance:
        return []
    if rng.random() < blur.sinc_chance:
        return [_sinc(blur.sizes, rng)]
    kinds = list(blur.weights)
    weights = np.array(list(blur.weights.values()))
    kind = str(rng.choice(kinds, p=weights / weights.sum()))
    sigmas = (float(rng.uniform(*blur.sigma)), float(rng.uniform(*blur.sigma)))
    angle, beta = float(rng.uniform(-math.pi, math.pi)), 1.0
    if kind.endswith(" isotropic") or kind == "isotropic":
        sigmas, angle = (sigmas[0], sigmas[0]), 0.0
    if kind.startswith(("generalised", "plateau")):
        low, high = blur.beta_gaussian if kind.startswith("generalised") else blur.beta_plateau
        # Half of the draws below 1 and half above: those below differ as much as those above, in a shorter range.
        split = min(max(1.0, low), high)
        beta = float(rng.uniform(low, split) if rng.random() < 0.5 else rng.uniform(split, high))
    return [Blurred(kind, _odd(blur.sizes, rng), sigmas, angle, beta)]


def _sinc(sizes: tuple[int, int], rng: Generator) -> Blurred:
    size = _odd(sizes, rng)
    # A small kernel cannot hold a low cutoff.
    lowest = math.pi / 3 if size < _WIDE_KERNEL else math.pi / 5
    return Blurred("sinc", size, cutoff=float(rng.uniform(lowest, math.pi)))


def _resize(resize: Resize, rng: Generator, scale: float) -> list[Step]:
    weights = np.array([resize.up, resize.down, resize.keep])
    way = int(rng.choice(3, p=weights / weights.sum()))
    low, high = ((1.0, resize.factor[1]), (resize.factor[0], 1.0), (1.0, 1.0))[way]
    return [Resized(float(rng.uniform(low, high)) * scale, _method(rng))]


def _noise(noise: Noise, rng: Generator) -> Step:
    gaussian, grey = rng.random() < noise.gaussian_chance, bool(rng.random() < noise.grey_chance)
    if gaussian:
        return GaussianNoise(float(rng.uniform(*noise.sigma)), grey)
    return PoissonNoise(float(rng.uniform(*noise.scale)), grey)


def _odd(sizes: tuple[int, int], rng: Generator) -> int:
    return int(rng.integers(sizes[0] // 2, sizes[1] // 2 + 1)) * 2 + 1


def _method(rng: Generator) -> str:
    return list(_METHODS)[int(rng.integers(len(_METHODS)))]


def _carry_out(image: Array, step: Step, height: int, width: int, rng: Generator) -> Array:
    match step:
        case Blurred():
            return cv2.filter2D(image, -1, kernel_of(step), borderType=cv2.BORDER_REFLECT_101)
        case Resized(factor, method):
            size = max(round(width * factor), LEAST_SIDE), max(round(height * factor), LEAST_SIDE)
            if size == image.shape[1::-1]:
                return image
            return np.clip(cv2.resize(image, size, interpolation=_METHODS[method]), 0, 1)
        case GaussianNoise(sigma, grey):
            shape = (*image.shape[:2], 1 if grey else 3)
            return np.clip(image + rng.standard_normal(shape, np.float32) * np.float32(sigma / 255), 0, 1)
        case PoissonNoise(scale, grey):
            signal = np.clip((image @ LUMA)[..., None] if grey else image, 0, 1) * np.float32(255)
            noise = (rng.poisson(signal).astype(np.float32) - signal) * np.float32(scale / 255)
            return np.clip(image + noise, 0, 1)
        case Compressed(quality):
            return _jpeg(image, quality)


def kernel_of(step: Blurred) -> Array:
    """The kernel of a blur, float32 (size, size), sum 1."""
    if step.kind == "sinc":
        return sinc_kernel(step.size, step.cutoff)
    make = plateau_kernel if step.kind.startswith("plateau") else gaussian_kernel
    return make(step.size, step.sigmas, step.angle, step.beta)


def _jpeg(image: Array, quality: int) -> Array:
    swapped = cv2.cvtColor(_levels(image), cv2.COLOR_RGB2BGR)
    _, data = cv2.imencode(".jpg", swapped, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR_RGB), np.float32) / 255.0


def _levels(image: Array) -> Pixels:
    return np.round(np.clip(image, 0, 1) * 255).astype(np.uint8)
