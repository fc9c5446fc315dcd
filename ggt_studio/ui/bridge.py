"""The one meeting place of asyncio and Qt: start coroutines from the window, and end them all when it closes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from ggt_studio.core.errors import StudioError
from ggt_studio.settings import write_report

T = TypeVar("T")
OnError = Callable[[Exception], None]


class Tasks:
    """Keeps the tasks that the window started, so that none is lost and none outlives it."""

    def __init__(self, on_error: OnError) -> None:
        # Events may come in while the loop is between two turns: what they start waits for its next one.
        self._loop = asyncio.get_running_loop()
        self._closed = False
        self._tasks: set[asyncio.Task[Any]] = set()
        self._on_error = on_error

    def spawn(
        self, work: Coroutine[Any, Any, T], done: Callable[[T], None] | None = None, on_error: OnError | None = None
    ) -> asyncio.Future[T]:
        """Start `work`; `done` gets its result, `on_error` (the window's own where None) what it raised.

        Cancellation is neither. After `close` nothing is started any more.
        """
        if self._closed:
            work.close()
            task = self._loop.create_future()
            task.cancel()
            return task
        task = self._loop.create_task(work)
        self._tasks.add(task)

        def finished(task: asyncio.Future[T]) -> None:
            self._tasks.discard(task)
            if task.cancelled():
                return
            error = task.exception()
            if isinstance(error, Exception):
                if not isinstance(error, StudioError):
                    error.details = write_report(error)  # type: ignore[attr-defined] - for `describe`
                (on_error or self._on_error)(error)
            elif error is not None:
                raise error
            elif done is not None:
                done(task.result())

        task.add_done_callback(finished)
        return task

    async def close(self) -> None:
        """Cancel what is still under way and wait until it has cleaned up."""
        self._closed = True
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
