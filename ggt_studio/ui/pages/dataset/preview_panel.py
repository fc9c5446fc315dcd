"""What the export would hold: pairs per category on both sides of the split, and what the pairs are not."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QLabel, QVBoxLayout, QWidget

from ggt_studio.dataset.export.card import LIMITS
from ggt_studio.dataset.preview import SplitPreview
from ggt_studio.ui import theme
from ggt_studio.ui.format import count, counted
from ggt_studio.ui.pages.dataset.words import tr
from ggt_studio.ui.theme import SPACE_4, SPACE_8, SPACE_12, SPACE_16, Text
from ggt_studio.ui.vocabulary import category_name

_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter


class PreviewPanel(QWidget):
    """A small table and two sentences."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        heading = QLabel(tr("In this export"))
        theme.set_text(heading, Text.HEADING)
        self.sentence = QLabel()
        self.sentence.setWordWrap(True)
        self.problem = QLabel()
        self.problem.setWordWrap(True)
        self.problem.hide()
        self._grid = QGridLayout()
        self._grid.setHorizontalSpacing(SPACE_16)
        self._grid.setVerticalSpacing(SPACE_4)
        self._grid.setColumnStretch(0, 1)
        limits_heading = QLabel(tr("What these pairs are not"))
        theme.set_text(limits_heading, Text.HEADING)
        limits = QLabel(LIMITS)
        limits.setWordWrap(True)
        theme.set_text(limits, Text.SMALL, muted=True)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(SPACE_8)
        layout.addWidget(heading)
        layout.addWidget(self.sentence)
        layout.addWidget(self.problem)
        layout.addLayout(self._grid)
        layout.addSpacing(SPACE_12)
        layout.addWidget(limits_heading)
        layout.addWidget(limits)
        layout.addStretch(1)
        self.show_preview(None)

    def show_preview(self, preview: SplitPreview | None) -> None:
        """Show what an export would hold; None while that is being read."""
        while item := self._grid.takeAt(0):
            if widget := item.widget():
                widget.deleteLater()
        self.problem.setVisible(preview is not None and bool(preview.problem))
        if preview is None:
            self.sentence.setText(tr("Counting …"))
            return
        if not preview.pairs:
            self.sentence.setText(tr("Nothing is in this selection yet."))
            return
        self.problem.setText(preview.problem)
        self.sentence.setText(
            tr("{0}: {1} train, {2} test.").format(
                counted(preview.pairs, tr("1 pair"), tr("{0} pairs")), count(preview.train), count(preview.test)
            )
        )
        self._row(0, (tr("Category"), tr("Train"), tr("Test")), muted=True)
        for row, (category, (train, test)) in enumerate(preview.by_category.items(), 1):
            self._row(row, (category_name(category), count(train), count(test)))
        rows = len(preview.by_category) + 1
        self._row(rows, (tr("All"), count(preview.train), count(preview.test)), strong=True)

    def _row(self, row: int, cells: tuple[str, str, str], *, muted: bool = False, strong: bool = False) -> None:
        for column, text in enumerate(cells):
            label = QLabel(text)
            if muted:
                theme.set_text(label, Text.SMALL, muted=True)
            else:
                label.setFont(theme.font(strong=strong))
            label.setAlignment(_RIGHT if column else Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
            self._grid.addWidget(label, row, column)
