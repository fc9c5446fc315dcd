"""Remove measured noise and block edges: shrinkage of overlapping DCT blocks, chroma joined to the clean luma."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np

from ggt_studio.providers.classical.colour import is_grey, join, split
from ggt_studio.providers.classical.dct import BLOCK, Padded, Plane, forward, inverse, shifts
from ggt_studio.providers.classical.noise import LEVELS, Noise, block_edges, block_noise, estimate_noise

_GRAIN = 0.12
_UNSEEN_GRAIN = 1.0
_COARSE_FROM = 6.0
_COARSE_EDGES = 1.5
_COARSE_SHARE = 0.5
_CHROMA_OFFSET = 128.0


def denoise(image: np.ndarray, strength: float, floor: float = 0.0) -> tuple[np.ndarray, float]:
    """An (H, W, 3) float32 RGB image in grey levels without its noise and block edges, and what was found in its luma.

    The noise is measured, not assumed: a clean photo comes back almost as it was. A little of the original grain stays,
    so that surfaces do not look like plastic. A grey photo stays exactly grey. `floor` is noise known to be there besides
    (the rounding of the levels that were spread apart), a standard deviation in grey levels.
    """
    luma, red, blue = split(image)
    edges = block_edges(luma)
    noise = estimate_noise(luma)
    quantised = np.hypot(block_noise(edges), np.float32(floor))
    clean = shrink(luma, noise, strength, quantised)
    if noise.sigma > _COARSE_FROM or edges > _COARSE_EDGES:
        clean = _coarse(clean, 0.8 * strength, quantised)
    found = float(np.hypot(noise.sigma, 2.0 * edges))
    grain = min(0.5, max(_GRAIN, _UNSEEN_GRAIN / max(found, 1.0))) / max(1.0, strength)
    clean = clean + grain * (luma - clean)
    if is_grey(image):
        return np.repeat(clean[..., None], 3, axis=-1), found
    chroma = [_chroma(plane, strength, 1.5 * quantised) for plane in (red, blue)]
    return join(clean, *chroma), found


def _coarse(plane: Plane, strength: float, quantised: np.ndarray) -> Plane:
    """The plane without the noise that its half-size version still shows: blotches too wide for an 8 px block.

    `quantised` (8, 8) is the quantisation error of the full-size plane per coefficient, half of which is still there.
    """
    height, width = plane.shape
    if min(height, width) < 64:
        return plane
    half = cv2.resize(plane, ((width + 1) // 2, (height + 1) // 2), interpolation=cv2.INTER_AREA)
    correction = shrink(half, estimate_noise(half), strength, _COARSE_SHARE * quantised) - half
    return plane + cv2.resize(correction, (width, height), interpolation=cv2.INTER_LINEAR)


def _chroma(plane: Plane, strength: float, quantised: np.ndarray) -> Plane:
    """A colour difference without its noise: first the coarse blotches, then the fine ones, a little more than in luma."""
    shifted = _coarse(plane, 1.1 * strength, quantised) + _CHROMA_OFFSET
    noise = estimate_noise(shifted)
    return shrink(shifted, replace(noise, curve=np.ones_like(noise.curve)), 1.2 * strength, quantised) - _CHROMA_OFFSET


def shrink(plane: Plane, noise: Noise, strength: float, extra: np.ndarray | None = None) -> Plane:
    """The plane without its noise; same shape, float32.

    Hard thresholding gives a pilot, an empirical Wiener filter with that pilot the result. `strength` scales the
    assumed noise; `extra` (8, 8) is a further standard deviation per coefficient (quantisation error).
    """
    spectrum = noise.spectrum * strength
    if extra is not None:
        spectrum = np.sqrt(spectrum**2 + (extra * strength) ** 2)
    if float(spectrum.max()) < 0.2:
        return plane
    pilot = _aggregate(plane, None, spectrum, noise.curve, step=4)
    return _aggregate(plane, pilot, spectrum, noise.curve, step=2)


def _aggregate(plane: Plane, pilot: Plane | None, spectrum: np.ndarray, curve: np.ndarray, step: int) -> Plane:
    """Mean of the filtered blocks at all shifts, each weighted by how little noise it lets through."""
    padded = Padded(plane)
    guide = None if pilot is None else Padded(pilot)
    total = np.zeros_like(padded.plane)
    weights = np.zeros_like(padded.plane)
    deviation = spectrum[None, :, None, :].astype(np.float32)
    for down, across in shifts(step):
        coefficients = forward(padded.shifted(down, across))
        reference = coefficients if guide is None else forward(guide.shifted(down, across))
        level = np.clip(reference[:, 0, :, 0] / BLOCK, 0, LEVELS - 1).astype(np.uint8)
        sigma = deviation * curve[level][:, None, :, None]
        if guide is None:
            gain = (np.abs(coefficients) > 2.7 * sigma).astype(np.float32)
        else:
            power = reference * reference
            gain = power / (power + sigma * sigma + 1e-6)
        gain[:, 0, :, 0] = 1.0
        filtered = inverse(coefficients * gain)
        passed = np.einsum("aibj,aibj->ab", gain, gain)
        weight = (1.0 / passed).repeat(BLOCK, axis=0).repeat(BLOCK, axis=1)
        height, width = filtered.shape
        total[down : down + height, across : across + width] += filtered * weight
        weights[down : down + height, across : across + width] += weight
    return padded.cut(total) / padded.cut(weights)
