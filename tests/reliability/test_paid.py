"""Paid calls and `kill -9`: nothing is paid twice unless a person asks for it, and the person is told."""

from __future__ import annotations

import random
import shutil
import signal
import time
from collections import Counter
from pathlib import Path

import pytest

from reliability.bench import PAID, Studio, eventually, kill, look
from reliability.conftest import Undisturbed

KILLS = 4


@pytest.fixture
def project(undisturbed: Undisturbed, tmp_path: Path) -> Path:
    return Path(shutil.copytree(undisturbed.imported, tmp_path / "p"))


@pytest.fixture
def bill(bench: Studio) -> Path:
    path = bench.home / "bill.txt"
    path.unlink(missing_ok=True)
    return path


def charged(bill: Path) -> Counter[tuple[str, str]]:
    """How often each (patch, attempt) was charged."""
    lines = bill.read_text().splitlines() if bill.exists() else []
    return Counter((sha256, attempt) for sha256, attempt in (line.split() for line in lines))


def ambiguous(project: Path) -> list[tuple[int, int]]:
    return look(project, "SELECT patch_id, attempt FROM ledger WHERE outcome = 'ambiguous' ORDER BY id")


def test_interrupted_calls_are_set_aside_and_retried_only_when_asked(bench: Studio, project: Path, bill: Path) -> None:
    rng = random.Random(4)
    for _ in range(KILLS):
        before = sum(charged(bill).values())
        process = bench.start("run", project, *PAID)
        assert eventually(lambda before=before: sum(charged(bill).values()) > before, 30)
        time.sleep(rng.uniform(0.0, 0.3))
        kill(process)
        assert bench.no_workers_survive()
    under_way = look(project, "SELECT count(*) FROM ledger WHERE finished_at IS NULL")[0][0]

    process = bench.start("run", project, *PAID, "--json")
    _, told = bench.finish(process)
    assert ("may have been charged" in told) == bool(under_way)
    assert "at most $" in told, "a paid run says first what it may cost"
    assert set(charged(bill).values()) == {1}, "one line per patch and attempt"
    assert look(project, "SELECT * FROM ledger WHERE finished_at IS NULL") == []
    set_aside = ambiguous(project)
    assert set_aside, "some kill came in the midst of a call"
    failed = bench.ask("list", project, "--state", "failed")
    assert sorted(f["patch"] for f in failed) == sorted(patch for patch, _ in set_aside)
    for patch in failed:
        assert patch["failure"]["outcome"] == "ambiguous"
        assert "may have been charged ($0.040)" in patch["failure"]["message"]
    booked = look(project, "SELECT sum(cost_usd) FROM ledger WHERE paid")[0][0]
    entries = look(project, "SELECT count(*) FROM ledger WHERE paid")[0][0]
    assert booked == pytest.approx(0.04 * entries), "what may have been charged is booked"
    assert sum(charged(bill).values()) <= entries, "no call left without a row that was there before it"

    before = charged(bill)
    assert bench.ask("run", project, *PAID)["patches"] == 0, "nothing is repeated by itself"
    assert charged(bill) == before

    report = bench.ask("run", project, *PAID, "--retry-failed")
    assert report["patches"] == len(failed)
    hashes = dict(look(project, "SELECT id, sha256 FROM patch"))
    again = {(hashes[patch], str(attempt)) for patch, attempt in set_aside}
    assert {key for key, times in charged(bill).items() if times > 1} <= again
    assert bench.ask("status", project)["states"]["failed"] == 0
    assert bench.healthy(project)


def test_an_interrupted_run_books_what_was_under_way(bench: Studio, project: Path, bill: Path) -> None:
    process = bench.start("run", project, *PAID)
    assert eventually(lambda: charged(bill), 30)
    process.send_signal(signal.SIGINT)
    bench.finish(process, 130)
    assert look(project, "SELECT * FROM ledger WHERE finished_at IS NULL") == []
    entries = look(project, "SELECT outcome, cost_usd FROM ledger WHERE paid AND outcome != 'ok'")
    assert entries
    assert {outcome for outcome, _ in entries} == {"cancelled"}
    booked = look(project, "SELECT sum(cost_usd) FROM ledger")[0][0]
    assert booked == pytest.approx(0.04 * sum(charged(bill).values())), "the ledger says what the bill says"
    assert bench.ask("run", project, *PAID, "--limit", 1)["ambiguous"] == 0
