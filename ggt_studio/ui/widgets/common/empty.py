"""The empty state of a page or panel: what is missing and the one thing to do about it."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QVBoxLayout, QWidget

from ggt_studio.ui import theme
from ggt_studio.ui.theme import SPACE_4, SPACE_16, SPACE_24, Text
from ggt_studio.ui.widgets.common.buttons import PrimaryButton

SENTENCE_WIDTH = 420


class EmptyState(QWidget):
    """Icon, heading, sentence and, where there is something to do, a primary button; `triggered` when it is pressed."""

    triggered = Signal()

    def __init__(
        self, icon: str, heading: str, sentence: str = "", action: str = "", parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._picture = _Picture(icon)
        self.heading = QLabel(heading)
        self.heading.setWordWrap(True)
        theme.set_text(self.heading, Text.HEADING)
        self.sentence = QLabel(sentence)
        self.sentence.setWordWrap(True)
        self.sentence.setMaximumWidth(SENTENCE_WIDTH)
        theme.set_text(self.sentence, Text.BODY, muted=True)
        for label in (self.heading, self.sentence):
            label.setAlignment(Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignTop)
        self.button = PrimaryButton(action)
        self.button.clicked.connect(lambda: self.triggered.emit())
        layout = QVBoxLayout(self)
        layout.setSpacing(0)
        layout.addStretch(2)
        layout.addWidget(self._picture, 0, Qt.AlignmentFlag.AlignHCenter)
        layout.addSpacing(SPACE_16)
        layout.addWidget(self.heading)
        layout.addSpacing(SPACE_4)
        row = QHBoxLayout()
        row.addStretch(1)
        row.addWidget(self.sentence, 1000)
        row.addStretch(1)
        layout.addLayout(row)
        layout.addSpacing(SPACE_24)
        layout.addWidget(self.button, 0, Qt.AlignmentFlag.AlignHCenter)
        layout.addStretch(3)
        self.set(icon, heading, sentence, action)

    def set(self, icon: str, heading: str, sentence: str = "", action: str = "") -> None:
        """Say something else; without an `action` there is no button."""
        self._picture.name = icon
        self._picture.update()
        self.heading.setText(heading)
        self.sentence.setText(sentence)
        self.sentence.setVisible(bool(sentence))
        self.button.setText(action)
        self.button.setVisible(bool(action))
        self.setAccessibleName(heading)
        self.setAccessibleDescription(sentence)


class _Picture(QWidget):
    """A large quiet icon."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name
        self.setFixedSize(QSize(56, 56))

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        theme.icon(self.name, "muted").paint(painter, self.rect())
        painter.end()
