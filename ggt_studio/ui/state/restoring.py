"""Photos that are restored in the window, whether a project is open or not: the restorer, the queue, and looks at a part."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QImage, QPainter

from ggt_studio.core.errors import StudioError, describe
from ggt_studio.core.images import load_photo
from ggt_studio.pipeline.restoring import RestoreChoice, RestoreItem, RestoreQueue, Standing
from ggt_studio.ui.bridge import Tasks
from ggt_studio.worker.client import GPU_LANE, WorkerPool

OUT = "restored"
"""The folder beside the photos, unless a person chooses another."""
_LOOK_WITHIN_S = 20.0


@dataclass(frozen=True, slots=True)
class Look:
    """A photo and what was restored of it; `restored` None where there is nothing yet. `part`: top, left, height, width in px of a
    look at a part, None where it is the whole photo."""

    path: Path
    photo: QImage | None
    restored: QImage | None
    problem: str = ""
    part: tuple[int, int, int, int] | None = None
    seconds: float = 0.0


class Restoring(QObject):
    """One queue, which outlives projects. `close` ends its worker."""

    changed = Signal()
    """Photos were added, moved on, or the work began, paused or ended."""
    model_changed = Signal()
    """See `model`, `about` and `problem`."""
    looked = Signal(object)
    """`Look`"""
    failed = Signal(str)

    def __init__(self, tasks: Tasks) -> None:
        super().__init__()
        self._tasks = tasks
        self._pool = WorkerPool(1)
        self.model: Path | None = None
        self.about: dict[str, Any] = {}
        self.problem = ""
        self.queue = RestoreQueue(self._pool, RestoreChoice(Path()), Path(), on_change=self.changed.emit)
        self.folder_chosen = False
        self._run: asyncio.Future[Any] | None = None
        self._look: asyncio.Future[Any] | None = None
        self._scratch: tempfile.TemporaryDirectory[str] | None = None

    @property
    def running(self) -> bool:
        """Whether photos are being restored, paused or not."""
        return self._run is not None

    @property
    def looking(self) -> bool:
        """Whether a part is being restored to be looked at."""
        return self._look is not None

    # --- the restorer ---------------------------------------------------------------------------------------------

    def choose_model(self, path: Path) -> None:
        """Let photos be restored with this checkpoint; `about` says what it is, `problem` why it cannot be used."""
        self.model, self.about, self.problem = path, {}, ""
        self.model_changed.emit()

        def told(about: dict[str, Any]) -> None:
            if self.model == path:
                self.about = about
                self.model_changed.emit()

        def failed(error: Exception) -> None:
            if self.model == path:
                self.problem = describe(error)
                self.model_changed.emit()

        self._tasks.spawn(self._inspect(path), told, failed)

    async def _inspect(self, path: Path) -> dict[str, Any]:
        self.queue.require_installed()
        return await self._pool.call("restorer_inspect", {"path": str(path)}, lane=GPU_LANE)

    # --- photos ---------------------------------------------------------------------------------------------------

    def add(self, paths: Sequence[Path]) -> None:
        """Let these photos, and those in these folders, wait."""
        if not paths:
            return
        if not self.folder_chosen and not self.queue.items:
            first = paths[0].absolute()
            self.queue.folder = (first if first.is_dir() else first.parent) / OUT

        def found(items: list[RestoreItem]) -> None:
            known = {item.path for item in self.queue.items}
            self.queue.items += [item for item in items if item.path not in known]
            self.changed.emit()

        work = asyncio.to_thread(self.queue.find, list(paths))
        self._tasks.spawn(work, found, lambda error: self.failed.emit(describe(error)))

    def choose_folder(self, folder: Path) -> None:
        """Where restored photos go."""
        self.queue.folder, self.folder_chosen = folder, True
        self.changed.emit()

    def clear(self) -> None:
        """Take all photos off the list; their files stay."""
        if not self.running:
            self.queue.items.clear()
            self.changed.emit()

    # --- restoring ------------------------------------------------------------------------------------------------

    def start(self, choice: RestoreChoice) -> None:
        """Restore what waits, or everything again where nothing does. Does nothing while that is under way."""
        if self.running:
            return
        queue = self.queue
        if choice != queue.choice or not queue.count(Standing.WAITING):
            queue.begin_anew()
        queue.choice = choice
        if queue.paused:
            queue.resume()

        def over(_: object = None) -> None:
            self._run = None
            self.changed.emit()

        def failed(error: Exception) -> None:
            over()
            self.failed.emit(describe(error))

        self._run = self._tasks.spawn(queue.run(), over, failed)
        self._run.add_done_callback(lambda done: over() if done.cancelled() else None)
        self.changed.emit()

    # --- looking --------------------------------------------------------------------------------------------------

    def show(self, item: RestoreItem) -> None:
        """Read a photo and, where there is one, its restored self; `looked` has them."""
        path, out = item.path, item.out

        async def read() -> Look:
            try:
                photo = await asyncio.to_thread(_image, path)
            except StudioError as error:
                return Look(path, None, None, str(error))
            try:
                return Look(path, photo, await asyncio.to_thread(_image, out) if out else None)
            except StudioError as error:
                return Look(path, photo, None, str(error))

        self._tasks.spawn(read(), self.looked.emit)

    def look_at(self, item: RestoreItem, choice: RestoreChoice, part: tuple[int, int, int, int]) -> None:
        """Restore a part (top, left, height, width in px) to be looked at; the earlier look is given up."""
        if self._look is not None:
            self._look.cancel()
        if self._scratch is None:
            self._scratch = tempfile.TemporaryDirectory(prefix="ggt-studio-")
        places = {name: str(Path(self._scratch.name) / f"{name}.png") for name in ("lq_path", "out_path")}
        params = choice.parameters() | {"path": str(item.path), "box": list(part)} | places

        async def restore() -> Look:
            self.queue.require_installed()
            told = await self._pool.call("restore_region", params, lane=GPU_LANE, cancel_within_s=_LOOK_WITHIN_S)
            lq, hq = await asyncio.to_thread(lambda: (_opaque(places["lq_path"]), _opaque(places["out_path"])))
            return Look(item.path, lq, hq, part=part, seconds=float(told["seconds"]))

        def ended(done: Callable[[], None]) -> None:
            self._look = None
            self.changed.emit()
            done()

        self._look = self._tasks.spawn(
            restore(),
            lambda look: ended(lambda: self.looked.emit(look)),
            lambda error: ended(lambda: self.failed.emit(describe(error))),
        )
        self.changed.emit()

    def close(self) -> None:
        """End the work and its process."""
        self.queue.stop()
        self._pool.close()
        if self._scratch is not None:
            self._scratch.cleanup()


def _opaque(path: str) -> QImage:
    """An image laid over white, as whole photos are shown."""
    image = QImage(path)
    if image.isNull() or not image.hasAlphaChannel():
        return image
    flat = QImage(image.size(), QImage.Format.Format_RGB32)
    flat.fill(Qt.GlobalColor.white)
    painter = QPainter(flat)
    painter.drawImage(0, 0, image)
    painter.end()
    return flat


def _image(path: Path) -> QImage:
    """The photo upright, opaque, sRGB. Raises UnusableImage."""
    pixels = load_photo(path).pixels
    height, width = pixels.shape[:2]
    data = np.ascontiguousarray(pixels).tobytes()
    return QImage(data, width, height, 3 * width, QImage.Format.Format_RGB888).copy()
