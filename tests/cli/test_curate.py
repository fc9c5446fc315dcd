"""What takes part, said on the command line: duplicates by name, patches held back, photos removed and put back."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from fakes.command_line import Said, run_command
from fakes.projects import add_patch, png, waiting_project
from ggt_studio.core.words import Hold
from ggt_studio.store.project import Project

Call = Any


@pytest.fixture
def studio(tmp_path: Path) -> Call:
    def call(*arguments: object, code: int = 0) -> Said:
        result = run_command(*arguments, environment={"GGT_STUDIO_HOME": str(tmp_path / "home")})
        assert result.returncode == code, result.stderr
        assert "Traceback" not in result.stderr
        return result

    return call


@pytest.fixture
def ask(studio: Call) -> Call:
    return lambda *arguments: json.loads(studio(*arguments, "--json").stdout)


@pytest.fixture
def pairs(tmp_path: Path) -> Path:
    with waiting_project(tmp_path / "p", 3) as project:
        return project.folder


def test_duplicates_are_named_with_the_photo_that_they_equal(studio: Call, ask: Call, tmp_path: Path) -> None:
    folder = tmp_path / "写真"
    folder.mkdir()
    (folder / "a.png").write_bytes(png(1, 256))
    for n in range(7):
        (folder / f"copy {n}.png").write_bytes(png(1, 256))
    ask("new", tmp_path / "p")
    lines = studio("import", tmp_path / "p", folder).stdout.splitlines()
    assert lines[0] == "1 photo imported, cut into 1 patch."
    assert lines[2] == "7 are exact duplicates of photos in the project, left out:"
    assert lines[3] == f"  {folder / 'copy 0.png'}: the same as {folder / 'a.png'}"
    assert "and 2 more" in lines[8]
    (folder / "b.png").write_bytes(png(1, 256))
    report = ask("import", tmp_path / "p", folder)
    assert (report["duplicates"], report["known"]) == (1, 8)
    assert report["duplicate_files"] == [{"path": str(folder / "b.png"), "same_as": str(folder / "a.png")}]
    aside = ask("aside", tmp_path / "p")
    assert [Path(d["path"]).name for d in aside["duplicates"]] == ["b.png", *(f"copy {n}.png" for n in range(7))]
    assert {d["same_as"] for d in aside["duplicates"]} == {str(folder / "a.png")}


def test_a_held_patch_stays_held_until_it_is_asked_for(studio: Call, ask: Call, tmp_path: Path) -> None:
    with Project.create(tmp_path / "p") as project:
        for seed in range(5):
            add_patch(project, seed)
        add_patch(project, 9, hold=Hold.CONTENT_POOR)
    folder = tmp_path / "p"
    assert ask("hold", folder, 1, 2, "--reason", "a face") == {"changed": 2}
    assert [(e["patch"], e["held"], e["held_because"]) for e in ask("list", folder, "--held")][:2] == [
        (1, "by-hand", "a face"),
        (2, "by-hand", "a face"),
    ]
    assert "held: by-hand (a face)" in studio("list", folder, "--held").stdout
    ask("sample", folder, "--total", 1)
    ask("sample", folder)
    ask("release", folder)
    assert [e["patch"] for e in ask("list", folder, "--held")] == [1, 2]
    assert studio("hold", folder, 1, "--release").stdout == "1 patch takes part in runs again.\n"
    assert ask("release", folder, "--hold", "by-hand") == {"released": 1}
    assert ask("list", folder, "--held") == []
    assert "no patch 77" in studio("hold", folder, 77, code=1).stderr
    assert "--reason" in studio("hold", folder, 1, "--release", "--reason", "x", code=2).stderr


def test_a_removed_photo_is_listed_as_removed_and_put_back_whole(
    studio: Call, ask: Call, pairs: Path, tmp_path: Path
) -> None:
    first = ask("list", pairs)[0]
    ask("review", pairs, first["patch"], "accept")
    removed = ask("remove", pairs, first["photo_id"])
    assert removed == {"removed": 1, "patches": 1, "generated": 1, "spent_usd": 0.0, "reviewed": 1}
    now = ask("status", pairs)
    assert (now["photos"], now["patches"], now["removed"], now["states"]["verified"]) == (2, 2, 1, 0)
    assert "removed" not in now["held"]
    assert [e["patch"] for e in ask("list", pairs)] == [2, 3]
    assert [e["patch"] for e in ask("list", pairs, "--removed")] == [first["patch"]]
    assert [r["path"] for r in ask("aside", pairs)["removed"]] == [first["photo"]]
    assert ask("export", pairs, tmp_path / "out", "--include", "all")["pairs"] == 2
    assert ask("check", pairs)["ok"]
    assert ask("remove", pairs, first["photo"], "--put-back") == {"put_back": 1}
    assert ask("show", pairs, first["patch"])["review"]["decision"] == "accept"
    text = studio("remove", pairs, first["photo"]).stdout
    assert "1 patch has a target, and people decided about 1: all of that stays on record." in text
    assert "No photo" in studio("remove", pairs, tmp_path / "nothing.png", code=1).stderr
    assert "no photo 77" in studio("remove", pairs, 77, code=1).stderr


def test_a_removed_photo_is_not_imported_again_unnoticed(studio: Call, ask: Call, tmp_path: Path) -> None:
    photo = tmp_path / "a.png"
    photo.write_bytes(png(1, 256))
    ask("new", tmp_path / "p")
    ask("import", tmp_path / "p", photo)
    ask("remove", tmp_path / "p", photo)
    assert "1 was removed from the project before and stays out" in studio("import", tmp_path / "p", photo).stdout
    os.utime(photo, ns=(1, 1))
    report = ask("import", tmp_path / "p", photo)
    assert (report["removed"], report["known"], report["photos"]) == (1, 0, 0)


def test_reading_goes_on_while_another_process_writes(studio: Call, ask: Call, pairs: Path, tmp_path: Path) -> None:
    ask("review", pairs, 1, "accept")
    with Project.open(pairs):
        for command in ("status", "list", "aside", "ledger", "check"):
            ask(command, pairs)
        ask("show", pairs, 1)
        assert ask("export", pairs, tmp_path / "out")["pairs"] == 1
        refused = studio("sample", pairs, code=1).stderr
    assert "open in another window or command" in refused
    assert "`export` work" in refused
    assert len(refused.splitlines()) == 1


def test_run_says_where_its_ids_come_from(studio: Call) -> None:
    text = " ".join(studio("run", "--help").stdout.split())
    for known in ("classical", "measured", "fix", "ggt-studio models"):
        assert known in text
