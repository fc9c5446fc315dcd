"""What a run puts on record: written together with what waits, yet each record whole or not at all and in its order."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from fakes.projects import add_patch, facts_until_waiting
from ggt_studio.core.errors import StudioError
from ggt_studio.core.facts import Fact, Failed, Prompted
from ggt_studio.core.recipe import Recipe
from ggt_studio.core.words import Outcome, State
from ggt_studio.store import patches, runs
from ggt_studio.store.project import Project
from ggt_studio.store.records import Record
from ggt_studio.store.thread import StoreThread

PATCHES = 40


@pytest.fixture
def store(tmp_path: Path) -> Iterator[StoreThread]:
    with Project.create(tmp_path / "p") as project:
        for seed in range(PATCHES):
            add_patch(project, seed, size=16)
        runs.begin_run(project, Recipe("g", "p", "j"))
    made = StoreThread(tmp_path / "p")
    made.start()
    yield made
    made.close()


class Together:
    """What is submitted inside waits together: the thread is kept busy meanwhile. It is done afterwards."""

    def __init__(self, store: StoreThread) -> None:
        self._store, self._go = store, threading.Event()

    def __enter__(self) -> None:
        begun = threading.Event()
        self._store.submit(lambda _: (begun.set(), self._go.wait(10)))
        begun.wait(10)

    def __exit__(self, *_: object) -> None:
        self._go.set()
        self._store.submit(lambda _: None).result(10)


def call(patch_id: int, *, paid: bool = True, step: str = "generate") -> runs.Call:
    return runs.Call(1, patch_id, step, "g", 1, "hash", paid, 0.04)


def history(patch_id: int) -> tuple[str, list[Fact]]:
    sha256 = f"{patch_id:064x}"
    return sha256, facts_until_waiting(sha256)


def facts(store: StoreThread, patch_id: int) -> list[Fact]:
    return store.submit(lambda project: patches.facts(project, patch_id)).result(10)


def ledger(store: StoreThread) -> list[runs.LedgerEntry]:
    return store.submit(runs.ledger).result(10)


def test_records_of_many_patches_cost_a_handful_of_statements(store: StoreThread) -> None:
    statements: list[str] = []
    with Together(store):
        store.submit(lambda project: project.db.set_trace_callback(statements.append))
        for n in range(1, PATCHES + 1):
            sha256, known = history(n)
            free = runs.Ending(call(n, paid=False), Outcome.OK, 0.0)
            store.submit_record(Record(n, 1, known, [], ended=free, files=[(sha256, ".png", 9)]))
    # A statement is told of again for each trigger that it sets off.
    written = {text for text in statements if text.startswith(("INSERT", "UPDATE", "SELECT"))}
    assert len(written) == 5, "files, ledger, what is known, facts, states"
    for n in range(1, PATCHES + 1):
        assert facts(store, n) == history(n)[1]
    assert store.submit(lambda p: len(patches.ids(p, patches.Filter(state=State.WAITING)))).result(10) == PATCHES
    assert [e.patch_id for e in ledger(store)] == list(range(1, PATCHES + 1)), (
        "in the order in which they were handed over"
    )


def test_one_patchs_records_are_written_in_their_order(store: StoreThread) -> None:
    sha256, (prompted, generated, *rest) = history(1)
    with Together(store):
        store.submit_record(Record(1, 1, begun=call(1)))
        store.submit_record(Record(2, 1, begun=call(2)))
        ended = runs.Ending(call(1), Outcome.OK, 0.05)
        store.submit_record(Record(1, 1, [prompted, generated], [], ended=ended, files=[(sha256, ".png", 9)]))
        store.submit_record(Record(1, 1, rest, [prompted, generated]))
    assert facts(store, 1) == [prompted, generated, *rest]
    assert [(e.patch_id, e.outcome, e.cost_usd) for e in ledger(store)] == [(1, "ok", 0.05), (2, None, None)]
    assert store.submit(lambda p: patches.patch(p, 1)).result(10).state is State.WAITING


def test_a_call_that_is_taken_back_and_made_again_has_a_row_each(store: StoreThread) -> None:
    with Together(store):
        for _ in range(2):
            store.submit_record(Record(1, 1, begun=call(1)))
            store.submit_record(Record(1, 1, ended=runs.Ending(call(1), Outcome.CANCELLED, 0.0)))
        store.submit_record(Record(1, 1, begun=call(1)))
    assert [e.outcome for e in ledger(store)] == ["cancelled", "cancelled", None]


def test_an_ending_completes_the_row_of_its_own_step_and_patch(store: StoreThread) -> None:
    with Together(store):
        for n in (1, 2):
            store.submit_record(Record(n, 1, begun=call(n)))
    with Together(store):
        store.submit_record(Record(1, 1, ended=runs.Ending(call(1), Outcome.NETWORK, 0.04)))
        store.submit_record(Record(2, 1, ended=runs.Ending(call(2, step="judge"), Outcome.OK, 0.04)))
    assert [(e.patch_id, e.outcome) for e in ledger(store)] == [(1, "network"), (2, None)]


async def test_a_record_that_cannot_be_kept_undoes_itself_and_no_other(store: StoreThread) -> None:
    nowhere = Record(999, 1, [Prompted("fix", "Restore.")], [], begun=replace(call(1), patch_id=1))
    with Together(store):
        store.submit_record(Record(1, 1, [Prompted("fix", "Restore.")], []))
        waiting = asyncio.ensure_future(store.record(nowhere))
        await asyncio.sleep(0)
        store.submit_record(Record(2, 1, [Prompted("fix", "Restore.")], []))
    with pytest.raises(StudioError):
        await waiting
    assert [len(facts(store, n)) for n in (1, 2)] == [1, 1]
    assert ledger(store) == [], "its call neither"


def test_what_came_in_between_is_part_of_the_state(store: StoreThread) -> None:
    """A person may act on a patch while a run works on it: the run's own memory is then not all that is on record."""
    sha256, known = history(1)
    store.submit_record(Record(1, 1, known[:4], [], files=[(sha256, ".png", 9)]))
    failed = Failed(1, "judge", Outcome.NETWORK, "no route")
    store.submit(lambda project: patches.append(project, 1, [failed])).result(10)
    store.submit_record(Record(1, 1, known[4:], known[:4]))
    assert facts(store, 1) == [*known[:4], failed, *known[4:]]
    assert store.submit(lambda p: patches.patch(p, 1)).result(10).state is State.FAILED


def test_text_of_any_kind_comes_back_as_it_went_in(store: StoreThread) -> None:
    odd = 'quotes " and \\ backslashes, 雨 🌧, a null \x00, lines\nand a tab\t, {"json": [1]}'
    store.submit_record(Record(1, 1, [Prompted("fix", odd)], []))
    assert facts(store, 1) == [Prompted("fix", odd)]


async def test_a_read_only_project_takes_no_records(store: StoreThread) -> None:
    looking = StoreThread(store.folder, read_only=True)
    looking.start()
    try:
        with pytest.raises(StudioError, match="read-only"):
            await looking.record(Record(1, 1, [Prompted("fix", "Restore.")], []))
    finally:
        looking.close()
    assert facts(store, 1) == []
