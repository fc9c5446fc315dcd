"""Fixtures of the reliability tests: a bench, photos, and an undisturbed project to compare with."""

from __future__ import annotations

import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from reliability.bench import QUICK, Studio, facts, standing, write_photos

if sys.platform != "linux":
    collect_ignore_glob = ["test_*.py"]  # these look into /proc and send POSIX signals


@dataclass(frozen=True)
class Undisturbed:
    """Projects as they are when nothing goes wrong: after the import, and after the run."""

    photos: Path
    imported: Path
    ran: Path
    standing_imported: list[tuple[Any, ...]]
    standing_ran: list[tuple[Any, ...]]
    funnel: list[dict[str, Any]]
    facts: int


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Studio:
    return Studio(tmp_path_factory.mktemp("bench"))


@pytest.fixture(scope="module")
def undisturbed(bench: Studio, tmp_path_factory: pytest.TempPathFactory) -> Undisturbed:
    base = tmp_path_factory.mktemp("undisturbed")
    photos, imported, ran = write_photos(base / "photos", 5), base / "imported" / "p", base / "ran" / "p"
    bench.ask("new", imported)
    report = bench.ask("import", imported, photos, "--licence", "CC0-1.0")
    assert (report["photos"], report["quarantined"]) == (30, [])
    shutil.copytree(imported, ran)
    report = bench.ask("run", ran, *QUICK)
    assert report["patches"] == 30
    assert 0 < report["rejected"] + report["waiting"] == 30
    assert report["attempts"] > 30, "some patches take more than one attempt"
    return Undisturbed(
        photos, imported, ran, standing(imported), standing(ran), bench.ask("status", ran)["funnel"], len(facts(ran))
    )
