"""Thumbnails made off the window's thread, newest wish first, kept in memory and in a folder."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QObject, QThreadPool, Signal
from PySide6.QtGui import QImage
from shiboken6 import isValid

from ggt_studio.ui.widgets.thumbnail_files import ThumbnailFolder, decode

MIB = 1024 * 1024
MOST_WAITING = 256
MOST_ERRORS = 4096


@dataclass(frozen=True, slots=True)
class ThumbKey:
    """What a thumbnail is of: the SHA-256 of the file's content, and where the file is."""

    sha256: str
    path: str


class ThumbnailCache(QObject):
    """`get` answers at once from memory or asks for the picture; `ready` carries the key when it came or turned out broken.

    Owned by Python, without a Qt parent: a running task keeps it alive. Call `close` before the application ends.
    """

    ready = Signal(object)
    _decoded = Signal(object, QImage, str)

    def __init__(
        self,
        folder: Path | None,
        *,
        side: int = 320,
        memory_bytes: int = 96 * MIB,
        folder_bytes: int = 512 * MIB,
        threads: int = 2,
    ) -> None:
        super().__init__()
        self._side, self._memory_limit, self._threads = side, memory_bytes, threads
        self._folder = ThumbnailFolder(folder, side, folder_bytes) if folder else None
        self._memory: OrderedDict[str, QImage] = OrderedDict()
        self._errors: OrderedDict[ThumbKey, str] = OrderedDict()
        self._waiting: OrderedDict[ThumbKey, None] = OrderedDict()
        self._working: set[ThumbKey] = set()
        self._pool = QThreadPool()
        self._pool.setMaxThreadCount(threads)
        self._closed = False
        self.memory_bytes = 0
        self._decoded.connect(self._arrived)

    def get(self, key: ThumbKey) -> QImage | None:
        """The thumbnail, or None while it is being made or where it cannot be."""
        image = self._memory.get(key.sha256)
        if image is not None:
            self._memory.move_to_end(key.sha256)
            return image
        if key not in self._errors and key not in self._working and not self._closed:
            self._waiting[key] = None
            self._waiting.move_to_end(key)
            if len(self._waiting) > MOST_WAITING:
                self._waiting.popitem(last=False)
            self._start()
        return None

    def error(self, key: ThumbKey) -> str:
        """Why there is no thumbnail, in words; empty when nothing is wrong."""
        return self._errors.get(key, "")

    def retry(self, key: ThumbKey) -> None:
        """Forget that a file was broken; the next `get` reads it again."""
        self._errors.pop(key, None)

    def close(self) -> None:
        """Stop: what waits is dropped, what runs is awaited."""
        self._closed = True
        self._waiting.clear()
        self._pool.waitForDone()

    def _start(self) -> None:
        while self._waiting and len(self._working) < self._threads:
            key, _ = self._waiting.popitem()
            self._working.add(key)
            self._pool.start(lambda key=key: self._make(key))

    def _make(self, key: ThumbKey) -> None:
        image = self._folder.load(key.sha256) if self._folder else None
        reason = ""
        if image is None:
            image, reason = decode(Path(key.path), self._side)
            if image is not None and self._folder:
                self._folder.save(key.sha256, image)
        if isValid(self):  # the application may have ended meanwhile
            self._decoded.emit(key, image if image is not None else QImage(), reason)

    def _arrived(self, key: ThumbKey, image: QImage, reason: str) -> None:
        self._working.discard(key)
        if image.isNull():
            self._errors[key] = reason
            if len(self._errors) > MOST_ERRORS:
                self._errors.popitem(last=False)
        elif key.sha256 not in self._memory:
            self._memory[key.sha256] = image
            self.memory_bytes += image.sizeInBytes()
            while self.memory_bytes > self._memory_limit and len(self._memory) > 1:
                _, dropped = self._memory.popitem(last=False)
                self.memory_bytes -= dropped.sizeInBytes()
        self._start()
        self.ready.emit(key)
