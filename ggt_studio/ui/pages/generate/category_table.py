"""The table of counts per category."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QFontMetrics
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QSizePolicy, QTableWidget, QTableWidgetItem, QWidget

from ggt_studio.core.words import Category, Stage, State
from ggt_studio.store.status import Status
from ggt_studio.ui import theme
from ggt_studio.ui.format import count
from ggt_studio.ui.pages.generate.words import tr
from ggt_studio.ui.theme import SPACE_8
from ggt_studio.ui.vocabulary import category_name


class CategoryTable(QTableWidget):
    """A row per category that has patches; columns in the order of the funnel."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName(tr("Counts by category"))
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setShowGrid(False)
        self.verticalHeader().hide()
        heads = (
            (tr("Category"), ""),
            (tr("Patches"), ""),
            (tr("Generated"), tr("Have a candidate")),
            (tr("Metrics"), tr("Passed alignment and the metric filter")),
            (tr("Judge"), tr("Passed the judge")),
            (tr("Waiting"), tr("Wait for a person")),
            (tr("Verified"), tr("Accepted by a person")),
            (tr("Rejected"), ""),
            (tr("Failed"), tr("A step could not be done")),
        )
        self.setColumnCount(len(heads))
        for column, (head, tip) in enumerate(heads):
            item = QTableWidgetItem(head)
            item.setToolTip(tip)
            side = Qt.AlignmentFlag.AlignLeft if column == 0 else Qt.AlignmentFlag.AlignRight
            item.setTextAlignment(side | Qt.AlignmentFlag.AlignVCenter)
            self.setHorizontalHeaderItem(column, item)
        header = self.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.ResizeToContents)
        header.setMinimumSectionSize(QFontMetrics(theme.font()).horizontalAdvance("0,000,000"))
        # As far from the edge as the words of the rows below.
        header.setStyleSheet(
            "QHeaderView::section { padding: 4px 13px 4px 4px; } QHeaderView::section:first { padding-left: 13px; }"
        )
        header.setSectionsClickable(False)
        header.setHighlightSections(False)
        self.verticalHeader().setDefaultSectionSize(QFontMetrics(theme.font()).height() + SPACE_8)

    def show_status(self, status: Status) -> None:
        """Fill in the counts."""
        present = [category for category in Category if status.count(category=category)]
        self.setRowCount(len(present))
        for row, category in enumerate(present):
            counts = (
                status.count(category=category),
                status.count(category=category, stage_at_least=Stage.GENERATED),
                status.count(category=category, stage_at_least=Stage.PASSED_METRICS),
                status.count(category=category, stage_at_least=Stage.PASSED_JUDGE),
                *(
                    status.count(category=category, state=state)
                    for state in (State.WAITING, State.VERIFIED, State.REJECTED, State.FAILED)
                ),
            )
            self._put(row, 0, category_name(category))
            for column, number in enumerate(counts, 1):
                self._put(row, column, count(number), muted=not number)
        rows = self.rowCount() * self.verticalHeader().defaultSectionSize()
        self.setFixedHeight(self.horizontalHeader().sizeHint().height() + rows + 2)

    def _put(self, row: int, column: int, text: str, *, muted: bool = False) -> None:
        item = self.item(row, column)
        if item is None:
            item = QTableWidgetItem()
            side = Qt.AlignmentFlag.AlignLeft if column == 0 else Qt.AlignmentFlag.AlignRight
            item.setTextAlignment(side | Qt.AlignmentFlag.AlignVCenter)
            item.setFlags(Qt.ItemFlag.ItemIsEnabled)
            self.setItem(row, column, item)
        item.setText(text)
        item.setForeground(theme.tokens().colour("muted" if muted else "text"))
