"""Threads that take on together what waits together, and wake each event loop once for all of it."""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from typing import Any, Generic, TypeVar

from ggt_studio.core.errors import StudioError

W = TypeVar("W")


class Job(Generic[W]):
    """A piece of work on its way to a thread and back; who does it sets `result` or `error`."""

    __slots__ = ("_future", "error", "result", "work")

    def __init__(self, work: W, future: Future[Any] | asyncio.Future[Any]) -> None:
        self.work, self._future = work, future
        self.result: object = None
        self.error: BaseException | None = None

    @property
    def loop(self) -> asyncio.AbstractEventLoop | None:
        """The event loop on which it is awaited, if it is."""
        return None if isinstance(self._future, Future) else self._future.get_loop()

    def begin(self) -> bool:
        """Whether it is to be done: always, but for a `Future` that was cancelled while it waited."""
        return not isinstance(self._future, Future) or self._future.set_running_or_notify_cancel()

    def settle(self) -> None:
        """Tell who waits for it; on its event loop where it has one."""
        if self._future.done():
            # Whoever waited was cancelled; the work is done all the same.
            return
        if self.error is not None:
            self._future.set_exception(self.error)
        else:
            self._future.set_result(self.result)


class BatchThreads(Generic[W]):
    """Hands pieces of work to threads of its own, in order and as many at a time as are waiting, `limit` at most.

    `serve` runs on each thread: it goes through the batches, and each is settled when it asks for the next. What was handed
    over is done, also when nobody waits for it any more. `refusal` is said of work that comes after closing.
    """

    def __init__(
        self,
        name: str,
        serve: Callable[[Iterator[list[Job[W]]]], None],
        *,
        limit: int,
        refusal: str,
        threads: int = 1,
    ) -> None:
        self._limit, self._refusal = limit, refusal
        self._jobs: queue.SimpleQueue[Job[W] | None] = queue.SimpleQueue()
        self._gate = threading.Lock()
        self._closed = False
        self._threads = [
            threading.Thread(target=lambda: serve(self._batches()), name=name, daemon=False) for _ in range(threads)
        ]

    def start(self) -> None:
        """Start the threads."""
        for thread in self._threads:
            thread.start()

    def submit(self, work: W) -> Future[Any]:
        """Hand work over. Raises StudioError once closed."""
        future: Future[Any] = Future()
        self._put(Job(work, future))
        return future

    async def call(self, work: W) -> Any:
        """Hand work over and await its result. Cancelling the wait does not undo the work. Raises StudioError once closed."""
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._put(Job(work, future))
        return await future

    def close(self) -> None:
        """Finish what was handed over, then end the threads. Later work is refused."""
        with self._gate:
            if not self._closed:
                self._closed = True
                self._jobs.put(None)
        for thread in self._threads:
            if thread.ident is not None:
                thread.join()

    def _put(self, job: Job[W]) -> None:
        with self._gate:
            if self._closed:
                raise StudioError(self._refusal)
            self._jobs.put(job)

    def _batches(self) -> Iterator[list[Job[W]]]:
        while (first := self._jobs.get()) is not None:
            batch = [job for job in (first, *self._waiting(self._limit - 1)) if job.begin()]
            if batch:
                yield batch
                _settle(batch)
                # Nothing that was handed over is held in memory while the threads wait.
                batch.clear()
            del first
        self._jobs.put(None)  # for the other threads

    def _waiting(self, limit: int) -> Iterator[Job[W]]:
        for _ in range(limit):
            try:
                job = self._jobs.get_nowait()
            except queue.Empty:
                return
            if job is None:
                self._jobs.put(None)
                return
            yield job


def _settle(jobs: list[Job[Any]]) -> None:
    by_loop: dict[asyncio.AbstractEventLoop, list[Job[Any]]] = {}
    for job in jobs:
        if (loop := job.loop) is None:
            job.settle()
        else:
            by_loop.setdefault(loop, []).append(job)
    for loop, waiting in by_loop.items():
        try:
            loop.call_soon_threadsafe(_settle_all, waiting)
        except RuntimeError:
            # The loop has closed: nobody waits any more.
            continue


def _settle_all(jobs: list[Job[Any]]) -> None:
    for job in jobs:
        job.settle()
