"""How a worker's process ends with the program, and with what the terminal sends; nothing of it stays."""

from __future__ import annotations

import asyncio
import gc
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from fakes.process_life import alive, dies
from ggt_studio.core.errors import WorkerCrashed
from ggt_studio.worker.client import WorkerPool


@pytest.mark.skipif(os.name != "posix", reason="POSIX process groups")
async def test_what_a_method_started_goes_with_it(pool: WorkerPool) -> None:
    grandchild = (await pool.call("chores:child", {"wait": False, "crash": False}))["pid"]
    assert alive(grandchild)
    began = time.monotonic()
    with pytest.raises(WorkerCrashed):
        await pool.call("chores:child", {"wait": False, "crash": True}, timeout_s=20)
    assert time.monotonic() - began < 5, "an orphan that holds the pipes open delays nothing"
    assert await dies(grandchild)


@pytest.mark.skipif(os.name != "posix", reason="POSIX process groups")
async def test_ctrl_c_in_the_terminal_is_not_for_the_worker(pool: WorkerPool) -> None:
    pid = (await pool.call("chores:pid", {}))["pid"]
    assert os.getpgid(pid) == pid != os.getpgid(0)


# A group of its own, and whoever is in it hears SIGINT without a pause, while one worker after the other is born.
CTRL_C_ALL_THE_TIME = """
import os, signal, sys, threading
signal.signal(signal.SIGINT, lambda *_: None)
from ggt_studio.worker.process import WorkerProcess
over = threading.Event()
def hail():
    while not over.is_set():
        os.killpg(0, signal.SIGINT)
        over.wait(0.0002)
threading.Thread(target=hail).start()
ended = []
for _ in range(60):
    worker = WorkerProcess(1)
    over.wait(0.02)
    if not worker.alive:
        worker.process.wait()
        ended.append(worker.process.returncode)
    worker.stop()
over.set()
print(ended)
"""


@pytest.mark.skipif(os.name != "posix", reason="groups of processes as POSIX has them")
def test_ctrl_c_while_a_worker_is_born_does_not_end_it() -> None:
    command = [sys.executable, "-c", CTRL_C_ALL_THE_TIME]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, start_new_session=True, check=False)
    assert (done.stdout, done.returncode) == ("[]\n", 0), done.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
async def test_closing_leaves_no_process_thread_or_file(pool: WorkerPool) -> None:
    gc.collect()
    threads, files = threading.active_count(), len(os.listdir("/proc/self/fd"))  # noqa: PTH208
    two = WorkerPool(2)
    pids = {a["pid"] for a in await asyncio.gather(*(two.call("chores:sleep", {"s": 0.2}) for _ in range(2)))}
    busy = asyncio.create_task(two.call("chores:sleep", {"s": 60}))
    await asyncio.sleep(0.1)
    two.close()
    with pytest.raises(WorkerCrashed):
        await busy
    assert len(pids) == 2
    assert not any(alive(pid) for pid in pids)
    assert threading.active_count() == threads
    assert len(os.listdir("/proc/self/fd")) == files  # noqa: PTH208
    two.close()


@pytest.mark.skipif(os.name != "posix", reason="`kill -9`")
async def test_a_worker_ends_when_its_parent_is_killed(tmp_path: Path, pool: WorkerPool) -> None:
    code = (
        "import asyncio, sys\nfrom ggt_studio.worker.client import WorkerPool\n"
        "async def main():\n    pool = WorkerPool(1)\n"
        "    print((await pool.call('chores:pid', {}))['pid'], flush=True)\n"
        "    await pool.call('chores:sleep', {'s': 60})\nasyncio.run(main())\n"
    )
    parent = await asyncio.create_subprocess_exec(sys.executable, "-c", code, stdout=asyncio.subprocess.PIPE)
    assert parent.stdout is not None
    pid = int(await parent.stdout.readline())
    assert alive(pid)
    parent.kill()
    await parent.wait()
    assert await dies(pid, 5)
