"""The list of photos to restore, each with how far it is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import QAbstractListModel, QModelIndex, QPersistentModelIndex, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QAbstractItemView, QListView, QWidget

from ggt_studio.pipeline.restoring import RestoreItem, Standing
from ggt_studio.ui import theme
from ggt_studio.ui.pages.restore.words import detail_words, standing_words, tr
from ggt_studio.ui.theme import SPACE_12, SPACE_32

_ICONS: dict[Standing, tuple[str, theme.ColourRole]] = {
    Standing.WAITING: ("mdi6.circle-outline", "muted"),
    Standing.RUNNING: ("mdi6.progress-clock", "accent"),
    Standing.RESTORED: ("mdi6.check-circle", "good"),
    Standing.SKIPPED: ("mdi6.check-circle-outline", "good"),
    Standing.FAILED: ("mdi6.alert-circle", "bad"),
    Standing.UNCERTAIN: ("mdi6.help-circle", "warn"),
}


class PhotoModel(QAbstractListModel):
    """The items of a queue, as they are when they are painted."""

    def __init__(self) -> None:
        super().__init__()
        self._items: Sequence[RestoreItem] = ()
        self._count = 0
        self.row_height = 0

    def show(self, items: Sequence[RestoreItem]) -> None:
        """Show these items; the same list again where only their standing changed."""
        if items is not self._items or len(items) != self._count:
            self.beginResetModel()
            self._items, self._count = items, len(items)
            self.endResetModel()
        elif self._count:
            self.dataChanged.emit(self.index(0), self.index(self._count - 1))

    def rowCount(self, parent: QModelIndex | QPersistentModelIndex = QModelIndex()) -> int:  # noqa: B008
        """How many there are."""
        return 0 if parent.isValid() else self._count

    def data(self, index: QModelIndex | QPersistentModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Name and standing, and why."""
        item = self._items[index.row()]
        match role:
            case Qt.ItemDataRole.DisplayRole:
                return f"{item.path.name}\n{standing_words(item)}"
            case Qt.ItemDataRole.DecorationRole:
                return theme.icon(*_ICONS[item.standing])
            case Qt.ItemDataRole.ToolTipRole:
                return "\n".join(text for text in (str(item.path), detail_words(item)) if text)
            case Qt.ItemDataRole.AccessibleTextRole:
                return f"{item.path.name}, {standing_words(item)}"
            case Qt.ItemDataRole.SizeHintRole:
                # No width of its own: long names are elided.
                return QSize(0, self.row_height)
            case _:
                return None


class PhotoList(QListView):
    """`chosen` carries the item that a person looks at now, or None."""

    chosen = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.photos = PhotoModel()
        self.photos.row_height = 2 * self.fontMetrics().lineSpacing() + SPACE_12
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setModel(self.photos)
        self.setProperty("quiet", True)
        self.setUniformItemSizes(True)
        self.setIconSize(QSize(20, 20))
        self.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setAccessibleName(tr("Photos"))
        self.setMinimumHeight(SPACE_32 * 3)
        self._items: Sequence[RestoreItem] = ()
        self.selectionModel().currentChanged.connect(lambda now, _: self.chosen.emit(self._at(now)))

    def show_items(self, items: Sequence[RestoreItem]) -> None:
        """Show a queue; the first one is looked at where none was."""
        self._items = items
        before = self.current
        self.photos.show(items)
        if items and self.current is None:
            row = next((row for row, item in enumerate(items) if item is before), 0)
            self.setCurrentIndex(self.photos.index(row))

    @property
    def current(self) -> RestoreItem | None:
        """The one that is looked at."""
        return self._at(self.currentIndex())

    def _at(self, index: QModelIndex | QPersistentModelIndex) -> RestoreItem | None:
        return self._items[index.row()] if index.isValid() and index.row() < len(self._items) else None

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Letters and digits are keys of the page, not a search in the list."""
        if event.text().strip() and not event.modifiers():
            event.ignore()
        else:
            super().keyPressEvent(event)
