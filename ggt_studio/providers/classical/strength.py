"""How strongly each kind of step acts, from the judged aspects and the seed."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ggt_studio.core.words import Aspect

_JITTER = 0.15


@dataclass(frozen=True, slots=True)
class Strengths:
    """Factors on the steps' usual strength, 1 each by default.

    `denoise` noise and block edges; `sharpen` edges; `remove` streaks, flakes, drops, scratches and dust; `enhance`
    haze, darkness and fading. `lock_colour` holds the low frequencies of colour to the LQ photo.
    """

    denoise: float = 1.0
    sharpen: float = 1.0
    remove: float = 1.0
    enhance: float = 1.0
    lock_colour: bool = False

    def scaled(
        self, denoise: float = 1.0, sharpen: float = 1.0, remove: float = 1.0, enhance: float = 1.0
    ) -> Strengths:
        """The same with each strength multiplied."""
        return replace(
            self,
            denoise=self.denoise * denoise,
            sharpen=self.sharpen * sharpen,
            remove=self.remove * remove,
            enhance=self.enhance * enhance,
        )


def strengths(aspects: frozenset[Aspect], seed: int) -> Strengths:
    """Strengths for another attempt after a judge found `aspects` wanting.

    Poor restoration asks for more of everything; changed objects, geometry or content for less of what can change them;
    changed colour for locked colour. `seed` moves each strength by up to 15 %, so another seed is another sample.
    """
    jitter = 1.0 + _JITTER * np.random.default_rng(seed % 2**64).uniform(-1.0, 1.0, 4)
    result = Strengths().scaled(*(float(factor) for factor in jitter))
    if Aspect.RESTORATION_QUALITY in aspects:
        result = result.scaled(denoise=1.35, sharpen=1.35, remove=1.35, enhance=1.2)
    if Aspect.OBJECT_CONSISTENCY in aspects:
        result = result.scaled(denoise=0.7, sharpen=0.7, remove=0.55)
    if Aspect.GEOMETRY_ALIGNMENT in aspects:
        result = result.scaled(denoise=0.8, sharpen=0.6, remove=0.7)
    if Aspect.CONTENT_REASONABLENESS in aspects:
        result = result.scaled(denoise=0.8, sharpen=0.6, remove=0.5, enhance=0.85)
    if Aspect.COLOUR_CONSISTENCY in aspects:
        result = replace(result.scaled(enhance=0.8), lock_colour=True)
    return result
