"""A person's hands in tests of the window: click, type, wait."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QWidget


async def until(true: Callable[[], object], timeout_s: float = 20.0) -> None:
    """Let the event loop go on until something is true."""
    async with asyncio.timeout(timeout_s):
        while not true():
            await asyncio.sleep(0.01)


def click(widget: QWidget) -> None:
    """Press and release the left button near the left edge, where radio buttons listen too."""
    place = QPoint(min(10, widget.width() // 2), widget.height() // 2)
    QTest.mouseClick(widget, Qt.MouseButton.LeftButton, pos=place)


def type_over(field: QWidget, text: str) -> None:
    """Replace what is in a field by keys."""
    field.setFocus()
    QTest.keyClick(field, Qt.Key.Key_A, Qt.KeyboardModifier.ControlModifier)
    QTest.keyClick(field, Qt.Key.Key_Backspace)
    QTest.keyClicks(field, text)
