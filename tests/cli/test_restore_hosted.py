"""`restore` with a hosted model: what is told before and after, and `kill -9` between request and answer."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fakes.command_line import run_command
from fakes.noisy_photos import write_noisy
from fakes.vendor_script import KEY, Fault
from fakes.vendor_server import VendorServer


@pytest.fixture
def vendors() -> Iterator[VendorServer]:
    with VendorServer() as server:
        yield server


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    return write_noisy(tmp_path / "in")


def environment(vendors: VendorServer, home: Path) -> dict[str, str]:
    return {"GEMINI_API_KEY": KEY, "GOOGLE_GEMINI_BASE_URL": vendors.base, "GGT_STUDIO_HOME": str(home)}


def test_killed_between_request_and_answer_nothing_is_paid_again_unasked(
    vendors: VendorServer, photos: Path, tmp_path: Path
) -> None:
    vendors.script.always = Fault.HANG
    command = ["restore", "nano-banana-2", str(photos), "-o", str(tmp_path / "out")]
    surroundings = environment(vendors, tmp_path / "home")
    process = subprocess.Popen(
        [sys.executable, "-m", "ggt_studio", *command],
        env={**os.environ, **surroundings},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        deadline = time.monotonic() + 60
        while len(vendors.script.bill) < 2 and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.02)
    finally:
        process.kill()
        process.wait(10)
    assert len(vendors.script.bill) == 2
    vendors.script.always = None

    def again(*more: str) -> tuple[dict[str, Any], str, int]:
        said = run_command(*command, "--json", *more, environment=surroundings)
        assert "Traceback" not in said.stderr
        return json.loads(said.stdout), said.stderr, said.returncode

    told, words, code = again("--budget", "1")
    assert (told["restored"], len(told["uncertain"]), code) == (0, 2, 1)
    assert told["spent_usd"] == pytest.approx(2 * 0.067), "booked against the budget"
    assert "2 photos may have been charged before ($0.13)" in words
    assert "An interrupted run may have been charged $0.13 here; that is booked against this one." in words
    assert "--repeat-uncertain asks for these again" in words
    told, words, code = again()
    assert (len(told["uncertain"]), told["spent_usd"]) == (2, 0.0), "booked once, and still not asked for"
    assert len(vendors.script.bill) == 2
    told, words, code = again("--repeat-uncertain")
    assert (told["restored"], told["uncertain"], code) == (2, [], 0)
    assert len(vendors.script.bill) == 4
    told, words, code = again()
    assert (told["skipped"], len(vendors.script.bill)) == (2, 4)
    assert KEY not in (tmp_path / "out" / ".ggt-studio-restored.jsonl").read_text()


def test_what_it_costs_and_where_photos_go_is_told_before(vendors: VendorServer, photos: Path, tmp_path: Path) -> None:
    command = ("restore", "nano-banana-2", photos, "-o", tmp_path / "out")
    surroundings = environment(vendors, tmp_path / "home")
    said = run_command(*command, "--budget", "0.1", environment=surroundings)
    assert said.returncode == 1
    assert "Photos are sent to Google Gemini API" in said.stderr
    assert "2 photos to be asked for: about $0.13, at most $0." in said.stderr
    assert "The budget of $0.10 allows no further call" in said.stderr
    assert "$0.07 of $0.10 spent" in said.stdout
    assert "1 photo waits: run it again to go on." in said.stdout
    del surroundings["GEMINI_API_KEY"]
    said = run_command(*command, environment=surroundings)
    assert said.returncode == 1
    assert "There is no key for Google Gemini API. Enter one in Settings, or set GEMINI_API_KEY." in said.stderr
    for wrong, words in (
        (("classical", photos, "--budget", "1"), "--budget only goes with a model that costs"),
        (("classical", photos, "--prompt", "x"), "--prompt only goes with a generator that is told"),
        (("nano-banana-2", photos, "--half"), "--half only goes with the checkpoint"),
    ):
        refused = run_command("restore", *wrong, "-o", tmp_path / "x", environment=surroundings)
        assert refused.returncode == 2
        assert words in refused.stderr
