"""The open project as views see it: its counts, reads and changes on the store's thread, and the signals that tell of them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import TypeVar

from PySide6.QtCore import QObject, QTimer, Signal

from ggt_studio.pipeline.session import Session
from ggt_studio.store.project import Project
from ggt_studio.store.status import Status
from ggt_studio.store.status import status as read_status
from ggt_studio.ui.bridge import Tasks
from ggt_studio.ui.state.offers import Offers
from ggt_studio.ui.widgets.thumbnails import ThumbnailCache

T = TypeVar("T")
_POLL_MS = 400


class OpenProject(QObject):
    """One open project. All methods are called on the window's thread, inside its running event loop."""

    status_changed = Signal(object)
    """A new `Status`: the counts differ from the last ones."""
    patches_changed = Signal()
    """Patches were added or changed in bulk: lists of them should be read again."""
    patch_changed = Signal(int)
    """A person decided about this one patch."""
    failed = Signal(str)
    """Something could not be done: a sentence for people."""

    def __init__(self, session: Session, tasks: Tasks) -> None:
        super().__init__()
        self.session = session
        self.tasks = tasks
        self.status: Status | None = None
        self._closed = False
        self._timer = QTimer(self, interval=_POLL_MS)
        self._timer.timeout.connect(self.refresh)
        self.refresh()

    @property
    def folder(self) -> Path:
        """The project's folder."""
        return self.session.store.folder

    @property
    def read_only(self) -> bool:
        """Whether the project may only be looked at."""
        return self.session.store.read_only

    @cached_property
    def thumbnails(self) -> ThumbnailCache:
        """Small pictures of patches and candidates, shared by all pages; made when first asked for."""
        return ThumbnailCache(None if self.read_only else self.folder / "cache" / "thumbnails")

    @cached_property
    def offers(self) -> Offers:
        """What the providers lack, and the keys of services; looked up when first asked for."""
        return Offers(self.session.registry, self.session.services, self.tasks, self.session.pool)

    async def query(self, read: Callable[[Project], T]) -> T:
        """Run a read on the store's thread and await its result."""
        return await self.session.store.call(read)

    def ask(self, read: Callable[[Project], T], done: Callable[[T], None]) -> None:
        """As `query`, for code that is no coroutine: `done` gets the result."""
        self.tasks.spawn(self.query(read), done)

    def refresh(self) -> None:
        """Read the counts again."""
        if not self._closed:
            self.ask(read_status, self._take_status)

    def _take_status(self, now: Status) -> None:
        if now != self.status:
            self.status = now
            self.status_changed.emit(now)

    def keep_refreshing(self, on: bool) -> None:
        """Read the counts several times a second, as long as work under way changes them."""
        if on:
            self._timer.start()
        else:
            self._timer.stop()

    # --- changing -----------------------------------------------------------------------------------------------

    def change(self, edit: Callable[[Project], T], done: Callable[[T], None] | None = None) -> None:
        """Run a change of any number of patches on the store's thread; `done` gets its result."""

        def changed(result: T) -> None:
            self.patches_changed.emit()
            self.refresh()
            if done is not None:
                done(result)

        self.tasks.spawn(self.session.store.call(edit), changed)

    async def close(self) -> None:
        """End all tasks and close the project."""
        self._closed = True
        self._timer.stop()
        try:
            await self.tasks.close()
            if "thumbnails" in self.__dict__:
                self.thumbnails.close()
        finally:
            await asyncio.to_thread(self.session.close)
