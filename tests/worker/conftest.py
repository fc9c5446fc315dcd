"""A worker that can do chores of its own."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from ggt_studio.worker.client import WorkerPool

CHORES = """
import ctypes, os, subprocess, sys, threading, time
from ggt_studio.core.errors import MlExtraMissing, StudioError, UnusableImage, WriteError

def echo(params): return params
def pid(params): return {"pid": os.getpid()}
def sleep(params): time.sleep(params["s"]); return {"pid": os.getpid()}
def last_words(params):
    print("about to fall", file=sys.stderr, flush=True)
    os._exit(params["code"])
def segfault(params): ctypes.string_at(0)
def killed(params): os.kill(os.getpid(), 9)
def leave(params): sys.exit(3)
def chatter(params):
    print("loud"); sys.stdout.write('{"id": 1, "result": {}}\\n'); sys.stdout.flush()
    os.write(1, b"from below\\n")
    return {"read": sys.stdin.read()}
def fill_stderr(params):
    os.write(2, b"x" * 3_000_000)
    return {}
def environment(params): return dict(os.environ)
def refuse(params): raise {c.__name__: c for c in (MlExtraMissing, StudioError, UnusableImage, WriteError)}[params["kind"]]("no, because")
def bug(params): return {}["missing"]
def deep(params): return deep(params)
def hungry(params): raise MemoryError
def full(params): raise OSError(28, "No space left on device", "/full/hq.png")
def gone(params): raise FileNotFoundError(2, "No such file or directory", "/gone.png")
def unspeakable(params): return {"set": {1, 2}}
def big(params): return {"data": "x" * params["n"]}
def torn(params):
    threading.Timer(0.3, lambda: os._exit(1)).start()
    return {"data": "x" * 300_000_000}
def child(params):
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    if params["wait"]: process.wait()
    if params["crash"]: os._exit(1)
    return {"pid": process.pid}
def steps(params, job):
    for n in range(params["n"]):
        job.check()
        job.report("steps", n, params["n"])
        time.sleep(params["s"])
    return {"pid": os.getpid()}
def deaf(params, job): time.sleep(60)
def busy_end(params, job):
    try:
        while True: job.check(); time.sleep(0.01)
    finally:
        time.sleep(params["s"])
def children(params): return {"children": sorted(t.name for t in threading.enumerate())}
"""


@pytest.fixture
def pool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[WorkerPool]:
    """One worker, which can also do the chores of a module that only this test has."""
    (tmp_path / "chores.py").write_text(CHORES)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")]))
    made = WorkerPool(1)
    yield made
    made.close()
