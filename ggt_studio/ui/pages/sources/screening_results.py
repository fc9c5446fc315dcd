"""The patches that a model held back, with its reasons, and the way to let them take part all the same."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, Qt, Signal
from PySide6.QtWidgets import QAbstractItemView, QHBoxLayout, QLabel, QPushButton, QTableView, QVBoxLayout, QWidget

from ggt_studio.store.screenings import ScreenedOut
from ggt_studio.ui import theme
from ggt_studio.ui.pages.sources.words import hold_name, hold_sentence, number, tr
from ggt_studio.ui.theme import SPACE_8, Text
from ggt_studio.ui.vocabulary import category_name

_Index = QModelIndex | QPersistentModelIndex
_ROWS_SHOWN = 4


class ScreenedModel(QAbstractTableModel):
    """Photo, category, why, what the model said, and which model, of each row."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[ScreenedOut] = []

    def show_rows(self, rows: Sequence[ScreenedOut]) -> None:
        """Show other rows."""
        self.beginResetModel()
        self.rows = list(rows)
        self.endResetModel()

    def rowCount(self, parent: _Index = QModelIndex()) -> int:  # noqa: B008 - Qt's signature
        """How many patches."""
        return 0 if parent.isValid() else len(self.rows)

    def columnCount(self, parent: _Index = QModelIndex()) -> int:  # noqa: B008 - Qt's signature
        """Patch, category, why, reason, model."""
        return 0 if parent.isValid() else 5

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> str | None:
        """The words of a cell; the tooltip is the whole of it."""
        row = self.rows[index.row()]
        if role == Qt.ItemDataRole.DisplayRole:
            return (
                f"{row.photo.name} #{row.patch_id}",
                category_name(row.category),
                hold_name(row.hold),
                row.reason,
                row.screener,
            )[index.column()]
        if role == Qt.ItemDataRole.ToolTipRole:
            why = hold_sentence(row.hold)
            return (str(row.photo), category_name(row.category), why, row.reason, row.screener)[index.column()]
        return None

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> str | int | None:
        """The columns' words."""
        if orientation == Qt.Orientation.Horizontal and role == Qt.ItemDataRole.DisplayRole:
            return (tr("Patch"), tr("Category"), tr("Held back as"), tr("What the model says"), tr("Model"))[section]
        if orientation == Qt.Orientation.Horizontal and role == Qt.ItemDataRole.TextAlignmentRole:
            return int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        return None


class ScreenedList(QWidget):
    """Hidden while there are none. `release_chosen` carries the ids of the selected patches; `shown` that they are to be looked
    at among the others."""

    release_chosen = Signal(list)
    shown = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._enabled = True
        self._sized = False
        self.model = ScreenedModel()
        self.heading = QLabel()
        self.heading.setFont(theme.font(strong=True))
        self.about = QLabel(tr("Runs and exports leave them out until they are released."))
        theme.set_text(self.about, Text.SMALL, muted=True)
        self.show_button = QPushButton(tr("Show held patches"))
        self.show_button.setProperty("quiet", True)
        self.show_button.clicked.connect(lambda: self.shown.emit())
        self.release_button = QPushButton(tr("Release"))
        self.release_button.clicked.connect(lambda: self.release_chosen.emit(self.chosen))
        self.table = QTableView()
        self.table.setAccessibleName(tr("Patches that a model held back"))
        self.table.setModel(self.model)
        self.table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.table.setWordWrap(False)
        self.table.setShowGrid(False)
        self.table.setTabKeyNavigation(False)
        self.table.verticalHeader().hide()
        header = self.table.horizontalHeader()
        header.setHighlightSections(False)
        header.setStyleSheet("QHeaderView::section { padding-left: 13px; }")
        header.setStretchLastSection(True)
        row = self.table.verticalHeader().defaultSectionSize()
        self.table.setFixedHeight(header.sizeHint().height() + _ROWS_SHOWN * row)
        self.table.selectionModel().selectionChanged.connect(lambda *_: self._enable())
        top = QHBoxLayout()
        top.setSpacing(SPACE_8)
        top.addWidget(self.heading)
        top.addWidget(self.about, 1)
        top.addWidget(self.show_button)
        top.addWidget(self.release_button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(SPACE_8)
        layout.addLayout(top)
        layout.addWidget(self.table)
        self.show_found(())

    def show_found(self, found: Sequence[ScreenedOut]) -> None:
        """Show these patches."""
        self.model.show_rows(found)
        self.heading.setText(number(len(found), tr("{0} patch held back"), tr("{0} patches held back")))
        self.setVisible(bool(found))
        if found and not self._sized:
            self._sized = True
            width = max(900, self.width())
            for column, share in enumerate((22, 12, 18, 36)):
                self.table.setColumnWidth(column, width * share // 100)
        self._enable()

    @property
    def chosen(self) -> list[int]:
        """The ids of the selected patches."""
        return [self.model.rows[index.row()].patch_id for index in self.table.selectionModel().selectedRows()]

    def set_enabled(self, enabled: bool) -> None:
        """Whether anything can be changed now."""
        self._enabled = enabled
        self._enable()

    def _enable(self) -> None:
        self.release_button.setEnabled(self._enabled and bool(self.chosen))
        self.release_button.setToolTip(
            tr("Let the selected patches take part in runs") if self.chosen else tr("Select patches in the list first.")
        )
