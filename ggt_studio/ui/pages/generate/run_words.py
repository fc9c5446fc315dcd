"""What a finished run did, in sentences."""

from __future__ import annotations

from collections.abc import Mapping

from ggt_studio.core.outcomes import OUTCOME_WORDS
from ggt_studio.core.words import Outcome
from ggt_studio.pipeline.engine import RunReport
from ggt_studio.pipeline.progress import Progress
from ggt_studio.quality.metrics import ML_EXTRA_COMMAND
from ggt_studio.ui.format import count, counted, duration, money, money_of
from ggt_studio.ui.pages.generate.words import tr
from ggt_studio.worker.process import Progress as Step


def spent_words(now: Progress, paid: bool) -> str:
    """`$0.42 of $20.00`, or what was spent without a budget; nothing where nothing costs anything."""
    if not paid and not now.cost_usd:
        return ""
    if now.budget_usd is not None and (now.cost_usd or now.budget_usd):
        return money_of(now.cost_usd, now.budget_usd)
    return tr("{0} spent").format(money(now.cost_usd))


def doing_words(now: Progress, image: Step | None = None) -> str:
    """What is under way, how far a model on this machine is with its image, and that a service makes it wait where it does."""
    if now.waiting_s >= 1:
        return tr("Waiting {0}: the service asked us to slow down").format(duration(now.waiting_s))
    attempts = counted(now.attempts, tr("1 attempt made"), tr("{0} attempts made"))
    words = tr("Patches: {0} in work, {1}").format(count(now.in_work), attempts)
    if image is None:
        return words
    doing = tr("loading the model") if image.what == "load" else tr("step {0} of {1}")
    return f"{words} · {doing.format(count(int(image.done)), count(int(image.total)))}"


def outcomes_words(outcomes: Mapping[Outcome, int]) -> str:
    """The requests that gave nothing, by kind; empty while all went well."""
    bad = [(outcome, n) for outcome, n in outcomes.items() if n and outcome is not Outcome.OK]
    if not bad:
        return ""
    # Most of these are sent again by themselves; a quota that is really used up ends the run, and says so.
    words = {Outcome.QUOTA: tr("turned away by a limit")}
    parts = [
        f"{count(n)} {words.get(outcome) or tr(OUTCOME_WORDS[outcome].words)}"
        for outcome, n in sorted(bad, key=lambda part: -part[1])
    ]
    return tr("Requests without a result: {0}.").format("; ".join(parts))


def report_words(report: RunReport) -> str:
    """One line: what was done and what became of it."""
    began = tr("Stopped:") if report.ended == "stopped" else tr("Done:")
    parts = [
        counted(report.patches, tr("1 patch"), tr("{0} patches")),
        counted(report.attempts, tr("1 attempt"), tr("{0} attempts")),
    ]
    if report.cost_usd and report.budget_usd is not None:
        parts.append(tr("{0} spent").format(money_of(report.cost_usd, report.budget_usd)))
    elif report.cost_usd:
        parts.append(tr("{0} spent").format(money(report.cost_usd)))
    if report.cost_per_accepted_usd:
        parts.append(tr("{0} for each accepted one").format(money(report.cost_per_accepted_usd)))
    became = [
        words
        for number, words in (
            (report.waiting, counted(report.waiting, tr("1 pair waits for you"), tr("{0} pairs wait for you"))),
            (report.rejected, tr("{0} rejected").format(count(report.rejected))),
            (report.failed, tr("{0} failed").format(count(report.failed))),
        )
        if number
    ]
    line = f"{began} {', '.join(parts)}."
    if became:
        line += f" {', '.join(became)}."
    if report.ambiguous:
        line += " " + counted(
            report.ambiguous,
            tr("1 paid call of an interrupted run may have been charged; see Failed."),
            tr("{0} paid calls of an interrupted run may have been charged; see Failed."),
        )
    return line


def waiting_for_extra_words(report: RunReport) -> str:
    """Why patches wait for the ml extra, and what to do."""
    waiting = counted(
        report.waiting_for_extra,
        tr("1 patch is generated and waits for the metric stage."),
        tr("{0} patches are generated and wait for the metric stage."),
    )
    todo = tr(
        "Nothing is lost: install the ml extra with {0}, start GGT Studio again and press Run; or switch the metric filter off."
    ).format(ML_EXTRA_COMMAND)
    return f"{waiting} {todo}"
