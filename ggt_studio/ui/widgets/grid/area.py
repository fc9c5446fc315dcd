"""The geometry of the patch grid: which items are where and visible; only those are ever asked for."""

from __future__ import annotations

from typing import Any, Protocol

from PySide6.QtCore import QEvent, QPoint, QRect, QSize, Qt, QTimer
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QAbstractScrollArea, QFrame, QWidget

from ggt_studio.ui.widgets.grid.painting import GridItem, cell_size

SIDE = 160
RETRY_MS = 50


class GridSource(Protocol):
    """Where the grid's items come from. `changed` is emitted without arguments when rows arrived or altered."""

    changed: Any

    def count(self) -> int:
        """How many items there are."""
        ...

    def item(self, index: int) -> GridItem | None:
        """The item, or None while it is being read. Called for visible cells at every painting: answers at once."""
        ...

    def request_range(self, first: int, last: int) -> None:
        """Items `first` to `last`, both included, have become visible: read what is not there yet, then `changed`."""
        ...


class GridArea(QAbstractScrollArea):
    """Lays the items of `source` out in rows of equal cells and scrolls over them."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.source: GridSource | None = None
        self._side = SIDE
        self._cell: QSize | None = None
        self._asked: tuple[int, int] | None = None
        self._asking = QTimer(self)
        self._asking.setSingleShot(True)
        self._asking.timeout.connect(self._ask)
        self.verticalScrollBar().valueChanged.connect(self._scrolled)

    def count(self) -> int:
        """How many items there are."""
        return self.source.count() if self.source else 0

    @property
    def thumb_side(self) -> int:
        """Side of the thumbnails in logical pixels."""
        return self._side

    def cell(self) -> QSize:
        """Size of a cell."""
        if self._cell is None:
            self._cell = cell_size(self._side)
        return self._cell

    def changeEvent(self, event: QEvent) -> None:
        """Another font takes cells of another size."""
        super().changeEvent(event)
        if event.type() in (QEvent.Type.FontChange, QEvent.Type.StyleChange):
            self._cell = None

    def columns(self) -> int:
        """How many cells stand in a row."""
        return max(1, self.viewport().width() // self.cell().width())

    def cell_rect(self, index: int) -> QRect:
        """Where an item is, in the viewport's logical pixels."""
        columns, height = self.columns(), self.cell().height()
        width, row = self.viewport().width() // columns, index // columns
        return QRect(index % columns * width, row * height - self.verticalScrollBar().value(), width, height)

    def index_at(self, point: QPoint) -> int:
        """The item at a point of the viewport; -1 for none."""
        columns = self.columns()
        column = point.x() // max(1, self.viewport().width() // columns)
        row = (point.y() + self.verticalScrollBar().value()) // self.cell().height()
        index = row * columns + column
        return index if 0 <= column < columns and 0 <= index < self.count() else -1

    def visible_range(self) -> tuple[int, int] | None:
        """First and last index of which something is visible; None when there are no items."""
        count, columns, height = self.count(), self.columns(), self.cell().height()
        if count == 0 or self.viewport().height() <= 0:
            return None
        top = self.verticalScrollBar().value()
        last_row = (top + self.viewport().height() - 1) // height
        first = min(top // height * columns, count - 1)
        return first, min((last_row + 1) * columns, count) - 1

    def target(self, key: Qt.Key, current: int) -> int | None:
        """The item that a key leads to from `current`; None for keys that do not move."""
        columns, last = self.columns(), self.count() - 1
        page = max(1, self.viewport().height() // self.cell().height()) * columns
        steps = {
            Qt.Key.Key_Left: -1,
            Qt.Key.Key_Right: 1,
            Qt.Key.Key_Up: -columns,
            Qt.Key.Key_Down: columns,
            Qt.Key.Key_PageUp: -page,
            Qt.Key.Key_PageDown: page,
        }
        if last < 0 or key not in (*steps, Qt.Key.Key_Home, Qt.Key.Key_End):
            return None
        if key in (Qt.Key.Key_Home, Qt.Key.Key_End):
            return 0 if key == Qt.Key.Key_Home else last
        if current < 0:
            visible = self.visible_range()
            return visible[0] if visible else 0
        wanted = current + steps[key]
        if 0 <= wanted <= last:
            return wanted
        if key == Qt.Key.Key_Up:
            return current
        if key == Qt.Key.Key_Down:
            return last if current // columns < last // columns else current
        return min(last, max(0, wanted))

    def kept_in_view(self) -> int | None:
        """The item that stays in view when the layout changes; None without items."""
        visible = self.visible_range()
        if visible is None:
            return None
        return (visible[0] + visible[1]) // 2

    def lay_out(self, keep: int | None = None) -> None:
        """Set the scroll range anew; `keep` stays in view."""
        rows = -(-self.count() // self.columns())
        bar, height = self.verticalScrollBar(), self.cell().height()
        bar.setRange(0, max(0, rows * height - self.viewport().height()))
        bar.setPageStep(max(1, self.viewport().height()))
        bar.setSingleStep(height // 3)
        if keep is not None:
            self.bring_into_view(keep)
        self.viewport().update()
        self._asking.start(0)

    def bring_into_view(self, index: int) -> None:
        """Scroll as little as shows the whole item."""
        rect, bar = self.cell_rect(index), self.verticalScrollBar()
        if rect.top() < 0:
            bar.setValue(bar.value() + rect.top())
        elif rect.bottom() >= self.viewport().height():
            bar.setValue(bar.value() + min(rect.top(), rect.bottom() + 1 - self.viewport().height()))

    def _ask(self) -> None:
        visible = self.visible_range()
        if visible is not None and visible != self._asked and self.source is not None:
            self._asked = visible
            self.source.request_range(*visible)
        self.viewport().update()

    def ask_for_missing(self) -> None:
        """Ask anew while visible items are not there, but not in a tight loop with a source that has none."""
        visible = self.visible_range()
        if visible and self.source and any(self.source.item(i) is None for i in range(visible[0], visible[1] + 1)):
            self._asked = None
            self._asking.start(RETRY_MS)

    def _scrolled(self) -> None:
        self._asking.start(0)
        self.viewport().update()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """More or fewer columns; what was in the middle stays in view."""
        columns = max(1, event.oldSize().width() // self.cell().width())
        middle = self.verticalScrollBar().value() // self.cell().height() * columns
        super().resizeEvent(event)
        changed = columns != self.columns() and 0 < middle < self.count()
        self.lay_out(middle if changed else None)
