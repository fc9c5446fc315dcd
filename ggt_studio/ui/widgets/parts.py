"""Small parts that the panel's sections are made of."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QComboBox, QFileDialog, QGridLayout, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from ggt_studio.ui import theme
from ggt_studio.ui.theme import SPACE_8, Text
from ggt_studio.ui.widgets.common.choices import ComboBox


def small_label() -> QLabel:
    """Words beside the point, which wrap."""
    label = QLabel()
    label.setWordWrap(True)
    label.setTextFormat(Qt.TextFormat.PlainText)
    theme.set_text(label, Text.SMALL, muted=True)
    return label


def heading(text: str) -> QLabel:
    """The heading of a section."""
    label = QLabel(text)
    label.setFont(theme.font(strong=True))
    return label


def row_of(first: QWidget, second: QWidget) -> QHBoxLayout:
    """Two widgets side by side; the first one takes the room."""
    row = QHBoxLayout()
    row.setSpacing(SPACE_8)
    row.addWidget(first, 1)
    row.addWidget(second)
    return row


def column(parent: QWidget) -> QVBoxLayout:
    """A section's layout."""
    layout = QVBoxLayout(parent)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setSpacing(SPACE_8)
    return layout


def grid(parent: QWidget | None = None) -> QGridLayout:
    """Words at the left, what they name at the right."""
    layout = QGridLayout(parent) if parent is not None else QGridLayout()
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setHorizontalSpacing(SPACE_8)
    layout.setVerticalSpacing(SPACE_8)
    layout.setColumnStretch(1, 1)
    return layout


def combo_of(name: str, choices: list[tuple[str, Any]]) -> QComboBox:
    """A list to choose from, no wider than its place."""
    box = ComboBox()
    box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    box.setMinimumContentsLength(8)
    box.setAccessibleName(name)
    for word, value in choices:
        box.addItem(word, value)
    return box


def show_dialog(dialog: QFileDialog) -> None:
    """Show a file dialog, which goes when it is closed."""
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    dialog.open()
