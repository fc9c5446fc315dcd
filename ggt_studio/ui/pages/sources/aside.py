"""What was set aside: files that could not be used, exact duplicates, and photos that a person removed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import Qt, QUrl, Signal
from PySide6.QtGui import QDesktopServices, QGuiApplication
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QHeaderView,
    QStackedWidget,
    QTableView,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from ggt_studio.ui.format import count
from ggt_studio.ui.pages.sources.aside_rows import AsideModel, Kind, Row, kind_name
from ggt_studio.ui.theme import SPACE_8
from ggt_studio.ui.widgets.common import EmptyState, Segment, SegmentedControl, quiet_button

HEADER_INSET = 13
"""Logical pixels that bring the columns' words over those of their cells."""


class AsideList(QWidget):
    """The list with what can be done about it. `put_back_chosen` carries the ids of removed photos."""

    put_back_chosen = Signal(list)

    def __init__(self, forbidden: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._forbidden = forbidden
        self._rows: list[Row] = []
        self._sized = False
        self.model = AsideModel()
        self.kinds = SegmentedControl(
            [Segment(None, self.tr("All")), *(Segment(kind, kind_name(kind)) for kind in Kind)],
            self.tr("What is listed"),
        )
        self.kinds.changed.connect(lambda _: self._show())
        self.table = self._table()
        self.put_back_button = QToolButton()
        self.put_back_button.setText(self.tr("Put back"))
        self.put_back_button.clicked.connect(self._put_back)
        self.show_button = quiet_button("mdi6.folder-open-outline", self.tr("Show the file in its folder"))
        self.show_button.clicked.connect(self.show_in_folder)
        self.copy_button = quiet_button("mdi6.content-copy", self.tr("Copy this list as text"))
        self.copy_button.clicked.connect(self.copy_list)
        self._pages = QStackedWidget()
        self._lay_out()
        self._show()

    def _table(self) -> QTableView:
        table = QTableView()
        table.setAccessibleName(self.tr("Files that were set aside"))
        table.setModel(self.model)
        table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        table.setWordWrap(False)
        table.setShowGrid(False)
        table.setTabKeyNavigation(False)
        table.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        table.verticalHeader().hide()
        header = table.horizontalHeader()
        header.setHighlightSections(False)
        header.setStyleSheet(f"QHeaderView::section {{ padding-left: {HEADER_INSET}px; }}")
        header.setSectionResizeMode(QHeaderView.ResizeMode.Interactive)
        header.setStretchLastSection(True)
        table.doubleClicked.connect(lambda _: self.show_in_folder())
        table.selectionModel().selectionChanged.connect(lambda *_: self._enable())
        return table

    def _lay_out(self) -> None:
        top = QHBoxLayout()
        top.setSpacing(SPACE_8)
        for part in (self.kinds, None, self.show_button, self.copy_button, self.put_back_button):
            if part is None:
                top.addStretch(1)
            else:
                top.addWidget(part)
        full = QWidget()
        layout = QVBoxLayout(full)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(SPACE_8)
        layout.addLayout(top)
        layout.addWidget(self.table, 1)
        nothing = EmptyState(
            "mdi6.check-circle-outline",
            self.tr("Nothing was set aside"),
            self.tr(
                "Files that cannot be read are listed here with the reason, exact duplicates with the photo that they equal,"
                " and photos that you remove, to put them back."
            ),
        )
        for page in (nothing, full):
            self._pages.addWidget(page)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.addWidget(self._pages)

    # --- what is shown -------------------------------------------------------------------------------------------

    def show_rows(self, rows: Sequence[Row]) -> None:
        """Show these files."""
        self._rows = list(rows)
        self._show()
        if rows and not self._sized:
            self._sized = True
            width = max(600, self.width())
            for column, share in enumerate((24, 12, 36)):
                self.table.setColumnWidth(column, width * share // 100)

    def choose(self, kind: Kind | None) -> None:
        """List one kind only, or all."""
        self.kinds.set_value(kind)
        self._show()

    def _show(self) -> None:
        if self.kinds.value is not None and not any(row.kind is self.kinds.value for row in self._rows):
            self.kinds.set_value(None)
        kind = self.kinds.value
        self.model.show_rows([row for row in self._rows if kind is None or row.kind is kind])
        self._pages.setCurrentIndex(1 if self._rows else 0)
        for each in (None, *Kind):
            button, number = self.kinds.button(each), sum(each in (None, row.kind) for row in self._rows)
            button.setText(f"{kind_name(each) if each else self.tr('All')}  {count(number)}")
            button.setAccessibleName(button.text())
            button.setEnabled(number > 0)
        self._enable()

    # --- what can be done ----------------------------------------------------------------------------------------

    def text(self) -> str:
        """The list as text: path, tab, what it is, tab, reason per line."""
        return "\n".join(f"{row.path}\t{kind_name(row.kind)}\t{row.why}" for row in self.model.rows)

    def copy_list(self) -> None:
        """Put the list on the clipboard."""
        QGuiApplication.clipboard().setText(self.text())

    def show_in_folder(self) -> None:
        """Open the folder of the chosen file."""
        index = self.table.currentIndex()
        if index.isValid():
            folder = Path(self.model.rows[index.row()].path).parent
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(folder)))

    def _chosen(self) -> list[Row]:
        return [self.model.rows[index.row()] for index in self.table.selectionModel().selectedRows()]

    def _put_back(self) -> None:
        self.put_back_chosen.emit([row.photo_id for row in self._chosen() if row.kind is Kind.REMOVED])

    def _enable(self) -> None:
        removed = any(row.kind is Kind.REMOVED for row in self._chosen())
        self.put_back_button.setVisible(any(row.kind is Kind.REMOVED for row in self._rows))
        self.put_back_button.setEnabled(removed and not self._forbidden)
        self.put_back_button.setToolTip(
            self._forbidden
            or (
                self.tr("Let the removed photos be in the project again, with all that was made of them")
                if removed
                else self.tr("Select removed photos first.")
            )
        )
        self.show_button.setEnabled(bool(self._chosen()))
        self.copy_button.setEnabled(bool(self.model.rows))
