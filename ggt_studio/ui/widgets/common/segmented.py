"""A row of segments of which exactly one is chosen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QButtonGroup, QHBoxLayout, QSizePolicy, QToolButton, QWidget

from ggt_studio.ui import theme

_NO_MODIFIER = Qt.KeyboardModifier.NoModifier


@dataclass(frozen=True, slots=True)
class Segment:
    """One choice: the value it stands for, its word, a qtawesome icon name (or none) and a tooltip (or the word)."""

    value: Any
    text: str
    icon: str = ""
    tooltip: str = ""


class SegmentedControl(QWidget):
    """Segments side by side; `changed` carries the value that a person chose. Arrow keys move between them."""

    changed = Signal(object)

    def __init__(self, segments: Sequence[Segment], label: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        self.setAccessibleName(label)
        self._segments = tuple(segments)
        self._group = QButtonGroup(self)
        self._compact = False
        layout = QHBoxLayout(self)
        layout.setContentsMargins(1, 1, 1, 1)
        layout.setSpacing(0)
        for index, segment in enumerate(self._segments):
            layout.addWidget(self._button(index, segment))
        self._group.button(0).setChecked(True)
        self._group.idClicked.connect(lambda index: self.changed.emit(self._segments[index].value))

    def _button(self, index: int, segment: Segment) -> QToolButton:
        button = QToolButton(self)
        button.setText(segment.text)
        button.setAccessibleName(segment.text)
        button.setToolTip(segment.tooltip or segment.text)
        button.setCheckable(True)
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        if segment.icon:
            button.setIcon(theme.icon(segment.icon))
            button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        button.installEventFilter(self)
        self._group.addButton(button, index)
        return button

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Left and right choose the neighbour, past those that cannot be chosen."""
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            step = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}.get(Qt.Key(event.key()))
            if step is not None and event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier == _NO_MODIFIER:
                buttons = self._group.buttons()[:: 1 if step > 0 else -1]
                checked = self._group.button(self._group.checkedId())
                later = buttons[buttons.index(checked) + 1 :]
                following = next((button for button in later if button.isEnabled()), None)
                if following is not None:
                    following.setFocus(Qt.FocusReason.TabFocusReason)
                    following.click()
                return True
        return super().eventFilter(watched, event)

    @property
    def value(self) -> Any:
        """The value of the chosen segment."""
        return self._segments[self._group.checkedId()].value

    def set_value(self, value: Any) -> None:
        """Choose a segment without `changed`; raises ValueError for a value that is none of them."""
        self._group.button([segment.value for segment in self._segments].index(value)).setChecked(True)

    def button(self, value: Any) -> QToolButton:
        """The button of a value, for tooltips and disabling."""
        button = self._group.button([segment.value for segment in self._segments].index(value))
        assert isinstance(button, QToolButton)
        return button

    @property
    def compact(self) -> bool:
        """Whether only the icons are shown."""
        return self._compact

    def set_compact(self, compact: bool) -> None:
        """Show only the icons where room is scarce; the words stay as tooltips and accessible names."""
        if compact != self._compact:
            self._compact = compact
            self._show_words(not compact)

    def width_with(self, *, words: bool) -> int:
        """The width in logical pixels that the control takes with its words, or with the icons only."""
        self._show_words(words)
        for button in self._group.buttons():
            button.ensurePolished()
        width = sum(button.sizeHint().width() for button in self._group.buttons()) + 2
        self._show_words(not self._compact)
        return width

    def _show_words(self, words: bool) -> None:
        beside, only = Qt.ToolButtonStyle.ToolButtonTextBesideIcon, Qt.ToolButtonStyle.ToolButtonIconOnly
        for index, segment in enumerate(self._segments):
            button = self._group.button(index)
            if segment.icon and isinstance(button, QToolButton):
                button.setToolButtonStyle(beside if words else only)
