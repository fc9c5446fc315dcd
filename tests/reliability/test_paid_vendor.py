"""Paid runs at a vendor that counts its bills, and `kill -9`: nothing is paid twice, nothing is missing from the ledger."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fakes.projects import add_patch
from fakes.vendor_script import KEY
from ggt_studio.store.project import Project
from reliability.bench import Studio, eventually, kill, look

HOSTED = ("--generator", "nano-banana-2", "--judge", "strict", "--metric-gate", "none")
# Few at once and slow, so that a kill meets calls under way and does not see the end of the project.
MODEL = '[[model]]\nid = "nano-banana-2"\nlimits = { concurrency = 3 }\n'
LATENCY_S = 0.25
PER_KILL = 9


class Vendor:
    """The fake vendors as a process of their own."""

    def __init__(self) -> None:
        tests = Path(__file__).resolve().parents[1]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "fakes.vendor_server"], stdout=subprocess.PIPE, text=True, cwd=tests
        )
        assert self._process.stdout is not None
        self.base = self._process.stdout.readline().strip()

    def script(self, **changes: Any) -> dict[str, Any]:
        """Change the script; returns the bill."""
        request = urllib.request.Request(f"{self.base}/_script", json.dumps(changes).encode())
        with urllib.request.urlopen(request, timeout=10) as response:
            return json.load(response)

    @property
    def bill(self) -> list[dict[str, Any]]:
        return self.script()["bill"]

    def close(self) -> None:
        self._process.terminate()
        self._process.wait(10)


@pytest.fixture
def vendor() -> Iterator[Vendor]:
    made = Vendor()
    made.script(latency_s=LATENCY_S, echo=True)
    yield made
    made.close()


@pytest.mark.parametrize("kills", [10, pytest.param(100, marks=[pytest.mark.long, pytest.mark.timeout(1800)])])
def test_no_kill_makes_a_call_paid_twice_or_lost(bench: Studio, vendor: Vendor, tmp_path: Path, kills: int) -> None:
    with Project.create(tmp_path / "p") as made, made.transaction():
        for seed in range(kills * PER_KILL):
            add_patch(made, seed, size=128)
    project = tmp_path / "p"
    (bench.home / "models.toml").write_text(MODEL)
    bench.environment.update({"GEMINI_API_KEY": KEY, "GOOGLE_GEMINI_BASE_URL": vendor.base})
    rng = random.Random(11)
    known: set[int] = set()
    for _ in range(kills):
        before = len(vendor.bill)
        process = bench.start("run", project, *HOSTED)
        assert eventually(lambda before=before: len(vendor.bill) > before, 60)
        time.sleep(rng.uniform(0.0, 0.5))
        kill(process)
        _nothing_is_paid_twice(vendor)
        # What the run before this one left open has been settled, priced and set aside by this one.
        settled = look(
            project, "SELECT id, estimated_usd, cost_usd, cost_basis FROM ledger WHERE outcome = 'ambiguous'"
        )
        assert known <= {row[0] for row in settled}
        assert all(cost == estimated > 0 and basis == "estimate" for _, estimated, cost, basis in settled)
        known = {row[0] for row in look(project, "SELECT id FROM ledger WHERE finished_at IS NULL")} | known
    assert bench.no_workers_survive()

    report = bench.ask("run", project, *HOSTED)
    assert report["outcomes"]["ambiguous"] == report["ambiguous"]
    document = bench.ask("ledger", project)
    calls = [call for call in document["calls"] if call["paid"]]
    ambiguous = [call for call in calls if call["outcome"] == "ambiguous"]
    assert known == {call["call"] for call in ambiguous}, "each call that was under way is listed"
    assert len(ambiguous) >= kills / 2
    assert all(call["uncertain"] and call["cost_usd"] > 0 for call in ambiguous)
    assert document["totals"]["unfinished"] == 0
    _the_bill_is_the_ledgers(vendor, project, calls)
    assert bench.ask("run", project, *HOSTED)["attempts"] == 0, "what is ambiguous waits for a person"
    paid = len(vendor.bill)

    # A person asks for these, and only these, to be made again.
    failed = bench.ask("status", project)["states"]["failed"]
    assert failed == len(ambiguous)
    assert bench.ask("retry", project, "--outcome", "ambiguous", "--limit", 5) == {"retried": 5}
    bench.ask("run", project, *HOSTED)
    assert len(vendor.bill) >= paid + 5
    assert bench.ask("status", project)["states"]["failed"] == failed - 5
    assert max(_billed(vendor).values()) <= 2
    assert bench.healthy(project)


def _billed(vendor: Vendor) -> Counter[tuple[Any, ...]]:
    """How often each call was charged: the seed is another one for each attempt at each patch."""
    return Counter((charge["image"], charge["prompt"], charge["seed"]) for charge in vendor.bill)


def _nothing_is_paid_twice(vendor: Vendor) -> None:
    assert set(_billed(vendor).values()) <= {1}


def _the_bill_is_the_ledgers(vendor: Vendor, project: Path, calls: list[dict[str, Any]]) -> None:
    """The bill holds what the ledger calls ok, and those of the ambiguous calls that had reached the vendor; nothing else."""
    _nothing_is_paid_twice(vendor)
    seeds = {charge["seed"] for charge in vendor.bill}
    kept = look(project, "SELECT patch_id, data ->> 'attempt', data ->> 'seed' FROM fact WHERE kind = 'generated'")
    ok = {(call["patch"], call["attempt"]) for call in calls if call["outcome"] == "ok"}
    assert {(patch, attempt) for patch, attempt, _ in kept} == ok, "each call that is ok has its candidate"
    made = {seed % 2**31 for _, _, seed in kept}
    assert made <= seeds
    ambiguous = [call for call in calls if call["outcome"] == "ambiguous"]
    assert {call["outcome"] for call in calls} <= {"ok", "ambiguous"}
    charged = len(vendor.bill) - len(ok)
    assert 0 <= charged <= len(ambiguous), "what was charged beyond that is among the ambiguous"
