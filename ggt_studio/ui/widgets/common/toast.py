"""A passing note over the lower edge of a page, with Undo where something was just done."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, Qt, QTimer, Signal
from PySide6.QtGui import QEnterEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QWidget

from ggt_studio.ui.theme import SPACE_8, SPACE_12, SPACE_16, SPACE_24

SHOWN_MS = 6000


class Toast(QWidget):
    """Lies over its parent and goes by itself, but not while the mouse or the keyboard is on it.

    `undone` when Undo is pressed, `gone` when the chance for that has passed.
    """

    undone = Signal()
    gone = Signal()

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.message = QLabel()
        self.message.setTextFormat(Qt.TextFormat.PlainText)
        self.undo = QPushButton(self.tr("Undo"))
        self.undo.clicked.connect(self._undo)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(SPACE_16, SPACE_8, SPACE_8, SPACE_8)
        layout.setSpacing(SPACE_12)
        layout.addWidget(self.message)
        layout.addWidget(self.undo)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._pass)
        self._page = parent
        parent.installEventFilter(self)
        self.hide()

    def tell(self, message: str, *, undo: bool = False, shown_ms: int = SHOWN_MS) -> None:
        """Show a message, replacing the one before (whose chance to be undone is then `gone`)."""
        if self.isVisible():
            self.gone.emit()
        self.message.setText(message)
        self.undo.setVisible(undo)
        self.setAccessibleName(message)
        self._place()
        self.show()
        self.raise_()
        self._timer.start(shown_ms)

    def _undo(self) -> None:
        self._timer.stop()
        self.hide()
        self.undone.emit()

    def _pass(self) -> None:
        if self.underMouse() or self.undo.hasFocus():
            self._timer.start(1000)
            return
        self.hide()
        self.gone.emit()

    def _place(self) -> None:
        self.adjustSize()
        parent = self._page
        width = min(self.width(), parent.width() - 2 * SPACE_16)
        self.setGeometry(
            (parent.width() - width) // 2, parent.height() - self.height() - SPACE_24, width, self.height()
        )

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Stays at the lower edge when the page changes its size."""
        if event.type() == QEvent.Type.Resize and watched is self._page and not self.isHidden():
            self._place()
        return super().eventFilter(watched, event)

    def enterEvent(self, event: QEnterEvent) -> None:
        """The note waits while the mouse is on it."""
        super().enterEvent(event)
        if self._timer.isActive():
            self._timer.start(SHOWN_MS)
