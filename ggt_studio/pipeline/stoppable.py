"""Long work that a person may end at once, and what has to come to its end even then."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any


class Stoppable:
    """One piece of work; `stop` ends it, also before it has begun."""

    def __init__(self) -> None:
        self._stopping = False
        self._task: asyncio.Task[None] | None = None

    def stop(self) -> None:
        """End the work at once."""
        self._stopping = True
        if self._task is not None:
            self._task.cancel()

    async def run(self, work: Coroutine[Any, Any, None]) -> bool:
        """Do the work; whether it came to its end, rather than being stopped.

        Raises what the work raises (of a task group the first cause), and CancelledError when who awaits this is cancelled.
        """
        self._task = asyncio.create_task(work)
        if self._stopping:
            self._task.cancel()
        try:
            await self._task
        except asyncio.CancelledError:
            if not self._stopping:
                raise
            return False
        except BaseExceptionGroup as error:
            raise first_cause(error) from error
        return True


def first_cause(error: BaseException) -> BaseException:
    """What a person needs to know of what a task group raised: the first cause in it, however deep."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


async def whatever_comes(work: Coroutine[Any, Any, None]) -> None:
    """Await something to its end through any number of cancellations; the last of them is raised afterwards."""
    task = asyncio.ensure_future(work)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError as error:
            cancelled = error
    task.result()
    if cancelled is not None:
        raise cancelled
