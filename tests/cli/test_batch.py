"""`ggt-studio batch`: ordered, looked up, waited for, collected and cancelled by real commands."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from fakes.command_line import run_command
from fakes.projects import add_patch
from fakes.vendor_script import KEY
from fakes.vendor_server import VendorServer
from ggt_studio.store.project import Project

Call = Callable[..., Any]


@pytest.fixture
def vendors() -> Iterator[VendorServer]:
    with VendorServer() as server:
        yield server


@pytest.fixture
def project(tmp_path: Path) -> Path:
    with Project.create(tmp_path / "p") as made:
        for seed in range(3):
            add_patch(made, seed)
    return tmp_path / "p"


@pytest.fixture
def batch(vendors: VendorServer, project: Path, tmp_path: Path) -> Call:
    environment = {**vendors.environment(), "GGT_STUDIO_HOME": str(tmp_path / "home")}

    def call(verb: str, *arguments: object, code: int = 0, as_json: bool = True) -> Any:
        more = ("--json",) if as_json else ()
        done = run_command("batch", verb, project, *arguments, *more, environment=environment)
        assert done.returncode == code, done.stderr
        assert "Traceback" not in done.stderr
        assert KEY not in done.stdout + done.stderr
        if code:
            assert done.stdout == ""
            return done.stderr
        return json.loads(done.stdout) if as_json else done.stdout

    return call


def test_from_the_order_to_the_candidates(batch: Call, vendors: VendorServer) -> None:
    vendors.script.hold_batches = True
    ordered = batch("submit", "--generator", "gpt-image-2", "--limit", 2, "--budget", 5)
    assert (ordered["items"], len(ordered["jobs"]), ordered["message"]) == (2, 1, "")
    assert 0 < ordered["estimated_usd"] <= ordered["most_usd"] <= 5
    name = ordered["jobs"][0]["name"]
    (job,) = batch("list")
    assert (job["name"], job["stage"], job["message"]) == (name, "running", "running, 0 of 2 done")
    assert batch("collect")["open"] == 1

    vendors.script.hold_batches = False
    done = batch("collect", "--wait", "--every", "0.1")
    assert (done["made"], done["failed"], done["open"]) == (2, 0, 0)
    assert done["cost_usd"] == pytest.approx(done["jobs"][0]["cost_usd"])
    assert "2 of 2 made" in batch("list", as_json=False)
    assert "has ended already" in batch("cancel", name, code=1)


def test_a_batch_is_cancelled_and_its_patches_are_free(batch: Call, vendors: VendorServer) -> None:
    vendors.script.hold_batches, vendors.script.batch_done = True, 0
    (job,) = batch("submit", "--generator", "nano-banana-2")["jobs"]
    assert "Its end is asked for" in batch("cancel", job["name"], as_json=False)
    vendors.script.hold_batches = False
    done = batch("collect")
    assert (done["made"], done["taken_back"], done["cost_usd"]) == (0, 3, 0.0)
    assert batch("submit", "--generator", "nano-banana-2")["items"] == 3


def test_what_cannot_be_ordered_is_said_before_anything_leaves(batch: Call, vendors: VendorServer) -> None:
    assert "takes no batches" in batch("submit", "--generator", "classical", code=1)
    assert "The budget of $0.01" in batch("submit", "--generator", "nano-banana-2", "--budget", "0.01", code=1)
    assert vendors.requests == []
    assert "No batch was ordered yet." in batch("list", as_json=False)
