"""The patch grid: thumbnails of up to millions of items, moved through and selected by mouse and keys."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QEvent, QPoint, Qt, Signal
from PySide6.QtGui import (
    QAccessible,
    QAccessibleEvent,
    QContextMenuEvent,
    QFocusEvent,
    QHelpEvent,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QToolTip, QWidget

from ggt_studio.ui import theme
from ggt_studio.ui.widgets.grid.area import GridArea, GridSource
from ggt_studio.ui.widgets.grid.painting import CellState, GridItem, paint_cell
from ggt_studio.ui.widgets.grid.ranges import Ranges
from ggt_studio.ui.widgets.grid.selection import CTRL, GridSelection
from ggt_studio.ui.widgets.thumbnails import ThumbKey, ThumbnailCache

THUMB_SIDES = (96, 128, 160, 208, 272, 352)


class PatchGrid(GridArea):
    """Arrows, Home, End, Page keys move; Shift and Ctrl select; Space toggles; Enter or a double click activates.

    `current_changed` carries an index or -1; `menu_requested` an index (or -1) and a global position.
    """

    activated = Signal(int)
    current_changed = Signal(int)
    selection_changed = Signal()
    menu_requested = Signal(int, QPoint)
    thumb_side_changed = Signal(int)

    def __init__(self, thumbnails: ThumbnailCache, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName(self.tr("Patches"))
        self._thumbnails = thumbnails
        self._selection = GridSelection()
        self._known: dict[int, object] = {}
        self._shown: dict[ThumbKey, list[int]] = {}
        self._fitted: dict[tuple[int, int], QImage] = {}
        thumbnails.ready.connect(self._thumb_ready)

    # --- what is shown -------------------------------------------------------------------------------------------

    def set_source(self, source: GridSource | None) -> None:
        """Show other items; selection and scroll position start afresh."""
        if self.source is not None:
            self.source.changed.disconnect(self._source_changed)
        self.source = source
        if source is not None:
            source.changed.connect(self._source_changed)
        self._forget_selection()
        self.verticalScrollBar().setValue(0)
        self._asked = None
        self._source_changed()

    def set_thumb_side(self, side: int) -> None:
        """Larger or smaller thumbnails; the item at the middle stays in view."""
        if side == self._side:
            return
        visible, current = self.visible_range(), self.current()
        seen = visible is not None and visible[0] <= current <= visible[1]
        kept = current if seen else self.kept_in_view()
        self._side, self._cell = side, None
        self.lay_out(kept)
        self.thumb_side_changed.emit(side)

    def _source_changed(self) -> None:
        self._drop_stale_selection(self.count())
        self.lay_out()
        self.ask_for_missing()

    def _drop_stale_selection(self, count: int) -> None:
        """What was selected by place must not become a selection of other items that moved there."""
        if self._selection.end() > count:
            self._forget_selection()
            return
        for index, known in self._known.items():
            item = self.source.item(index) if self.source else None
            if item is not None and item.id != known:
                self._forget_selection()
                return

    def _forget_selection(self) -> None:
        had = bool(self._selection.selected) or self._selection.current >= 0
        self._selection.clear()
        self._known.clear()
        if had:
            self.selection_changed.emit()
            self.current_changed.emit(-1)

    # --- current item and selection --------------------------------------------------------------------------------

    def current(self) -> int:
        """The item with the keyboard; -1 for none."""
        return self._selection.current

    def set_current(self, index: int) -> None:
        """Make an item the current and only selected one, and bring it into view."""
        self._act(lambda: self._selection.only(index))

    def selection(self) -> Ranges:
        """The indices selected; not to be altered."""
        return self._selection.selected

    def select_all(self) -> None:
        """Every item, read or not."""
        self._act(lambda: self._selection.selected.add(0, self.count()), scroll=False)

    def clear_selection(self) -> None:
        """No item; the current one stays current."""
        self._act(self._selection.selected.clear, scroll=False)

    def _act(self, change: Callable[[], None], *, scroll: bool = True) -> None:
        before, ranges = self._selection.current, self._selection.selected.ranges()
        change()
        self._remember()
        if scroll and self._selection.current >= 0:
            self.bring_into_view(self._selection.current)
        self.viewport().update()
        if self._selection.current != before:
            self.current_changed.emit(self._selection.current)
            self._describe()
        if self._selection.selected.ranges() != ranges:
            self.selection_changed.emit()

    def _remember(self) -> None:
        """Note the ids at the ends of what is selected, to notice when other items take their places."""
        ends = {end for start, stop in self._selection.selected.ranges()[:32] for end in (start, stop - 1)}
        marks = {*ends, self._selection.current} - {-1}
        items = {index: self.source.item(index) for index in marks} if self.source else {}
        self._known = {index: item.id for index, item in items.items() if item is not None}

    def _describe(self) -> None:
        item = self.source.item(self._selection.current) if self.source and self._selection.current >= 0 else None
        words = [item.title, item.subtitle, item.badge.word if item.badge else ""] if item else []
        place = self.tr("{0} of {1}").format(f"{self._selection.current + 1:,}", f"{self.count():,}") if item else ""
        self.setAccessibleDescription(", ".join(word for word in [*words, place] if word))
        QAccessible.updateAccessibility(QAccessibleEvent(self, QAccessible.Event.DescriptionChanged))

    # --- mouse and keys ----------------------------------------------------------------------------------------------

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Choose the item under the cursor; beside the items, nothing."""
        index = self.index_at(event.position().toPoint())
        if event.button() == Qt.MouseButton.LeftButton and index >= 0:
            self._act(lambda: self._selection.click(index, event.modifiers()))
        elif event.button() == Qt.MouseButton.LeftButton:
            self.clear_selection()
        elif event.button() == Qt.MouseButton.RightButton and index >= 0 and index not in self.selection():
            self.set_current(index)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Activate the item under the cursor."""
        index = self.index_at(event.position().toPoint())
        if index >= 0 and event.button() == Qt.MouseButton.LeftButton:
            self.set_current(index)
            self.activated.emit(index)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """Ask the page for a menu: of the item under the cursor, or of the current one when a key asked."""
        if event.reason() == QContextMenuEvent.Reason.Keyboard and self.current() >= 0:
            index = self.current()
            self.menu_requested.emit(index, self.viewport().mapToGlobal(self.cell_rect(index).center()))
        else:
            self.menu_requested.emit(self.index_at(event.pos()), event.globalPos())

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Scroll; with Ctrl, larger or smaller thumbnails."""
        if not event.modifiers() & CTRL:
            super().wheelEvent(event)
        elif event.angleDelta().y():
            larger = event.angleDelta().y() > 0
            steps = [side for side in THUMB_SIDES if (side > self.thumb_side if larger else side < self.thumb_side)]
            if steps:
                self.set_thumb_side(steps[0] if larger else steps[-1])

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Move, select, activate; everything else is the page's."""
        key, modifiers = Qt.Key(event.key()), event.modifiers()
        target = self.target(key, self.current())
        if target is not None:
            self._act(lambda: self._selection.move(target, modifiers))
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self.current() >= 0:
            self.activated.emit(self.current())
        elif key == Qt.Key.Key_Space and self.current() >= 0:
            self._act(self._selection.toggle_current)
        elif key == Qt.Key.Key_A and modifiers & CTRL:
            self.select_all()
        elif key == Qt.Key.Key_Escape and self.selection():
            self.clear_selection()
        else:
            event.ignore()

    # --- painting --------------------------------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent) -> None:
        """The visible cells."""
        painter = QPainter(self.viewport())
        painter.fillRect(event.rect(), theme.tokens().colour("panel"))
        visible = self.visible_range()
        if visible is None or self.source is None:
            return
        cells = [(index, self.source.item(index)) for index in range(visible[0], visible[1] + 1)]
        kept: dict[tuple[int, int], QImage] = {}
        images = {index: self._thumb(item, kept) for index, item in reversed(cells)}  # what is asked last is made first
        self._fitted = kept
        self._shown = {}
        for index, item in cells:
            if item is not None and item.thumb is not None:
                self._shown.setdefault(item.thumb, []).append(index)
            rect = self.cell_rect(index)
            if rect.intersects(event.rect()):
                paint_cell(painter, rect, self.thumb_side, item, images[index], self._state(index, item))
        painter.end()

    def _thumb(self, item: GridItem | None, kept: dict[tuple[int, int], QImage]) -> QImage | None:
        """The thumbnail at the size it is painted in; scaled once and `kept` while it is visible."""
        image = self._thumbnails.get(item.thumb) if item is not None and item.thumb is not None else None
        if image is None:
            return None
        ratio = self.devicePixelRatioF()
        side = round(self.thumb_side * ratio)
        key = (image.cacheKey(), side)
        fitted = self._fitted.get(key)
        if fitted is None:
            smooth = Qt.TransformationMode.SmoothTransformation
            fitted = image.scaled(side, side, Qt.AspectRatioMode.KeepAspectRatio, smooth)
            fitted.setDevicePixelRatio(ratio)
        kept[key] = fitted
        return fitted

    def _state(self, index: int, item: GridItem | None) -> CellState:
        error = self._thumbnails.error(item.thumb) if item is not None and item.thumb is not None else ""
        return CellState(index in self.selection(), index == self.current(), self.hasFocus(), error)

    def _thumb_ready(self, key: ThumbKey) -> None:
        for index in self._shown.get(key, ()):
            self.viewport().update(self.cell_rect(index))

    def focusInEvent(self, event: QFocusEvent) -> None:
        """The current item's ring grows."""
        super().focusInEvent(event)
        self.viewport().update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """The current item's ring shrinks."""
        super().focusOutEvent(event)
        self.viewport().update()

    def tip(self, index: int) -> str:
        """What the tooltip of an item says: its whole words and, where its file is broken, why."""
        item = self.source.item(index) if self.source and index >= 0 else None
        if item is None:
            return ""
        lines = [item.title, item.subtitle, item.badge.word if item.badge else "", self._state(index, item).error]
        return "\n".join(line for line in lines if line)

    def viewportEvent(self, event: QEvent) -> bool:
        """Tooltips."""
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            QToolTip.showText(event.globalPos(), self.tip(self.index_at(event.pos())), self.viewport())
            return True
        return super().viewportEvent(event)
