"""`kill -9` of runs with everything real: offline restoration, alignment, metrics, and the measured judge."""

from __future__ import annotations

import importlib.util
import random
import shutil
import time
from pathlib import Path

import pytest

from reliability.bench import Studio, eventually, facts, kill, look, standing, write_photos

pytestmark = [
    pytest.mark.ml,
    pytest.mark.skipif(importlib.util.find_spec("pyiqa") is None, reason="the ml extra is not installed"),
]
KILLS = 3


def test_runs_of_the_default_recipe(bench: Studio, tmp_path: Path) -> None:
    rng = random.Random(6)
    photos, imported = write_photos(tmp_path / "photos", 2, seed=9), tmp_path / "imported" / "p"
    bench.ask("new", imported)
    bench.ask("import", imported, photos)
    whole = Path(shutil.copytree(imported, tmp_path / "whole" / "p"))
    project = Path(shutil.copytree(imported, tmp_path / "killed" / "p"))
    began = time.monotonic()
    assert bench.ask("run", whole)["patches"] == 12
    lasted = time.monotonic() - began
    kills = 0
    for number in range(KILLS):
        process = bench.start("run", project)
        n = len(facts(project))
        assert eventually(lambda n=n, p=process: len(facts(project)) > n or p.poll() is not None, 60)
        time.sleep(rng.uniform(0.0, lasted / 8) if number else 0.1)
        recorded = facts(project)
        kills += process.poll() is None
        kill(process)
        assert facts(project)[: len(recorded)] == recorded
        assert bench.no_workers_survive()
    assert kills == KILLS
    assert bench.healthy(project)
    bench.ask("run", project)
    assert standing(project) == standing(whole)
    assert bench.ask("status", project)["funnel"] == bench.ask("status", whole)["funnel"]
    assert look(project, "SELECT ended, count(*) FROM run GROUP BY 1 ORDER BY 1")[-1][0] == "interrupted"
    assert bench.healthy(project)
