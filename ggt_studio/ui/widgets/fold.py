"""A heading that folds what lies below it away."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QSizePolicy, QToolButton, QVBoxLayout, QWidget

from ggt_studio.ui import theme
from ggt_studio.ui.theme import SPACE_4


class Fold(QWidget):
    """A button with a chevron over its content; Space or a click opens and closes it."""

    def __init__(self, heading: str, content: QWidget, *, opened: bool = False, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.button = QToolButton()
        self.button.setProperty("quiet", True)
        self.button.setCheckable(True)
        self.button.setText(heading)
        self.button.setAccessibleName(heading)
        self.button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.button.setFont(theme.font(strong=True))
        self.button.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        # The state shows in the chevron; a pressed look would say something else.
        self.button.setStyleSheet(
            "QToolButton { padding: 4px 8px 4px 0; } QToolButton:checked { background: transparent; }"
            "QToolButton:checked:!focus { border-color: transparent; }"
        )
        self.content = content
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(SPACE_4)
        layout.addWidget(self.button)
        layout.addWidget(content)
        self.button.toggled.connect(self._show)
        self.button.setChecked(opened)
        self._show(opened)

    @property
    def opened(self) -> bool:
        """Whether the content is shown."""
        return self.button.isChecked()

    def _show(self, opened: bool) -> None:
        self.button.setIcon(theme.icon("mdi6.chevron-down" if opened else "mdi6.chevron-right", "muted"))
        self.content.setVisible(opened)
