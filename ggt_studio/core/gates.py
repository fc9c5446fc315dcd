"""The gates of quality control as pure functions: alignment, no-reference metrics, and the rule on a judge's scores."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from ggt_studio.core.model import Alignment, GateResult, Verdict
from ggt_studio.core.recipe import AlignmentRule, ChangeRule, JudgeRule, MetricRule
from ggt_studio.core.words import Aspect, Category, Decision

_GENERAL = (Category.GENERAL_MIXED,)
_RAIN = (Category.RAIN,)
_SNOW = (Category.SNOW,)
_HAZE = (Category.HAZE,)
_LOW_LIGHT = (Category.LOW_LIGHT,)
_OLD_PHOTO = (Category.OLD_PHOTO,)

DEFAULT_METRIC_RULES = (
    MetricRule("grade", lower_better=False, min_gain=0.04, categories=_GENERAL + _OLD_PHOTO),
    MetricRule("grade", lower_better=False, min_gain=0.05, categories=_HAZE),
    MetricRule("grade", lower_better=False, min_gain=0.0, categories=_LOW_LIGHT),
    MetricRule("grade", lower_better=False, min_gain=-0.02, categories=_RAIN + _SNOW),
    MetricRule("noise", lower_better=True, min_gain=-1.5, categories=_GENERAL + _RAIN + _SNOW + _OLD_PHOTO),
    MetricRule("noise", lower_better=True, min_gain=-3.0, categories=_HAZE + _LOW_LIGHT),
    MetricRule("blockiness", lower_better=True, min_gain=-0.7),
    MetricRule("sharpness", lower_better=False, min_gain=-0.27),
    MetricRule("piqe", lower_better=True, min_gain=-16.0, categories=_GENERAL),
    MetricRule("piqe", lower_better=True, min_gain=-22.0, categories=_RAIN + _SNOW),
    MetricRule("piqe", lower_better=True, min_gain=-30.0, categories=_HAZE + _LOW_LIGHT + _OLD_PHOTO),
    MetricRule("entropy", lower_better=False, min_gain=0.3, categories=_LOW_LIGHT),
    MetricRule("entropy", lower_better=False, min_gain=0.1, categories=_HAZE),
    MetricRule("entropy", lower_better=False, min_gain=-1.0, categories=_RAIN + _SNOW),
    MetricRule("entropy", lower_better=False, min_gain=-1.2, categories=_OLD_PHOTO),
    MetricRule("entropy", lower_better=False, min_gain=-0.8, categories=_GENERAL),
    MetricRule("niqe", lower_better=True, min_gain=0.2, categories=_RAIN),
    MetricRule(
        "niqe",
        lower_better=True,
        min_gain=-0.5,
        categories=_GENERAL + _SNOW + _HAZE + _LOW_LIGHT + _OLD_PHOTO,
    ),
)
"""Calibrated on clean photos against their degraded selves and on real pairs: perfect restorations keep a distance to each.

What must be gained is what the category's degradation costs: the grade (noise, blocks, blur, contrast) in general mixed,
haze and old photos, tones (entropy) in haze and low light. The grade is a product, in which a gain in one part can pay for
a loss in another, so its parts are held besides: noise, blocks and blur must not be added, except for what
brightening and dehazing bring out of the photo itself. Flakes and streaks look like detail to all of these metrics, so
rain and snow are held to losing little here; whether they are gone is the judge's question. PIQE takes noise, grain and
flakes for activity and smooth surfaces for loss: it falls by up to 15 for nearly all perfect restorations of mixed
degradations, 20 of rain and snow and 29 of haze, darkness and grain; what it still tells is texture that was smoothed away.
Veil, flakes and grain add tones, so taking them off may cost entropy. NIQE counts where its parameter file is given.

Grain wider than a pixel measures like texture and passes; it is the judge's question, too."""

DEFAULT_CHANGE_RULE = ChangeRule()

_LABELS = {
    "entropy": "Entropy",
    "grade": "Grade",
    "noise": "Noise",
    "blockiness": "Blockiness",
    "sharpness": "Sharpness",
}
_SCALE_SHARE = 0.02


def alignment_gate(alignment: Alignment, rule: AlignmentRule) -> GateResult:
    """Whether HQ lies over LQ closely enough to make a pair.

    The correlation comes first: under `rule.min_correlation` the measured shift means nothing. Then the largest excess
    relative to its limit decides; on success it is the measurement nearest to its limit. `decided_by` is one of
    `correlation`, `shift`, `scale`, `rotation`.
    """
    values = (alignment.dx, alignment.dy, alignment.scale, alignment.rotation_deg, alignment.correlation)
    if not all(math.isfinite(value) for value in values) or alignment.correlation < rule.min_correlation:
        reason = (
            f"The target could not be laid over the photo: their structures correlate by {alignment.correlation:.2f}, "
            f"at least {rule.min_correlation:.2f} is needed."
        )
        return GateResult(False, "correlation", reason)

    shift = math.hypot(alignment.dx, alignment.dy)
    scale_error = abs(alignment.scale - 1.0)
    rotation = abs(alignment.rotation_deg)
    measured = [
        ("shift", shift, rule.max_shift_px, f"shifted by {shift:.1f} px (at most {rule.max_shift_px:g} px)"),
        (
            "scale",
            scale_error,
            rule.max_scale_error,
            f"scaled by {100 * (alignment.scale - 1.0):+z.2f} % (at most ±{100 * rule.max_scale_error:g} %)",
        ),
        (
            "rotation",
            rotation,
            rule.max_rotation_deg,
            f"turned by {rotation:.2f}° (at most {rule.max_rotation_deg:g}°)",
        ),
    ]
    name, value, limit, words = max(measured, key=lambda item: _ratio(item[1], item[2]))
    if value > limit:
        return GateResult(False, name, f"The target is {words}.")
    return GateResult(True, name, f"The target lies over the photo: {words}, correlation {alignment.correlation:.2f}.")


def metric_gate(
    lq: Mapping[str, float],
    hq: Mapping[str, float],
    between: Mapping[str, float],
    category: Category,
    rules: tuple[MetricRule, ...],
    change: ChangeRule | None,
) -> GateResult:
    """Whether the target scores well enough against its photo (paper section 3.3, metric filter).

    `lq` and `hq` are no-reference scores by metric name, in the metrics' own units; `between` are full-reference ones, of
    which `psnr` (dB) answers `change`: a target that hardly differs from its photo is no restoration, whatever it scores
    (`decided_by` is `change`). Then every rule for the category whose metric is present and finite in both must be met.
    `decided_by` is the metric that fails by most, or, on success, passes by least; each margin is taken relative to its
    tolerated loss or demanded gain. A metric that is absent is skipped; when all are, the gate does not pass and
    `decided_by` is `no-metric`. Without rules the gate is switched off and passes.
    """
    if not rules:
        return GateResult(True, "no-rule", "The metric gate is switched off.")
    psnr = between.get("psnr", math.nan)
    if change is not None and psnr > change.max_psnr_db:
        reason = (
            f"The target hardly differs from the photo: the PSNR between them is {psnr:.1f} dB, and above "
            f"{change.max_psnr_db:g} dB nothing that shows has been restored."
        )
        return GateResult(False, "change", reason)
    chosen = [rule for rule in rules if not rule.categories or category in rule.categories]
    measured = [
        _Gain(rule, lq[rule.metric], hq[rule.metric])
        for rule in chosen
        if math.isfinite(lq.get(rule.metric, math.nan)) and math.isfinite(hq.get(rule.metric, math.nan))
    ]
    if not measured:
        names = ", ".join(dict.fromkeys(rule.metric for rule in chosen))
        return GateResult(False, "no-metric", f"None of the gate's metrics ({names}) could be computed.")
    closest = min(measured, key=lambda gain: gain.margin)
    return GateResult(closest.passed, closest.rule.metric, closest.words)


def judge_rule(verdict: Verdict, rule: JudgeRule) -> Decision:
    """What the scores amount to: accept only if every aspect is at least `min_score` and object consistency at least
    `min_consistency` (paper section 3.3). A verdict that lacks an aspect, or scores it with NaN, is a reject.
    """
    scores = {aspect: verdict.aspects[aspect].score for aspect in Aspect if aspect in verdict.aspects}
    complete = len(scores) == len(Aspect)
    enough = complete and all(score >= rule.min_score for score in scores.values())
    return Decision.ACCEPT if enough and scores[Aspect.OBJECT_CONSISTENCY] >= rule.min_consistency else Decision.REJECT


@dataclass(frozen=True, slots=True)
class _Gain:
    """One rule with the two scores it compares."""

    rule: MetricRule
    lq: float
    hq: float

    @property
    def gain(self) -> float:
        return self.lq - self.hq if self.rule.lower_better else self.hq - self.lq

    @property
    def passed(self) -> bool:
        return self.gain >= self.rule.min_gain

    @property
    def margin(self) -> float:
        """Distance to the rule's threshold, in units of that threshold (of 2 % of the score where that is larger)."""
        unit = max(abs(self.rule.min_gain), _SCALE_SHARE * max(abs(self.lq), abs(self.hq)), 1e-9)
        return (self.gain - self.rule.min_gain) / unit

    @property
    def words(self) -> str:
        direction = "lower" if self.rule.lower_better else "higher"
        change = f"a gain of {self.gain:.2f}" if self.gain >= 0 else f"a loss of {-self.gain:.2f}"
        least = self.rule.min_gain
        limit = f"at least {least:g} must be gained" if least >= 0 else f"a loss of up to {-least:g} is tolerated"
        label = _LABELS.get(self.rule.metric, self.rule.metric.upper())
        return f"{label} went from {self.lq:.2f} to {self.hq:.2f} ({direction} is better): {change}; {limit}."


def _ratio(value: float, limit: float) -> float:
    if limit > 0:
        return value / limit
    return math.inf if value > limit else 0.0
