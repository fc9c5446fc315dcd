"""What runs inside a worker process: one request after the other, until the parent is gone."""

from __future__ import annotations

import importlib
import inspect
import json
import os
import queue
import signal
import threading
import traceback
from collections.abc import Callable
from typing import IO, Any

from ggt_studio.core.errors import StudioError
from ggt_studio.core.files import is_about_the_disk, write_error
from ggt_studio.worker.job import Cancelled, Job
from ggt_studio.worker.methods import METHODS

Method = Callable[[dict[str, Any], Job], dict[str, Any]]


class _Replies:
    """The way to the parent: whole lines, from whichever thread."""

    def __init__(self, pipe: IO[str]) -> None:
        self._pipe = pipe
        self._lock = threading.Lock()

    def send(self, line: str) -> None:
        with self._lock:
            self._pipe.write(f"{line}\n")
            self._pipe.flush()

    def job(self, number: int) -> Job:
        return Job(lambda progress: self.send(json.dumps({"id": number, "progress": progress})))


def main() -> None:
    """Answer requests from standard input on standard output.

    Request: `{"id": 1, "method": "align", "params": {...}}`. Answer: `{"id": 1, "result": {...}}` or
    `{"id": 1, "error": {"type": "StudioError", "message": "...", "traceback": "..."}}`. A method is a name in `METHODS`,
    or `module:function` of any module that can be imported here: so a plugin that is an installed package can work in
    the worker, too. What libraries print goes to standard error, and what they read from standard input is empty.

    A method that takes a `Job` beside its params can be asked to stop, by `{"id": 1, "cancel": true}`, which it answers with
    `{"id": 1, "cancelled": true}` (or with its result, if that was sooner), and tells how far it is before it answers:
    `{"id": 1, "progress": {"what": "steps", "done": 3, "total": 28}}`.
    """
    _leave_interrupts_to_the_parent()
    requests_in = os.fdopen(os.dup(0), encoding="utf-8")
    replies = _Replies(os.fdopen(os.dup(1), "w", encoding="utf-8"))
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    if hasattr(os, "nice"):
        os.nice(5)
    requests: queue.SimpleQueue[tuple[dict[str, Any], Job]] = queue.SimpleQueue()
    threading.Thread(target=_read, args=(requests_in, requests, replies), daemon=True).start()
    loaded: dict[str, Method] = {}
    while True:
        request, job = requests.get()
        replies.send(_reply(request["id"], _answer(request, job, loaded)))


def _leave_interrupts_to_the_parent() -> None:
    """Ignore SIGINT, which came blocked from our birth: what is started from here inherits the one, not the other."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})


def _read(requests_in: IO[str], requests: queue.SimpleQueue[tuple[dict[str, Any], Job]], replies: _Replies) -> None:
    number, job = 0, replies.job(0)
    for line in requests_in:
        request = json.loads(line)
        if "cancel" not in request:
            # One request at a time: what was asked before has been answered.
            number, job = request["id"], replies.job(request["id"])
            requests.put((request, job))
        elif request["id"] == number:
            job.cancel()
    # The parent is gone: whatever is under way has nobody to go to.
    os._exit(0)


def _answer(request: dict[str, Any], job: Job, loaded: dict[str, Method]) -> dict[str, Any]:
    try:
        method = loaded.get(request["method"])
        if method is None:
            method = loaded[request["method"]] = _load(request["method"])
        return {"result": method(request["params"], job)}
    except Cancelled:
        return {"cancelled": True}
    except StudioError as error:
        return {"error": {"type": type(error).__name__, "message": str(error), "traceback": ""}}
    except MemoryError:
        return {
            "error": {"type": "StudioError", "message": "There is not enough memory for this image.", "traceback": ""}
        }
    except OSError as error:
        if not is_about_the_disk(error):
            return _defect(error)
        told = write_error(error.filename or "the disk", error)
        return {"error": {"type": "WriteError", "message": str(told), "traceback": ""}}
    except Exception as error:  # noqa: BLE001 - told to the parent, which raises it
        return _defect(error)


def _load(method: str) -> Method:
    module, colon, name = METHODS.get(method, method).partition(":")
    if not colon:
        raise LookupError(f"there is no worker method {method}")
    function = getattr(importlib.import_module(module), name)
    required = [p for p in inspect.signature(function).parameters.values() if p.default is p.empty]
    if len(required) > 1:
        return function
    return lambda params, _job: function(params)


def _defect(error: Exception) -> dict[str, Any]:
    return {
        "error": {"type": "bug", "message": f"{type(error).__name__}: {error}", "traceback": traceback.format_exc()}
    }


def _reply(number: int, answer: dict[str, Any]) -> str:
    try:
        return json.dumps({"id": number, **answer})
    except (TypeError, ValueError) as error:
        return json.dumps({"id": number, **_defect(error)})
