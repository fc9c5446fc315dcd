"""A banner across the top of a page: what happened, and what to do about it."""

from __future__ import annotations

from enum import StrEnum

from PySide6.QtCore import QEvent, QSize, Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QWidget

from ggt_studio.core.errors import StudioError
from ggt_studio.ui import theme
from ggt_studio.ui.theme import SPACE_8, SPACE_12, ColourRole
from ggt_studio.ui.widgets.common.buttons import quiet_button


class Severity(StrEnum):
    """How much a banner matters."""

    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


_ICONS: dict[Severity, tuple[str, ColourRole]] = {
    Severity.INFO: ("mdi6.information-outline", "accent"),
    Severity.WARNING: ("mdi6.alert-outline", "warn"),
    Severity.ERROR: ("mdi6.alert-octagon-outline", "bad"),
}


class Banner(QWidget):
    """Hidden until something is told. `triggered` when its action is pressed, `dismissed` when it is closed."""

    triggered = Signal()
    dismissed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.severity = Severity.INFO
        self._icon = QLabel()
        self.message = QLabel()
        self.message.setWordWrap(True)
        self.message.setTextFormat(Qt.TextFormat.PlainText)
        self.message.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.action = QPushButton()
        self.action.clicked.connect(lambda: self.triggered.emit())
        self.close_button = quiet_button("mdi6.close", self.tr("Dismiss"))
        self.close_button.clicked.connect(self.dismiss)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(SPACE_12, SPACE_8, SPACE_8, SPACE_8)
        layout.setSpacing(SPACE_8)
        layout.addWidget(self._icon)
        layout.addWidget(self.message, 1)
        layout.addWidget(self.action)
        layout.addWidget(self.close_button)
        self.hide()

    def tell(self, severity: Severity, message: str, action: str = "") -> None:
        """Show a message, with the word of an action where something can be done."""
        self.severity = severity
        self.setProperty("severity", severity.value)
        self._paint_icon()
        self.message.setText(message)
        self.action.setText(action)
        self.action.setVisible(bool(action))
        names = {Severity.INFO: self.tr("Note"), Severity.WARNING: self.tr("Warning"), Severity.ERROR: self.tr("Error")}
        self.setAccessibleName(names[severity])
        self.setAccessibleDescription(message)
        self.style().unpolish(self)
        self.style().polish(self)
        self.show()

    def tell_error(self, error: StudioError, action: str = "") -> None:
        """Show what a `StudioError` says to people."""
        self.tell(Severity.ERROR, str(error), action)

    def dismiss(self) -> None:
        """Hide; `dismissed`."""
        if not self.isHidden():
            self.hide()
            self.dismissed.emit()

    def changeEvent(self, event: QEvent) -> None:
        """The icon takes the colour of a new theme."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self._paint_icon()

    def _paint_icon(self) -> None:
        name, role = _ICONS[self.severity]
        self._icon.setPixmap(theme.icon(name, role).pixmap(QSize(20, 20), self.devicePixelRatioF()))
