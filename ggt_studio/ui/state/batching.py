"""The batches of the open project: ordered, looked up, collected and cancelled, one of these at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from PySide6.QtCore import QObject, Signal

from ggt_studio.core.errors import StudioError, describe
from ggt_studio.core.words import Stage, State
from ggt_studio.pipeline import batch_results, batch_runs
from ggt_studio.store.batch_jobs import BatchJob, batch_jobs
from ggt_studio.store.patches import count_unjudged
from ggt_studio.store.project import Project
from ggt_studio.store.status import status

if TYPE_CHECKING:
    from ggt_studio.ui.state.jobs import RunChoice
    from ggt_studio.ui.state.workspace import Workspace

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class OpenBatch:
    """A batch under way, the name of its model for people, and the most that all of it can cost (None: nobody knows)."""

    job: BatchJob
    label: str
    most_usd: float | None


class Batching(QObject):
    """Orders are never beside a run: both would settle each other's calls. Collecting may be."""

    changed = Signal()
    """Something began, moved or ended, or `open` and `unjudged` say something else."""
    ordered = Signal(object)
    """`Submission`"""
    collected = Signal(object)
    """`Collected`"""
    cancelled = Signal(object)
    """`BatchJob`"""
    problem = Signal(str)
    """Something could not be done: a sentence for people."""

    def __init__(self, project: Workspace) -> None:
        super().__init__()
        self._project = project
        self._task: asyncio.Future[Any] | None = None
        self.doing = ""
        """What is under way: `order`, `collect` or `cancel`; empty when nothing is."""
        self.progress: tuple[int, int] = (0, 0)
        """How many of how many patches are prepared, or results collected."""
        self.open: tuple[OpenBatch, ...] = ()
        self.unjudged = 0
        """Candidates that are there and are still to be measured or judged."""

    @property
    def ordering(self) -> bool:
        """Whether an order is being made and sent."""
        return self.doing == "order"

    def takes_batches(self, generator: str) -> bool:
        """Whether a generator's vendor takes orders in batches."""
        return self.info_of(generator) is not None

    def info_of(self, generator: str) -> Any:
        """What is known of a generator at the prices of batches; None where it takes none, or is not there."""
        try:
            return batch_runs.batches_of(self._project.session.registry, generator).info
        except StudioError:
            return None

    def read(self) -> None:
        """Read which batches are under way, and how many candidates wait to be judged."""
        self._project.ask(_read, self._take)

    def order(self, choice: RunChoice) -> None:
        """Order the next candidates of the open patches; does nothing while something else is under way that must not be beside it.

        Raises StudioError for a choice that cannot be.
        """
        if self._project.engaged:
            return
        session = self._project.session
        recipe = session.recipe(choice.generator, choice.prompts, choice.judge, metric_gate=choice.metric_gate)
        self._begin(
            "order",
            lambda: batch_runs.submit(
                session, recipe, limit=choice.limit, budget_usd=choice.budget_usd, on_progress=self._moved
            ),
            self.ordered.emit,
        )

    def collect(self) -> None:
        """Ask the vendors how far their batches are, and take what is done."""
        session = self._project.session
        self._begin("collect", lambda: batch_results.collect(session, self._moved), self.collected.emit)

    def cancel(self, name: str) -> None:
        """Ask for the end of a batch."""
        session = self._project.session
        self._begin("cancel", lambda: batch_results.cancel(session, name), self.cancelled.emit)

    def stop(self) -> None:
        """End what is under way. What was recorded stays; an order that may have left is looked up the next time."""
        if self._task is not None:
            self._task.cancel()

    def _begin(self, doing: str, work: Callable[[], Coroutine[Any, Any, T]], told: Callable[[T], None]) -> None:
        if self.doing:
            return
        self.doing, self.progress = doing, (0, 0)

        def ended(result: T) -> None:
            self._gone()
            told(result)

        def broke_off(error: Exception) -> None:
            self._gone()
            self.problem.emit(describe(error))

        self._task = self._project.tasks.spawn(work(), ended, broke_off)
        self._task.add_done_callback(lambda task: self._gone() if task.cancelled() else None)
        self.changed.emit()

    def _gone(self) -> None:
        self.doing, self._task = "", None
        self._project.patches_changed.emit()
        self._project.refresh()
        self.read()
        self.changed.emit()

    def _moved(self, done: int, total: int) -> None:
        self.progress = done, total
        self.changed.emit()

    def _take(self, found: tuple[list[BatchJob], int]) -> None:
        jobs, unjudged = found
        before = self.open, self.unjudged
        self.open, self.unjudged = tuple(self._known(job) for job in jobs), unjudged
        if before != (self.open, self.unjudged):
            self.changed.emit()

    def _known(self, job: BatchJob) -> OpenBatch:
        info = self.info_of(job.provider)
        if info is None:
            return OpenBatch(job, job.provider, None)
        return OpenBatch(job, info.label, job.items * batch_runs.most_usd(info) if info.price_known else None)


def _read(project: Project) -> tuple[list[BatchJob], int]:
    made = status(project).count(state=State.OPEN, held=False, stage_at_least=Stage.GENERATED)
    return batch_jobs(project, open_only=True), count_unjudged(project) if made else 0
