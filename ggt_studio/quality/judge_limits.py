"""What the measured judge tolerates, per category: one frozen table, calibrated on real and synthetic pairs."""

from __future__ import annotations

from dataclasses import dataclass

from ggt_studio.core.words import Category


@dataclass(frozen=True, slots=True)
class Ramp:
    """A measurement's way to a score: 100 up to `good`, `bound_score` at `bound`, 0 from `worst` on, straight between."""

    good: float
    bound: float
    worst: float
    bound_score: float = 60.0

    def score(self, value: float) -> float:
        """0..100; more of the measurement is worse."""
        if value <= self.good:
            return 100.0
        if value <= self.bound:
            return 100.0 - (100.0 - self.bound_score) * (value - self.good) / (self.bound - self.good)
        return max(0.0, self.bound_score * (self.worst - value) / (self.worst - self.bound))


SHIFT_PX = Ramp(0.75, 3.0, 10.0)
SCALE_ERROR = Ramp(0.001, 0.01, 0.03)
ROTATION_DEG = Ramp(0.05, 0.5, 2.0)
MIN_CORRELATION = 0.3

LOST_STRUCTURE = Ramp(0.10, 0.35, 0.90, bound_score=90.0)
INVENTED_STRUCTURE = Ramp(0.10, 0.45, 0.90)

NOISE_LEFT = Ramp(4.0, 6.0, 14.0)
"""Over noise and grain of HQ in grey levels: clean photos have up to 3.7."""
NOISE_MOSTLY_GONE = 0.55
"""The share of LQ's noise under which less than all of HQ's is counted."""


@dataclass(frozen=True, slots=True)
class LeftoverLimits:
    """How much of the category's own degradation may be left; each is a ramp, and None where it is not looked for.

    `veil`: share of the darkest tones' level, where LQ's is at least 40. `darkness`: 255 less the mean level. `flakes` and
    `streaks`: shares as in `Leftovers`, `large` as a share of LQ's. `blind`: what the measurements cannot see, in words.
    """

    veil: Ramp | None = None
    darkness: Ramp | None = None
    flakes: Ramp | None = None
    large: Ramp | None = None
    streaks: Ramp | None = None
    blind: str = "surfaces that are too smooth"


LEAST_VEIL, LEAST_FLAKES, LEAST_LARGE, LEAST_SLANT = 40.0, 40, 5, 4.0
_LARGE = Ramp(0.25, 0.45, 1.00)

LEFTOVERS: dict[Category, LeftoverLimits] = {
    Category.GENERAL_MIXED: LeftoverLimits(),
    Category.RAIN: LeftoverLimits(
        large=_LARGE, streaks=Ramp(0.60, 0.68, 1.20), blind="a thin remainder of streaks, and faint drops on the lens"
    ),
    Category.SNOW: LeftoverLimits(
        flakes=Ramp(0.30, 0.45, 0.90), large=_LARGE, blind="a few flakes among many, and what they covered"
    ),
    Category.HAZE: LeftoverLimits(
        veil=Ramp(0.35, 0.60, 1.0), blind="haze in one part of the photo, and whether its colours are the true ones"
    ),
    Category.LOW_LIGHT: LeftoverLimits(
        darkness=Ramp(195.0, 213.0, 245.0), blind="a dark corner, and whether its colours are the true ones"
    ),
    Category.OLD_PHOTO: LeftoverLimits(blind="remaining scratches, stains and spots"),
}
"""Of perfect restorations, at most 0.37 of the flakes' height is left (the scene's own specks), 0.56 of the streaks' where
the scene has steep lines, 0.15 of the veil; half-way ones leave 0.5 and more of each."""


@dataclass(frozen=True, slots=True)
class Limits:
    """One category's tolerance.

    Gains that count towards restoration quality: `contrast_weight` for local contrast, `veil_weight` for a darker
    deepest tone, `brightness_weight` for light, `removal_weight` for structure taken away (streaks, flakes, scratches).
    `mid_loss_share`, `mid_invention_share`: how much structure of 4 to 8 px counts, where streaks and flakes are of that
    size. `cast`, `residual`, `tint`, `chroma_gain`, `lightness`: ramps over `ColourChange`; None: free. `relit`: whether
    exposure, veil and white balance are taken out before colours are compared.
    """

    contrast_weight: float
    veil_weight: float
    brightness_weight: float
    removal_weight: float
    mid_loss_share: float
    mid_invention_share: float
    relit: bool
    residual: Ramp
    cast: Ramp | None
    tint: Ramp | None
    chroma_gain: Ramp | None
    lightness: Ramp | None


_GENERAL = Limits(
    contrast_weight=0.3,
    veil_weight=0.0,
    brightness_weight=0.0,
    removal_weight=0.0,
    mid_loss_share=1.0,
    mid_invention_share=1.0,
    relit=False,
    residual=Ramp(4.5, 8.5, 14.0),
    cast=Ramp(3.0, 6.5, 13.0),
    tint=None,
    chroma_gain=None,
    lightness=Ramp(4.0, 12.0, 25.0),
)

LIMITS: dict[Category, Limits] = {
    Category.GENERAL_MIXED: _GENERAL,
    Category.RAIN: Limits(
        contrast_weight=0.3,
        veil_weight=0.5,
        brightness_weight=0.0,
        removal_weight=0.12,
        mid_loss_share=0.4,
        mid_invention_share=0.6,
        relit=False,
        residual=Ramp(5.0, 9.0, 15.0),
        cast=Ramp(4.0, 7.5, 14.0),
        tint=None,
        chroma_gain=None,
        lightness=Ramp(9.0, 18.0, 30.0),
    ),
    Category.SNOW: Limits(
        contrast_weight=0.3,
        veil_weight=0.5,
        brightness_weight=0.0,
        removal_weight=0.12,
        mid_loss_share=0.4,
        mid_invention_share=0.6,
        relit=False,
        residual=Ramp(5.0, 9.0, 15.0),
        cast=Ramp(4.0, 7.5, 14.0),
        tint=None,
        chroma_gain=None,
        lightness=Ramp(6.0, 14.0, 28.0),
    ),
    Category.HAZE: Limits(
        contrast_weight=1.2,
        veil_weight=1.0,
        brightness_weight=0.0,
        removal_weight=0.0,
        mid_loss_share=1.0,
        mid_invention_share=1.0,
        relit=True,
        residual=Ramp(12.0, 24.0, 40.0),
        cast=None,
        tint=None,
        chroma_gain=None,
        lightness=None,
    ),
    Category.LOW_LIGHT: Limits(
        contrast_weight=0.4,
        veil_weight=0.0,
        brightness_weight=1.0,
        removal_weight=0.0,
        mid_loss_share=1.0,
        mid_invention_share=1.0,
        relit=True,
        residual=Ramp(6.0, 15.0, 30.0),
        cast=None,
        tint=Ramp(10.0, 22.0, 45.0),
        chroma_gain=None,
        lightness=None,
    ),
    Category.OLD_PHOTO: Limits(
        contrast_weight=1.0,
        veil_weight=0.0,
        brightness_weight=0.0,
        removal_weight=0.08,
        mid_loss_share=0.8,
        mid_invention_share=1.0,
        relit=False,
        residual=Ramp(2.5, 5.0, 14.0),
        cast=Ramp(2.5, 5.0, 14.0),
        tint=None,
        chroma_gain=Ramp(1.5, 3.5, 10.0),
        lightness=Ramp(12.0, 22.0, 40.0),
    ),
}
"""Low-light and haze may change light and saturation, old photos may never gain colour, rain and snow may lose streaks."""


@dataclass(frozen=True, slots=True)
class QualityWeights:
    """How gains, all logarithms of ratios but for clipping, make up restoration quality.

    An unchanged photo scores `unchanged`; a total gain of 1 leaves a share `exp(-steepness)` of what is missing to 100, a
    total loss of 1 the share `exp(-1)` of `unchanged`. `smoothing` weighs sharpness lost beyond what denoising costs
    (`tolerated_softening`), `new_blocks` added blocking that can be seen (`visible_blocks`, grey levels).
    `detail_noise`: fine detail regained by doubling the sharpness, which the noise measurement takes for noise, in grey levels.
    """

    unchanged: float = 40.0
    steepness: float = 1.35
    noise: float = 1.0
    blocks: float = 0.8
    unseen_blocks: float = 1.0
    new_blocks: float = 1.0
    visible_blocks: float = 3.0
    detail_noise: float = 2.5
    smoothing: float = 4.0
    tolerated_softening: float = 0.85
    sharpness: float = 2.0
    clipping: float = 2.0
    clipping_tolerated: float = 0.05
    halo: float = 12.0
    steepest_natural_edge: float = 0.51
    tolerated_steepening: float = 0.035


QUALITY = QualityWeights()
