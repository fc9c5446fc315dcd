"""One worker process: start it without our secrets, ask it, ask it to stop, end it, and say how it ended."""

from __future__ import annotations

import asyncio
import collections
import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from typing import Any

from ggt_studio.core.errors import WorkerCrashed

_SECRET = ("APIKEY", "TOKEN", "SECRET", "PASSWORD", "PASSWD", "CREDENTIAL")
_LAST_WORDS_S = 1.0

# Image-sized buffers come and go by the thousand: with glibc's defaults a third of a worker's time went to the kernel
# handing the same pages back and forth.
_KEEP_MEMORY = {"MALLOC_MMAP_THRESHOLD_": str(256 << 20), "MALLOC_TRIM_THRESHOLD_": str(512 << 20)}


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a method is: `done` of `total` steps, bytes, ...; `total` is 0 where it is not known."""

    what: str
    done: float
    total: float


@dataclass(frozen=True, slots=True)
class _Waiting:
    """Who waits for the answer to a request, and wants to hear how far it is."""

    loop: asyncio.AbstractEventLoop
    answer: asyncio.Future[dict[str, Any]]
    on_progress: Callable[[Progress], None] | None = None

    def deliver(self, answer: dict[str, Any]) -> None:
        def settle() -> None:
            if self.answer.done():
                return
            if "progress" not in answer:
                self.answer.set_result(answer)
            elif self.on_progress is not None:
                self.on_progress(Progress(**answer["progress"]))

        # When the loop has closed, nobody waits any more.
        with contextlib.suppress(RuntimeError):
            self.loop.call_soon_threadsafe(settle)


class WorkerProcess:
    """One process. `served` are the methods it has loaded already."""

    def __init__(self, threads: int, secret_variables: Collection[str] = ()) -> None:
        environment = environment_without_secrets(secret_variables)
        environment |= {
            **_KEEP_MEMORY,
            "OMP_NUM_THREADS": str(threads),
            "PYTHONUNBUFFERED": "1",
            "QT_QPA_PLATFORM": "offscreen",
        }
        with _interrupts_held_back():
            self.process = subprocess.Popen(
                [sys.executable, "-m", "ggt_studio.worker"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=environment,
                # A group of its own: Ctrl-C in a terminal is for the program, which then ends its workers in good order.
                process_group=0 if os.name == "posix" else None,
                creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0)
                | getattr(subprocess, "CREATE_NO_WINDOW", 0),
                text=True,
                encoding="utf-8",
                errors="replace",
            )
        self.served: set[str] = set()
        self._last_words: collections.deque[str] = collections.deque(maxlen=20)
        self._waiting: dict[int, _Waiting] = {}
        self._lock = threading.Lock()
        self._ended = False
        self._overhearing = threading.Thread(target=self._overhear, daemon=True, name="worker messages")
        self._listening = threading.Thread(target=self._listen, daemon=True, name="worker replies")
        # In this order: whoever listens waits for the last words when the process ends, and that may be at once.
        self._overhearing.start()
        self._listening.start()

    async def request(
        self,
        number: int,
        method: str,
        params: dict[str, Any],
        on_progress: Callable[[Progress], None] | None = None,
    ) -> dict[str, Any]:
        """Send a request and await its answer. Raises WorkerCrashed when the process ends before."""
        loop = asyncio.get_running_loop()
        waiting = _Waiting(loop, loop.create_future(), on_progress)
        with self._lock:
            if self._ended:
                raise WorkerCrashed(self._obituary(method))
            self._waiting[number] = waiting
        self._send({"id": number, "method": method, "params": params})
        answer = await waiting.answer
        if "gone" in answer:
            raise WorkerCrashed(self._obituary(method))
        self.served.add(method)
        return answer

    async def cancel(self, number: int, within_s: float) -> bool:
        """Ask for a request that nobody awaits any more to be given up. Return whether the process is free again."""
        loop = asyncio.get_running_loop()
        waiting = _Waiting(loop, loop.create_future())
        with self._lock:
            if number not in self._waiting:
                return not self._ended
            self._waiting[number] = waiting
        self._send({"id": number, "cancel": True})
        try:
            return "gone" not in await asyncio.wait_for(waiting.answer, within_s)
        except TimeoutError:
            return False

    def _send(self, message: dict[str, Any]) -> None:
        assert self.process.stdin is not None
        # A process that has just ended cannot be written to; that it is gone is what the future will say.
        with contextlib.suppress(OSError):
            self.process.stdin.write(json.dumps(message) + "\n")
            self.process.stdin.flush()

    @property
    def alive(self) -> bool:
        """Whether the process is still there to be asked."""
        if self._ended or self.process.poll() is not None:
            return False
        if not hasattr(os, "waitid"):
            return True
        # While the listening thread waits for the end, `poll` does not look: ask the system itself.
        try:
            return os.waitid(os.P_PID, self.process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None
        except ChildProcessError:
            return False

    def stop(self) -> None:
        """End the process at once, whatever it does, and its threads with it."""
        if self.process.returncode is None:
            self._kill()
        self.process.wait()
        self._listening.join()
        self._overhearing.join()
        for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
            if pipe is not None:
                with contextlib.suppress(BrokenPipeError):
                    pipe.close()

    def _kill(self) -> None:
        """End the process, and what it started itself: that would hold the pipes open."""
        if os.name == "posix":
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.process.pid, signal.SIGKILL)
        self.process.kill()

    def _listen(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            try:
                answer = json.loads(line)
            except ValueError:
                # The process was ended in the middle of an answer.
                break
            with self._lock:
                find = self._waiting.get if "progress" in answer else self._waiting.pop
                waiting = find(answer["id"], None)
            if waiting:
                waiting.deliver(answer)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(_LAST_WORDS_S)
        self._kill()
        self.process.wait()
        self._overhearing.join(_LAST_WORDS_S)
        with self._lock:
            self._ended = True
            orphans = list(self._waiting.values())
            self._waiting.clear()
        for waiting in orphans:
            waiting.deliver({"gone": True})

    def _overhear(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self._last_words.append(line.rstrip())

    def _obituary(self, method: str) -> str:
        code = self.process.poll()
        how = f"was ended by signal {-code}" if code is not None and code < 0 else f"ended with code {code}"
        if code == -9:
            how += " (out of memory, perhaps)"
        words = self._last_words[-1] if self._last_words else ""
        return f"The worker process {how} while it did `{method}`." + (f" Its last words: {words}" if words else "")


@contextlib.contextmanager
def _interrupts_held_back() -> Iterator[None]:
    """Hold SIGINT back from this thread, and so from a process born meanwhile: it inherits that.

    For a moment a new process is still in our group, where Ctrl-C would end it.
    """
    if os.name != "posix":
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def environment_without_secrets(secret_variables: Collection[str] = ()) -> dict[str, str]:
    """Our environment for another process: without what looks like a secret, and without the variables named."""
    return {name: value for name, value in os.environ.items() if not _is_secret(name) and name not in secret_variables}


def _is_secret(name: str) -> bool:
    upper = name.upper()
    return upper.endswith("_KEY") or any(word in upper for word in _SECRET)
