"""The list of pairs beside the compare view: thumbnails with state badges, read as far as they are visible."""

from __future__ import annotations

from collections import OrderedDict

from PySide6.QtCore import QObject, QRectF, Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent, QPen, QResizeEvent
from PySide6.QtWidgets import QWidget

from ggt_studio.core.model import Patch
from ggt_studio.store import patches
from ggt_studio.ui import theme
from ggt_studio.ui.pages.review.queue import ReviewQueue
from ggt_studio.ui.pages.review.words import state_badge, tr
from ggt_studio.ui.state.workspace import Workspace
from ggt_studio.ui.vocabulary import category_name
from ggt_studio.ui.widgets.badges import Badge, Tone
from ggt_studio.ui.widgets.grid import GridItem, PatchGrid
from ggt_studio.ui.widgets.thumbnails import ThumbKey, ThumbnailCache

SIDE = 96
ROWS_KEPT = 2000


class PairRows(QObject):
    """The grid's source: the queue's ids, with rows read by visible range."""

    changed = Signal()

    def __init__(self, workspace: Workspace, queue: ReviewQueue) -> None:
        super().__init__()
        self._workspace, self._queue = workspace, queue
        self._rows: OrderedDict[int, Patch] = OrderedDict()
        self.recording: frozenset[int] = frozenset()
        self._awaited: set[int] = set()
        queue.changed.connect(self.changed)

    def count(self) -> int:
        """How many pairs the filter holds."""
        return len(self._queue.ids)

    def item(self, index: int) -> GridItem | None:
        """A row that is there."""
        patch = self._rows.get(int(self._queue.ids[index])) if index < len(self._queue.ids) else None
        if patch is None:
            return None
        # What the filter says of all of them need not cover every photo; what differs stands out.
        badge = None if patch.state is self._queue.place.state else state_badge(patch.state)
        if patch.id in self.recording or patch.id in self._awaited:
            badge = Badge(Tone.BUSY, tr("Recording"))
        thumb = ThumbKey(patch.sha256, str(patch.lq_path))
        return GridItem(patch.id, f"#{patch.id}", category_name(patch.category), badge, thumb)

    def request_range(self, first: int, last: int) -> None:
        """Read the rows that are not there."""
        wanted = [int(i) for i in self._queue.ids[first : last + 1]]
        missing = [patch_id for patch_id in wanted if patch_id not in self._rows]
        if missing:
            self._workspace.ask(lambda project: patches.by_ids(project, missing), self._take)

    def refresh(self, patch_id: int) -> None:
        """Read one row again; until then one that was being recorded looks as it did."""
        if patch_id in self.recording:
            self._awaited.add(patch_id)
        self._workspace.ask(lambda project: patches.by_ids(project, [patch_id]), self._take)

    def forget(self) -> None:
        """All rows may have changed."""
        self._rows.clear()
        self.changed.emit()

    def mark(self, recording: frozenset[int]) -> None:
        """Whose decisions are on their way to disk."""
        if recording != self.recording:
            self.recording = recording
            self.changed.emit()

    def _take(self, rows: list[Patch]) -> None:
        for patch in rows:
            self._awaited.discard(patch.id)
            self._rows[patch.id] = patch
            self._rows.move_to_end(patch.id)
        while len(self._rows) > ROWS_KEPT:
            self._rows.popitem(last=False)
        self.changed.emit()


class Film(PatchGrid):
    """One column; `picked` carries the patch that a person moved to."""

    picked = Signal(int)

    def __init__(
        self, queue: ReviewQueue, rows: PairRows, thumbnails: ThumbnailCache, parent: QWidget | None = None
    ) -> None:
        super().__init__(thumbnails, parent)
        self._queue = queue
        self.setAccessibleName(tr("Pairs"))
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        # Its room is kept, so that cells stay where they are; it is seen only where there is something to scroll.
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOn)
        self.verticalScrollBar().setEnabled(False)
        self.verticalScrollBar().rangeChanged.connect(self._show_bar)
        self.set_thumb_side(SIDE)
        self.thumb_side_changed.connect(lambda _: self._fit())
        self._fit()
        self.set_source(rows)
        self._following = False
        self.current_changed.connect(self._moved)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """The pair in front stays in view, also when the list has just got its size."""
        super().resizeEvent(event)
        if self.current() >= 0:
            self.follow(self.current())

    def paintEvent(self, event: QPaintEvent) -> None:
        """The pairs, and a frame around the one in front wherever the keyboard is."""
        super().paintEvent(event)
        if self.current() >= 0:
            painter = QPainter(self.viewport())
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(QPen(theme.tokens().colour("accent"), 2))
            painter.drawRoundedRect(
                QRectF(self.cell_rect(self.current())).adjusted(3, 3, -3, -3), theme.RADIUS, theme.RADIUS
            )
            painter.end()

    def _show_bar(self, _: int, most: int) -> None:
        self.verticalScrollBar().setEnabled(most > 0)

    def _fit(self) -> None:
        self.setFixedWidth(self.cell().width() + self.verticalScrollBar().sizeHint().width())

    def follow(self, index: int) -> None:
        """Mark the pair in front and keep its neighbours in view."""
        self._following = True
        try:
            if index < 0:
                self.clear_selection()
            else:
                for near in (index - 1, index + 1):
                    if 0 <= near < self.count():
                        self.bring_into_view(near)
                self.set_current(index)
                self.clear_selection()  # its tick would look like a verdict
        finally:
            self._following = False

    def _moved(self, index: int) -> None:
        if not self._following and 0 <= index < len(self._queue.ids):
            self.picked.emit(int(self._queue.ids[index]))
