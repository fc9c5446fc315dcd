"""The decoded images of a try-out, read off the window's thread; the latest few stay in memory."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QImage

from ggt_studio.ui.bridge import Tasks
from ggt_studio.ui.pages.review.pairs import read_picture

KEPT = 24


class Pictures(QObject):
    """`ready` carries the images of the latest `want`, in its order; None where there is no file."""

    ready = Signal(list)

    def __init__(self, tasks: Tasks, parent: QObject) -> None:
        super().__init__(parent)
        self._tasks = tasks
        self._asked = 0
        self._images: dict[Path, QImage] = {}

    def want(self, paths: Sequence[Path | None]) -> None:
        """Read these; what was wanted before is not told any more."""
        self._asked += 1
        self._tasks.spawn(self._read(list(paths), self._asked), self._read_all)

    async def _read(self, paths: list[Path | None], number: int) -> tuple[int, list[QImage | None]]:
        for path in paths:
            if path is not None and path not in self._images:
                picture = await asyncio.to_thread(read_picture, path)
                self._images[path] = picture.image
        found = [self._images.get(path) if path else None for path in paths]
        while len(self._images) > KEPT:
            del self._images[next(iter(self._images))]
        return number, found

    def _read_all(self, found: tuple[int, list[QImage | None]]) -> None:
        if found[0] == self._asked:
            self.ready.emit(found[1])
