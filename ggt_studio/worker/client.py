"""A pool of worker processes: call a method, await its result; a crash there is an error here."""

from __future__ import annotations

import asyncio
import itertools
import os
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Any

from ggt_studio.core import errors
from ggt_studio.core.errors import StudioError
from ggt_studio.worker.process import Progress, WorkerProcess

GPU_LANE = "gpu"
DOWNLOAD_LANE = "download"


class WorkerError(RuntimeError):
    """A worker raised something that is no StudioError: a bug, with its traceback as a note."""


@dataclass(slots=True)
class _Lane:
    """Processes of one purpose: at most `size`, each with `threads` threads for numeric work."""

    size: int
    threads: int
    secret_variables: Collection[str]
    slots: asyncio.Semaphore = field(init=False)
    idle: list[WorkerProcess] = field(default_factory=list)
    busy: set[WorkerProcess] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.slots = asyncio.Semaphore(self.size)

    def take(self, method: str) -> WorkerProcess:
        """A free process, best one that has loaded the method already."""
        for worker in [worker for worker in self.idle if not worker.alive]:
            self.idle.remove(worker)
            worker.stop()
        taken = next((worker for worker in self.idle if method in worker.served), None)
        if taken is not None:
            self.idle.remove(taken)
        else:
            taken = self.idle.pop() if self.idle else WorkerProcess(self.threads, self.secret_variables)
        self.busy.add(taken)
        return taken

    def give_back(self, worker: WorkerProcess, *, keep: bool) -> None:
        """Let the next call have the process, or end it."""
        self.busy.discard(worker)
        if keep:
            self.idle.append(worker)
        else:
            worker.stop()
        self.slots.release()

    def close(self) -> None:
        """End all of them."""
        for worker in [*self.idle, *self.busy]:
            worker.stop()
        self.idle.clear()
        self.busy.clear()


class WorkerPool:
    """Up to `size` worker processes, started when needed, each doing one thing at a time.

    `size` defaults to the number of cores, at most 8. A named lane is one further process that keeps what it has loaded: so a
    model of many gigabytes is loaded once (`GPU_LANE`), and a download of an hour keeps nobody waiting (`DOWNLOAD_LANE`).
    `secret_variables` are names in our environment that the processes never see, beside all that look like secrets.
    Use from one event loop; call `close` at the end.
    """

    def __init__(self, size: int | None = None, secret_variables: Collection[str] = ()) -> None:
        self.size = size or min(available_cores(), 8)
        self._secret_variables = set(secret_variables)
        self._lanes = {"": _Lane(self.size, max(1, available_cores() // self.size), self._secret_variables)}
        self._numbers = itertools.count(1)
        self._giving_up: set[asyncio.Task[None]] = set()

    def keep_secret(self, variables: Collection[str]) -> None:
        """Let processes that are started from now on not see these variables of our environment either."""
        self._secret_variables.update(variables)

    async def call(
        self,
        method: str,
        params: dict[str, Any],
        *,
        timeout_s: float | None = None,
        lane: str = "",
        on_progress: Callable[[Progress], None] | None = None,
        cancel_within_s: float = 0.0,
    ) -> dict[str, Any]:
        """Run a method and return its result.

        Raises the StudioError that the method raised; WorkerCrashed when its process ended; TimeoutError after `timeout_s`;
        WorkerError for anything else. Cancelling takes effect at once: it ends the process that was at work. With
        `cancel_within_s` the method is asked to stop instead, and its process, with all that it has loaded, is ended only when
        it has not answered after so many seconds; until then it takes no other call.
        """
        at = self._lanes.setdefault(lane, _Lane(1, available_cores(), self._secret_variables))
        await at.slots.acquire()
        try:
            worker = at.take(method)
        except BaseException:
            at.slots.release()
            raise
        number = next(self._numbers)
        try:
            async with asyncio.timeout(timeout_s):
                answer = await worker.request(number, method, params, on_progress)
        except (asyncio.CancelledError, TimeoutError):
            if cancel_within_s > 0:
                giving_up = asyncio.create_task(self._give_up(at, worker, number, cancel_within_s))
                self._giving_up.add(giving_up)
                giving_up.add_done_callback(self._giving_up.discard)
            else:
                at.give_back(worker, keep=False)
            raise
        except BaseException:
            at.give_back(worker, keep=False)
            raise
        at.give_back(worker, keep=True)
        if "error" in answer:
            raise _raised(answer["error"])
        return answer["result"]

    async def _give_up(self, lane: _Lane, worker: WorkerProcess, number: int, within_s: float) -> None:
        keep = False
        try:
            keep = await worker.cancel(number, within_s)
        finally:
            lane.give_back(worker, keep=keep)

    def close(self) -> None:
        """End all processes."""
        for lane in self._lanes.values():
            lane.close()


def available_cores() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _raised(error: dict[str, str]) -> Exception:
    if error["type"] == "bug":
        bug = WorkerError(error["message"])
        bug.add_note(error["traceback"])
        return bug
    kind = getattr(errors, error["type"], StudioError)
    return kind(error["message"])
