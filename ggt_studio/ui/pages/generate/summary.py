"""What the last run did, in a line, with the way to what waits for a person."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QWidget

from ggt_studio.ui.theme import SPACE_16


class SummaryRow(QWidget):
    """Parts that the page fills and listens to."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.summary = QLabel()
        self.summary.setWordWrap(True)
        self.summary.setTextFormat(Qt.TextFormat.PlainText)
        self.review_button = QPushButton(self.tr("Review them"))
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(SPACE_16)
        layout.addWidget(self.summary, 1)
        layout.addWidget(self.review_button)
