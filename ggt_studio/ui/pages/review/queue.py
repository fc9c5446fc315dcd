"""The pairs of the current filter in their order, and where a person stands among them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from PySide6.QtCore import QObject, Signal

from ggt_studio.store import review_sheet
from ggt_studio.store.review_sheet import Ids
from ggt_studio.ui.pages.review.memory import Place
from ggt_studio.ui.state.workspace import Workspace


class ReviewQueue(QObject):
    """Ids in the order of review. A decided pair keeps its place until the filter changes, so that one can go back to it;
    pairs that come to fit are appended at the end. The list of ids is 8 bytes a pair and read off the window's thread.
    """

    changed = Signal()
    """Ids were read, appended or dropped."""

    def __init__(self, workspace: Workspace) -> None:
        super().__init__()
        self._workspace = workspace
        self.place = Place()
        self.ids: Ids = np.empty(0, np.int64)
        self.decided: set[int] = set()
        """Decided since the filter was chosen: they keep their place and are passed over when going on."""
        self.complete = False
        self._generation = 0
        self._first: int | None = None
        self._growing = False

    async def open(self, place: Place) -> int | None:
        """Choose a filter; returns the patch to begin with, after one keyset page. The ids follow with `read_all`."""
        self._generation += 1
        mine = self._generation
        self.place, self.decided, self.complete = place, set(), False
        first = await self._workspace.query(lambda project: review_sheet.place(project, place.filter, place.patch_id))
        if mine != self._generation:
            return None
        self._first = first if place.patch_id == 0 else None
        self._take(np.array([] if first is None else [first], np.int64))
        return first

    async def read_all(self) -> None:
        """Read the ids of everything that fits the filter."""
        mine, which = self._generation, self.place.filter
        ids = await self._workspace.query(lambda project: review_sheet.all_ids(project, which))
        if mine == self._generation:
            # What was decided meanwhile no longer fits; it keeps its place all the same.
            missing = self.ids[~np.isin(self.ids, ids)]
            ids = np.insert(ids, np.searchsorted(ids, missing), missing)
            if self._first is not None:
                # What has come before the first pair since that was shown follows at the end, as all that comes in.
                ids = np.concatenate([ids[ids >= self._first], ids[ids < self._first]])
            self.complete = True
            self._take(ids)

    async def grow(self) -> None:
        """Append what has come to fit, drop what another change took away; decided ones and the one in front stay."""
        if not self.complete or self._growing:
            return
        self._growing = True
        mine, which, shown = self._generation, self.place.filter, self.ids
        kept = self.decided | {self.place.patch_id}
        try:
            ids = await self._workspace.query(lambda project: review_sheet.grown(project, which, shown, kept))
        finally:
            self._growing = False
        if mine == self._generation and not np.array_equal(ids, self.ids):
            self._take(ids)

    def _take(self, ids: Ids) -> None:
        self.ids = ids
        self.changed.emit()

    def stand_at(self, patch_id: int) -> None:
        """The patch in front."""
        self.place = replace(self.place, patch_id=patch_id)

    @property
    def memory(self) -> Place:
        """Where to go on another time: at the beginning, unless pairs that are still to be decided were passed over."""
        passed = self.ids[: max(0, self.index(self.place.patch_id))].tolist()
        went_on = any(patch_id not in self.decided for patch_id in passed)
        return self.place if went_on else replace(self.place, patch_id=0)

    def index(self, patch_id: int) -> int:
        """Where a patch stands; -1 when it is not in this filter."""
        found = np.flatnonzero(self.ids == patch_id)
        return int(found[0]) if len(found) else -1

    def neighbour(self, patch_id: int, step: int) -> int | None:
        """The patch `step` places on (back where negative), decided or not; None beyond the ends."""
        here = self.index(patch_id)
        return int(self.ids[here + step]) if here >= 0 and 0 <= here + step < len(self.ids) else None

    def next_undecided(self, patch_id: int) -> int | None:
        """The next patch not decided yet, from the beginning again after the end; None when all are."""
        start = self.index(patch_id) + 1
        for span in (range(start, len(self.ids)), range(start)):
            for at in span:
                if int(self.ids[at]) not in self.decided:
                    return int(self.ids[at])
        return None
