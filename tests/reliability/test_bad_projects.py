"""Projects and sources that are not as they should be: each message is one line, names the folder and says what to do."""

from __future__ import annotations

import random
import shutil
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from ggt_studio.store.project import Project
from reliability.bench import QUICK, Studio, eventually, facts, kill, look, standing, write_photos
from reliability.conftest import Undisturbed


def touch_database(project: Path, content: bytes) -> None:
    (project / "project.ggt").write_bytes(content)


def make_newer(project: Path) -> None:
    with sqlite3.connect(project / "project.ggt") as database:
        database.execute("PRAGMA user_version = 99")
    database.close()


def tear(project: Path) -> None:
    content = (project / "project.ggt").read_bytes()
    touch_database(project, content[: len(content) // 2])


@pytest.mark.parametrize(
    ("harm", "advice"),
    [
        (lambda project: (project / "project.ggt").unlink(), "ggt-studio new"),
        (shutil.rmtree, "ggt-studio new"),
        (lambda project: touch_database(project, b""), "Restore it"),
        (lambda project: touch_database(project, b"dear diary\n" * 50), "Restore it"),
        (tear, "Restore it"),
        (make_newer, "Update GGT Studio"),
    ],
    ids=["no database", "no folder", "empty", "text", "torn", "newer"],
)
def test_a_bad_project(
    bench: Studio, undisturbed: Undisturbed, tmp_path: Path, harm: Callable[[Path], object], advice: str
) -> None:
    project = Path(shutil.copytree(undisturbed.ran, tmp_path / "p"))
    harm(project)
    for arguments in (
        ("status", project),
        ("list", project),
        ("run", project),
        ("check", project),
        ("import", project, undisturbed.photos),
        ("export", project, tmp_path / "set", "--include", "accepted"),
        ("review", project, 1, "accept"),
    ):
        if harm is tear and arguments[0] == "check":
            continue  # `check` may also list what is wrong
        line = bench.refused_here(*arguments)
        assert str(project) in line
        assert advice in line
    assert not (tmp_path / "set").exists()


def test_a_second_writer_is_refused_and_looking_works(bench: Studio, undisturbed: Undisturbed, tmp_path: Path) -> None:
    project = Path(shutil.copytree(undisturbed.imported, tmp_path / "p"))
    with Project.open(project):
        for arguments in (
            ("run", project, *QUICK),
            ("import", project, undisturbed.photos),
            ("review", project, 1, "accept"),
        ):
            line = bench.refused(*arguments)
            assert str(project) in line
            assert "another window or command" in line
        bench.ask("status", project)
        assert len(bench.ask("list", project)) == 30
    bench.ask("run", project, *QUICK)
    assert standing(project) == undisturbed.standing_ran


def test_looking_never_waits_for_the_writer(bench: Studio, undisturbed: Undisturbed, tmp_path: Path) -> None:
    project = Path(shutil.copytree(undisturbed.imported, tmp_path / "p"))
    first = bench.start("run", project, *QUICK)
    seen = []
    while first.poll() is None:
        rows = facts(project)
        assert rows[: len(seen)] == seen, "a reader sees only more of the same"
        seen = rows
        time.sleep(0.02)
    bench.finish(first)
    assert len(seen) > 10


def test_an_interrupted_creation_can_be_repeated(bench: Studio, tmp_path: Path) -> None:
    rng = random.Random(5)
    for number in range(6):
        project = tmp_path / str(number)
        process = bench.start("new", project)
        if number % 2:
            eventually(project.exists, 10)
            time.sleep(rng.uniform(0.0, 0.3))
        else:
            time.sleep(rng.uniform(0.2, 1.0))
        kill(process)
        if (project / "project.ggt").exists():
            assert "already" in bench.refused("new", project)
        else:
            bench.ask("new", project)
        assert bench.healthy(project)


def test_a_copied_project_goes_on_elsewhere(bench: Studio, undisturbed: Undisturbed, tmp_path: Path) -> None:
    project = Path(shutil.copytree(undisturbed.imported, tmp_path / "other place" / "q"))
    bench.ask("run", project, *QUICK)
    assert standing(project) == undisturbed.standing_ran
    assert all(Path(entry["lq"]).is_relative_to(project) for entry in bench.ask("list", project))
    assert bench.ask("export", project, tmp_path / "set", "--include", "accepted")["pairs"] > 0


def test_a_source_that_vanishes_in_the_midst_of_an_import(bench: Studio, tmp_path: Path) -> None:
    photos, project = write_photos(tmp_path / "photos", 5, seed=7), tmp_path / "p"
    bench.ask("new", project)
    process = bench.start("import", project, photos, "--json")
    assert eventually(lambda: look(project, "SELECT 1 FROM photo"), 30)
    photos.rename(tmp_path / "away")
    bench.finish(process)
    status = bench.ask("status", project)
    assert status["photos"] + len(status["quarantined"]) == 30
    assert status["quarantined"], "the import was still at work"
    for entry in status["quarantined"]:
        assert "no longer there" in entry["reason"] or "cannot be read (No such file" in entry["reason"]
        assert "\n" not in entry["reason"]
    line = bench.refused("import", project, photos)
    assert str(photos) in line
    assert "does not exist" in line
    (tmp_path / "away").rename(photos)
    report = bench.ask("import", project, photos)
    assert report["photos"] == len(status["quarantined"])
    status = bench.ask("status", project)
    assert (status["photos"], status["quarantined"]) == (30, [])
    assert bench.healthy(project)


def test_a_photo_deleted_between_finding_and_reading(bench: Studio, tmp_path: Path) -> None:
    photos, project = write_photos(tmp_path / "photos", 4, seed=8), tmp_path / "p"
    last = sorted(photos.rglob("*.png"))[-1]
    bench.ask("new", project)
    process = bench.start("import", project, photos)
    assert eventually(lambda: look(project, "SELECT 1 FROM photo"), 30)
    last.unlink()
    bench.finish(process)
    status = bench.ask("status", project)
    assert status["photos"] + len(status["quarantined"]) == 24
    assert {entry["path"] for entry in status["quarantined"]} <= {str(last)}
    assert bench.healthy(project)


def test_a_lost_patch_costs_only_itself(bench: Studio, undisturbed: Undisturbed, tmp_path: Path) -> None:
    project = Path(shutil.copytree(undisturbed.imported, tmp_path / "p"))
    lost = Path(bench.ask("list", project, "--limit", 1)[0]["lq"])
    content = lost.read_bytes()
    lost.unlink()
    problems = bench.ask("check", project, code=1)["problems"]
    assert len(problems) == 1
    assert lost.name in problems[0]
    assert "is missing" in problems[0]
    report = bench.ask("run", project, *QUICK)
    assert (report["patches"], report["failed"]) == (30, 1)
    lost.write_bytes(content)
    bench.ask("run", project, *QUICK, "--retry-failed")
    assert standing(project) == undisturbed.standing_ran


@pytest.mark.parametrize("code", ["raise SystemExit('bye')", "import", "raise KeyError('x')", "x = 1"])
def test_a_bad_plugin_is_named_and_skipped(tmp_path: Path, code: str) -> None:
    studio, project = Studio(tmp_path), tmp_path / "p"
    plugin = studio.home / "plugins" / "bad"
    plugin.mkdir()
    (plugin / "__init__.py").write_text(code)
    (plugin / "plugin.toml").write_text('label = "Bad"\ndescription = "Bad."\n')
    assert [p["enabled"] for p in studio.ask("plugins", "enable", "bad") if p["plugin"] == "bad"] == [True]
    studio.ask("new", project)
    _, err = studio.finish(studio.start("run", project, "--json"))
    assert err.startswith("Plugin bad was skipped: ")
    assert len(err.strip().splitlines()) == 1
