"""Ctrl-C: the first one stops the command in good order; impatience does no harm."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

INTERRUPTED = 130
_PATIENCE_S = 5.0


@contextmanager
def on_interrupt(stop: Callable[[], object]) -> Iterator[None]:
    """Inside, the first Ctrl-C calls `stop`; those of the next 5 s are ignored while the command cleans up.

    A later one ends the process at once, as a kill would: what is on record stays. To be used in the main thread.
    """
    first: float | None = None

    def arrived(number: int, frame: FrameType | None) -> None:
        nonlocal first
        if first is None:
            first = time.monotonic()
            stop()
        elif time.monotonic() - first > _PATIENCE_S:
            os._exit(INTERRUPTED)

    before = signal.signal(signal.SIGINT, arrived)
    try:
        yield
    finally:
        # Once interrupted, the rest of the command is cleaning up: it is not to be interrupted again.
        if first is None and signal.getsignal(signal.SIGINT) is arrived:
            signal.signal(signal.SIGINT, before)
