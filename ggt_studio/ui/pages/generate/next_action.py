"""What a person can do next on the generate page, decided from the counts."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from ggt_studio.core.words import State
from ggt_studio.store.status import Status
from ggt_studio.ui.format import count, counted
from ggt_studio.ui.pages.generate.words import tr


class Action(StrEnum):
    """What the page's primary button does; the last three are the names of pages."""

    RUN = "run"
    ORDER = "order"
    JUDGE = "judge"
    COLLECT = "collect"
    SOURCES = "sources"
    REVIEW = "review"
    DATASET = "dataset"


HERE = frozenset({Action.RUN, Action.ORDER, Action.JUDGE, Action.COLLECT})
"""What is done on the page itself."""


@dataclass(frozen=True, slots=True)
class Next:
    """The primary button: what it does, its word, whether it can be pressed, and the sentence beside it."""

    action: Action
    label: str
    enabled: bool
    sentence: str


def next_action(
    status: Status | None,
    *,
    read_only: bool,
    problem: str = "",
    left_off: str = "",
    in_batch: bool = False,
    unjudged: int = 0,
) -> Next:
    """Decide while no run is under way. `problem` says why the chosen recipe cannot be run; empty when it can. `left_off` is
    how the latest run ended where it did not come to its end (`store.runs.left_off`); then the same button continues it.

    `in_batch`: candidates are ordered in batches. `unjudged` patches have one that is still to be measured or judged; when all have,
    that is what comes next.
    """
    run = tr("Continue") if left_off and not read_only else tr("Run")
    if status is None:
        return Next(Action.RUN, tr("Run"), False, tr("Reading the project …"))
    if status.runnable:
        if read_only:
            return Next(Action.RUN, run, False, tr("The project is open read-only, so nothing can be run."))
        if problem:
            return Next(Action.RUN, run, False, problem)
        if in_batch and status.runnable <= unjudged:
            return Next(Action.JUDGE, tr("Measure and judge"), True, where_it_stands(status, ""))
        if in_batch:
            return Next(Action.ORDER, tr("Order"), True, where_it_stands(status, ""))
        return Next(Action.RUN, run, True, where_it_stands(status, left_off))
    waiting, held = status.count(state=State.WAITING), status.count(state=State.OPEN, held=True)
    failed = status.count(state=State.FAILED)
    lost = counted(
        failed, tr("1 patch failed and can be retried below."), tr("{0} patches failed and can be retried below.")
    )
    besides = [lost] if failed else []
    if held:
        besides.append(
            counted(held, tr("1 patch is held back in Sources."), tr("{0} patches are held back in Sources."))
        )
    if status.in_batches:
        besides.append(_in_batches(status))
    if waiting:
        pairs = counted(waiting, tr("1 pair waits for you"), tr("{0} pairs wait for you"))
        if besides:
            return Next(Action.REVIEW, tr("Review"), True, " ".join([f"{pairs}.", *besides]))
        done = tr("All patches have been through the machine; {0}.").format(pairs)
        return Next(Action.REVIEW, tr("Review"), True, done)
    if status.count(state=State.VERIFIED):
        begin = " ".join(besides) or tr("Every patch is decided.")
        return Next(Action.DATASET, tr("Dataset"), True, f"{begin} {tr('The verified pairs can be exported.')}")
    if held:
        words = counted(
            held,
            tr("The 1 open patch is held back from runs. It can be released in Sources."),
            tr("All {0} open patches are held back from runs. They can be released in Sources."),
        )
        return Next(Action.SOURCES, tr("Sources"), True, f"{lost} {words}" if failed else words)
    if status.in_batches:
        words = f"{lost} {_in_batches(status)}" if failed else _in_batches(status)
        return Next(Action.COLLECT, tr("Collect"), not read_only, words)
    if failed or status.count(state=State.REJECTED):
        words = tr("No patch is open. Retry what failed, or start rejected patches afresh.")
        return Next(Action.RUN, tr("Run"), False, words)
    return Next(Action.SOURCES, tr("Sources"), True, tr("There are no patches yet."))


def where_it_stands(status: Status, left_off: str) -> str:
    """How many patches a run would take, and why they are still open where a run left off; without a full stop."""
    began = {
        "stopped": tr("The last run was stopped"),
        "halted": tr("The last run gave up"),
        "failed": tr("The last run broke off"),
        "interrupted": tr("The last run was interrupted"),
    }.get(left_off)
    if began:
        patches = counted(status.runnable, tr("1 patch"), tr("{0} patches"))
        told = tr("{0} with {1} still open").format(began, patches)
    else:
        told = counted(status.runnable, tr("1 open patch"), tr("{0} open patches"))
    held = status.count(state=State.OPEN, held=True)
    if status.in_batches:
        told = tr("{0}, {1} more in batches").format(told, count(status.in_batches))
    return tr("{0}, {1} more held back").format(told, count(held)) if held else told


def _in_batches(status: Status) -> str:
    return counted(
        status.in_batches,
        tr("1 patch waits in a batch; Collect fetches what is done."),
        tr("{0} patches wait in batches; Collect fetches what is done."),
    )
