"""Await calls that block and may never return, such as a keyring that asks a person or a look-up of a name without a network."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


async def apart(function: Callable[[], T], within_s: float) -> T:
    """The result of `function`, called in a thread of its own. Raises what it raises, and TimeoutError after `within_s` seconds.

    The thread of a call that never returns does not keep the program from ending, as one of a pool would.
    """
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[T] = loop.create_future()

    def settle(result: T | None, error: BaseException | None) -> None:
        if answer.done():
            return
        if error is not None:
            answer.set_exception(error)
        else:
            answer.set_result(result)  # type: ignore[arg-type]

    def work() -> None:
        result: T | None = None
        error: BaseException | None = None
        try:
            result = function()
        except Exception as raised:  # noqa: BLE001 - it is raised again where the result is awaited
            error = raised
        # When the loop has closed, nobody waits any more.
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(settle, result, error)

    threading.Thread(target=work, daemon=True, name="apart").start()
    async with asyncio.timeout(within_s):
        return await answer
