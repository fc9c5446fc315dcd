"""Quick local measures of an image: how much content, how good, and a perceptual hash. numpy and Pillow only."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ggt_studio.core.words import QualityLevel

Pixels = NDArray[np.uint8]
_Grey = NDArray[np.float32]

CONTENT_POOR_BELOW = 0.04
"""Patches whose `content` is below this hold next to nothing: plain sky, a black frame, a flat wall."""

LEVELS_FROM = ((0.42, QualityLevel.HIGH), (0.25, QualityLevel.MEDIUM), (0.0, QualityLevel.LOW))
"""The lowest `quality` of each level, best first."""

_CELLS = 32
_MIN_HALF_CELL_PX = 6
_STRUCTURE_LEVELS = 3.0
_NOISE_SIGMAS = 10.5
_QUALITY_WINDOW = 512
_NOISE_HALVES_AT = 11.0
_BLOCKINESS_HALVES_AT = 0.6
_NOISE_BLOCK_PX = 16
_FLATTEST_SHARE = 5
_TEXTURE_SHARE = 1.5
_REBLUR_PX = 9
_HASH_SIDE = 8
_HASH_INPUT = 32


def content(pixels: Pixels) -> float:
    """How much of the image, uint8 H x W x 3, holds structure: a share from 0 to 1.

    It is the share of cells (some 32 along the long side, at least 12 px wide) whose mean grey level departs by more than
    3 levels, and by more than noise explains, from the line through its neighbours. Averaging over cells keeps noise
    out, which pixel by pixel looks like texture. What noise is left is measured between half cells, where it is as
    strong as its grain, from sensor or film, makes it. A smooth gradient lies on the line and does not count.
    """
    grey = Image.fromarray(pixels).convert("L")
    half_cell = max(_MIN_HALF_CELL_PX, round(max(grey.size) / (2 * _CELLS)))
    width, height = (side // (2 * half_cell) * 2 * half_cell for side in grey.size)
    if min(width, height) < 6 * half_cell:
        return 0.0
    half_cells = grey.crop((0, 0, width, height)).convert("F").reduce(half_cell)
    cells = np.asarray(half_cells.reduce(2))
    noise_of_cell = _noise_sigma(np.asarray(half_cells), block=4) / 2
    threshold = max(_STRUCTURE_LEVELS, _NOISE_SIGMAS * noise_of_cell)
    across = np.abs(cells[1:-1, :-2] - 2 * cells[1:-1, 1:-1] + cells[1:-1, 2:])
    down = np.abs(cells[:-2, 1:-1] - 2 * cells[1:-1, 1:-1] + cells[2:, 1:-1])
    return float(np.mean(np.maximum(across, down) > threshold))


def quality(pixels: Pixels) -> float:
    """How little noise, blur, JPEG blocking and lack of contrast the image, uint8 H x W x 3, shows: from 0 to 1.

    The product of four marks from 0 to 1, measured in the middle 512 x 512 px; noise also at half size, for grain that is
    wider than a pixel. It orders degraded versions of one
    photo; between different photos it is a rough grade, made to sample levels by (paper section 3.1), not a metric.
    """
    grey = _middle(_grey_of(pixels))
    sigma = _noise_sigma(grey)
    calm = 1 / (1 + (max(sigma, 2 * _noise_sigma(_halved(grey))) / _NOISE_HALVES_AT) ** 1.25)
    blocking = 1 / (1 + _blockiness(grey) / _BLOCKINESS_HALVES_AT)
    low, high = np.percentile(grey[::2, ::2], (2, 98))
    contrast = float(np.sqrt((high - low) / 255))
    return float(calm * blocking * contrast * _sharpness(grey, sigma))


def noise(pixels: Pixels) -> float:
    """Standard deviation in grey levels, at least 0, of the fine noise of an image, uint8 H x W x 3, in its middle
    512 x 512 px; 0 for images under 32 px. Of white noise some 85 %, as the flattest places are the least noisy, too.

    It is measured in the flattest twentieth of 16 px blocks, and only what texture does not explain: at half the size
    noise falls to half, while texture, even of grass, keeps most of its contrast. So detail that a restoration brings
    back does not count, and neither does grain that is wider than a pixel.
    """
    grey = _middle(_grey_of(pixels))
    if min(grey.shape) < 2 * _NOISE_BLOCK_PX:
        return 0.0
    fine, half = (
        _block_means(_answer(grey), _NOISE_BLOCK_PX),
        _block_means(_answer(_halved(grey)), _NOISE_BLOCK_PX // 2),
    )
    means = _block_means(grey, _NOISE_BLOCK_PX)
    rows, columns = (min(sides) for sides in zip(fine.shape, half.shape, means.shape, strict=True))
    fine, half, means = (plane[:rows, :columns] for plane in (fine, half, means))
    fine, half = (_unclipped(plane, means) for plane in (fine, half))
    activity = np.hypot(fine, half)
    flattest = activity <= np.percentile(activity, _FLATTEST_SHARE)
    beyond_texture = np.mean(fine[flattest] ** 2) - _TEXTURE_SHARE * np.mean(half[flattest] ** 2)
    return float(np.sqrt(max(0.0, beyond_texture) / (1 - _TEXTURE_SHARE / 4)))


def blockiness(pixels: Pixels) -> float:
    """By how much, relatively, the steps over the borders of JPEG's blocks exceed the others in the middle 512 x 512 px of
    an image, uint8 H x W x 3: 0 and up."""
    return _blockiness(_middle(_grey_of(pixels)))


def sharpness(pixels: Pixels) -> float:
    """The share of its steps between neighbours that a strong blur would take from the middle 512 x 512 px of an image,
    uint8 H x W x 3: from 0 to 1. Strong noise counts as sharp, so it means something only beside `noise`."""
    grey = _middle(_grey_of(pixels))
    return _sharpness(grey, _noise_sigma(grey))


def level(of_quality: float) -> QualityLevel:
    """The level of a `quality`."""
    return next(name for lowest, name in LEVELS_FROM if of_quality >= lowest)


def _grey_of(pixels: Pixels) -> _Grey:
    return np.asarray(Image.fromarray(pixels).convert("L"), dtype=np.float32)


def _middle(grey: _Grey) -> _Grey:
    top, left = ((side - _QUALITY_WINDOW) // 2 if side > _QUALITY_WINDOW else 0 for side in grey.shape)
    return grey[top : top + _QUALITY_WINDOW, left : left + _QUALITY_WINDOW]


def _halved(grey: _Grey) -> _Grey:
    """Means of 2 x 2 px."""
    height, width = (side // 2 for side in grey.shape)
    return grey[: 2 * height, : 2 * width].reshape(height, 2, width, 2).mean(axis=(1, 3))


def _noise_sigma(grey: _Grey, block: int = 8) -> float:
    """Standard deviation of the noise in grey levels: Immerkaer's mask, which no plane and no straight edge answers, in
    the quietest fifth of square blocks, so that texture is not taken for noise."""
    answer = _answer(grey)
    if min(answer.shape) < block:
        return 0.0
    blocks = _block_means(answer, block)
    height, width = (side * block for side in blocks.shape)
    means = grey[1 : height + 1 : block, 1 : width + 1 : block]
    return float(np.percentile(_unclipped(blocks, means), 20))


def _answer(grey: _Grey) -> _Grey:
    """The answer of Immerkaer's mask, scaled so that its mean is the standard deviation of white noise."""
    rows = grey[:-2] - 2 * grey[1:-1] + grey[2:]
    return np.abs(rows[:, :-2] - 2 * rows[:, 1:-1] + rows[:, 2:]) * np.float32(np.sqrt(np.pi / 2) / 6)


def _block_means(plane: _Grey, side: int) -> _Grey:
    """Means of whole blocks of side x side px."""
    rows, columns = (length // side for length in plane.shape)
    return plane[: rows * side, : columns * side].reshape(rows, side, columns, side).mean(axis=(1, 3))


def _unclipped(blocks: _Grey, means: _Grey) -> _Grey:
    """The values of those blocks whose mean level is not near an end, or of all where there are too few."""
    chosen = blocks[(means > 4) & (means < 251)]
    return chosen if chosen.size >= blocks.size // 10 else blocks.ravel()


def _blockiness(grey: _Grey) -> float:
    """By how much the steps over the borders of 8 x 8 px blocks exceed the others, relative to these; the grid may begin
    anywhere."""
    return max(_excess_of_one_phase(grey), _excess_of_one_phase(grey.T))


def _excess_of_one_phase(grey: _Grey) -> float:
    steps = np.abs(np.diff(grey, axis=1)).mean(axis=0)
    if steps.size < 16:
        return 0.0
    phases = np.array([steps[phase::8].mean() for phase in range(8)])
    usual = float(np.median(phases))
    return max(0.0, float(phases.max()) - usual) / (usual + 0.5)


def _sharpness(grey: _Grey, sigma: float) -> float:
    """The share of the steps between neighbours that a strong blur takes away: a blurred photo has little to lose
    (Crete et al., The Blur Effect, 2007). Steps that noise explains do not count. From 0 to 1, the worse direction."""
    return min(_lost_to_blur(grey, sigma), _lost_to_blur(grey.T, sigma))


def _lost_to_blur(grey: _Grey, sigma: float) -> float:
    if grey.shape[1] <= _REBLUR_PX:
        return 0.0
    sums = np.cumsum(grey, axis=1, dtype=np.float32)
    blurred = (sums[:, _REBLUR_PX:] - sums[:, :-_REBLUR_PX]) / _REBLUR_PX
    start = _REBLUR_PX // 2 + 1
    steps = np.abs(np.diff(grey, axis=1))[:, start : start + blurred.shape[1] - 1]
    after = np.abs(np.diff(blurred, axis=1))[:, : steps.shape[1]]
    steps = np.maximum(0, steps - 2 * sigma)
    total = float(steps.sum())
    return float(np.maximum(0, steps - after).sum()) / total if total > 0 else 0.0


def perceptual_hash(pixels: Pixels) -> int:
    """64 bits that resized, recompressed or slightly brighter copies share but for a few, as a signed 64-bit integer
    (what SQLite stores). `pixels` is uint8 H x W x 3.

    The lowest 8 x 8 frequencies of the 32 x 32 grey image's DCT, each above their median or not (pHash).
    """
    small = (
        Image.fromarray(pixels)
        .convert("L")
        .resize((_HASH_INPUT, _HASH_INPUT), Image.Resampling.LANCZOS, reducing_gap=3)
    )
    k, n = np.arange(_HASH_SIDE)[:, None], np.arange(_HASH_INPUT)[None, :]
    basis = np.cos(np.pi * k * (2 * n + 1) / (2 * _HASH_INPUT))
    frequencies = basis @ np.asarray(small, dtype=np.float64) @ basis.T
    bits = frequencies > np.median(frequencies)
    return int.from_bytes(np.packbits(bits).tobytes(), "big", signed=True)


def hamming(a: int, b: int) -> int:
    """In how many of their 64 bits two perceptual hashes differ."""
    return ((a ^ b) & 0xFFFFFFFFFFFFFFFF).bit_count()
