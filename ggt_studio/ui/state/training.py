"""The training runs of the open project: what is prepared and trained from this window, and what all runs' folders tell."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PySide6.QtCore import QFile, QObject, QTimer, Signal
from PySide6.QtGui import QImage

from ggt_studio.core.errors import StudioError, describe
from ggt_studio.pipeline.training import (
    check_job,
    keep_job,
    prepare_job,
    run_folders,
    runs_folder,
    train_job,
)
from ggt_studio.pipeline.training_data import DataChoice
from ggt_studio.pipeline.training_results import ExportedModel, bring_back, export_model
from ggt_studio.training.findings import Answer
from ggt_studio.training.job import CHECKPOINTS, LOG_FILE, VALIDATION, is_at_work, request_pause
from ggt_studio.training.recipes import TrainingRecipe
from ggt_studio.training.sources import find_clean, find_pairs
from ggt_studio.training.story import Story, read_story
from ggt_studio.ui.format import counted
from ggt_studio.ui.state.looks import read_whole
from ggt_studio.ui.state.project import OpenProject

_POLL_MS = 1000


@dataclass(frozen=True, slots=True)
class TrainingPlan:
    """What a person chose for a run. `start_from`: a checkpoint to begin with. `controller`, `base`: what DA-CLIP and
    what is trained into a generative model need. `elsewhere`: it is to be trained on another machine.
    `anyway`: it begins whatever is doubtful."""

    name: str
    data: DataChoice
    recipe: TrainingRecipe
    seed: int = 0
    start_from: Path | None = None
    controller: Path | None = None
    base: Path | None = None
    device: str = "auto"
    elsewhere: bool = False
    anyway: bool = False


@dataclass(frozen=True, slots=True)
class Preparing:
    """What is done before the first step, how far, of how many (0: not known)."""

    what: str
    done: int = 0
    total: int = 0


class Training(QObject):
    """One run at a time is trained from here; runs that other processes train are watched, and can be paused."""

    changed = Signal()
    """Runs came, went or moved, or what is under way did."""
    checked = Signal(object)
    """`Preflight` of a run that was not begun: something speaks against it, or is doubtful."""
    begun = Signal(object)
    """The folder of a new run."""
    told = Signal(str)
    failed = Signal(str)

    def __init__(self, project: OpenProject) -> None:
        super().__init__()
        self._project = project
        self.stories: list[Story] = []
        """All runs, the newest first."""
        self.looked = False
        """Whether `stories` was read once."""
        self.preparing: Preparing | None = None
        self.remarks: tuple[str, ...] = ()
        """What is to be said of the pairs that were packed last."""
        self.at_work: Path | None = None
        """The run that is trained from here."""
        self.pausing: set[Path] = set()
        """Runs that were asked to rest and still train."""
        self._work: asyncio.Future[Any] | None = None
        self._looking = False
        self._stamps: dict[Path, tuple[object, Story]] = {}
        self._timer = QTimer(self, interval=_POLL_MS)
        self._timer.timeout.connect(self.look)

    @property
    def busy(self) -> bool:
        """Whether a run is prepared or trained from here."""
        return self._work is not None

    def story(self, folder: Path | None) -> Story | None:
        """What is known of a run."""
        return next((one for one in self.stories if one.folder == folder), None)

    def free_name(self, stem: str) -> str:
        """A name that no run has yet."""
        taken = {one.folder.name for one in self.stories}
        names = (stem if number == 1 else f"{stem} {number}" for number in range(1, len(taken) + 2))
        return next(name for name in names if name not in taken)

    # --- looking --------------------------------------------------------------------------------------------------

    def watch(self, on: bool) -> None:
        """Look at the runs every second while somebody sees them."""
        if on:
            self._timer.start()
            self.look()
        elif not self.busy:
            self._timer.stop()

    def look(self) -> None:
        """Read what there is; `changed` where something is new."""
        if self._looking:
            return
        self._looking = True

        def done(stories: list[Story]) -> None:
            self._looking = False
            if stories != self.stories or not self.looked:
                self.stories, self.looked = stories, True
                self.pausing &= {one.folder for one in stories if one.state == "running"}
                self.changed.emit()

        def failed(error: Exception) -> None:
            self._looking = False
            if not self.busy:
                self._timer.stop()
            self.failed.emit(describe(error))

        self._project.tasks.spawn(asyncio.to_thread(self._read), done, failed)

    def _read(self) -> list[Story]:
        found: dict[Path, tuple[object, Story]] = {}
        for folder in run_folders(self._project.folder):
            stamp = (_stamp(folder / LOG_FILE), _stamp(folder / CHECKPOINTS), is_at_work(folder))
            known = self._stamps.get(folder)
            try:
                found[folder] = known if known and known[0] == stamp else (stamp, read_story(folder))
            except (StudioError, OSError):
                # Half copied, or of a newer version: the command line says which.
                continue
        self._stamps = found
        return [story for _, story in found.values()]

    def photos(self, story: Story, index: int, step: int | None, done: Callable[[dict[str, QImage]], None]) -> None:
        """Read a validation photo: `lq`, `hq` and, where there is one, `restored` at a step."""
        names = {"lq": "lq", "hq": "hq"} | ({"restored": f"step-{step:07d}"} if step is not None else {})
        paths = {side: story.folder / VALIDATION / name / f"{index:03d}.png" for side, name in names.items()}

        def read() -> dict[str, QImage]:
            found = {}
            for side, path in paths.items():
                # What is only just being written comes the next time.
                with suppress(StudioError):
                    if path.is_file():
                        found[side] = read_whole(path)
            return found

        self._project.tasks.spawn(asyncio.to_thread(read), done, lambda error: self.failed.emit(describe(error)))

    def look_into(self, folder: Path, clean: bool, told: Callable[[str, bool], None]) -> None:
        """Find out what there is to train on in a folder: `told` gets words, and whether it can be used."""

        def look() -> str:
            if not clean:
                return find_pairs(folder).words()
            return counted(len(find_clean(folder)), self.tr("1 photo"), self.tr("{0} photos"))

        def failed(error: Exception) -> None:
            told(describe(error), False)

        self._project.tasks.spawn(asyncio.to_thread(look), lambda words: told(words, True), failed)

    # --- working --------------------------------------------------------------------------------------------------

    def start(self, plan: TrainingPlan) -> None:
        """Pack the data, look before the first step, and train. Does nothing while a run is prepared or trained from here."""
        if self.busy:
            return
        self.preparing = Preparing(self.tr("Choosing pairs"))
        self._begin(self._start(plan))

    def resume(self, folder: Path, device: str = "auto", base: Path | None = None) -> None:
        """Go on with a run; `base`: where the model is by now that it is trained into. Does nothing while a run is prepared or
        trained from here."""
        if not self.busy:
            self._begin(self._train(folder, device, base))

    def pause(self, folder: Path) -> None:
        """Let a run write a checkpoint and rest, whichever process trains it."""
        request_pause(folder)
        self.pausing.add(folder)
        self.changed.emit()

    def stop_preparing(self) -> None:
        """Give up what is done before the first step; what was packed stays for the next attempt of the same name."""
        if self.preparing is not None and self._work is not None:
            self._work.cancel()

    async def _start(self, plan: TrainingPlan) -> None:
        folder = runs_folder(self._project.folder) / plan.name
        pool = self._project.session.pool
        job, remarks = await prepare_job(
            pool,
            folder,
            self._project.folder,
            plan.data,
            plan.recipe,
            seed=plan.seed,
            start_from=plan.start_from,
            controller=plan.controller,
            base=plan.base,
            tell=self._prepared,
        )
        self.remarks = tuple(remarks)
        if not plan.elsewhere:
            self._prepared(self.tr("Looking at the pairs and measuring a step"), 0, 0)
            found = await check_job(pool, folder, job, plan.device)
            doubtful = any(finding.answer is Answer.DOUBT for finding in found.findings)
            if not found.can_begin or (doubtful and not plan.anyway):
                self.checked.emit(found)
                return
        await keep_job(folder, job)
        if remarks:
            self.told.emit(" ".join(remarks))
        self.begun.emit(folder)
        if not plan.elsewhere:
            await self._train(folder, plan.device)

    async def _train(self, folder: Path, device: str, base: Path | None = None) -> None:
        self.preparing, self.at_work = None, folder
        self.changed.emit()
        await train_job(self._project.session.pool, folder, device, lambda _done, _total: None, base)

    def _prepared(self, what: str, done: int, total: int) -> None:
        self.preparing = Preparing(what, done, total)
        self.changed.emit()

    def _begin(self, work: Any) -> None:
        def over(_: object = None) -> None:
            self._work, self.preparing, self.at_work = None, None, None
            self.look()
            self.changed.emit()

        def failed(error: Exception) -> None:
            over()
            self.failed.emit(describe(error))

        self._work = self._project.tasks.spawn(work, over, failed)
        self._work.add_done_callback(lambda done: over() if done.cancelled() else None)
        self._timer.start()
        self.changed.emit()

    # --- results --------------------------------------------------------------------------------------------------

    def export(self, folder: Path, step: int, out: Path, *, onnx: bool) -> None:
        """Write a checkpoint into a new folder for others; `told` when it is there."""

        def done(made: ExportedModel) -> None:
            words = self.tr("{0} is in {1}.").format(folder.name, made.folder)
            self.told.emit(f"{words} {made.onnx_refused}".strip())

        work = export_model(self._project.session.pool, folder, out, step=step, onnx=onnx)
        self._project.tasks.spawn(work, done, lambda error: self.failed.emit(describe(error)))
        self.told.emit(self.tr("Writing {0} …").format(out.name))

    def bring_back(self, source: Path) -> None:
        """Copy a run that was trained elsewhere into the project; `begun` when it is there."""

        def done(folder: Path) -> None:
            self.look()
            self.begun.emit(folder)

        work = bring_back(self._project.folder, source)
        self._project.tasks.spawn(work, done, lambda error: self.failed.emit(describe(error)))

    def throw_away(self, folder: Path) -> None:
        """Move a run's folder to the desktop's bin."""

        async def work() -> bool:
            if folder == self.at_work or await asyncio.to_thread(is_at_work, folder):
                raise StudioError(self.tr("{0} is being trained; pause it first.").format(folder.name))
            return await asyncio.to_thread(lambda: _moved_to_trash(folder))

        def done(moved: bool) -> None:
            self.look()
            if not moved:
                self.failed.emit(self.tr("{0} cannot be moved to the bin; delete the folder yourself.").format(folder))

        self._project.tasks.spawn(work(), done, lambda error: self.failed.emit(describe(error)))


def _moved_to_trash(folder: Path) -> bool:
    answer = QFile.moveToTrash(str(folder))
    return bool(answer[0] if isinstance(answer, tuple) else answer)


def _stamp(path: Path) -> tuple[int, int]:
    try:
        status = path.stat()
    except OSError:
        return (0, 0)
    return status.st_mtime_ns, status.st_size
