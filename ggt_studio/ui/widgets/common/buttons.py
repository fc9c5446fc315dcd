"""Buttons and key hints."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import QLabel, QPushButton, QToolButton, QWidget

from ggt_studio.ui import theme


class PrimaryButton(QPushButton):
    """The one primary action of a page."""

    def __init__(self, text: str, icon: str = "", parent: QWidget | None = None) -> None:
        super().__init__(text, parent)
        self.setProperty("primary", True)
        if icon:
            self.setIcon(theme.icon(icon, "on_accent"))


def quiet_button(icon: str, name: str, *, key: str = "", text: str = "") -> QToolButton:
    """A button without a surface: icon (and text), accessible name, tooltip with its key."""
    button = QToolButton()
    button.setProperty("quiet", True)
    button.setIcon(theme.icon(icon))
    button.setAccessibleName(name)
    button.setToolTip(f"{name} ({key})" if key else name)
    if text:
        button.setText(text)
        button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
    return button


class KeyHint(QLabel):
    """A key as it looks on the keyboard: `A`, `Ctrl+Z`; written as the desktop writes it."""

    def __init__(self, key: str, parent: QWidget | None = None) -> None:
        super().__init__(QKeySequence(key).toString(QKeySequence.SequenceFormat.NativeText) or key, parent)
        theme.set_text(self, theme.Text.SMALL)
        self.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.setAccessibleName(self.tr("Key {0}").format(self.text()))
