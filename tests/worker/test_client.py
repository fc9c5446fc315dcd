"""The worker pool: real processes that crash, hang, print and are ended."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from pathlib import Path

import pytest

from fakes.process_life import alive, dies
from ggt_studio.core.errors import MlExtraMissing, StudioError, UnusableImage, WorkerCrashed, WriteError
from ggt_studio.worker.client import WorkerError, WorkerPool
from ggt_studio.worker.process import Progress


async def test_a_method_answers_and_its_process_is_kept(pool: WorkerPool) -> None:
    assert await pool.call("chores:echo", {"text": "ä 写真", "n": 1.5}) == {"text": "ä 写真", "n": 1.5}
    first, second = await pool.call("chores:pid", {}), await pool.call("chores:pid", {})
    assert first == second
    assert first["pid"] != os.getpid()


@pytest.mark.parametrize(
    ("method", "params", "words"),
    [
        ("chores:last_words", {"code": 7}, r"ended with code 7 while it did `chores:last_words`\. .*about to fall"),
        ("chores:segfault", {}, "ended by signal 11"),
        ("chores:killed", {}, r"ended by signal 9 \(out of memory, perhaps\)"),
        ("chores:leave", {}, "ended with code 3"),
    ],
)
async def test_a_crash_is_an_error_with_its_reason_and_the_next_call_works(
    pool: WorkerPool, method: str, params: dict[str, int], words: str
) -> None:
    with pytest.raises(WorkerCrashed, match=words) as told:
        await pool.call(method, params, timeout_s=30)
    assert "\n" not in str(told.value)
    assert await pool.call("chores:echo", {"n": 1}) == {"n": 1}


async def test_a_process_that_ends_as_it_is_born_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """As one that Ctrl-C meets before it has a group of its own."""
    monkeypatch.setattr(sys, "executable", "/bin/false")
    pool = WorkerPool(1)
    for _ in range(20):
        async with asyncio.timeout(30):
            with pytest.raises(WorkerCrashed, match="ended with code 1"):
                await pool.call("echo", {})
    pool.close()


async def test_a_process_that_is_ended_while_idle_costs_no_call(pool: WorkerPool) -> None:
    for _ in range(5):
        pid = (await pool.call("chores:pid", {}))["pid"]
        os.kill(pid, signal.SIGKILL)
        assert await dies(pid)
        await asyncio.sleep(0.05)  # its other threads, too
        assert (await pool.call("chores:pid", {}))["pid"] != pid


async def test_a_process_that_is_ended_in_the_midst_of_an_answer(pool: WorkerPool) -> None:
    with pytest.raises(WorkerCrashed):
        await pool.call("chores:torn", {}, timeout_s=60)
    assert await pool.call("chores:echo", {}) == {}


async def test_cancelling_ends_the_process_within_a_second(pool: WorkerPool) -> None:
    pid = (await pool.call("chores:pid", {}))["pid"]
    task = asyncio.create_task(pool.call("chores:sleep", {"s": 60}))
    await asyncio.sleep(0.2)
    began = time.monotonic()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert time.monotonic() - began < 1
    assert not alive(pid)
    assert await pool.call("chores:echo", {"n": 2}) == {"n": 2}


async def test_a_method_tells_how_far_it_is(pool: WorkerPool) -> None:
    told: list[Progress] = []
    await pool.call("chores:steps", {"n": 3, "s": 0.0}, on_progress=told.append)
    assert told == [Progress("steps", n, 3) for n in range(3)]
    await pool.call("chores:steps", {"n": 3, "s": 0.0})
    assert len(told) == 3


async def test_a_method_that_listens_stops_and_its_process_is_kept(pool: WorkerPool) -> None:
    pid = (await pool.call("chores:pid", {}))["pid"]
    told: list[Progress] = []
    work = pool.call("chores:steps", {"n": 1000, "s": 0.8}, on_progress=told.append, cancel_within_s=30)
    task = asyncio.create_task(work)
    while not told:
        await asyncio.sleep(0.01)
    began = time.monotonic()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert time.monotonic() - began < 0.4, "who gives up does not wait for the process"
    seen = len(told)
    assert (await pool.call("chores:pid", {}, timeout_s=5))["pid"] == pid
    assert len(told) == seen, "what comes of it after that concerns nobody"


async def test_a_timeout_of_a_method_that_listens_keeps_its_process(pool: WorkerPool) -> None:
    pid = (await pool.call("chores:pid", {}))["pid"]
    with pytest.raises(TimeoutError):
        await pool.call("chores:steps", {"n": 1000, "s": 0.02}, timeout_s=0.2, cancel_within_s=30)
    assert (await pool.call("chores:pid", {}))["pid"] == pid


async def test_a_method_that_does_not_stop_in_time_is_ended(pool: WorkerPool) -> None:
    pid = (await pool.call("chores:pid", {}))["pid"]
    task = asyncio.create_task(pool.call("chores:deaf", {}, cancel_within_s=0.3))
    await asyncio.sleep(0.2)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert alive(pid)
    assert (await pool.call("chores:pid", {}, timeout_s=10))["pid"] != pid
    assert not alive(pid)


async def test_closing_ends_what_is_being_given_up(pool: WorkerPool) -> None:
    one = WorkerPool(1)
    pid = (await one.call("chores:pid", {}))["pid"]
    task = asyncio.create_task(one.call("chores:busy_end", {"s": 60}, cancel_within_s=60))
    await asyncio.sleep(0.2)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    one.close()
    assert not alive(pid)


async def test_a_lane_has_one_process_of_its_own(pool: WorkerPool) -> None:
    shared = (await pool.call("chores:pid", {}))["pid"]
    own = await asyncio.gather(*(pool.call("chores:sleep", {"s": 0.05}, lane="gpu") for _ in range(3)))
    assert len({answer["pid"] for answer in own}) == 1
    assert own[0]["pid"] != shared
    busy = asyncio.create_task(pool.call("chores:sleep", {"s": 60}, lane="gpu"))
    assert (await pool.call("chores:pid", {}, timeout_s=5))["pid"] == shared
    busy.cancel()
    with pytest.raises(asyncio.CancelledError):
        await busy
    assert not alive(own[0]["pid"])


async def test_a_timeout_ends_the_process(pool: WorkerPool) -> None:
    pid = (await pool.call("chores:pid", {}))["pid"]
    with pytest.raises(TimeoutError):
        await pool.call("chores:sleep", {"s": 60}, timeout_s=0.3)
    assert not alive(pid)
    assert await pool.call("chores:echo", {}) == {}


async def test_waiting_for_a_free_process_is_no_part_of_a_timeout(pool: WorkerPool) -> None:
    await pool.call("chores:echo", {})
    first = asyncio.create_task(pool.call("chores:sleep", {"s": 0.8}))
    await asyncio.sleep(0.05)
    await pool.call("chores:echo", {}, timeout_s=0.5)
    await first


async def test_what_a_method_prints_and_reads_does_not_touch_the_protocol(pool: WorkerPool) -> None:
    assert await pool.call("chores:chatter", {}, timeout_s=10) == {"read": ""}
    assert await pool.call("chores:fill_stderr", {}, timeout_s=10) == {}
    assert await pool.call("chores:echo", {"n": 3}) == {"n": 3}


async def test_secrets_stay_here(pool: WorkerPool, monkeypatch: pytest.MonkeyPatch) -> None:
    secret = [
        "OPENAI_API_KEY",
        "GEMINI_API_KEY",
        "GEMINI_KEY",
        "HF_TOKEN",
        "AWS_SECRET_ACCESS_KEY",
        "aws_session_token",
        "DB_PASSWORD",
        "GOOGLE_APPLICATION_CREDENTIALS",
        "SSH_PRIVATE_KEY",
    ]
    for name in [*secret, "GGT_HARMLESS"]:
        monkeypatch.setenv(name, "hush")
    seen = await pool.call("chores:environment", {})
    assert not {name.upper() for name in seen} & {name.upper() for name in secret}
    assert seen["GGT_HARMLESS"] == "hush"
    assert seen["PATH"] == os.environ["PATH"]


async def test_a_key_stays_here_whatever_its_variable_is_called(
    pool: WorkerPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAB_ENTRANCE", "hush")
    assert (await pool.call("chores:environment", {}))["LAB_ENTRANCE"] == "hush"
    discreet = WorkerPool(1, {"LAB_ENTRANCE"})
    try:
        for lane in ("", "gpu"):
            seen = await discreet.call("chores:environment", {}, lane=lane)
            assert "LAB_ENTRANCE" not in seen
            assert seen["PATH"] == os.environ["PATH"]
    finally:
        discreet.close()


@pytest.mark.parametrize("kind", [MlExtraMissing, StudioError, UnusableImage, WriteError])
async def test_what_is_told_to_people_keeps_its_kind(pool: WorkerPool, kind: type[StudioError]) -> None:
    with pytest.raises(kind, match="no, because") as told:
        await pool.call("chores:refuse", {"kind": kind.__name__})
    assert type(told.value) is kind


@pytest.mark.parametrize(
    ("method", "words"),
    [
        ("chores:bug", "KeyError: 'missing'"),
        ("chores:deep", "RecursionError"),
        ("chores:gone", "FileNotFoundError"),
        ("chores:unspeakable", "not JSON serializable"),
        ("chores:absent", "AttributeError"),
        ("no_such_module_anywhere:f", "ModuleNotFoundError"),
        ("unheard_of", "no worker method unheard_of"),
    ],
)
async def test_anything_else_is_a_defect_with_its_traceback(pool: WorkerPool, method: str, words: str) -> None:
    with pytest.raises(WorkerError, match=words) as told:
        await pool.call(method, {})
    assert "Traceback" not in str(told.value), "people read it"
    (note,) = told.value.__notes__
    assert "Traceback" in note
    if method.startswith("chores:") and method not in {"chores:absent", "chores:unspeakable"}:
        assert "chores.py" in note
    assert await pool.call("chores:echo", {"n": 4}) == {"n": 4}


async def test_a_full_disk_and_full_memory_are_told_in_words(pool: WorkerPool) -> None:
    with pytest.raises(WriteError, match=r"Cannot write to /full/hq.png: the disk is full"):
        await pool.call("chores:full", {})
    with pytest.raises(StudioError, match="not enough memory"):
        await pool.call("chores:hungry", {})


async def test_big_requests_and_results(pool: WorkerPool) -> None:
    assert len((await pool.call("chores:big", {"n": 20_000_000}, timeout_s=30))["data"]) == 20_000_000
    text = "y" * 5_000_000
    assert (await pool.call("chores:echo", {"text": text}, timeout_s=30))["text"] == text


async def test_as_many_processes_as_slots(tmp_path: Path, pool: WorkerPool) -> None:
    three = WorkerPool(3)
    try:
        answers = await asyncio.gather(*(three.call("chores:sleep", {"s": 0.2}) for _ in range(9)))
        assert len({a["pid"] for a in answers}) == 3
    finally:
        three.close()


async def test_answers_find_their_callers(pool: WorkerPool) -> None:
    many = WorkerPool(2)
    try:
        answers = await asyncio.gather(*(many.call("chores:echo", {"n": n}) for n in range(200)))
        assert [a["n"] for a in answers] == list(range(200))
    finally:
        many.close()
