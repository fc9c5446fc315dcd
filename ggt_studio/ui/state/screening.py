"""The screening of the open project by a model that reads: what is under way, what it would cost, and what it found."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Signal

from ggt_studio.core.errors import describe
from ggt_studio.pipeline.progress import Progress
from ggt_studio.pipeline.screening import ScreeningCost, ScreeningRun, ScreenReport, screening_cost
from ggt_studio.providers.base import Screener
from ggt_studio.store.experience import paces
from ggt_studio.store.project import Project
from ggt_studio.store.screenings import ScreenedOut, count_unscreened, screened_out

if TYPE_CHECKING:
    from ggt_studio.ui.state.workspace import Workspace

MOST_LISTED = 500


@dataclass(frozen=True, slots=True)
class ScreeningChoice:
    """What a person asks for: the model, whether its quality levels take the place of the measured ones, at most how many
    patches, and what it may cost at most (None: no limit)."""

    screener: str
    grade: bool
    limit: int | None
    budget_usd: float | None


class Screening(QObject):
    """One screening at a time, never beside a run: both would settle each other's calls."""

    changed = Signal()
    """It began, moved, paused or ended: see `running`, `progress`."""
    found_changed = Signal()
    """`found` is another one."""
    done = Signal(object)
    """`ScreenReport`"""
    problem = Signal(str)
    """It could not begin or go on: a sentence for people."""

    def __init__(self, workspace: Workspace) -> None:
        super().__init__()
        self._workspace = workspace
        self._run: ScreeningRun | None = None
        self.paused = False
        self.progress: Progress | None = None
        self.found: tuple[ScreenedOut, ...] = ()
        """The patches that are held back by what a model said of them, the latest `MOST_LISTED`."""

    @property
    def running(self) -> bool:
        """Whether a screening is under way, paused or not."""
        return self._run is not None

    def start(self, choice: ScreeningChoice) -> None:
        """Begin a screening. Does nothing while one, a run, a try-out or an order is under way.

        Raises StudioError for a model that is not there.
        """
        if self._workspace.engaged:
            return
        session = self._workspace.session
        screener = session.registry.screener(choice.screener)
        self._run = ScreeningRun(
            session.store,
            screener,
            limit=choice.limit,
            grade=choice.grade,
            on_progress=self._moved,
            limiters=session.limiters,
            budget_usd=choice.budget_usd,
        )
        self.progress, self.paused = None, False
        task = self._workspace.tasks.spawn(self._screen(screener, self._run), self._ended, self._broke_off)
        task.add_done_callback(self._gone)
        self._workspace.keep_refreshing(True)
        self._workspace.work_changed.emit()
        self.changed.emit()

    async def _screen(self, screener: Screener, run: ScreeningRun) -> ScreenReport:
        await self._workspace.session.registry.check_one(screener)
        return await run.run()

    def pause(self) -> None:
        """Ask about no further patch; what was asked is finished."""
        if self._run is not None:
            self._run.pause()
            self.paused = True
            self.changed.emit()

    def resume(self) -> None:
        """Go on."""
        if self._run is not None:
            self._run.resume()
            self.paused = False
            self.changed.emit()

    def stop(self) -> None:
        """End it at once; what was recorded stays, and the next screening goes on from there."""
        if self._run is not None:
            self._run.stop()

    def work_out(self, choice: ScreeningChoice, done: Callable[[ScreeningCost], None]) -> None:
        """What a screening would take; `done` gets it. Raises StudioError for a model that is not there."""
        info = self._workspace.session.registry.screener(choice.screener).info

        def read(project: Project) -> ScreeningCost:
            unseen = count_unscreened(project, info.id)
            patches = unseen if choice.limit is None else min(choice.limit, unseen)
            return screening_cost(info, patches, paces(project).get((info.id, "screen")))

        self._workspace.ask(read, done)

    def read(self) -> None:
        """Read which patches are held back by what a model said."""
        self._workspace.ask(lambda project: screened_out(project, MOST_LISTED), self._take)

    def _take(self, found: list[ScreenedOut]) -> None:
        if tuple(found) != self.found:
            self.found = tuple(found)
            self.found_changed.emit()

    def _moved(self, progress: Progress) -> None:
        self.progress = progress
        self.changed.emit()

    def _ended(self, report: ScreenReport) -> None:
        self._rest()
        self.done.emit(report)

    def _broke_off(self, error: Exception) -> None:
        self._rest()
        self.problem.emit(describe(error))

    def _gone(self, task: asyncio.Future[Any]) -> None:
        if task.cancelled():
            self._run = None

    def _rest(self) -> None:
        self._run, self.progress, self.paused = None, None, False
        self._workspace.keep_refreshing(self._workspace.busy)
        self._workspace.patches_changed.emit()
        self._workspace.refresh()
        self.read()
        self._workspace.work_changed.emit()
        self.changed.emit()
