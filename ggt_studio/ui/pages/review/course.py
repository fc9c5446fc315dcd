"""The course of a review: which pair comes next, what a decision does, and how one gets back to it."""

from __future__ import annotations

from PySide6.QtCore import QObject, QTimer, Signal

from ggt_studio.core.words import Decision, RejectReason, State
from ggt_studio.store import patches
from ggt_studio.ui.pages.review import words
from ggt_studio.ui.pages.review.decisions import Decisions
from ggt_studio.ui.pages.review.film import PairRows
from ggt_studio.ui.pages.review.front import Front
from ggt_studio.ui.pages.review.memory import Place
from ggt_studio.ui.pages.review.queue import ReviewQueue
from ggt_studio.ui.pages.review.words import tr
from ggt_studio.ui.state.workspace import Workspace

GROW_MS = 2000


class Course(QObject):
    """Goes through the queue and hands decisions over. Nothing is decided about a pair that was not seen."""

    moved = Signal()
    """Another pair is in front, or the list has changed."""
    emptied = Signal()
    """No pair is in front: the filter holds none, or all are decided."""
    opened = Signal(object)
    """Another `Place` was opened."""
    told = Signal(str, bool)
    """A sentence for people, and whether what it tells can be undone."""
    problem = Signal(str)
    """A decision that was not recorded: a sentence for people."""

    def __init__(self, workspace: Workspace, front: Front) -> None:
        super().__init__()
        self._workspace = workspace
        self.front = front
        self.queue = ReviewQueue(workspace)
        self.rows = PairRows(workspace, self.queue)
        self.decisions = Decisions(workspace)
        self._lost: set[int] = set()
        self._growing = QTimer(self, interval=GROW_MS, singleShot=True)
        self._growing.timeout.connect(self._take_up_what_others_changed)
        self.queue.changed.connect(self.moved)
        front.replaced.connect(self._replaced)
        self.decisions.recorded.connect(self._recorded)
        self.decisions.lost.connect(self._not_recorded)
        self.decisions.undone.connect(self._undone)
        self.decisions.redone.connect(self._redone)
        self.decisions.nothing.connect(lambda sentence: self.told.emit(sentence, False))
        workspace.patch_changed.connect(self._patch_changed)
        workspace.patches_changed.connect(self._patches_changed)
        workspace.status_changed.connect(lambda _: self._look_again())
        workspace.work_changed.connect(self._look_again)

    # --- where ---------------------------------------------------------------------------------------------------

    def open(self, place: Place) -> None:
        """Show the pairs of a filter, from a place in it."""
        self._workspace.tasks.spawn(self.open_now(place))

    async def open_now(self, place: Place) -> None:
        """As `open`; done when the whole list is known. The first pair is there after one keyset page."""
        self.opened.emit(place)
        first = await self.queue.open(place)
        if place.filter != self.queue.place.filter:
            return  # another filter was chosen meanwhile
        if first is None:
            self.front.clear()
        else:
            self.go(first)
            await self.front.pairs.settled(first)
        await self.queue.read_all()
        if self.front.patch_id is not None:
            self._have_ready(self.front.patch_id)
        else:
            self._empty()

    def go(self, patch_id: int) -> None:
        """Put a pair of the queue in front."""
        self.queue.stand_at(patch_id)
        self._have_ready(patch_id)
        self.moved.emit()

    def _have_ready(self, patch_id: int) -> None:
        following = self.queue.next_undecided(patch_id)
        near = [following, *(self.queue.neighbour(patch_id, step) for step in (1, 2, 3, -1))]
        self.front.show(patch_id, list(dict.fromkeys(i for i in near if i is not None and i != patch_id)))

    def step(self, by: int) -> None:
        """Go on or back without deciding; at the ends, stay."""
        if self.front.patch_id is None:
            if by < 0:
                self.go_to_end(first=False)
            return
        target = self.queue.neighbour(self.front.patch_id, by)
        if target is not None:
            self.go(target)

    def go_to_end(self, *, first: bool) -> None:
        """The first pair, or the last."""
        if len(self.queue.ids):
            self.go(int(self.queue.ids[0 if first else -1]))

    def jump(self, patch_id: int) -> None:
        """Go to a pair wherever it is: in this filter, else in that of its state."""
        if self.queue.index(patch_id) >= 0:
            self.go(patch_id)
            return

        async def elsewhere() -> None:
            patch = await self._workspace.query(lambda project: patches.patch(project, patch_id))
            await self.open_now(Place(patch.state, None, patch_id))

        self._workspace.tasks.spawn(elsewhere())

    def _empty(self) -> None:
        self.front.clear()
        self.emptied.emit()

    # --- deciding ------------------------------------------------------------------------------------------------

    def may_decide(self, *, by_key: bool) -> bool:
        """Whether the pair in front was seen and can be decided about; says so where a person can do something about it."""
        apart = self.front.sight.pressed(by_key=by_key)
        if self.front.patch_id is None or not apart:
            return False
        if self.front.other_attempt:
            self.front.back_to_candidate()
            self.told.emit(tr("You were looking at another attempt. This is the candidate you decide about."), False)
            return False
        obstacle = self.front.obstacle()
        if obstacle:
            self.told.emit(obstacle, False)
        return obstacle is None

    def decide(self, decision: Decision, reason: RejectReason | None = None, said: str = "") -> None:
        """Begin to record a decision about the pair in front, and go on at once."""
        patch_id = self.front.patch_id
        if patch_id is None:
            return
        self._lost.discard(patch_id)
        self.queue.decided.add(patch_id)
        self.decisions.decide(patch_id, decision, reason, said, self.front.candidate_sha256)
        self._mark()
        self._advance(patch_id)

    def _advance(self, patch_id: int) -> None:
        waiting = self.queue.place.state is State.WAITING
        target = self.queue.next_undecided(patch_id) if waiting else self.queue.neighbour(patch_id, 1)
        if target is not None:
            self.go(target)
        elif waiting:
            self.front.clear()
            self._workspace.tasks.spawn(self._look_for_more())
        else:
            self.front.present()

    async def _look_for_more(self) -> None:
        """All known pairs are decided: perhaps others have come."""
        if not self.queue.complete:
            await self.queue.read_all()
        await self.queue.grow()
        if self.front.patch_id is None:
            self._go_on_or_empty()

    def _go_on_or_empty(self) -> None:
        following = self.queue.next_undecided(0)
        if following is None:
            self._empty()
        else:
            self.go(following)

    def _recorded(self, patch_id: int, decision: Decision, reason: RejectReason | None) -> None:
        self._mark()
        self.told.emit(words.decided(decision, reason, patch_id), True)

    def _not_recorded(self, patch_id: int, why: str) -> None:
        """Come back to the pair; where several were lost, to the first of them."""
        self._mark()
        self._patch_changed(patch_id)
        self.queue.decided.discard(patch_id)
        first = not self._lost
        self._lost.add(patch_id)
        self.problem.emit(tr("Your decision about #{0} was not recorded. {1}").format(patch_id, why))
        if not self.decisions.pending:
            self._lost.clear()
        if first:
            self.jump(patch_id)

    def _undone(self, patch_id: int) -> None:
        self.queue.decided.discard(patch_id)
        self.told.emit(tr("Took back the decision about #{0}").format(patch_id), False)
        self.jump(patch_id)

    def _redone(self, patch_id: int) -> None:
        self.queue.decided.add(patch_id)
        self.told.emit(tr("Decided about #{0} as before").format(patch_id), False)
        self.jump(patch_id)

    def _mark(self) -> None:
        pending = self.decisions.pending
        self.rows.mark(pending)
        self.front.recording = pending

    # --- what others change ----------------------------------------------------------------------------------------

    def _patch_changed(self, patch_id: int) -> None:
        self.front.pairs.refresh(patch_id)
        self.rows.refresh(patch_id)

    def _patches_changed(self) -> None:
        self.front.pairs.forget()
        self.rows.forget()
        if self.front.patch_id is not None:
            self._have_ready(self.front.patch_id)
        self.grow()

    def _replaced(self, patch_id: int) -> None:
        self.told.emit(
            tr("#{0} has another candidate now: this one. Look again before you decide.").format(patch_id), False
        )

    def _look_again(self) -> None:
        if not self._growing.isActive():
            self._growing.start()

    def _take_up_what_others_changed(self) -> None:
        if self.front.patch_id is not None and self.front.patch_id not in self.decisions.pending:
            # A run may have made another candidate of the pair that is being looked at.
            self._patch_changed(self.front.patch_id)
        self._grow_if_counts_differ()

    def _grow_if_counts_differ(self) -> None:
        """Read the ids again only where the counts tell of pairs that the list does not know; not for every decision."""
        status, place = self._workspace.status, self.queue.place
        if status is None:
            return
        fitting = status.count(state=place.state, category=place.category)
        known, left = len(self.queue.ids), len(self.queue.decided)
        if fitting != known - left if place.state is State.WAITING else fitting > known:
            self.grow()

    def grow(self) -> None:
        """Take up pairs that have come to fit the filter, at the end; the one in front stays."""
        if self.queue.complete:
            self._workspace.tasks.spawn(self._grow())

    async def _grow(self) -> None:
        await self.queue.grow()
        if self.front.patch_id is None and self.queue.next_undecided(0) is not None:
            self._go_on_or_empty()
        elif self.front.patch_id is None:
            self.emptied.emit()
