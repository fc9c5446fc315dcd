"""Widgets in cycles end on the window's thread, whichever thread allocates."""

from __future__ import annotations

import gc
import threading

from PySide6.QtCore import QObject
from pytestqt.qtbot import QtBot


class Noted(QObject):
    """A Qt object that is part of a cycle and notes on which thread it ends."""

    def __init__(self, ends: list[int]) -> None:
        super().__init__()
        self.ends, self.me = ends, self

    def __del__(self) -> None:
        self.ends.append(threading.get_ident())


def test_a_cycle_with_widgets_is_collected_on_the_windows_thread(qtbot: QtBot) -> None:
    ends: list[int] = []
    for _ in range(20):
        Noted(ends)

    kept: list[list[int]] = []

    def allocate() -> None:
        """More than enough for a collection of every generation, were it left to this thread."""
        kept.extend([index] for index in range(300_000))

    other = threading.Thread(target=allocate)
    other.start()
    other.join()
    assert ends == [], "nothing ended on the other thread"
    qtbot.waitUntil(lambda: len(ends) == 20, timeout=30_000)
    assert set(ends) == {threading.get_ident()}
    assert not gc.isenabled()
