"""The offline judge: it has no eyes. It scores the five aspects from measurements and says so in figures."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from ggt_studio.core.gates import judge_rule
from ggt_studio.core.images import load_photo
from ggt_studio.core.model import Alignment, AspectScore, Verdict
from ggt_studio.core.recipe import JudgeRule
from ggt_studio.core.words import Aspect, Category, Decision
from ggt_studio.quality import alignment as registration
from ggt_studio.quality.comparison import ColourChange, StructureChange, compare_colour, compare_structure, lay_over
from ggt_studio.quality.degradations import Degradations, measure_degradations
from ggt_studio.quality.judge_limits import (
    INVENTED_STRUCTURE,
    LEAST_FLAKES,
    LEAST_LARGE,
    LEAST_SLANT,
    LEAST_VEIL,
    LEFTOVERS,
    LIMITS,
    LOST_STRUCTURE,
    MIN_CORRELATION,
    NOISE_LEFT,
    NOISE_MOSTLY_GONE,
    QUALITY,
    ROTATION_DEG,
    SCALE_ERROR,
    SHIFT_PX,
    LeftoverLimits,
    Limits,
    Ramp,
)
from ggt_studio.quality.leftovers import Leftovers, measure_leftovers

LABEL = "Measured judge (offline, judges by figures, sees no content)"

FALLING = (Category.RAIN, Category.SNOW)
NOTHING_FALLS = Leftovers(flakes=0, flakes_left=0.0, large=0, large_left=0, slant=0.0, streaks_left=0.0)

Image = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Measurements:
    """All that the verdict rests on."""

    alignment: Alignment
    lq: Degradations
    hq: Degradations
    structure: StructureChange
    colour: ColourChange
    leftovers: Leftovers | None


def judge_files(params: dict[str, Any]) -> dict[str, Any]:
    """Worker method: judge two files. `params`: `lq_path`, `hq_path`, `category` (value of `Category`).

    Returns `aspects` (aspect -> `score`, 0..100, and `reason`), `decision` ("accept" or "reject") and `raw`, the
    measurements as JSON. Raises `UnusableImage` for files that cannot be decoded.
    """
    lq, hq = (load_photo(Path(params[key])).pixels for key in ("lq_path", "hq_path"))
    verdict = judge(lq, hq, Category(params["category"]))
    aspects = {aspect.value: asdict(score) for aspect, score in verdict.aspects.items()}
    return {"aspects": aspects, "decision": verdict.decision.value, "raw": verdict.raw}


def judge(lq: Image, hq: Image, category: Category) -> Verdict:
    """Score HQ as a target for LQ: uint8 H x W x 3 RGB, sides of at least 64 px; another size of HQ is resized to LQ's.

    The decision follows the paper's rule (section 3.3): reject when object consistency is under 90 or any score under 60.
    """
    found = take(lq, hq, falling=category in FALLING)
    limits = LIMITS[category]
    aspects = {
        Aspect.RESTORATION_QUALITY: _quality(found, limits, LEFTOVERS[category]),
        Aspect.OBJECT_CONSISTENCY: _objects(found, limits),
        Aspect.GEOMETRY_ALIGNMENT: _geometry(found.alignment),
        Aspect.CONTENT_REASONABLENESS: _content(found, limits),
        Aspect.COLOUR_CONSISTENCY: _colour(found.colour, limits),
    }
    raw = json.dumps(asdict(found), sort_keys=True)
    undecided = Verdict(aspects, Decision.REJECT, raw)
    return Verdict(aspects, judge_rule(undecided, JudgeRule()), raw)


def take(lq: Image, hq: Image, *, falling: bool) -> Measurements:
    """The measurements of a pair. Structure and colour are compared with the misalignment undone, so that a mere shift
    does not look like lost objects; what cannot be registered is compared as it lies. `falling`: whether to look for
    flakes and streaks."""
    height, width = lq.shape[:2]
    if hq.shape[:2] != (height, width):
        hq = np.asarray(cv2.resize(hq, (width, height), interpolation=cv2.INTER_AREA), np.uint8)
    alignment = registration.measure(lq, hq)
    laid, inside = hq, np.ones((height, width), np.float32)
    if alignment.correlation >= MIN_CORRELATION and _moved(alignment, max(height, width)):
        laid, inside = lay_over(hq, alignment)
    before, after = measure_degradations(lq), measure_degradations(hq)
    structure = compare_structure(lq, laid, inside, before.noise)
    colour = compare_colour(lq, laid)
    return Measurements(alignment, before, after, structure, colour, measure_leftovers(lq, laid) if falling else None)


def _moved(alignment: Alignment, side: int) -> bool:
    """Whether any corner lies more than a third of a pixel off; less is not worth resampling."""
    turn = math.hypot(alignment.scale - 1, math.radians(alignment.rotation_deg)) * side * math.sqrt(0.5)
    return math.hypot(alignment.dx, alignment.dy) + turn > 0.33


def _quality(found: Measurements, limits: Limits, leftover: LeftoverLimits) -> AspectScore:
    gains, penalties = _gains(found, limits), _penalties(found)
    total = sum(gains.values()) - sum(penalties.values())
    if total >= 0:
        score = 100.0 - (100.0 - QUALITY.unchanged) * math.exp(-QUALITY.steepness * total)
    else:
        score = QUALITY.unchanged * math.exp(total)
    left = sorted(_leftovers(found, leftover), key=lambda item: item[0])
    told = _tell_gains(gains, penalties)
    if left[0][0] < 100.0:
        told += f" Left over: {'; '.join(words for most, words in left if most < 100.0)}."
    return AspectScore(round(min(score, left[0][0]), 1), f"{told} Not seen by measuring: {leftover.blind}.")


def _leftovers(found: Measurements, limits: LeftoverLimits) -> list[tuple[float, str]]:
    """What restoration quality is at most, for what is left of the category's degradation, and what that is in words."""
    lq, hq, left = found.lq, found.hq, found.leftovers or NOTHING_FALLS
    before, after = lq.noise + lq.grain, hq.noise + hq.grain
    # Where most of it is gone, what answers like noise is rather the detail that it had covered.
    noise = after * min(after / (NOISE_MOSTLY_GONE * before + 0.1), 1.0) ** 2
    veil, large = hq.veil / max(lq.veil, 1.0), left.large_left / max(left.large, 1)
    looked_for: list[tuple[bool, Ramp | None, float, str]] = [
        (True, NOISE_LEFT, noise, f"noise of {after:.1f} grey levels"),
        (lq.veil >= LEAST_VEIL, limits.veil, veil, f"{100 * veil:.0f} % of the veil"),
        (True, limits.darkness, 255.0 - hq.brightness, f"a mean brightness of only {hq.brightness:.0f}"),
        (
            left.flakes >= LEAST_FLAKES,
            limits.flakes,
            left.flakes_left,
            f"{100 * left.flakes_left:.0f} % of the flakes' brightness",
        ),
        (left.large >= LEAST_LARGE, limits.large, large, f"{left.large_left} of {left.large} large bright spots"),
        (
            left.slant >= LEAST_SLANT,
            limits.streaks,
            left.streaks_left,
            f"{100 * left.streaks_left:.0f} % of the streaks' common slant",
        ),
    ]
    return [(ramp.score(value), words) for there, ramp, value, words in looked_for if there and ramp is not None]


def _gains(found: Measurements, limits: Limits) -> dict[str, float]:
    """Logarithms of ratios, weighted, by what they are in words; negative where the target is worse."""
    lq, hq, contrast = found.lq, found.hq, max(found.structure.contrast_gain, 1.0)
    regained = QUALITY.detail_noise * min(max(hq.sharpness / max(lq.sharpness, 0.05) - 1, 0.0), 2.0)
    noise_before, noise_after = lq.noise + lq.grain, hq.noise + hq.grain
    noise = max((noise_after - regained) / contrast, min(noise_before, noise_after / contrast))
    blocks_before = max(lq.blockiness - QUALITY.unseen_blocks, 0.0)
    blocks_after = max(hq.blockiness / contrast - QUALITY.unseen_blocks, 0.0)
    return {
        f"noise {noise_before:.1f} → {noise_after:.1f} grey levels": QUALITY.noise
        * math.log((noise_before + 1) / (noise + 1)),
        f"block edges {lq.blockiness:.1f} → {hq.blockiness:.1f} grey levels": QUALITY.blocks
        * math.log((blocks_before + 1) / (blocks_after + 1)),
        f"edge sharpness {lq.sharpness:.2f} → {hq.sharpness:.2f}": QUALITY.sharpness
        * math.log((hq.sharpness + 0.01) / (lq.sharpness + 0.01)),
        f"local contrast {lq.contrast:.0f} → {hq.contrast:.0f} grey levels": limits.contrast_weight
        * math.log((hq.contrast + 1) / (lq.contrast + 1)),
        f"darkest tones {lq.veil:.0f} → {hq.veil:.0f}": limits.veil_weight * (lq.veil - hq.veil) / 100,
        f"brightness {lq.brightness:.0f} → {hq.brightness:.0f}": limits.brightness_weight
        * math.log((hq.brightness + 5) / (lq.brightness + 5)),
        f"{found.structure.removed:.1f} grey levels of overlaid structure removed": limits.removal_weight
        * found.structure.removed,
    }


def _penalties(found: Measurements) -> dict[str, float]:
    """What a restoration must not do, weighted, by what it is in words; 0 where it did not."""
    lq, hq = found.lq, found.hq
    steepest = max(QUALITY.steepest_natural_edge, lq.sharpness + QUALITY.tolerated_steepening)
    clipped = max(0.0, hq.clipped - lq.clipped - QUALITY.clipping_tolerated)
    softened = max(QUALITY.tolerated_softening * lq.sharpness / max(hq.sharpness, 0.01), 1.0)
    blocks = hq.blockiness / max(found.structure.contrast_gain, 1.0)
    blocky = math.log((blocks + 1) / (max(lq.blockiness, 0.0) + 1)) if blocks > QUALITY.visible_blocks else 0.0
    return {
        f"edges steeper than optics draw them ({hq.sharpness:.2f}), a sign of halos": QUALITY.halo
        * max(0.0, hq.sharpness - steepest),
        f"{100 * hq.clipped:.0f} % of the pixels at an end of the scale": QUALITY.clipping * clipped,
        "edges smoothed away with the noise": QUALITY.smoothing * math.log(softened),
        "new compression blocks": QUALITY.new_blocks * max(0.0, blocky),
    }


def _tell_gains(gains: dict[str, float], penalties: dict[str, float]) -> str:
    best = sorted((item for item in gains.items() if item[1] >= 0.05), key=lambda item: -item[1])[:2]
    losses = [(words, -value) for words, value in gains.items()] + list(penalties.items())
    worst = sorted((item for item in losses if item[1] >= 0.05), key=lambda item: -item[1])[:2]
    gained = (
        f"Better: {'; '.join(words for words, _ in best)}." if best else "Hardly any improvement could be measured."
    )
    return gained + (f" Worse: {'; '.join(words for words, _ in worst)}." if worst else "")


def _objects(found: Measurements, limits: Limits) -> AspectScore:
    lost = max(found.structure.lost_coarse, found.structure.lost_mid * limits.mid_loss_share)
    if found.alignment.correlation < MIN_CORRELATION:
        words = "The structures of the two photos do not correspond, so their objects cannot be the same."
        return AspectScore(round(min(LOST_STRUCTURE.score(lost), 20.0), 1), words)
    score = LOST_STRUCTURE.score(lost)
    if score >= 90.0:
        words = f"The photo's structure is found again everywhere; at most {100 * lost:.0f} % of any area is missing."
    else:
        words = f"In one area {100 * lost:.0f} % of the photo's visible structure has no counterpart in the target."
    return AspectScore(round(score, 1), words)


def _geometry(alignment: Alignment) -> AspectScore:
    if alignment.correlation < MIN_CORRELATION:
        words = f"The target cannot be laid over the photo: their structures correlate by {alignment.correlation:.2f}."
        return AspectScore(0.0, words)
    shift = math.hypot(alignment.dx, alignment.dy)
    score = min(
        SHIFT_PX.score(shift),
        SCALE_ERROR.score(abs(alignment.scale - 1)),
        ROTATION_DEG.score(abs(alignment.rotation_deg)),
    )
    words = (
        f"Against the photo the target is shifted by {shift:.1f} px, scaled by {100 * (alignment.scale - 1):+z.2f} % "
        f"and turned by {alignment.rotation_deg:+z.2f}°."
    )
    return AspectScore(round(score, 1), words)


def _content(found: Measurements, limits: Limits) -> AspectScore:
    structure = found.structure
    small = max(structure.invented_fine, structure.invented_mid) * limits.mid_invention_share
    objects = max(structure.invented_coarse, small)
    worst = max(objects, structure.texture)
    score = INVENTED_STRUCTURE.score(worst)
    if score >= INVENTED_STRUCTURE.bound_score:
        words = f"Detail in the target follows from the photo; at most {100 * worst:.0f} % of any area does not."
    elif structure.texture > objects:
        words = f"In one area {100 * structure.texture:.0f} % carries fine texture that nothing in the photo explains."
    else:
        words = f"In one area {100 * objects:.0f} % shows structure that is not in the photo."
    return AspectScore(round(score, 1), words)


def _colour(change: ColourChange, limits: Limits) -> AspectScore:
    residual = max(change.relit_residual, 1.8 * change.relit_median) if limits.relit else change.residual
    ramps: list[tuple[Ramp | None, float, str]] = [
        (limits.residual, residual, f"colours of large areas differ by {residual:.1f} (CIELAB)"),
        (limits.cast, change.cast, f"the overall colour cast moved by {change.cast:.1f} (CIELAB)"),
        (limits.tint, change.tint, f"the colour channels were raised unequally, by {change.tint:.0f} %"),
        (limits.chroma_gain, change.chroma_gain, f"colourfulness rose by {change.chroma_gain:+.1f} (CIELAB)"),
        (limits.lightness, abs(change.lightness), f"lightness changed by {change.lightness:+.1f} (L*)"),
    ]
    scored = [(ramp.score(value), words) for ramp, value, words in ramps if ramp is not None]
    score, words = min(scored, key=lambda item: item[0])
    verdict = "Colours and tone are kept" if score >= 60 else "Colours or tone have changed"
    return AspectScore(round(score, 1), f"{verdict}: {words}.")
