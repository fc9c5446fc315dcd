"""Measure what has to be removed: noise per frequency and brightness, and JPEG block edges."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ggt_studio.providers.classical.dct import BLOCK, FREQUENCY, Padded, Plane, forward

LEVELS = 256
_BINS = 8
_QUIET_STEP = 12.0
_EVEN_UP_TO = 1.36
_TEXTURE_FROM = 1.46
_JPEG_LUMA = np.array(
    [
        [16, 11, 10, 16, 24, 40, 51, 61],
        [12, 12, 14, 19, 26, 58, 60, 55],
        [14, 13, 16, 24, 40, 57, 69, 56],
        [14, 17, 22, 29, 51, 87, 80, 62],
        [18, 22, 37, 56, 68, 109, 103, 77],
        [24, 35, 55, 64, 81, 104, 113, 92],
        [49, 64, 78, 87, 103, 121, 120, 101],
        [72, 92, 95, 98, 112, 100, 103, 99],
    ],
    np.float32,
)
"""Luminance quantisation steps at quality 50 (ITU-T T.81, table K.1)."""


@dataclass(frozen=True, slots=True)
class Noise:
    """Noise of a plane in grey levels.

    `sigma` is its typical standard deviation; `spectrum` (8, 8) float32 the standard deviation of each DCT
    coefficient; `curve` (256,) float32 the factor on it at each brightness.
    """

    sigma: float
    spectrum: np.ndarray
    curve: np.ndarray


def estimate_noise(plane: Plane) -> Noise:
    """Noise of a plane, blindly, from its flattest blocks (after Ponomarenko and Colom).

    Which blocks are flat is decided on one half of the low frequencies and the noise measured on the other, so that
    the choice does not bias the measurement. Works for white and for spatially correlated noise. Where no block is flat,
    as in foliage before a white sky, what the flattest hold is texture, and counts for as little as it is uneven.
    """
    padded = Padded(plane)
    rows, columns = plane.shape[0] // BLOCK - 1, plane.shape[1] // BLOCK - 1
    clipped = Padded(((plane < 1) | (plane > LEVELS - 2)).astype(np.float32))
    stacks, unclipped = [], []
    for down in (0, 4):
        for across in (0, 4):
            inside = np.s_[1 : 1 + rows, :, 1 : 1 + columns]
            coefficients = forward(padded.shifted(down, across))[inside]
            stacks.append(coefficients.transpose(0, 2, 1, 3).reshape(-1, BLOCK, BLOCK))
            mask = clipped.shifted(down, across).reshape(-1, BLOCK, clipped.plane.shape[1] // BLOCK - 1, BLOCK)
            unclipped.append(mask[inside].mean(axis=(1, 3)).ravel() < 0.02)
    blocks = np.concatenate(stacks)
    brightness = blocks[:, 0, 0] / BLOCK
    usable = np.concatenate(unclipped)
    if usable.sum() < 4 * _BINS:
        usable = np.ones(len(blocks), bool)
    blocks, brightness = blocks[usable], brightness[usable]
    squares = blocks * blocks
    spectrum = np.sqrt(_spectrum(squares)) * np.float32(_evenness(squares))
    sigma = float(np.sqrt(np.mean(spectrum[FREQUENCY >= 1] ** 2)))
    return Noise(sigma=sigma, spectrum=spectrum, curve=_curve(squares, brightness))


def _flattest(squares: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Indices of the blocks with the least energy at the coefficients of `mask`."""
    energy = squares[:, mask].sum(axis=1)
    count = min(len(energy), max(48, len(energy) // 40))
    return np.argpartition(energy, count - 1)[:count]


def _evenness(squares: np.ndarray) -> float:
    """How far the flattest blocks hold noise: 1 where they are about as strong as one another, 0 where they are not.

    Noise is alike in all flat blocks, white noise at all frequencies, grain and compressed noise at the low ones;
    texture has no two places alike.
    """
    spreads = []
    for mask in ((FREQUENCY >= 1) & (FREQUENCY <= 6), FREQUENCY >= 8):
        least, more = np.sqrt(np.percentile(squares[:, mask].mean(axis=1), (2, 10)))
        spreads.append(more / max(least, 0.01))
    return float(np.clip((_TEXTURE_FROM - min(spreads)) / (_TEXTURE_FROM - _EVEN_UP_TO), 0.0, 1.0))


def _median_variance(squares: np.ndarray) -> np.ndarray:
    """Variance of each coefficient of zero-mean Gaussian values from the median of their squares."""
    return np.median(squares, axis=0) / 0.4549


def _spectrum(squares: np.ndarray) -> np.ndarray:
    """(8, 8) float32 variance of each DCT coefficient in flat blocks; the mean's is that of its neighbours."""
    low = (FREQUENCY >= 1) & (FREQUENCY <= 6)
    even = low & (FREQUENCY % 2 == 0)
    odd = low & (FREQUENCY % 2 == 1)
    on_even = _median_variance(squares[_flattest(squares, even)])
    on_odd = _median_variance(squares[_flattest(squares, odd)])
    variance = np.where(FREQUENCY % 2 == 0, on_odd, on_even)
    variance = np.where(low, variance, 0.5 * (on_even + on_odd))
    variance = np.sqrt(variance * variance.T)
    ring = float(np.median(variance[(FREQUENCY >= 2) & (FREQUENCY <= 4)]))
    return np.where(FREQUENCY <= 1, np.minimum(variance, ring) if ring > 0 else 0.0, variance).astype(np.float32)


def _curve(squares: np.ndarray, brightness: np.ndarray) -> np.ndarray:
    """(256,) float32: noise at each brightness relative to the whole, from equally filled brightness bins."""
    low = (FREQUENCY >= 1) & (FREQUENCY <= 3)
    high = FREQUENCY >= 4
    order = np.argsort(brightness, kind="stable")
    centres, deviations = [], []
    for part in np.array_split(order, _BINS):
        chosen = part[_flattest(squares[part], low)]
        centres.append(float(brightness[chosen].mean()))
        deviations.append(float(np.sqrt(_median_variance(squares[chosen][:, high]).mean())))
    values = np.asarray(deviations)
    chosen = _flattest(squares, low)
    whole = float(np.sqrt(_median_variance(squares[chosen][:, high]).mean()))
    if whole < 0.05:
        return np.ones(LEVELS, np.float32)
    factors = np.clip(values / whole, 0.5, 2.0)
    smooth = np.convolve(np.pad(factors, 1, mode="edge"), [0.25, 0.5, 0.25], mode="valid")
    return np.interp(np.arange(LEVELS), centres, smooth).astype(np.float32)


def block_edges(plane: Plane) -> float:
    """Height of JPEG block edges in grey levels, >= 0: how far the jump across the 8 px grid exceeds that elsewhere.

    The grid's offset is searched for, as a patch is rarely cut on it. 0 where no grid stands out in both directions.
    """
    return min(_edges_down(plane), _edges_down(np.ascontiguousarray(plane.T)))


def _edges_down(plane: Plane) -> float:
    """Excess of the jumps across horizontal edges at the best offset of the grid over those at the other offsets."""
    steps = np.abs(np.diff(plane, axis=0))
    before, at, after = steps[:-2], steps[1:-1], steps[2:]
    quiet = np.maximum(before, after) < _QUIET_STEP
    excess = np.where(quiet, at - 0.5 * (before + after), 0.0)
    sums, counts = excess.sum(axis=1), quiet.sum(axis=1)
    jumps = [float(sums[k::BLOCK].sum() / max(1, counts[k::BLOCK].sum())) for k in range(BLOCK)]
    best = int(np.argmax(jumps))
    others = [jump for k, jump in enumerate(jumps) if k != best]
    spread = max(others) - min(others)
    height = jumps[best] - float(np.median(others))
    return height if height > max(0.1, 1.5 * spread) else 0.0


def block_noise(edge_height: float) -> np.ndarray:
    """(8, 8) float32 standard deviation of each coefficient's quantisation error for block edges of that height."""
    scale = min(0.2 * edge_height**1.2, 3.0)
    return (scale * _JPEG_LUMA / np.sqrt(12.0)).astype(np.float32)
