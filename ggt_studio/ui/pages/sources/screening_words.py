"""What the screening panel says: cost beforehand, what was found, how far it is."""

from __future__ import annotations

from ggt_studio.core.words import Hold
from ggt_studio.pipeline.progress import Progress
from ggt_studio.pipeline.screening import ScreeningCost, ScreenReport
from ggt_studio.ui import format as words
from ggt_studio.ui.pages.sources.words import hold_name, patches_words, tr
from ggt_studio.ui.widgets.common import Progress as Shown


def button_words(cost: ScreeningCost | None, budget_usd: float | None) -> str:
    """`Screen 120 patches · about $0.84, at most $3.00`."""
    if cost is None:
        return tr("Screen")
    told = tr("Screen {0}").format(patches_words(cost.patches))
    if not cost.paid or not cost.patches:
        return told
    if not cost.priced:
        return tr("{0} · cost unknown").format(told)
    most = cost.most_usd if budget_usd is None else min(cost.most_usd, budget_usd)
    about = words.money(min(cost.expected_usd, most))
    return tr("{0} · about {1}, at most {2}").format(told, about, words.money(most))


def report_words(report: ScreenReport) -> str:
    """What a screening came to, and what that means for the patches."""
    held = sum(report.held.values())
    began = {"stopped": tr("Stopped:"), "halted": tr("Ended early:")}.get(report.ended, tr("Done:"))
    parts = [tr("{0} {1} looked at, {2} held back").format(began, patches_words(report.screened), words.count(held))]
    if held:
        kinds = ", ".join(
            f"{words.count(number)} {hold_name(hold).lower()}" for hold, number in _sorted(report.held) if number
        )
        parts[0] += f" ({kinds})"
    if report.failed:
        parts.append(tr("{0} failed (see Generate)").format(words.count(report.failed)))
    parts.append(tr("{0} spent").format(words.money(report.cost_usd)) if report.cost_usd else tr("no charge"))
    told = f"{', '.join(parts)}."
    if report.ambiguous:
        told += " " + words.counted(
            report.ambiguous,
            tr("1 paid call of an interrupted run may have been charged; see Failed on Generate."),
            tr("{0} paid calls of an interrupted run may have been charged; see Failed on Generate."),
        )
    return told


def screening_progress(now: Progress | None) -> Shown:
    """How far the screening is."""
    if now is None:
        return Shown(0, 0, doing=tr("Starting …"))
    cost = ""
    if now.budget_usd is not None and (now.cost_usd or now.budget_usd):
        cost = words.money_of(now.cost_usd, now.budget_usd)
    elif now.cost_usd:
        cost = tr("{0} spent").format(words.money(now.cost_usd))
    waiting = tr("Waiting {0}: the service asked us to slow down").format(words.duration(now.waiting_s))
    return Shown(
        now.done, now.total, now.rate, now.eta_s, cost, waiting if now.waiting_s >= 1 else tr("Looking at patches")
    )


def _sorted(held: dict[Hold, int]) -> list[tuple[Hold, int]]:
    return sorted(held.items(), key=lambda part: -part[1])
