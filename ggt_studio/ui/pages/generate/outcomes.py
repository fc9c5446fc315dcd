"""What failed and what was rejected, by what decided it, with the one thing to do about each."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QLabel, QLayoutItem, QPushButton, QVBoxLayout, QWidget

from ggt_studio.store.outcomes import Decided
from ggt_studio.ui import theme
from ggt_studio.ui.format import count
from ggt_studio.ui.pages.generate.words import advice, decided_words
from ggt_studio.ui.theme import SPACE_4, SPACE_8, SPACE_12, SPACE_16, Text


class OutcomeList(QWidget):
    """A heading with the number of patches, a row per reason, a button for all and, with `each`, one per reason; hidden while
    there are none. `triggered` for all, `one_triggered` with what decided the patches of one row."""

    triggered = Signal()
    one_triggered = Signal(str)

    def __init__(
        self, heading: str, action: str, explanation: str, each: str = "", parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._heading, self._each, self._explanation = heading, each, explanation
        self.one_buttons: dict[str, QPushButton] = {}
        self._enabled = True
        self.label = QLabel(heading)
        theme.set_text(self.label, Text.HEADING)
        self.button = QPushButton(action)
        self.button.setToolTip(explanation)
        self.button.clicked.connect(lambda: self.triggered.emit())
        top = QHBoxLayout()
        top.addWidget(self.label)
        top.addStretch(1)
        top.addWidget(self.button)
        self._rows = QGridLayout()
        self._rows.setHorizontalSpacing(SPACE_12)
        self._rows.setVerticalSpacing(SPACE_4)
        self._rows.setColumnStretch(1, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, SPACE_16)
        layout.setSpacing(SPACE_4)
        layout.addLayout(top)
        layout.addLayout(self._rows)
        self._shown: list[Decided] = []
        self.hide()

    def show_decided(self, groups: Sequence[Decided]) -> None:
        """Show these groups."""
        if list(groups) == self._shown:
            return
        self._shown = list(groups)
        self.label.setText(f"{self._heading}  {count(sum(group.n for group in groups))}")
        while item := self._rows.takeAt(0):
            _clear(item)
        self.one_buttons.clear()
        # One reason: the button of its row does what that for all would do.
        self.button.setVisible(not self._each or len(groups) > 1)
        for row, group in enumerate(groups):
            number = QLabel(count(group.n))
            number.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignTop)
            number.setFont(theme.font(strong=True))
            self._rows.addWidget(number, row, 0)
            told = QVBoxLayout()
            told.setContentsMargins(0, 0, 0, SPACE_8 if group.message else 0)
            told.setSpacing(0)
            told.addWidget(_words(decided_words(group.decided_by)))
            for text, muted in ((group.message, True), (advice(group.decided_by), False)):
                if text:
                    line = _words(text)
                    theme.set_text(line, Text.SMALL, muted=muted)
                    told.addWidget(line)
            self._rows.addLayout(told, row, 1)
            if self._each:
                self._rows.addWidget(self._one_button(group), row, 2, Qt.AlignmentFlag.AlignTop)
        self.setVisible(bool(groups))

    def _one_button(self, group: Decided) -> QPushButton:
        button = self.one_buttons[group.decided_by] = QPushButton(self._each.format(count(group.n)))
        button.setToolTip(self._explanation)
        button.setAccessibleName(f"{button.text()}: {decided_words(group.decided_by)}")
        button.setEnabled(self._enabled)
        button.clicked.connect(lambda: self.one_triggered.emit(group.decided_by))
        return button

    def set_enabled(self, enabled: bool) -> None:
        """Whether something can be done now."""
        self._enabled = enabled
        for button in (self.button, *self.one_buttons.values()):
            button.setEnabled(enabled)

    @property
    def groups(self) -> list[Decided]:
        """What is shown."""
        return list(self._shown)


def _clear(item: QLayoutItem) -> None:
    if widget := item.widget():
        widget.deleteLater()
    elif lines := item.layout():
        while inner := lines.takeAt(0):
            _clear(inner)


def _words(text: str) -> QLabel:
    label = QLabel(text)
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setWordWrap(True)
    label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    return label
