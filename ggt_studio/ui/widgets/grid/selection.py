"""The grid's current item and its selection: what a click or a move with Shift or Ctrl does to them."""

from __future__ import annotations

from PySide6.QtCore import Qt

from ggt_studio.ui.widgets.grid.ranges import Ranges

SHIFT, CTRL = Qt.KeyboardModifier.ShiftModifier, Qt.KeyboardModifier.ControlModifier


class GridSelection:
    """`current` is the item with the keyboard (-1: none), `anchor` where a range begins, `selected` the chosen ones."""

    def __init__(self) -> None:
        self.current = -1
        self.anchor = -1
        self.selected = Ranges()

    def clear(self) -> None:
        """No current item, nothing selected."""
        self.current = self.anchor = -1
        self.selected.clear()

    def click(self, index: int, modifiers: Qt.KeyboardModifier) -> None:
        """Alone: choose only this. Ctrl: add or remove it. Shift: choose from the anchor to it (with Ctrl: add those)."""
        self.current = index
        if modifiers & SHIFT and self.anchor >= 0:
            if not modifiers & CTRL:
                self.selected.clear()
            self._span(index)
        elif modifiers & CTRL:
            self.selected.toggle(index)
            self.anchor = index
        else:
            self.only(index)

    def move(self, index: int, modifiers: Qt.KeyboardModifier) -> None:
        """Alone: choose only this. Shift: choose from the anchor to it. Ctrl: go there and choose nothing new."""
        self.current = index
        if modifiers & SHIFT and self.anchor >= 0:
            self.selected.clear()
            self._span(index)
        elif not modifiers & CTRL:
            self.only(index)

    def only(self, index: int) -> None:
        """This item is current and the only one selected."""
        self.current = self.anchor = index
        self.selected.clear()
        self.selected.add(index, index + 1)

    def toggle_current(self) -> None:
        """Add the current item to the selection or take it out."""
        if self.current >= 0:
            self.selected.toggle(self.current)
            self.anchor = self.current

    def end(self) -> int:
        """One past the last index that is selected or current."""
        ranges = self.selected.ranges()
        return max(ranges[-1][1] if ranges else 0, self.current + 1)

    def _span(self, index: int) -> None:
        self.selected.add(min(self.anchor, index), max(self.anchor, index) + 1)
