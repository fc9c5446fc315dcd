"""What changed from LQ to the HQ laid over it: structure lost, structure and texture invented, colour and tone."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np
import numpy.typing as npt

from ggt_studio.core.difference import lab
from ggt_studio.core.model import Alignment
from ggt_studio.quality.structure import Plane, blur, luminance

Image = npt.NDArray[np.uint8]

_OCTAVES = 4
_NEIGHBOURHOOD_PX = 4.0
_VISIBLE = 5.0
_UNRELATED = 0.5
_WINDOW_SHARE = 0.05
_GRID = 32


@dataclass(frozen=True, slots=True)
class StructureChange:
    """Shares from 0 to 1 of the worst window (an eighth of the photo or so), and contrast figures in grey levels.

    `lost_mid`, `lost_coarse`: visible LQ structure of about 8 and 16 px without a counterpart in HQ. `invented_fine`,
    `invented_mid`, `invented_coarse`: the reverse, of about 4, 8 and 16 px. `texture`: fine HQ detail that neither LQ
    nor coarser structure explains. `removed`: RMS contrast that LQ had, beyond its noise, and HQ has not.
    `contrast_gain`: HQ's coarse contrast over LQ's.
    """

    lost_mid: float
    lost_coarse: float
    invented_fine: float
    invented_mid: float
    invented_coarse: float
    texture: float
    removed: float
    contrast_gain: float


@dataclass(frozen=True, slots=True)
class ColourChange:
    """Of the photo's large areas, in CIELAB units.

    `cast`: typical shift of the chroma. `residual`: chroma difference of the worst tenth that no common change of
    saturation explains. `relit_residual` and `relit_median`: the worst tenth and the middle of the chroma difference
    that no change of exposure, veil and white balance explains. `tint`: spread of the three channels' gains, percent.
    `chroma_gain`: mean chroma of HQ minus LQ. `lightness`: typical change of L*.
    """

    cast: float
    residual: float
    relit_residual: float
    relit_median: float
    tint: float
    chroma_gain: float
    lightness: float


def lay_over(hq: Image, alignment: Alignment) -> tuple[Image, Plane]:
    """HQ with `alignment` undone (bicubic), and a mask, 1 where it is defined. HQ has LQ's size."""
    height, width = hq.shape[:2]
    centre = np.array([(width - 1) / 2, (height - 1) / 2])
    angle = math.radians(alignment.rotation_deg)
    cos, sin = alignment.scale * math.cos(angle), alignment.scale * math.sin(angle)
    turn = np.array([[cos, sin], [-sin, cos]])
    warp = np.column_stack([turn, centre + np.array([alignment.dx, alignment.dy]) - turn @ centre])
    flags = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
    moved = cv2.warpAffine(hq, warp, (width, height), flags=flags, borderMode=cv2.BORDER_REFLECT_101)
    inside = cv2.warpAffine(np.ones((height, width), np.float32), warp, (width, height), flags=flags)
    # Borders of half a window are left out, too: their neighbourhoods reach outside.
    margin = 0 if inside.min() > 0.999 else 16
    eroded = cv2.erode(inside, np.ones((2 * margin + 1,) * 2, np.uint8), borderType=cv2.BORDER_REPLICATE)
    return np.asarray(moved, np.uint8), (eroded > 0.999).astype(np.float32)


def compare_structure(lq: Image, hq: Image, inside: Plane, lq_noise: float) -> StructureChange:
    """Compare band by band and neighbourhood by neighbourhood: correlation does not mind brightness or contrast.

    `lq`, `hq`: uint8 H x W x 3 RGB of one size, `hq` laid over `lq`; `inside`: where HQ is defined; `lq_noise`: its
    noise in grey levels, which is no structure.
    """
    octaves = [
        _Octave.of(ours, theirs, lq_noise * unit)
        for ours, theirs, unit in zip(_bands(lq), _bands(hq), _unit_noise(), strict=True)
    ]
    coarse = octaves[-2]
    typical = float(np.median(np.maximum(coarse.lq - coarse.noise, 0)))
    gain = float(np.clip(np.median(coarse.hq) / max(typical, 0.05), 0.0625, 100.0))
    boost = max(gain, 1.0)
    removed = sum(float(octave.lost().mean()) for octave in octaves[:3]) * boost
    return StructureChange(
        lost_mid=_densest(octaves[2].visible(octaves[2].lost() * boost), inside),
        lost_coarse=_densest(octaves[3].visible(octaves[3].lost() * boost), inside),
        invented_fine=_densest(octaves[1].visible(octaves[1].invented(), least=0.25), inside),
        invented_mid=_densest(octaves[2].visible(octaves[2].invented()), inside),
        invented_coarse=_densest(octaves[3].visible(octaves[3].invented()), inside),
        texture=max(_densest(_unexplained(octaves, index), inside) for index in (0, 1)),
        removed=math.sqrt(removed),
        contrast_gain=math.sqrt(gain),
    )


def compare_colour(lq: Image, hq: Image) -> ColourChange:
    """Compare the means of a 32 x 32 grid over both photos (uint8 H x W x 3 RGB of one size)."""
    ours, theirs = _grid(lq), _grid(hq)
    a, b = lab(ours), lab(theirs)
    chroma_a, chroma_b = a[:, 1:], b[:, 1:]
    saturation = float((chroma_a * chroma_b).sum()) / max(float((chroma_a**2).sum()), 1e-6)
    residual = np.linalg.norm(chroma_b - np.clip(saturation, 0.8, 1.3) * chroma_a, axis=1)
    relit, gains = _relight(ours, theirs)
    relit_residual = np.linalg.norm(chroma_b - lab(relit)[:, 1:], axis=1)
    shift = np.median(chroma_b - chroma_a, axis=0)
    return ColourChange(
        cast=float(np.linalg.norm(shift)),
        residual=float(np.percentile(residual, 90)),
        relit_residual=float(np.percentile(relit_residual, 90)),
        relit_median=float(np.median(relit_residual)),
        tint=100 * float(np.ptp(np.log(gains))),
        chroma_gain=float(np.linalg.norm(chroma_b, axis=1).mean() - np.linalg.norm(chroma_a, axis=1).mean()),
        lightness=float(np.median(b[:, 0] - a[:, 0])),
    )


@dataclass(frozen=True, slots=True)
class _Octave:
    """Local energies of one band: of LQ, of HQ, their (non-negative) covariance; `noise`: LQ's noise variance there."""

    lq: Plane
    hq: Plane
    both: Plane
    noise: float

    @classmethod
    def of(cls, lq: Plane, hq: Plane, noise: float) -> _Octave:
        both = np.maximum(blur(lq * hq, _NEIGHBOURHOOD_PX), 0)
        return cls(blur(lq * lq, _NEIGHBOURHOOD_PX), blur(hq * hq, _NEIGHBOURHOOD_PX), both, noise * noise)

    def explained(self, least: float) -> Plane:
        """Squared correlation, 0..1, as it would be without LQ's noise; at least the share `least` of LQ is signal."""
        signal = np.maximum(self.lq - self.noise, least * self.lq) + 1e-3
        return np.minimum(np.square(self.both) / (signal * self.hq + 1e-6), 1).astype(np.float32)

    def lost(self) -> Plane:
        raw = np.minimum(np.square(self.both) / (self.lq * self.hq + 1e-6), 1)
        return np.maximum(self.lq * (1 - raw) - self.noise, 0).astype(np.float32)

    def invented(self) -> Plane:
        return (self.hq * (1 - self.explained(0.0))).astype(np.float32)

    def visible(self, energy: Plane, least: float = 0.0) -> Plane:
        """1 where such energy stands out and the two photos do not agree; `least` as for `explained`."""
        return ((energy > _VISIBLE**2) & (self.explained(least) < _UNRELATED)).astype(np.float32)


def _bands(image: Image) -> list[Plane]:
    """Band-passed luminance, 0..255, an octave each; every next one at half the resolution."""
    plane, bands = luminance(image) * np.float32(255), []
    for _ in range(_OCTAVES):
        bands.append(np.asarray(blur(plane, 1.0) - blur(plane, 2.0), np.float32))
        plane = np.asarray(cv2.resize(plane, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA), np.float32)
    return bands


@cache
def _unit_noise() -> tuple[float, ...]:
    """What white noise of standard deviation 1 leaves in each band, from the bands' own response."""
    side = 256
    impulse = np.zeros((side, side), np.float32)
    impulse[side // 2, side // 2] = 1
    response = blur(impulse, 1.0) - blur(impulse, 2.0)
    kept = float(np.sqrt(np.square(response).sum()))
    return tuple(kept / 2**octave for octave in range(_OCTAVES))


def _unexplained(octaves: list[_Octave], index: int) -> Plane:
    """1 where HQ's detail exceeds what LQ explains and what detail two octaves coarser commonly brings along."""
    octave, coarser = octaves[index], octaves[index + 2].hq
    height, width = octave.hq.shape
    brought = np.asarray(cv2.resize(coarser, (width, height), interpolation=cv2.INTER_LINEAR), np.float32)
    return (octave.hq * (1 - octave.explained(0.25)) - brought > _VISIBLE**2).astype(np.float32)


def _densest(mask: Plane, inside: Plane) -> float:
    """The largest share that `mask` takes of a Gaussian window, where HQ is defined."""
    height, width = mask.shape
    weight = np.asarray(cv2.resize(inside, (width, height), interpolation=cv2.INTER_AREA), np.float32)
    sigma = max(3.0, _WINDOW_SHARE * max(height, width))
    share = blur(np.asarray(mask * weight, np.float32), sigma) / np.maximum(blur(weight, sigma), 0.25)
    return float(share.max())


def _grid(image: Image) -> Image:
    small = cv2.resize(image, (_GRID, _GRID), interpolation=cv2.INTER_AREA)
    return np.asarray(small, np.uint8).reshape(-1, 3)


def _relight(ours: Image, theirs: Image) -> tuple[Image, npt.NDArray[np.float64]]:
    """`ours` under the gain and offset per channel that bring it nearest to `theirs`, and the three gains."""
    relit, gains = np.empty(ours.shape), np.empty(3)
    for channel in range(3):
        ones = np.ones(len(ours))
        fit = np.linalg.lstsq(np.column_stack([ours[:, channel], ones]), theirs[:, channel].astype(float), rcond=None)[
            0
        ]
        relit[:, channel] = fit[0] * ours[:, channel] + fit[1]
        gains[channel] = max(float(fit[0]), 0.05)
    return np.clip(np.round(relit), 0, 255).astype(np.uint8), gains
