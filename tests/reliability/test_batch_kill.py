"""Batches and `kill -9`: whenever it comes, nothing is paid twice, nothing is ambiguous, and the batch is found again by its name."""

from __future__ import annotations

import random
import signal
import subprocess
from collections import Counter, deque
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fakes.projects import add_patch
from fakes.vendor_script import Fault
from fakes.vendor_server import VendorServer
from ggt_studio.store.project import Project
from reliability.bench import Studio, eventually, kill, look

COUNT = 16
SUBMIT = ("--generator", "nano-banana-2")
RUN = (*SUBMIT, "--metric-gate", "none")


@pytest.fixture
def vendors(bench: Studio) -> Iterator[VendorServer]:
    with VendorServer() as server:
        before = dict(bench.environment)
        bench.environment.update(server.environment())
        yield server
        bench.environment.clear()
        bench.environment.update(before)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    with Project.create(tmp_path / "p") as made:
        for seed in range(COUNT):
            add_patch(made, seed)
    return tmp_path / "p"


def begin(bench: Studio, project: Path, verb: str, *more: str) -> subprocess.Popen[str]:
    return bench.start("batch", verb, project, *more)


def listed(bench: Studio, project: Path) -> list[dict[str, Any]]:
    return bench.ask("batch", "list", project)


def paid_once(vendors: VendorServer) -> bool:
    counted = Counter(charge.image for charge in vendors.script.bill)
    assert set(counted.values()) <= {1}
    return len(counted) == COUNT


def generated(project: Path) -> list[int]:
    return [row[0] for row in look(project, "SELECT patch_id FROM fact WHERE kind = 'generated' ORDER BY patch_id")]


def finish(bench: Studio, project: Path, vendors: VendorServer) -> None:
    """Collect what is under way; each patch then has one candidate, paid for once."""
    bench.ask("batch", "collect", project)
    assert generated(project) == list(range(1, COUNT + 1))
    assert paid_once(vendors)
    assert look(project, "SELECT * FROM ledger WHERE finished_at IS NULL OR outcome = 'ambiguous'") == []
    assert bench.healthy(project)


def test_killed_before_the_order_left_nothing_is_paid_and_the_patches_are_free(
    bench: Studio, project: Path, vendors: VendorServer
) -> None:
    vendors.script.upload_faults = deque([Fault.HANG])
    process = begin(bench, project, "submit", *SUBMIT)
    assert eventually(lambda: any(r.path.startswith("/upload") for r in vendors.requests), 60)
    kill(process)
    assert look(project, "SELECT stage FROM batch") == [("prepared",)]
    assert look(project, "SELECT count(*) FROM ledger WHERE finished_at IS NULL") == [(COUNT,)]
    (job,) = listed(bench, project)
    assert (job["stage"], job["cost_usd"], job["open_items"]) == ("taken-back", 0.0, 0)
    assert not vendors.batches.google
    bench.ask("batch", "submit", project, *SUBMIT)
    assert [path.name for path in (project / "cache" / "batches").iterdir()] == []
    finish(bench, project, vendors)


def test_killed_before_its_name_was_known_the_batch_is_adopted(
    bench: Studio, project: Path, vendors: VendorServer
) -> None:
    vendors.script.order_faults = deque([Fault.HANG])
    process = begin(bench, project, "submit", *SUBMIT)
    assert eventually(lambda: vendors.batches.google, 60)
    kill(process)
    assert look(project, "SELECT stage, vendor_name FROM batch") == [("leaving", next(iter(vendors.batches.files)))]
    report = bench.ask("run", project, *RUN)
    assert (report["patches"], report["ambiguous"]) == (0, 0), "no run takes what a batch may have"
    assert bench.ask("batch", "submit", project, *SUBMIT)["jobs"] == []
    (job,) = listed(bench, project)
    assert (job["stage"], [job["vendor_name"]]) == ("running", list(vendors.batches.google))
    finish(bench, project, vendors)
    assert len(vendors.batches.google) == 1


def test_killed_while_collecting_the_rest_is_collected_and_nothing_twice(
    bench: Studio, project: Path, vendors: VendorServer
) -> None:
    bench.ask("batch", "submit", project, *SUBMIT)
    rng = random.Random(3)
    kills = 0
    while len(generated(project)) < COUNT - 5:
        at = len(generated(project)) + rng.randint(2, 5)
        process = begin(bench, project, "collect")
        assert eventually(lambda at=at: len(generated(project)) >= at, 60)
        kill(process)
        kills += 0 < len(generated(project)) < COUNT
        assert bench.no_workers_survive()
    assert kills > 0, "some kill came in the midst"
    assert vendors.script.bills == {"gemini-3.1-flash-image": COUNT}
    finish(bench, project, vendors)


def test_an_interrupted_submission_says_so_and_leaves_nothing_behind(
    bench: Studio, project: Path, vendors: VendorServer
) -> None:
    vendors.script.upload_faults = deque([Fault.HANG])
    process = begin(bench, project, "submit", *SUBMIT)
    assert eventually(lambda: any(r.path.startswith("/upload") for r in vendors.requests), 60)
    process.send_signal(signal.SIGINT)
    bench.finish(process, 130)
    assert look(project, "SELECT stage, ended_at IS NOT NULL FROM batch") == [("taken-back", 1)]
    assert listed(bench, project)[0]["open_items"] == 0
