"""The store's thread: work handed over together is committed together, and a future tells only what is on disk."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from ggt_studio.core.errors import NotAProject, StudioError
from ggt_studio.store.project import Project
from ggt_studio.store.thread import StoreThread


@pytest.fixture
def store(tmp_path: Path) -> Iterator[StoreThread]:
    made = StoreThread(tmp_path / "p", create=True)
    made.start()
    yield made
    made.close()


def remember(key: str, value: str = "1"):
    def write(project: Project) -> str:
        project.set_meta(key, value)
        return key

    return write


def on_disk(store: StoreThread) -> set[str]:
    """What a second, read-only connection sees."""
    connection = sqlite3.connect(f"{(store.folder / 'project.ggt').as_uri()}?mode=ro", uri=True)
    try:
        return {row[0] for row in connection.execute("SELECT key FROM meta")}
    finally:
        connection.close()


class Held:
    """Keeps the thread busy, so that what is submitted meanwhile waits together."""

    def __init__(self, store: StoreThread) -> None:
        self._go = threading.Event()
        begun = threading.Event()

        def wait(_: Project) -> None:
            begun.set()
            self._go.wait(10)

        self._held = store.submit(wait)
        begun.wait(10)

    def release(self) -> None:
        self._go.set()
        self._held.result(10)


def test_waiting_jobs_share_one_commit(store: StoreThread) -> None:
    statements: list[str] = []
    store.submit(lambda project: project.db.set_trace_callback(statements.append)).result(10)
    held = Held(store)
    statements.clear()
    futures = [store.submit(remember(f"k{n}")) for n in range(100)]
    held.release()
    assert [f.result(10) for f in futures] == [f"k{n}" for n in range(100)]
    assert statements.count("BEGIN IMMEDIATE") <= 1 + statements.count("COMMIT")
    assert statements.count("COMMIT") <= 2, "one for the job that held the thread, one for the hundred"
    assert len(on_disk(store)) == 100


def test_a_future_completes_after_its_commit(store: StoreThread) -> None:
    for n in range(20):
        held = Held(store)
        mine, other = store.submit(remember(f"a{n}")), store.submit(remember(f"b{n}"))
        held.release()
        mine.result(10)
        assert {f"a{n}", f"b{n}"} <= on_disk(store)
        other.result(10)
        store.submit(remember(f"c{n}")).result(10)
        assert f"c{n}" in on_disk(store)


async def test_a_call_completes_after_its_commit(store: StoreThread) -> None:
    async def write(key: str) -> bool:
        await store.call(remember(key))
        return key in on_disk(store)

    assert all(await asyncio.gather(*(write(f"k{n}") for n in range(50))))


@pytest.mark.parametrize("alone", [True, False])
def test_a_job_that_raises_undoes_only_its_own_work(store: StoreThread, alone: bool) -> None:
    def half(project: Project) -> None:
        project.set_meta("half", "1")
        raise ValueError("the other half")

    held = None if alone else Held(store)
    others = [] if alone else [store.submit(remember("before"))]
    failed = store.submit(half)
    others += [] if alone else [store.submit(remember("after"))]
    if held:
        held.release()
    with pytest.raises(ValueError, match="the other half"):
        failed.result(10)
    assert {other.result(10) for other in others} == on_disk(store) == (set() if alone else {"before", "after"})
    assert store.submit(remember("later")).result(10) == "later"


def test_many_jobs_that_raise_among_others(store: StoreThread) -> None:
    def maybe(n: int):
        def write(project: Project) -> int:
            project.set_meta(f"k{n}", "1")
            if n % 3 == 0:
                raise StudioError(f"not {n}")
            return n

        return write

    held = Held(store)
    futures = [store.submit(maybe(n)) for n in range(600)]
    held.release()
    for n, future in enumerate(futures):
        if n % 3 == 0:
            with pytest.raises(StudioError, match=f"not {n}$"):
                future.result(10)
        else:
            assert future.result(10) == n
    assert on_disk(store) == {f"k{n}" for n in range(600) if n % 3}


def test_a_commit_that_fails_fails_the_whole_batch(store: StoreThread) -> None:
    def dangle(project: Project) -> str:
        # A deferred constraint is looked at only when the transaction is committed.
        project.db.execute("PRAGMA defer_foreign_keys = ON")
        project.db.execute("INSERT INTO fact (patch_id, at, kind, data) VALUES (999, '', 'failed', '{}')")
        return "dangling"

    held = Held(store)
    futures = [store.submit(remember("one")), store.submit(dangle), store.submit(remember("two"))]
    held.release()
    for future in futures:
        with pytest.raises(StudioError, match="FOREIGN KEY"):
            future.result(10)
    assert on_disk(store) == set()
    assert store.submit(remember("later")).result(10) == "later"
    assert on_disk(store) == {"later"}


def test_a_lost_transaction_fails_the_whole_batch(store: StoreThread) -> None:
    """As SQLite does it by itself when a disk fails in the midst of a statement."""

    def lose(project: Project) -> None:
        project.db.execute("ROLLBACK")
        raise sqlite3.OperationalError("disk I/O error")

    held = Held(store)
    futures = [store.submit(remember("one")), store.submit(lose), store.submit(remember("two"))]
    held.release()
    for future in futures:
        with pytest.raises(StudioError, match="full or failing"):
            future.result(10)
    assert on_disk(store) == set()
    assert store.submit(remember("later")).result(10) == "later"


def test_closing_finishes_what_was_handed_over(tmp_path: Path) -> None:
    store = StoreThread(tmp_path / "p", create=True)
    store.start()
    futures = [store.submit(remember(f"k{n}")) for n in range(700)]
    store.close()
    assert all(f.done() and f.exception() is None for f in futures)
    assert len(on_disk(store)) == 700
    with Project.open(tmp_path / "p"):
        pass  # the lock is free
    assert not [t for t in threading.enumerate() if t.name.startswith("store ")]
    store.close()


async def test_work_after_closing_is_refused_not_forgotten(tmp_path: Path) -> None:
    store = StoreThread(tmp_path / "p", create=True)
    store.start()
    store.close()
    with pytest.raises(StudioError, match="is closed"):
        store.submit(remember("late"))
    with pytest.raises(StudioError, match="is closed"):
        await store.call(remember("late"))


async def test_a_wait_that_is_cancelled_does_not_undo_the_work(store: StoreThread) -> None:
    held = Held(store)
    waits = [asyncio.ensure_future(store.call(remember(f"k{n}"))) for n in range(3)]
    await asyncio.sleep(0)
    waits[1].cancel()
    held.release()
    results = await asyncio.gather(*waits, return_exceptions=True)
    assert isinstance(results[1], asyncio.CancelledError)
    assert results[::2] == ["k0", "k2"]
    await store.call(lambda project: None)
    assert on_disk(store) == {"k0", "k1", "k2"}


def test_a_submitted_job_can_be_withdrawn_while_it_waits(store: StoreThread) -> None:
    held = Held(store)
    first, second = store.submit(remember("first")), store.submit(remember("second"))
    assert first.cancel()
    held.release()
    assert second.result(10) == "second"
    assert on_disk(store) == {"second"}


def test_a_loop_that_has_closed_is_no_matter(store: StoreThread) -> None:
    held = Held(store)

    async def leave() -> None:
        task = asyncio.ensure_future(store.call(remember("left")))
        await asyncio.sleep(0)
        task.cancel()

    asyncio.run(leave())
    held.release()
    assert store.submit(remember("later")).result(10) == "later"
    assert on_disk(store) == {"left", "later"}


def test_a_project_that_cannot_be_opened_says_so_and_leaves_no_thread(tmp_path: Path) -> None:
    store = StoreThread(tmp_path / "nothing")
    with pytest.raises(NotAProject, match="no project"):
        store.start()
    assert not [t for t in threading.enumerate() if t.name.startswith("store ")]
    with pytest.raises(StudioError, match="closed"):
        store.submit(remember("late"))


def test_a_read_only_thread_reads_and_refuses_to_write(store: StoreThread) -> None:
    store.submit(remember("seen")).result(10)
    looking = StoreThread(store.folder, read_only=True)
    looking.start()
    try:
        assert looking.submit(lambda project: project.meta("seen")).result(10) == "1"
        with pytest.raises(StudioError, match="read-only"):
            looking.submit(remember("x")).result(10)
        with pytest.raises(StudioError, match="could not be used: no such table"):
            looking.submit(lambda project: project.db.execute("SELECT * FROM missing")).result(10)
    finally:
        looking.close()
