"""The try-out's words for results."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication

from ggt_studio.core.facts import Aligned, Failed, Judged, Scored
from ggt_studio.core.words import State
from ggt_studio.store.tryouts import Result
from ggt_studio.ui.format import counted, money
from ggt_studio.ui.pages.generate.words import decided_words
from ggt_studio.ui.pages.review.words import aspect_name
from ggt_studio.ui.widgets.badges import Badge, Tone


def tr(text: str) -> str:
    """A text in the person's language."""
    return QCoreApplication.translate("TryoutView", text)


def badge_of(result: Result | None) -> Badge:
    """What became of a patch with a recipe."""
    if result is None or not result.facts:
        return Badge(Tone.BUSY, tr("Not tried yet"))
    return {
        State.WAITING: Badge(Tone.GOOD, tr("Passed")),
        State.REJECTED: Badge(Tone.BAD, tr("Rejected")),
        State.FAILED: Badge(Tone.WARN, tr("Failed")),
    }.get(result.summary.state, Badge(Tone.BUSY, tr("In work")))


def verdict_words(result: Result) -> str:
    """The judge's scores in a line; else why it did not get that far."""
    judged = next((fact for fact in reversed(result.facts) if isinstance(fact, Judged)), None)
    summary = result.summary
    if summary.state is State.FAILED:
        failed = next((fact for fact in reversed(result.facts) if isinstance(fact, Failed)), None)
        return f"{decided_words(summary.decided_by)}. {failed.message if failed else ''}".strip()
    if judged is not None and summary.candidate is not None and judged.attempt == summary.candidate.attempt:
        scores = judged.verdict.aspects
        return " · ".join(f"{aspect_name(aspect)} {scores[aspect].score:.0f}" for aspect in scores)
    gates = [fact for fact in result.facts if isinstance(fact, Aligned | Scored)]
    return gates[-1].gate.reason if gates and not gates[-1].gate.passed else ""


def reasons_words(result: Result) -> str:
    """Each aspect of the verdict with the judge's reason, one a line."""
    judged = next((fact for fact in reversed(result.facts) if isinstance(fact, Judged)), None)
    if judged is None:
        return ""
    return "\n".join(f"{aspect_name(a)} {s.score:.0f}: {s.reason}" for a, s in judged.verdict.aspects.items())


def cost_words(result: Result) -> str:
    """Attempts and what they cost."""
    attempts = counted(result.summary.attempts, tr("1 attempt"), tr("{0} attempts"))
    return f"{attempts} · {money(result.cost_usd) if result.cost_usd else tr('no charge')}"


def mean_score(result: Result) -> float | None:
    """The mean of a verdict's aspects; None without one."""
    judged = next((fact for fact in reversed(result.facts) if isinstance(fact, Judged)), None)
    scores = [score.score for score in judged.verdict.aspects.values()] if judged else []
    return sum(scores) / len(scores) if scores else None


def total_words(results: list[Result], patches: int) -> str:
    """What a recipe came to over all patches: how many passed, the mean score, the cost."""
    passed = sum(result.summary.state is State.WAITING for result in results)
    parts = [tr("{0} of {1} passed").format(passed, patches)]
    means = [mean for result in results if (mean := mean_score(result)) is not None]
    if means:
        parts.append(tr("mean score {0}").format(f"{sum(means) / len(means):.0f}"))
    cost = sum(result.cost_usd for result in results)
    parts.append(money(cost) if cost else tr("no charge"))
    return " · ".join(parts)
