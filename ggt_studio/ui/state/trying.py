"""The try-out of the open project: what is under way, and what the latest ones came to."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Signal

from ggt_studio.core.errors import describe
from ggt_studio.core.model import Patch
from ggt_studio.core.policy import Summary
from ggt_studio.pipeline.progress import Progress
from ggt_studio.pipeline.trying import Trying, TryoutReport
from ggt_studio.store import patches, tryouts
from ggt_studio.store.named_recipes import Choice
from ggt_studio.store.project import Project
from ggt_studio.store.tryouts import Result, Tryout

if TYPE_CHECKING:
    from ggt_studio.ui.state.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Shown:
    """A try-out with its patches as they stand now, and its results by run and patch."""

    tryout: Tryout
    patches: tuple[Patch, ...]
    results: dict[tuple[int, int], Result]


class TryingOut(QObject):
    """One try-out at a time, never beside a run: both would settle each other's calls."""

    changed = Signal()
    """A try-out began, moved or ended: see `running`, `progress`, `report`."""
    shown_changed = Signal()
    """`shown` is another one, or more has come."""
    problem = Signal(str)
    """It could not begin or go on: a sentence for people."""

    def __init__(self, project: Workspace) -> None:
        super().__init__()
        self._project = project
        self._trying: Trying | None = None
        self.progress: Progress | None = None
        self.report: TryoutReport | None = None
        self.shown: Shown | None = None
        self.wanted: list[int] = []
        """The patches that a person selected elsewhere, to try recipes on."""
        self._seen_done = -1

    @property
    def running(self) -> bool:
        """Whether a try-out is under way."""
        return self._trying is not None

    def start(self, recipes: Sequence[tuple[str, Choice]], patch_ids: Sequence[int], budget_usd: float | None) -> None:
        """Begin a try-out. Raises StudioError for a choice that cannot be run; does nothing while one is under way, or what must
        not be beside it."""
        if self._project.engaged:
            return
        session = self._project.session
        trying = Trying(session, recipes, patch_ids, budget_usd=budget_usd, on_progress=self._moved)
        self._trying, self.report, self.progress, self._seen_done = trying, None, None, -1
        task = self._project.tasks.spawn(trying.run(), self._ended, self._broke_off)
        task.add_done_callback(self._gone)
        self.changed.emit()

    def stop(self) -> None:
        """End it at once; what was recorded stays."""
        if self._trying is not None:
            self._trying.stop()

    def show_latest(self) -> None:
        """Read the newest try-out that there is."""
        self._project.ask(_latest, self._take)

    def read_again(self) -> None:
        """Read the shown try-out again: its patches may have changed."""
        if self.shown is not None:
            of = self.shown.tryout
            self._project.ask(lambda project: _read(project, of), self._take)

    async def adopt(self, run_id: int, patch_id: int) -> Summary:
        """Make a result the patch's candidate without paying again. Raises StudioError where it cannot be."""
        summary = await self._project.query(lambda project: tryouts.adopt(project, run_id, patch_id))
        self._project.patches_changed.emit()
        self._project.refresh()
        self.read_again()
        return summary

    def _moved(self, progress: Progress) -> None:
        self.progress = progress
        if self._trying is not None and self._trying.tryout is not None and progress.done != self._seen_done:
            self._seen_done = progress.done
            of = self._trying.tryout
            self._project.ask(lambda project: _read(project, of), self._take)
        self.changed.emit()

    def _ended(self, report: TryoutReport) -> None:
        self._trying, self.report = None, report
        self._project.ask(lambda project: _read(project, report.tryout), self._take)
        self._project.refresh()
        self.changed.emit()

    def _broke_off(self, error: Exception) -> None:
        self._trying = None
        self.changed.emit()
        self.problem.emit(describe(error))

    def _gone(self, task: asyncio.Future[Any]) -> None:
        if task.cancelled():
            self._trying = None

    def _take(self, shown: Shown | None) -> None:
        self.shown = shown
        self.shown_changed.emit()


def _latest(project: Project) -> Shown | None:
    newest = next(iter(tryouts.ids(project)), None)
    return _read(project, tryouts.tryout(project, newest)) if newest is not None else None


def _read(project: Project, of: Tryout) -> Shown:
    return Shown(of, tuple(patches.by_ids(project, of.patch_ids)), tryouts.results(project, of))
