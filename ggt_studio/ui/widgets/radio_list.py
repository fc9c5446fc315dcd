"""Radio buttons with what each means, and how many it takes."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QButtonGroup, QGridLayout, QLabel, QRadioButton, QWidget

from ggt_studio.ui import theme
from ggt_studio.ui.theme import SPACE_4, SPACE_8, SPACE_12, SPACE_24, Text


class RadioList(QWidget):
    """Radio buttons below each other, each with a sentence and a number; `changed` when a person chose."""

    changed = Signal()

    def __init__(self, label: str, choices: Sequence[tuple[str, str, str]], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName(label)
        self._values = [value for value, _, _ in choices]
        self._group = QButtonGroup(self)
        self._numbers: dict[str, QLabel] = {}
        layout = QGridLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setHorizontalSpacing(SPACE_12)
        layout.setVerticalSpacing(0)
        layout.setColumnStretch(0, 1)
        for row, (value, name, sentence) in enumerate(choices):
            button = QRadioButton(name)
            button.setAccessibleDescription(sentence)
            self._group.addButton(button, row)
            number = self._numbers[value] = QLabel()
            number.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            words = QLabel(sentence)
            words.setWordWrap(True)
            words.setContentsMargins(SPACE_24 + SPACE_4, 0, 0, SPACE_8)
            theme.set_text(words, Text.SMALL, muted=True)
            layout.addWidget(button, 2 * row, 0)
            layout.addWidget(number, 2 * row, 1)
            layout.addWidget(words, 2 * row + 1, 0, 1, 2)
        self._group.button(0).setChecked(True)
        self._group.idClicked.connect(lambda _: self.changed.emit())

    @property
    def value(self) -> str:
        """The chosen value."""
        return self._values[self._group.checkedId()]

    def set_value(self, value: str) -> None:
        """Choose without `changed`; what is no choice is ignored."""
        if value in self._values:
            self._group.button(self._values.index(value)).setChecked(True)

    def button(self, value: str) -> QRadioButton:
        """The button of a value."""
        button = self._group.button(self._values.index(value))
        assert isinstance(button, QRadioButton)
        return button

    def set_number(self, value: str, text: str) -> None:
        """Show a number at a choice."""
        self._numbers[value].setText(text)

    def number(self, value: str) -> str:
        """The number shown at a choice."""
        return self._numbers[value].text()
