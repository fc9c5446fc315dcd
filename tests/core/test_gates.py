"""The gates decide by their rules, name what decided, and say why with figures."""

import math

import pytest

from ggt_studio.core import gates
from ggt_studio.core.gates import DEFAULT_CHANGE_RULE, DEFAULT_METRIC_RULES, alignment_gate, judge_rule
from ggt_studio.core.model import Alignment, AspectScore, GateResult, Verdict
from ggt_studio.core.recipe import AlignmentRule, ChangeRule, JudgeRule, MetricRule
from ggt_studio.core.words import Aspect, Category, Decision
from ggt_studio.quality.catalogue import METRICS

RULE = AlignmentRule()
PIQE = MetricRule("piqe", lower_better=True, min_gain=-5.0)
ENTROPY = MetricRule("entropy", lower_better=False, min_gain=0.1)


def metric_gate(lq: dict[str, float], hq: dict[str, float], rules: tuple[MetricRule, ...]) -> GateResult:
    return gates.metric_gate(lq, hq, {}, Category.RAIN, rules, DEFAULT_CHANGE_RULE)


def test_an_aligned_target_passes():
    result = alignment_gate(Alignment(0.4, -0.3, 1.0005, 0.01, 0.8), RULE)
    assert result.passed
    assert result.decided_by == "shift"
    assert "0.5 px" in result.reason


@pytest.mark.parametrize(
    ("alignment", "decided_by", "figure"),
    [
        (Alignment(3.0, 4.0, 1.0, 0.0, 0.9), "shift", "5.0 px"),
        (Alignment(0.0, 0.0, 0.97, 0.0, 0.9), "scale", "-3.00 %"),
        (Alignment(0.0, 0.0, 1.0, -1.25, 0.9), "rotation", "1.25°"),
        (Alignment(0.0, 0.0, 1.0, 0.0, 0.1), "correlation", "0.10"),
        (Alignment(math.nan, 0.0, 1.0, 0.0, 0.9), "correlation", "0.90"),
        (Alignment(0.0, 0.0, 1.0, 0.0, math.nan), "correlation", "nan"),
    ],
)
def test_a_misaligned_target_fails_on_what_is_wrong(alignment: Alignment, decided_by: str, figure: str):
    result = alignment_gate(alignment, RULE)
    assert not result.passed
    assert result.decided_by == decided_by
    assert figure in result.reason


def test_the_largest_excess_relative_to_its_limit_decides():
    result = alignment_gate(Alignment(4.0, 0.0, 1.05, 0.6, 0.9), RULE)
    assert result.decided_by == "scale"


def test_limits_themselves_pass_and_zero_limits_are_limits():
    assert alignment_gate(Alignment(3.0, 0.0, 1.0, 0.0, 0.3), RULE).passed
    assert alignment_gate(Alignment(0.0, 0.0, 1.0, 0.0, 1.0), AlignmentRule(0.0, 0.0, 0.0)).passed
    assert alignment_gate(Alignment(0.1, 0.0, 1.0, 0.0, 1.0), AlignmentRule(0.0, 0.0, 0.0)).decided_by == "shift"


def test_gain_follows_the_direction_of_the_metric():
    assert metric_gate({"piqe": 40.0}, {"piqe": 30.0}, (PIQE,)).passed
    assert metric_gate({"piqe": 40.0}, {"piqe": 45.0}, (PIQE,)).passed
    assert not metric_gate({"piqe": 40.0}, {"piqe": 45.1}, (PIQE,)).passed
    assert metric_gate({"entropy": 6.0}, {"entropy": 6.2}, (ENTROPY,)).passed
    assert not metric_gate({"entropy": 6.0}, {"entropy": 6.05}, (ENTROPY,)).passed


def test_the_worst_offender_decides_and_is_told_with_its_figures():
    result = metric_gate({"piqe": 20.0, "entropy": 6.0}, {"piqe": 60.0, "entropy": 5.95}, (ENTROPY, PIQE))
    assert not result.passed
    assert result.decided_by == "piqe"
    assert "20.00 to 60.00" in result.reason
    assert "a loss of 40.00" in result.reason
    assert "up to 5 is tolerated" in result.reason


def test_on_success_the_smallest_margin_is_named():
    result = metric_gate({"piqe": 20.0, "entropy": 6.0}, {"piqe": 24.5, "entropy": 7.5}, (ENTROPY, PIQE))
    assert result.passed
    assert result.decided_by == "piqe"


def test_absent_metrics_are_skipped_but_no_metric_at_all_does_not_pass():
    assert metric_gate({"piqe": 20.0}, {"piqe": 20.0}, (ENTROPY, PIQE)).decided_by == "piqe"
    assert metric_gate({"piqe": 20.0, "entropy": math.nan}, {"piqe": 20.0, "entropy": 7.0}, (ENTROPY, PIQE)).passed
    nothing = metric_gate({"niqe": 4.0}, {}, (ENTROPY, PIQE))
    assert not nothing.passed
    assert nothing.decided_by == "no-metric"
    assert "entropy, piqe" in nothing.reason


def test_without_rules_the_gate_is_off():
    assert metric_gate({}, {}, ()).passed


def test_a_target_that_hardly_differs_from_its_photo_does_not_pass_whatever_it_scores():
    scores = {"piqe": 40.0}, {"piqe": 10.0}
    for psnr, passed in ((30.0, True), (38.0, True), (45.3, False), (80.0, False)):
        result = gates.metric_gate(*scores, {"psnr": psnr}, Category.SNOW, (PIQE,), ChangeRule(38.0))
        assert result.passed is passed
    result = gates.metric_gate(*scores, {"psnr": 45.3}, Category.SNOW, (PIQE,), ChangeRule(38.0))
    assert result.decided_by == "change"
    assert "45.3 dB" in result.reason
    assert gates.metric_gate(*scores, {"psnr": 45.3}, Category.SNOW, (PIQE,), None).passed
    assert gates.metric_gate({}, {}, {"psnr": 80.0}, Category.SNOW, (), ChangeRule()).passed, "switched off"


def test_a_rule_holds_for_its_categories_and_without_any_for_all():
    haze = MetricRule("entropy", lower_better=False, min_gain=0.5, categories=(Category.HAZE,))
    scores = {"entropy": 6.0, "piqe": 40.0}, {"entropy": 6.1, "piqe": 30.0}
    in_haze = gates.metric_gate(*scores, {}, Category.HAZE, (PIQE, haze), None)
    assert (in_haze.passed, in_haze.decided_by) == (False, "entropy")
    in_snow = gates.metric_gate(*scores, {}, Category.SNOW, (PIQE, haze), None)
    assert (in_snow.passed, in_snow.decided_by) == (True, "piqe")
    assert gates.metric_gate(*scores, {}, Category.SNOW, (haze,), None).decided_by == "no-metric"


def test_a_metric_is_written_as_the_catalogue_writes_it():
    for rule in DEFAULT_METRIC_RULES:
        assert rule.lower_better == METRICS[rule.metric].lower_better
        reason = metric_gate({rule.metric: 1.0}, {rule.metric: 1.0}, (MetricRule(rule.metric, True, 0.0),)).reason
        assert reason.startswith(METRICS[rule.metric].label + " went from")


@pytest.mark.parametrize("category", list(Category))
def test_every_category_has_one_default_rule_for_each_metric(category: Category):
    held = [rule.metric for rule in DEFAULT_METRIC_RULES if not rule.categories or category in rule.categories]
    assert sorted(held) == ["blockiness", "entropy", "grade", "niqe", "noise", "piqe", "sharpness"]


def verdict(**scores: float) -> Verdict:
    return Verdict({a: AspectScore(scores.get(a.value, 95.0), "") for a in Aspect}, Decision.ACCEPT)


@pytest.mark.parametrize(
    ("scores", "decision"),
    [
        ({}, Decision.ACCEPT),
        ({"object_consistency": 90.0, "restoration_quality": 60.0, "colour_consistency": 60.0}, Decision.ACCEPT),
        ({"object_consistency": 89.9}, Decision.REJECT),
        ({"restoration_quality": 59.9}, Decision.REJECT),
        ({"colour_consistency": math.nan}, Decision.REJECT),
    ],
)
def test_scores_decide_whatever_the_judge_said(scores: dict[str, float], decision: Decision):
    assert judge_rule(verdict(**scores), JudgeRule()) is decision


def test_a_verdict_without_all_aspects_is_a_reject():
    complete = verdict().aspects
    partial = {aspect: score for aspect, score in complete.items() if aspect is not Aspect.GEOMETRY_ALIGNMENT}
    assert judge_rule(Verdict(partial, Decision.ACCEPT), JudgeRule()) is Decision.REJECT
