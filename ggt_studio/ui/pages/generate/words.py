"""The generate page's words for gates, outcomes and what decided a patch."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication

from ggt_studio.core.gates import DEFAULT_CHANGE_RULE, DEFAULT_METRIC_RULES
from ggt_studio.core.outcomes import words_of
from ggt_studio.core.recipe import AlignmentRule, ChangeRule, JudgeRule, MetricRule, Recipe
from ggt_studio.pipeline.recipes import MetricGate
from ggt_studio.providers.base import ProviderInfo
from ggt_studio.providers.catalogue import Place
from ggt_studio.quality.catalogue import METRICS
from ggt_studio.ui.format import money
from ggt_studio.ui.vocabulary import category_name


def tr(text: str) -> str:
    """A text in the person's language."""
    return QCoreApplication.translate("GeneratePage", text)


def unit_price(usd: float) -> str:
    """The price of one call: in whole cents where it is some, else with a third digit: `$0.20`, `$0.067`."""
    cents = f"{usd:.3f}"
    return f"${cents.removesuffix('0')}" if usd >= 0.01 else money(usd)


def price_words(info: ProviderInfo, unit: str) -> str:
    """What a call of a provider costs, `unit` being what it is paid for; `price unknown` is not `free`."""
    if not info.price_known:
        return tr("price unknown")
    if not (info.paid or info.price_usd):
        return tr("free")
    return tr("{0} per {1}").format(unit_price(info.price_usd), unit)


def place_and_price(info: ProviderInfo, unit: str, where: Place) -> str:
    """Where photos go with a provider, and what a call costs."""
    match where:
        case Place.MACHINE:
            told = tr("Nothing leaves this machine.")
        case Place.NETWORK:
            told = tr("Photos stay in your network: they go to {0}.").format(info.leaves_machine)
        case _:
            told = tr("Photos are sent to {0}.").format(info.leaves_machine)
    if not info.price_known:
        return tr("{0} What a call costs is not known.").format(told)
    if not (info.paid or info.price_usd):
        return tr("{0} No charge.").format(told)
    return tr("{0} About {1} per {2}.").format(told, unit_price(info.price_usd), unit)


def decided_words(decided_by: str) -> str:
    """What a patch rests on, as `core.policy.Summary.decided_by` names it, in words."""
    kind, _, what = decided_by.partition(":")
    if kind == "metric":
        if what == "no-metric":
            return tr("Metric filter: no metric could be computed")
        if what == "change":
            return tr("Metric filter: the target hardly differs from the photo")
        label = METRICS[what].label if what in METRICS else what
        return tr("Metric filter: {0} gained too little").format(label)
    if kind == "alignment":
        return {
            "shift": tr("Alignment: shifted too far"),
            "scale": tr("Alignment: another scale"),
            "rotation": tr("Alignment: turned too far"),
            "correlation": tr("Alignment: structures do not match the photo"),
        }.get(what, tr("Alignment"))
    if kind == "judge" and not what:
        return tr("Judge: scores too low")
    if kind == "person":
        return tr("A person: {0}").format(_reason(what)) if what else tr("A person")
    return tr("{0}: {1}").format(_step(kind), tr(words_of(what).words))


def _reason(reason: str) -> str:
    return {
        "artefact": tr("artefact"),
        "structure-changed": tr("structure changed"),
        "invented-content": tr("invented content"),
        "colour": tr("colour"),
        "misaligned": tr("misaligned"),
        "other": tr("other reason"),
    }.get(reason, reason)


def _step(step: str) -> str:
    return {
        "screen": tr("Screening"),
        "prompt": tr("Writing the prompt"),
        "generate": tr("Generating"),
        "align": tr("Aligning"),
        "score": tr("Measuring"),
        "judge": tr("Judging"),
    }.get(step, step)


def advice(decided_by: str) -> str:
    """What a person can do about a failure named `step:outcome`; empty where there is nothing to say."""
    return tr(words_of(decided_by.partition(":")[2]).todo)


def gates_in_words(niqe_parameters: str, metric_gate: MetricGate) -> list[tuple[str, list[str]]]:
    """What a candidate has to pass, in order: (heading, sentences) per gate.

    `niqe_parameters` is the path of NIQE's parameter file; empty where there is none.
    """
    recipe = Recipe("", "", "")
    names = dict.fromkeys(rule.metric for rule in DEFAULT_METRIC_RULES)
    metrics = [_change(DEFAULT_CHANGE_RULE), *(_metric(name, niqe_parameters) for name in names)]
    if metric_gate is MetricGate.NONE:
        metrics = [tr("Switched off: candidates go to the judge without being measured.")]
    return [
        (tr("1. Alignment"), [_alignment(recipe.alignment_rule)]),
        (tr("2. Metric filter"), metrics),
        (tr("3. Judge"), [_judge(recipe.judge_rule)]),
        (
            tr("4. Attempts"),
            [
                tr(
                    "At most {0} attempts per patch. A judge's first rejection strengthens the prompt with what it found"
                    " wanting; later attempts draw another sample."
                ).format(recipe.max_attempts)
            ],
        ),
        (tr("5. You"), [tr("Nothing counts as verified until a person has accepted it.")]),
    ]


def _alignment(rule: AlignmentRule) -> str:
    return tr(
        "The target must lie over its photo: shift at most {0} px, scale within ±{1} %, rotation at most {2}°,"
        " correlation at least {3}."
    ).format(
        f"{rule.max_shift_px:g}",
        f"{rule.max_scale_error * 100:g}",
        f"{rule.max_rotation_deg:g}",
        f"{rule.min_correlation:g}",
    )


def _change(rule: ChangeRule) -> str:
    return tr("The target must differ visibly from its photo: PSNR between them at most {0} dB.").format(
        f"{rule.max_psnr_db:g}"
    )


def _metric(metric: str, niqe_parameters: str) -> str:
    label = METRICS[metric].label if metric in METRICS else metric
    rules = [rule for rule in DEFAULT_METRIC_RULES if rule.metric == metric]
    better = tr("lower is better") if rules[0].lower_better else tr("higher is better")
    sentence = tr("{0} ({1}) against the photo: {2}.").format(label, better, ", ".join(map(_limit, rules)))
    if metric == "niqe" and not niqe_parameters:
        sentence += tr(" Skipped: its parameter file is not set in Settings.")
    return sentence


def _limit(rule: MetricRule) -> str:
    limit = (
        tr("it must gain at least {0}").format(f"{rule.min_gain:g}")
        if rule.min_gain >= 0
        else tr("it may lose up to {0}").format(f"{-rule.min_gain:g}")
    )
    names = ", ".join(category_name(category).lower() for category in rule.categories)
    return f"{limit} ({names})" if names else limit


def _judge(rule: JudgeRule) -> str:
    return tr(
        "Five aspects are scored from 0 to 100. Each must reach {0}, object consistency {1}. Where the judge's own decision"
        " differs from that rule, a person decides."
    ).format(f"{rule.min_score:g}", f"{rule.min_consistency:g}")
