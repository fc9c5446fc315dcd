"""The long jobs of an open project: import, run and export, one of each at a time."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from PySide6.QtCore import Signal

from ggt_studio.core.errors import describe
from ggt_studio.dataset.export import ExportReport
from ggt_studio.dataset.importer import ImportOptions, ImportProgress, ImportReport, import_photos
from ggt_studio.pipeline.engine import Engine, RunReport
from ggt_studio.pipeline.exporting import ExportChoice, export_project
from ggt_studio.pipeline.progress import Progress
from ggt_studio.pipeline.recipes import MetricGate
from ggt_studio.pipeline.session import Session
from ggt_studio.store import runs
from ggt_studio.ui.bridge import Tasks
from ggt_studio.ui.state.project import OpenProject
from ggt_studio.worker.process import Progress as Step

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class RunChoice:
    """What a person chose for a run; ids of the registry, and which metrics stand before the judge.

    `limit` is how many patches it takes at most, `budget_usd` what it may cost at most; None: as many, as much as there is.
    `in_batch`: candidates are ordered in a batch and collected later, instead of made at once.
    """

    generator: str
    prompts: str
    judge: str
    limit: int | None = None
    metric_gate: MetricGate = MetricGate.DEFAULT
    budget_usd: float | None = None
    in_batch: bool = False


@dataclass(frozen=True, slots=True)
class ExportProgress:
    """A moment of an export."""

    done: int
    total: int


class Jobs(OpenProject):
    """Begins, pauses and stops work, and tells how far it is."""

    work_changed = Signal()
    """An import, run or export began, moved, paused or ended: see `importing`, `run_progress`, `exporting`."""
    import_done = Signal(object)
    """`ImportReport`"""
    run_done = Signal(object)
    """`RunReport`"""
    export_done = Signal(object)
    """`ExportReport`"""
    noticed = Signal(str)
    """A provider at work tells what a person should know at once, in words."""

    def __init__(self, session: Session, tasks: Tasks) -> None:
        super().__init__(session, tasks)
        self.importing: ImportProgress | None = None
        self.run_progress: Progress | None = None
        self.image_progress: Step | None = None
        """How far a model on this machine is with its image, or with being loaded."""
        session.services.telling.on_notice = self.noticed.emit
        session.services.telling.on_progress = self._image_moved
        self.exporting: ExportProgress | None = None
        self.last_import: ImportReport | None = None
        self.last_run: RunReport | None = None
        self._import_task: asyncio.Future[Any] | None = None
        self._engine: Engine | None = None
        self._run_task: asyncio.Future[Any] | None = None
        self._export_stop: threading.Event | None = None
        self._last_work_signal = 0.0
        self.left_off = ""
        """How the latest run ended where it did not come to its end, as `store.runs.left_off` says."""
        self._read_left_off()

    # --- import -------------------------------------------------------------------------------------------------

    def start_import(self, paths: Sequence[Path], options: ImportOptions) -> None:
        """Import files and folders. Does nothing while another import is under way."""
        if self.importing is not None:
            return
        self.importing = ImportProgress(0, 0, 0, 0, "")
        work = import_photos(self.session.store, self.session.pool, list(paths), options, self._import_moved)
        self._import_task = self._begin(work, self._import_ended)

    def stop_import(self) -> None:
        """End the import; what was recorded stays."""
        if self._import_task is not None:
            self._import_task.cancel()

    def _import_moved(self, progress: ImportProgress) -> None:
        self.importing = progress
        self._moved()

    def _import_ended(self, report: ImportReport | None) -> None:
        self.importing, self._import_task = None, None
        self._ended()
        if report is not None:
            self.last_import = report
            self.import_done.emit(report)

    # --- run ----------------------------------------------------------------------------------------------------

    @property
    def running(self) -> bool:
        """Whether a run is under way, paused or not."""
        return self._engine is not None

    @property
    def run_paused(self) -> bool:
        """Whether the run is paused."""
        return self._engine is not None and self._engine.paused

    def start_run(self, choice: RunChoice, *, generate: bool = True) -> None:
        """Run a recipe over the open patches; without `generate` over those that have a candidate, and no further one is made.

        Does nothing while a run is under way.
        """
        if self.running:
            return
        recipe = self.session.recipe(choice.generator, choice.prompts, choice.judge, metric_gate=choice.metric_gate)
        self._engine = Engine(
            self.session.store,
            self.session.pool,
            self.session.registry,
            recipe,
            limit=choice.limit,
            niqe_parameters=self.session.settings.niqe_parameters,
            on_progress=self._run_moved,
            limiters=self.session.limiters,
            budget_usd=choice.budget_usd,
            generate=generate,
        )
        self.last_run = None
        self._run_task = self._begin(self._engine.run(), self._run_ended)

    def pause_run(self) -> None:
        """Begin nothing new; what is under way is finished."""
        if self._engine is not None:
            self._engine.pause()
            self.work_changed.emit()

    def resume_run(self) -> None:
        """Go on."""
        if self._engine is not None:
            self._engine.resume()
            self.work_changed.emit()

    def stop_run(self) -> None:
        """End the run at once; what was recorded stays."""
        if self._engine is not None:
            self._engine.stop()

    def _read_left_off(self) -> None:
        self.ask(runs.left_off, self._take_left_off)

    def _take_left_off(self, ended: str) -> None:
        if ended != self.left_off:
            self.left_off = ended
            self.work_changed.emit()

    def _run_moved(self, progress: Progress) -> None:
        self.run_progress = progress
        self._moved()

    def _image_moved(self, progress: Step) -> None:
        self.image_progress = progress if progress.done < progress.total else None
        self._moved()

    def _run_ended(self, report: RunReport | None) -> None:
        self._engine, self._run_task, self.run_progress, self.image_progress = None, None, None, None
        self._read_left_off()
        self._ended()
        if report is not None:
            self.last_run = report
            self.run_done.emit(report)

    # --- export -------------------------------------------------------------------------------------------------

    def start_export(self, choice: ExportChoice) -> None:
        """Export a selection. Does nothing while another export is under way."""
        if self.exporting is not None:
            return
        self.exporting = ExportProgress(0, 0)
        self._export_stop = threading.Event()
        loop = asyncio.get_running_loop()

        def moved(done: int, total: int) -> None:
            loop.call_soon_threadsafe(self._export_moved, ExportProgress(done, total))

        work = export_project(
            self.session.store,
            choice,
            moved,
            self._export_stop,
        )
        self._begin(work, self._export_ended, stopped=self._export_stop.is_set)

    def stop_export(self) -> None:
        """End the export; nothing of it stays."""
        if self._export_stop is not None:
            self._export_stop.set()

    def _export_moved(self, progress: ExportProgress) -> None:
        if self.exporting is not None:
            self.exporting = progress
            self._moved()

    def _export_ended(self, report: ExportReport | None) -> None:
        self.exporting, self._export_stop = None, None
        self._ended()
        if report is not None:
            self.export_done.emit(report)

    # --- work in general ----------------------------------------------------------------------------------------

    @property
    def busy(self) -> bool:
        """Whether an import, run or export is under way."""
        return self.importing is not None or self.running or self.exporting is not None

    async def close(self) -> None:
        """Stop all work, let it clean up, and close the project."""
        self._closed = True
        self.stop_run()
        self.stop_export()
        await super().close()

    def _begin(
        self,
        work: Coroutine[Any, Any, T],
        ended: Callable[[T | None], None],
        *,
        stopped: Callable[[], bool] = lambda: False,
    ) -> asyncio.Future[T]:
        def on_error(error: Exception) -> None:
            asked_for = stopped()
            ended(None)
            if not asked_for:
                self.failed.emit(describe(error))

        task = self.tasks.spawn(work, ended, on_error)
        task.add_done_callback(lambda done: ended(None) if done.cancelled() else None)
        self.keep_refreshing(True)
        self.work_changed.emit()
        return task

    def _moved(self) -> None:
        # Progress may come thousands of times a second; nobody sees more than a few.
        now = time.monotonic()
        if now - self._last_work_signal > 0.1:
            self._last_work_signal = now
            self.work_changed.emit()

    def _ended(self) -> None:
        if not self.busy:
            self.keep_refreshing(False)
        self.work_changed.emit()
        self.patches_changed.emit()
        self.refresh()
