"""A person's decisions about pairs, with undo and redo."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal

from ggt_studio.core.errors import NothingToUndo, OtherCandidate
from ggt_studio.core.policy import Summary
from ggt_studio.core.words import Decision, RejectReason, State
from ggt_studio.settings import reviewer_name
from ggt_studio.store import review
from ggt_studio.store.project import Project
from ggt_studio.store.review import Deciding
from ggt_studio.ui.state.project import OpenProject


class Reviewing(QObject):
    """Records what the person at the window decides, in their name.

    What can be undone is read off the record: it reaches back past this sitting. What can be redone is this sitting's.
    """

    undo_changed = Signal()
    """`can_undo` or `can_redo` may have changed."""

    def __init__(self, project: OpenProject) -> None:
        super().__init__()
        self._project = project
        self._latest: Deciding | None = None
        self._redo: list[Deciding] = []
        project.patches_changed.connect(self._look_for_latest)
        self._look_for_latest()

    @property
    def reviewer(self) -> str:
        """Who signs decisions."""
        return reviewer_name(self._project.session.settings)

    @property
    def can_undo(self) -> bool:
        """Whether there is a decision of this person's to take back."""
        return self._latest is not None and not self._project.read_only

    @property
    def can_redo(self) -> bool:
        """Whether there is a decision that was taken back in this sitting."""
        return bool(self._redo)

    async def decide(
        self,
        patch_id: int,
        decision: Decision,
        reason: RejectReason | None = None,
        words: str = "",
        seen_sha256: str | None = None,
    ) -> Summary:
        """Record a decision about a pair; `seen_sha256` is the candidate that was shown.

        Raises StudioError when there is nothing to decide about, OtherCandidate when there is another candidate by now.
        """
        summary = await self._record(patch_id, decision, reason, words, seen_sha256)
        self._redo.clear()
        return summary

    async def undo(self) -> int | None:
        """Take back what this person decided last, in this sitting or before; returns its patch, None where nothing is left.

        Raises StudioError where that cannot be recorded.
        """
        reviewer = self.reviewer

        def undo(project: Project) -> tuple[Deciding, Deciding | None]:
            return review.undo_latest(project, reviewer), review.latest_of(project, reviewer)

        try:
            taken_back, before = await self._project.query(undo)
        except NothingToUndo:
            return None
        self._redo.append(taken_back)
        self._decided(taken_back.patch_id, before)
        return taken_back.patch_id

    async def redo(self) -> int | None:
        """Make the decision that was taken back last once more; returns its patch."""
        if not self._redo:
            return None
        again = self._redo[-1]
        made = again.review
        try:
            await self._record(again.patch_id, made.decision, made.reason, made.words, made.target_sha256)
        except OtherCandidate:
            self._redo.remove(again)
            raise
        self._redo.remove(again)
        self.undo_changed.emit()
        return again.patch_id

    async def _record(
        self, patch_id: int, decision: Decision, reason: RejectReason | None, words: str, seen_sha256: str | None
    ) -> Summary:
        reviewer = self.reviewer

        def record(project: Project) -> tuple[Summary, Deciding | None]:
            summary = review.decide(
                project, patch_id, decision, reason=reason, words=words, reviewer=reviewer, seen_sha256=seen_sha256
            )
            return summary, review.latest_of(project, reviewer)

        summary, latest = await self._project.query(record)
        self._decided(patch_id, latest)
        return summary

    def _decided(self, patch_id: int, latest: Deciding | None) -> None:
        self._take_latest(latest)
        self._project.patch_changed.emit(patch_id)
        self._project.refresh()

    def _look_for_latest(self) -> None:
        reviewer = self.reviewer
        self._project.ask(lambda project: review.latest_of(project, reviewer), self._take_latest)

    def _take_latest(self, latest: Deciding | None) -> None:
        self._latest = latest
        self.undo_changed.emit()


def reviewable(state: State) -> bool:
    """Whether a person can decide about a patch in this state."""
    return state in (State.WAITING, State.VERIFIED, State.REJECTED)
