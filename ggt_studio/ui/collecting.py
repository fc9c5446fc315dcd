"""Keeps Python's garbage collector on the window's thread.

A cycle of objects may hold widgets. The collector runs on whichever thread happens to allocate: on the store's or a download's it
would destroy widgets beside the thread that paints them, which ends the program.
"""

from __future__ import annotations

import gc

from PySide6.QtCore import QObject, QTimer

_EVERY_MS = 200


class Collector(QObject):
    """Switches automatic collection off and collects on the thread that made it, by the collector's own thresholds."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        gc.disable()
        # What is there by now is mostly code, which lives as long as the program: it is not looked through again and again.
        gc.freeze()
        self._timer = QTimer(self, interval=_EVERY_MS)
        self._timer.timeout.connect(collect_what_is_due)
        self._timer.start()

    def stop(self) -> None:
        """Let Python collect by itself again."""
        self._timer.stop()
        gc.unfreeze()
        gc.enable()


def collect_what_is_due() -> None:
    """Collect the oldest generation whose threshold is passed, and those younger than it."""
    due = [count > threshold for count, threshold in zip(gc.get_count(), gc.get_threshold(), strict=True)]
    if not due[0]:
        return
    gc.collect(2 if due[1] and due[2] else 1 if due[1] else 0)
