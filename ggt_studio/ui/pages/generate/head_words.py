"""What stands at the head of the generate page: the primary button's word, the sentence below, how far a run is."""

from __future__ import annotations

from dataclasses import dataclass

from ggt_studio.pipeline.estimate import Estimate
from ggt_studio.ui.pages.generate.estimating import assumption_words, estimate_words, run_words
from ggt_studio.ui.pages.generate.next_action import HERE, Action, Next
from ggt_studio.ui.pages.generate.run_words import doing_words, spent_words
from ggt_studio.ui.pages.generate.words import tr
from ggt_studio.ui.state.workspace import Workspace
from ggt_studio.ui.widgets.common import Progress

_ICONS = {
    Action.RUN: "mdi6.play",
    Action.ORDER: "mdi6.tray-arrow-up",
    Action.JUDGE: "mdi6.play",
    Action.COLLECT: "mdi6.tray-arrow-down",
}


@dataclass(frozen=True, slots=True)
class Head:
    """The primary button's word and icon, whether it can be pressed, the sentence, and what the estimate rests on."""

    label: str
    icon: str
    enabled: bool
    sentence: str
    assumptions: str


def head_of(now: Next, value: Estimate | None, budget_usd: float | None) -> Head:
    """The head while nothing is under way; `value` estimates what the button does, None where that is not known."""
    icon = _ICONS.get(now.action, "mdi6.arrow-right")
    if value is None or not now.enabled or now.action not in HERE or now.action is Action.COLLECT:
        return Head(now.label, icon, now.enabled, now.sentence, "")
    if now.action is Action.ORDER and not value.patches and value.left_out:
        return Head(now.label, icon, False, tr("The budget does not allow a single candidate. Raise it to order."), "")
    sentence = f"{now.sentence}. {estimate_words(value, budget_usd)}"
    if now.action is Action.ORDER:
        sentence = f"{sentence} {tr('The answers come within a day or so.')}"
    return Head(run_words(now.label, value, budget_usd), icon, True, sentence, assumption_words(value))


def running_sentence(workspace: Workspace) -> str:
    """What is under way, and what stopping it means."""
    if workspace.batching.ordering:
        return tr("Ordering. Stopped before the order is sent, it costs nothing but the prompts, which are kept.")
    if workspace.run_paused:
        return tr("Paused. What was under way is being finished; nothing new begins.")
    return tr("Running. Everything is recorded as it comes; it can be stopped at any time.")


def run_progress(workspace: Workspace, *, paid: bool) -> Progress:
    """How far the run is."""
    now = workspace.run_progress
    if now is None:
        return Progress(0, 0, doing=tr("Starting …"))
    doing = doing_words(now, workspace.image_progress)
    return Progress(now.done, now.total, now.rate, now.eta_s, spent_words(now, paid), doing)


def order_progress(workspace: Workspace) -> Progress:
    """How far the order under way is."""
    done, total = workspace.batching.progress
    doing = tr("Preparing the order: prompts and photos") if done < total else tr("Sending the order …")
    return Progress(done, total, doing=doing if total else tr("Starting …"))
