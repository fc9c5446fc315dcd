"""`kill -9` at any moment of an import, a run or an export: nothing recorded is lost and the same command goes on."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from reliability.bench import QUICK, Studio, digests, eventually, facts, kill, look, standing
from reliability.conftest import Undisturbed

IMPORT_KILLS, RUN_KILLS, EXPORT_KILLS = 9, 14, 9
LONG = 12


def kill_at_random(
    bench: Studio,
    rng: random.Random,
    process: subprocess.Popen[str],
    begun: Callable[[], object],
    within_s: float,
    just_before: Callable[[], object] = lambda: None,
) -> bool:
    """Kill the command somewhere in its work, or now and then while it starts; whether it was still at it."""
    if rng.random() < 0.15:
        time.sleep(rng.uniform(0.0, 0.5))
    else:
        eventually(lambda: begun() or process.poll() is not None, 30)
        time.sleep(rng.uniform(0.0, within_s))
    alive = process.poll() is None
    if alive and rng.random() < 0.25 and (workers := bench.workers()):
        # Sometimes a worker goes first, as the system's out-of-memory killer chooses it.
        os.kill(rng.choice(workers), signal.SIGKILL)
        time.sleep(rng.uniform(0.0, 0.1))
        alive = process.poll() is None
    just_before()
    kill(process)
    return alive


def kill_imports(bench: Studio, undisturbed: Undisturbed, folder: Path, wanted: int, seed: int) -> None:
    rng, kills, number = random.Random(seed), 0, 0
    while kills < wanted:
        number += 1
        project = folder / str(number) / "p"
        bench.ask("new", project)
        for _ in range(4):
            before = len(list((project / "patches").rglob("*")))
            process = bench.start("import", project, undisturbed.photos, "--licence", "CC0-1.0")
            begun = lambda project=project, n=before: len(list((project / "patches").rglob("*"))) > n  # noqa: E731
            kills += kill_at_random(bench, rng, process, begun, 0.4)
            assert bench.no_workers_survive()
        assert bench.healthy(project)
        bench.ask("import", project, undisturbed.photos, "--licence", "CC0-1.0")
        assert standing(project) == undisturbed.standing_imported
        status = bench.ask("status", project)
        assert (status["photos"], status["duplicates"], status["quarantined"]) == (30, 0, [])
        assert bench.healthy(project)


def kill_runs(bench: Studio, undisturbed: Undisturbed, folder: Path, wanted: int, seed: int) -> None:
    rng, kills, number, midway = random.Random(seed), 0, 0, 0
    while kills < wanted:
        number += 1
        project = folder / str(number) / "p"
        shutil.copytree(undisturbed.imported, project)
        for _ in range(7):
            recorded, runs = list[tuple[Any, ...]](), len(look(project, "SELECT 1 FROM run"))
            witness = lambda project=project, recorded=recorded: recorded.extend(facts(project))  # noqa: E731
            process = bench.start("run", project, *QUICK, "--retry-failed")
            begun = lambda project=project, n=runs: len(look(project, "SELECT 1 FROM run")) > n  # noqa: E731
            kills += kill_at_random(bench, rng, process, begun, 0.8, witness)
            now = facts(project)
            midway += 0 < len(now) < undisturbed.facts
            assert now[: len(recorded)] == recorded, "what was on record is still there, unchanged"
            assert bench.no_workers_survive()
        assert bench.healthy(project)
        recorded = facts(project)
        bench.ask("run", project, *QUICK, "--retry-failed")
        assert facts(project)[: len(recorded)] == recorded
        assert standing(project) == undisturbed.standing_ran
        assert bench.ask("status", project)["funnel"] == undisturbed.funnel
        assert bench.healthy(project)
    assert midway >= wanted // 3, "kills are to come in the midst of the work"


def kill_exports(bench: Studio, undisturbed: Undisturbed, folder: Path, wanted: int, seed: int) -> None:
    rng, kills, number = random.Random(seed), 0, 0
    choice = ("--include", "accepted", "--test", 4)
    while kills < wanted:
        layout = ("imagefolder", "parquet", "webdataset")[number % 3]
        number += 1
        whole, place = folder / f"{number}-whole" / "set", folder / f"{number}-killed"
        bench.ask("export", undisturbed.ran, whole, *choice, "--format", layout)
        expected = digests(whole)
        place.mkdir()
        for _ in range(3):
            process = bench.start("export", undisturbed.ran, place / "set", *choice, "--format", layout)
            killed = kill_at_random(bench, rng, process, lambda place=place: list(place.iterdir()), 0.15)
            kills += killed
            assert [p.name for p in place.iterdir() if not p.name.startswith(".")] in ([], ["set"])
            if (place / "set").exists():
                assert digests(place / "set") == expected, "it is there whole or not at all"
                shutil.rmtree(place / "set")
        bench.ask("export", undisturbed.ran, place / "set", *choice, "--format", layout)
        assert digests(place / "set") == expected
        assert [p.name for p in place.iterdir()] == ["set"], "what killed exports left is gone"
    assert bench.healthy(undisturbed.ran)


def test_imports(bench: Studio, undisturbed: Undisturbed, tmp_path: Path) -> None:
    kill_imports(bench, undisturbed, tmp_path, IMPORT_KILLS, seed=1)


def test_runs(bench: Studio, undisturbed: Undisturbed, tmp_path: Path) -> None:
    kill_runs(bench, undisturbed, tmp_path, RUN_KILLS, seed=2)


def test_exports(bench: Studio, undisturbed: Undisturbed, tmp_path: Path) -> None:
    kill_exports(bench, undisturbed, tmp_path, EXPORT_KILLS, seed=3)


@pytest.mark.long
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("seed", range(10, 10 + LONG))
def test_many_more(bench: Studio, undisturbed: Undisturbed, tmp_path: Path, seed: int) -> None:
    kill_imports(bench, undisturbed, tmp_path / "import", IMPORT_KILLS, seed)
    kill_runs(bench, undisturbed, tmp_path / "run", RUN_KILLS, seed)
    kill_exports(bench, undisturbed, tmp_path / "export", EXPORT_KILLS, seed)
