"""What a method may say and hear while it works: how far it is, and that nobody wants the result any more."""

from __future__ import annotations

import threading
from collections.abc import Callable


class Cancelled(Exception):
    """The parent no longer wants the result. Raised by `Job.check`; the worker answers that it has stopped."""


class Job:
    """One request under way, handed to methods that take a second parameter.

    `report` and `check` may be called from any thread.
    """

    def __init__(self, tell: Callable[[dict[str, float | str]], None]) -> None:
        self._tell = tell
        self._cancelled = threading.Event()

    def cancel(self) -> None:
        """Ask the method to stop."""
        self._cancelled.set()

    def check(self) -> None:
        """Raise Cancelled when the parent asked to stop. Call it at least once per step of long work."""
        if self._cancelled.is_set():
            raise Cancelled

    def report(self, what: str, done: float, total: float) -> None:
        """Tell the parent how far `what` (`steps`, `bytes`, ...) is; `total` is 0 where it is not known."""
        self._tell({"what": what, "done": done, "total": total})
