"""All keys of the page, laid over it until any key or click."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from ggt_studio.ui import theme
from ggt_studio.ui.pages.review.commands import KEYS, Command, name
from ggt_studio.ui.pages.review.words import tr
from ggt_studio.ui.theme import SPACE_4, SPACE_8, SPACE_12, SPACE_16, SPACE_24, SPACE_32, Text
from ggt_studio.ui.widgets.common import KeyHint

_DECIDE = (Command.ACCEPT, Command.REJECT, Command.UNDO, Command.REDO)
_MOVE = (Command.NEXT, Command.PREVIOUS, Command.FIRST, Command.LAST)
_PANELS = (Command.EARLIER_ATTEMPT, Command.LATER_ATTEMPT, Command.FILM, Command.INFO, Command.FULL, Command.HELP)


def _groups() -> list[list[tuple[str, list[tuple[tuple[str, ...], str]]]]]:
    """Two columns of headed lists of (keys, what they do)."""

    def own(commands: tuple[Command, ...]) -> list[tuple[tuple[str, ...], str]]:
        return [(KEYS[command], name(command)) for command in commands]

    compare = [
        (KEYS[Command.TOGGLE], name(Command.TOGGLE)),
        (("F",), tr("The same")),
        (("1", "2"), tr("Side by side, swipe")),
        (("3", "4"), tr("Difference, perceived difference")),
        (("5", "6"), tr("Only LQ, only HQ")),
        (("+", "-"), tr("Zoom in, out")),
        (("0", "9"), tr("Whole image, 1:1")),
        (("Shift+←", "Shift+→", "↑", "↓"), tr("Move the image")),
        (("[", "]"), tr("Move the swipe, change the gain")),
    ]
    reject = [(("1 … 6",), tr("Choose the reason")), (("Enter", "Esc"), tr("Reject, cancel"))]
    return [
        [(tr("Decide"), own(_DECIDE)), (tr("While rejecting"), reject), (tr("Go"), own(_MOVE))],
        [(tr("Compare"), compare), (tr("Panels"), own(_PANELS))],
    ]


class KeyOverlay(QWidget):
    """Lies over its parent; hidden until `show_over`."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._page = parent
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName(tr("Keys of this page"))
        self._before: QWidget | None = None
        columns = QHBoxLayout()
        columns.setSpacing(SPACE_32)
        for column in _groups():
            columns.addWidget(_column(column), 0, Qt.AlignmentFlag.AlignTop)
        self.card = QWidget()
        card = QVBoxLayout(self.card)
        card.setContentsMargins(SPACE_24, SPACE_16, SPACE_24, SPACE_16)
        card.setSpacing(SPACE_16)
        title = QLabel(tr("Keys"))
        theme.set_text(title, Text.TITLE)
        card.addWidget(title)
        card.addLayout(columns)
        close = QLabel(tr("Any key closes this."))
        theme.set_text(close, Text.SMALL, muted=True)
        card.addWidget(close)
        layout = QVBoxLayout(self)
        layout.addWidget(self.card, 0, Qt.AlignmentFlag.AlignCenter)
        parent.installEventFilter(self)
        self.hide()

    def show_over(self) -> None:
        """Show over the page and take the keyboard."""
        self._before = self._page.window().focusWidget()
        self.setGeometry(self._page.rect())
        self.show()
        self.raise_()
        self.setFocus()

    def close_overlay(self) -> None:
        """Go, and give the keyboard back."""
        self.hide()
        if self._before is not None:
            self._before.setFocus()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Any key closes, and does nothing else."""
        if event.key() not in (Qt.Key.Key_Shift, Qt.Key.Key_Control, Qt.Key.Key_Alt, Qt.Key.Key_Meta):
            self.close_overlay()
        event.accept()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """A click closes."""
        self.close_overlay()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """As large as the page."""
        if event.type() == QEvent.Type.Resize and watched is self._page and not self.isHidden():
            self.setGeometry(self._page.rect())
        return super().eventFilter(watched, event)

    def paintEvent(self, event: QPaintEvent) -> None:
        """The page dimmed, and a card."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.fillRect(self.rect(), QColor(0, 0, 0, 140))
        tokens = theme.tokens()
        painter.setPen(tokens.colour("border"))
        painter.setBrush(tokens.colour("window"))
        painter.drawRoundedRect(self.card.geometry(), theme.RADIUS, theme.RADIUS)
        painter.end()


def _column(groups: list[tuple[str, list[tuple[tuple[str, ...], str]]]]) -> QWidget:
    column = QWidget()
    grid = QGridLayout(column)
    grid.setContentsMargins(0, 0, 0, 0)
    grid.setHorizontalSpacing(SPACE_12)
    grid.setVerticalSpacing(SPACE_4)
    row = 0
    for heading, lines in groups:
        label = QLabel(heading)
        label.setFont(theme.font(strong=True))
        if row:
            grid.setRowMinimumHeight(row, SPACE_12)
            row += 1
        grid.addWidget(label, row, 0, 1, 2)
        for keys, what in lines:
            row += 1
            hints = QHBoxLayout()
            hints.setSpacing(SPACE_8 // 2)
            for key in keys:
                hints.addWidget(KeyHint(key))
            hints.addStretch(1)
            grid.addLayout(hints, row, 0)
            grid.addWidget(QLabel(what), row, 1)
        row += 1
    return column
