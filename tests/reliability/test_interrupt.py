"""Ctrl-C: exit code 130, one line, everything recorded kept, and the same command goes on later."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from reliability.bench import QUICK, Studio, digests, eventually, facts, look, standing
from reliability.conftest import Undisturbed


def interrupt(bench: Studio, process: subprocess.Popen[str], begun: Callable[[], object], times: int) -> None:
    """As a terminal does it: the whole group of the command gets the signal."""
    assert eventually(lambda: begun() or process.poll() is not None, 30)
    for _ in range(times):
        os.killpg(process.pid, signal.SIGINT)
        time.sleep(0.01)
    began = time.monotonic()
    out, err = bench.finish(process, 130)
    assert time.monotonic() - began < 5
    assert out == ""
    assert err == "ggt-studio: interrupted. Everything recorded so far is kept; run the command again to go on.\n"
    assert bench.no_workers_survive(0.5)


@pytest.mark.parametrize("times", [1, 2, 5])
def test_import(bench: Studio, undisturbed: Undisturbed, tmp_path: Path, times: int) -> None:
    project = tmp_path / "p"
    bench.ask("new", project)
    process = bench.start("import", project, undisturbed.photos)
    interrupt(bench, process, lambda: look(project, "SELECT 1 FROM photo"), times)
    status = bench.ask("status", project)
    assert status["quarantined"] == [], "an interruption is no property of a photo"
    assert bench.healthy(project)
    bench.ask("import", project, undisturbed.photos)
    assert standing(project) == undisturbed.standing_imported


@pytest.mark.parametrize("times", [1, 2, 5])
def test_run(bench: Studio, undisturbed: Undisturbed, tmp_path: Path, times: int) -> None:
    project = shutil.copytree(undisturbed.imported, tmp_path / "p")
    process = bench.start("run", project, *QUICK)
    interrupt(bench, process, lambda: facts(project), times)
    recorded = facts(project)
    assert recorded
    assert look(project, "SELECT * FROM fact WHERE kind = 'failed'") == [], "an interruption is no failure"
    assert look(project, "SELECT ended FROM run") == [("stopped",)]
    assert bench.healthy(project)
    bench.ask("run", project, *QUICK)
    assert facts(project)[: len(recorded)] == recorded
    assert standing(project) == undisturbed.standing_ran


@pytest.mark.parametrize("times", [1, 2])
def test_export(bench: Studio, undisturbed: Undisturbed, tmp_path: Path, times: int) -> None:
    place = tmp_path / "exports"
    place.mkdir()
    choice = ("--include", "accepted", "--format", "webdataset")
    process = bench.start("export", undisturbed.ran, place / "set", *choice)
    interrupt(bench, process, lambda: list(place.iterdir()), times)
    assert list(place.iterdir()) == [], "nothing half-made is left"
    bench.ask("export", undisturbed.ran, place / "set", *choice)
    bench.ask("export", undisturbed.ran, tmp_path / "whole" / "set", *choice)
    assert digests(place / "set") == digests(tmp_path / "whole" / "set")


def test_while_the_program_starts(bench: Studio, undisturbed: Undisturbed) -> None:
    for delay in (0.15, 0.3, 0.45, 0.6):
        process = bench.start("check", undisturbed.ran)
        time.sleep(delay)
        os.killpg(process.pid, signal.SIGINT)
        _, err = process.communicate(timeout=30)
        if process.returncode == -signal.SIGINT:
            continue  # Python itself had not started yet
        assert process.returncode in (0, 130), err
        if "site" not in err:
            assert "Traceback" not in err
    assert bench.healthy(undisturbed.ran)
