"""Decisions on their way to disk: the page moves on at once, and claims nothing before the store has it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from PySide6.QtCore import QObject, Signal

from ggt_studio.core.errors import describe
from ggt_studio.core.words import Decision, RejectReason
from ggt_studio.ui.state.workspace import Workspace


class Decisions(QObject):
    """Hands decisions over in the order in which they were made; undo and redo wait for those on their way."""

    recorded = Signal(int, object, object)
    """Patch, `Decision` and `RejectReason` or None: it is on disk."""
    lost = Signal(int, str)
    """Patch and why its decision could not be recorded."""
    undone = Signal(int)
    """The latest decision about this patch was taken back."""
    redone = Signal(int)
    """The decision about this patch that was taken back stands again."""
    nothing = Signal(str)
    """There is nothing to take back or to make again: a sentence for people."""

    def __init__(self, workspace: Workspace) -> None:
        super().__init__()
        self._workspace = workspace
        self._on_their_way: dict[asyncio.Future[Any], int] = {}
        self._travelling = False

    @property
    def pending(self) -> frozenset[int]:
        """The patches whose decisions are not on disk yet."""
        return frozenset(self._on_their_way.values())

    def decide(
        self, patch_id: int, decision: Decision, reason: RejectReason | None, words: str, seen_sha256: str | None
    ) -> None:
        """Begin to record a decision about the candidate that was shown."""

        def done(_: object) -> None:
            self._on_their_way.pop(task, None)
            self.recorded.emit(patch_id, decision, reason)

        def failed(error: Exception) -> None:
            self._on_their_way.pop(task, None)
            self.lost.emit(patch_id, describe(error))

        work = self._workspace.reviewing.decide(patch_id, decision, reason, words, seen_sha256)
        task = self._workspace.tasks.spawn(work, done, failed)
        self._on_their_way[task] = patch_id

    def undo(self) -> None:
        """Take this person's latest decision back, of this sitting or an earlier one."""
        self._travel(
            self._workspace.reviewing.undo, self.undone, self.tr("There is no decision of yours left to undo.")
        )

    def redo(self) -> None:
        """Make the decision that was taken back once more."""
        self._travel(self._workspace.reviewing.redo, self.redone, self.tr("There is nothing to redo."))

    def _travel(self, act: Callable[[], Awaitable[int | None]], told: Any, nothing: str) -> None:
        if self._travelling:
            return
        self._travelling = True

        async def go() -> int | None:
            try:
                if self._on_their_way:
                    await asyncio.wait(list(self._on_their_way))
                return await act()
            finally:
                self._travelling = False

        def done(patch_id: int | None) -> None:
            if patch_id is None:
                self.nothing.emit(nothing)
            else:
                told.emit(patch_id)

        self._workspace.tasks.spawn(go(), done)
