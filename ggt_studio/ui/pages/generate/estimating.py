"""The estimate of the run that is chosen, worked out anew whenever something changes it, off the window's thread."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from PySide6.QtCore import QObject, QTimer, Signal

from ggt_studio.core.errors import StudioError
from ggt_studio.pipeline.batch_estimate import estimate_order, order_facts
from ggt_studio.pipeline.estimate import Estimate, ProjectFacts, estimate, project_facts
from ggt_studio.store.experience import paces
from ggt_studio.store.patches import count_unjudged
from ggt_studio.ui.format import count, counted, duration, money
from ggt_studio.ui.pages.generate.words import tr
from ggt_studio.ui.state.jobs import RunChoice
from ggt_studio.ui.state.workspace import Workspace

_SETTLE_MS = 150


class Estimating(QObject):
    """`changed` when `value` or `judging` is another one; None while it is not known, or where the choice cannot be run.

    `value` is that of the run, or of the order where candidates are ordered in batches; `judging` that of measuring and judging
    the candidates that are there, None without any.
    """

    changed = Signal()

    def __init__(self, workspace: Workspace, choice: Callable[[], RunChoice], parent: QObject) -> None:
        super().__init__(parent)
        self._workspace, self._choice = workspace, choice
        self.value: Estimate | None = None
        self.judging: Estimate | None = None
        self._asked = 0
        self._timer = QTimer(self, singleShot=True, interval=_SETTLE_MS)
        self._timer.timeout.connect(self._ask)

    def soon(self) -> None:
        """Work it out in a moment."""
        self._timer.start()

    def _ask(self) -> None:
        if self._workspace.engaged:
            # What was chosen meanwhile is worked out when that has ended.
            self._timer.start()
        else:
            self._asked += 1
            self._workspace.tasks.spawn(self._work_out(self._choice(), self._asked), self._take)

    async def _work_out(self, choice: RunChoice, number: int) -> tuple[int, Estimate | None, Estimate | None]:
        session = self._workspace.session
        try:
            recipe = await asyncio.to_thread(
                session.recipe, choice.generator, choice.prompts, choice.judge, metric_gate=choice.metric_gate
            )
            registry, query = session.registry, self._workspace.query
            made, known = await query(lambda project: (count_unjudged(project), paces(project)))
            facts = ProjectFacts(made, 0, paces=known)
            judging = estimate(facts, recipe, registry, generate=False) if made else None
            if choice.in_batch:
                order = await query(lambda project: order_facts(project, recipe, registry, choice.limit))
                return number, estimate_order(order, recipe, registry, choice.budget_usd), judging
            facts = await query(lambda project: project_facts(project, recipe, registry, choice.limit))
            return number, estimate(facts, recipe, registry), judging
        except StudioError:
            # Why the choice cannot be run is told where it is chosen.
            return number, None, None

    def _take(self, found: tuple[int, Estimate | None, Estimate | None]) -> None:
        number, value, judging = found
        if number == self._asked and (value, judging) != (self.value, self.judging):
            self.value, self.judging = value, judging
            self.changed.emit()


def cost_words(value: Estimate, budget_usd: float | None) -> str:
    """`about $8.20, at most $20.00`; empty where nothing is charged."""
    if not value.paid:
        return ""
    if value.unpriced and not value.expected_usd:
        return tr("cost unknown")
    most = value.most_usd if budget_usd is None else min(value.most_usd, budget_usd)
    about = tr("about {0}").format(money(min(value.expected_usd, most)))
    return about if value.unpriced else tr("{0}, at most {1}").format(about, money(most))


def run_words(run: str, value: Estimate | None, budget_usd: float | None) -> str:
    """What the button will do: `Run 120 patches · about $8.20, at most $20.00`."""
    if value is None:
        return run
    words = f"{run} {counted(value.patches, tr('1 patch'), tr('{0} patches'))}"
    cost = cost_words(value, budget_usd)
    return f"{words} · {cost}" if cost else words


def estimate_words(value: Estimate, budget_usd: float | None) -> str:
    """The estimate in a sentence; what is known of money and time."""
    if not value.paid:
        parts = [tr("No charge")]
    elif value.unpriced:
        parts = [tr("What {0} costs is not known").format(", ".join(value.unpriced))]
    else:
        parts = []
    if budget_usd is not None and value.paid and value.expected_usd > budget_usd:
        parts.append(tr("the budget is expected to end the run early"))
    if value.expected_seconds:
        parts.append(tr("about {0}").format(duration(value.expected_seconds)))
    images, verdicts = value.calls.get("generate", 0), value.calls.get("judge", 0)
    if not parts and images:
        parts.append(counted(images, tr("about 1 image"), tr("about {0} images")))
    elif not parts:
        parts.append(counted(verdicts, tr("about 1 verdict"), tr("about {0} verdicts")))
    told = "; ".join(parts)
    return f"{told[:1].upper()}{told[1:]}."


def assumption_words(value: Estimate) -> str:
    """What the estimate rests on, one sentence a line."""
    steps = {"prompt": tr("prompts"), "generate": tr("images"), "judge": tr("verdicts")}
    calls = ", ".join(f"{count(number)} {steps.get(step, step)}" for step, number in value.calls.items())
    return "\n".join([tr("Calls expected: {0}.").format(calls), *value.assumptions])
