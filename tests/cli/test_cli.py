"""The command line as a script sees it: real processes, one JSON document, exit codes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from fakes.projects import png, waiting_project
from ggt_studio.core.model import Usage
from ggt_studio.core.recipe import Recipe
from ggt_studio.core.words import CostBasis, Outcome
from ggt_studio.store import runs
from ggt_studio.store.project import Project

RUN = [sys.executable, "-m", "ggt_studio"]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def studio(home: Path):
    def call(*arguments: object, code: int = 0) -> subprocess.CompletedProcess[str]:
        result = subprocess.run(
            [*RUN, *map(str, arguments)],
            capture_output=True,
            text=True,
            env={**os.environ, "GGT_STUDIO_HOME": str(home)},
            check=False,
        )
        assert result.returncode == code, result.stderr
        assert "Traceback" not in result.stderr
        return result

    return call


@pytest.fixture
def ask(studio):
    def call(*arguments: object, code: int = 0) -> Any:
        return json.loads(studio(*arguments, "--json", code=code).stdout)

    return call


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    for seed, name in enumerate(["rain", "low-light", "old-photo", "my holidays"]):
        (folder / name).mkdir(parents=True)
        (folder / name / f"写真 {seed}.png").write_bytes(png(seed, 256))
    (folder / "rain" / "copy.png").write_bytes(png(0, 256))
    (folder / "rain" / "torn.png").write_bytes(png(9, 256)[:300])
    (folder / "rain" / "small.png").write_bytes(png(8, 64))
    return folder


def test_import_status_and_list(ask, tmp_path: Path, photos: Path) -> None:
    project = tmp_path / "p"
    assert ask("new", project) == {"project": str(project)}
    report = ask("import", project, photos, "--licence", "CC0-1.0", "--origin", "internet")
    assert (report["photos"], report["patches"], report["duplicates"], report["assumed_category"]) == (4, 4, 1, 1)
    assert {Path(q["path"]).name for q in report["quarantined"]} == {"torn.png", "small.png"}
    assert all(q["reason"] for q in report["quarantined"])
    again = ask("import", project, photos)
    assert (again["photos"], again["patches"], again["duplicates"], again["known"]) == (0, 0, 0, 5)
    status = ask("status", project)
    assert (status["photos"], status["patches"]) == (4, 4)
    assert status["states"] == {"open": 4, "waiting": 0, "verified": 0, "rejected": 0, "failed": 0}
    assert set(status["by_category"]) == {"rain", "low-light", "old-photo", "general-mixed"}
    listed = ask("list", project, "--category", "rain")
    assert len(listed) == 1
    entry = listed[0]
    assert entry["hq"] is None
    assert Path(entry["lq"]).is_file()
    assert Path(entry["photo"]).name == "写真 0.png" or Path(entry["photo"]).name == "copy.png"
    assert {"patch", "photo", "category", "state", "attempts", "lq", "hq", "scores", "verdict", "alignment"} <= set(
        entry
    )
    assert ask("check", project)["ok"] is True


def test_review_and_export(ask, studio, tmp_path: Path) -> None:
    with waiting_project(tmp_path / "p", 4) as project:
        folder = project.folder
    waiting = ask("list", folder, "--state", "waiting")
    assert [e["verdict"]["decision"] for e in waiting] == ["accept"] * 4
    assert all(Path(e["hq"]).is_file() for e in waiting)
    ids = [e["patch"] for e in waiting]
    assert ask("review", folder, ids[0], "accept") == {"patch": ids[0], "state": "verified"}
    assert ask("review", folder, ids[1], "reject", "--reason", "colour")["state"] == "rejected"
    assert ask("review", folder, ids[1], "undo")["state"] == "waiting"
    ask("review", folder, ids[2], "accept")
    report = ask("export", folder, tmp_path / "out", "--test", 1)
    assert (report["pairs"], report["train"], report["test"]) == (2, 1, 1)
    assert Path(report["path"]).is_dir()
    assert ask("export", folder, tmp_path / "accepted", "--include", "accepted")["pairs"] == 4
    refused = studio("export", folder, tmp_path / "out", code=1)
    assert refused.stdout == ""
    assert len(refused.stderr.strip().splitlines()) == 1
    inside = studio("export", folder, folder / "patches" / "x", code=1)
    assert "in the project itself" in inside.stderr


def test_exit_codes_and_messages(studio, tmp_path: Path) -> None:
    studio("new", tmp_path / "p")
    assert "already" in studio("new", tmp_path / "p", code=1).stderr
    assert "no project" in studio("status", tmp_path / "nothing", code=1).stderr
    assert "does not exist" in studio("import", tmp_path / "p", tmp_path / "nothing", code=1).stderr
    assert "no generator called x" in studio("run", tmp_path / "p", "--generator", "x", code=1).stderr
    assert "no patch 7" in studio("review", tmp_path / "p", 7, "accept", code=1).stderr
    assert "nothing to export" in studio("export", tmp_path / "p", tmp_path / "out", code=1).stderr
    for arguments in (
        ["import", tmp_path / "p"],
        ["nonsense"],
        ["run", tmp_path / "p", "--limit", "0"],
        ["list", tmp_path / "p", "--state", "lost"],
        ["export", tmp_path / "p", tmp_path / "o", "--format", "zip"],
        ["review", tmp_path / "p", 1, "accept", "--reason", "colour"],
        ["sample", tmp_path / "p", "--ratio", "1:2"],
    ):
        result = studio(*arguments, code=2)
        assert result.stdout == ""


def test_an_empty_project_runs_and_says_so(ask, tmp_path: Path) -> None:
    ask("new", tmp_path / "p")
    report = ask("run", tmp_path / "p")
    assert {"patches", "attempts", "waiting", "rejected", "failed", "cost_usd"} <= set(report)
    assert report["patches"] == 0


def test_sample_release_and_category(ask, tmp_path: Path, photos: Path) -> None:
    project = tmp_path / "p"
    ask("new", project)
    ask("import", project, photos)
    taken = ask("sample", project, "--total", 2, "--seed", 3)["taken"]
    assert sum(taken.values()) <= 2
    held = ask("status", project)["held"]["not-sampled"]
    assert held == 4 - sum(taken.values())
    assert len(ask("list", project, "--held")) == held
    assert ask("release", project)["released"] == held
    patch = ask("list", project)[0]["patch"]
    assert ask("category", project, "snow", patch) == {"changed": 1}
    assert ask("status", project)["by_category"]["snow"]["patches"] == 1


def test_a_category_for_a_patch_that_is_not_there_changes_nothing(ask, studio, tmp_path: Path) -> None:
    with waiting_project(tmp_path / "p", 2) as project:
        folder = project.folder
    refused = studio("category", folder, "snow", 1, 77, 2, 78, code=1)
    assert "no patch 77" in refused.stderr
    assert "snow" not in ask("status", folder)["by_category"]


def test_the_ledger_lists_every_call_with_its_cost(ask, studio, tmp_path: Path) -> None:
    with waiting_project(tmp_path / "p", 2) as project:
        folder = project.folder
    assert ask("ledger", folder)["calls"] == []
    assert "No call" in studio("ledger", folder).stdout
    with Project.open(folder) as project:
        run = runs.begin_run(project, Recipe("hosted", "fix", "measured"))
        paid = call(run, 1, "generate", "hosted", 0.04)
        runs.begin_calls(project, [paid])
        usage = Usage(1140, 100, 1120, 1)
        runs.end_calls(project, [runs.Ending(paid, Outcome.OK, 0.05, CostBasis.TOKENS, usage)])
        free = call(run, 1, "judge", "measured", 0.0)
        runs.end_calls(project, [runs.Ending(free, Outcome.MALFORMED, 0.0)])
        runs.begin_calls(project, [call(run, 2, "generate", "hosted", 0.04)])
    told = ("step", "provider", "patch", "attempt", "paid", "outcome", "estimated_usd", "cost_usd")
    document = ask("ledger", folder)
    entries, totals = document["calls"], document["totals"]
    assert [tuple(entry[name] for name in told) for entry in entries] == [
        ("generate", "hosted", 1, 1, True, "ok", 0.04, 0.05),
        ("judge", "measured", 1, 1, False, "malformed", 0.0, 0.0),
        ("generate", "hosted", 2, 1, True, None, 0.04, None),
    ]
    assert entries[2]["started_at"]
    assert entries[2]["finished_at"] is None
    assert [entry["cost_basis"] for entry in entries] == ["tokens", "nothing", None]
    counted = ("input_tokens", "output_tokens", "image_tokens", "images")
    assert [entries[0][name] for name in counted] == [1140, 100, 1120, 1]
    assert [entry["uncertain"] for entry in entries] == [False, False, True]
    assert (totals["calls"], totals["cost_usd"], totals["uncertain_usd"]) == (3, 0.05, 0.0)
    assert (totals["unfinished"], totals["expected_usd"]) == (1, 0.04)
    assert {name: part["calls"] for name, part in totals["by_provider"].items()} == {"hosted": 2, "measured": 1}
    assert set(totals["by_outcome"]) == set(Outcome)
    assert totals["by_outcome"]["malformed"]["calls"] == 1
    lines = studio("ledger", folder).stdout.splitlines()
    assert "$0.0500 for 1,140 tokens read, 1,220 written" in lines[0]
    assert lines[2].startswith("?")
    assert "unfinished" in lines[2]
    assert "$0.0400 expected" in lines[2]
    assert any(line.startswith("1 call is under way") and "$0.0400 expected" in line for line in lines)
    assert not any("may not have been charged" in line for line in lines), "more than the sum cannot be a part of it"


def call(run: int, patch: int, step: str, provider: str, price: float) -> runs.Call:
    return runs.Call(run, patch, step, provider, 1, "hash", price > 0, price)


def test_plugins_are_off_until_enabled(ask, studio, tmp_path: Path) -> None:
    assert {p["plugin"]: p["enabled"] for p in ask("plugins")}["unsharp_example"] is False
    enabled = studio("plugins", "enable", "unsharp_example", "--json")
    assert "code" in enabled.stderr, "the person is told that a plugin is code"
    assert {p["plugin"]: p["enabled"] for p in json.loads(enabled.stdout)}["unsharp_example"] is True
    studio("new", tmp_path / "p")
    assert ask("run", tmp_path / "p", "--generator", "unsharp-example")["patches"] == 0
    assert not any(p["enabled"] for p in ask("plugins", "disable", "unsharp_example"))
    assert "no plugin nothing" in studio("plugins", "enable", "nothing", code=1).stderr


def test_help_names_every_command(studio) -> None:
    text = studio("--help").stdout
    for command in ("new", "import", "run", "status", "list", "review", "export", "check", "ledger", "demo"):
        assert f"  {command} " in text
    listed = [line for line in text.partition("Commands:")[2].splitlines() if line.strip()]
    said = [line.split()[1:] for line in listed if not line.startswith("   ")]
    assert min(map(len, said)) >= 3, "each command says what it does"


def test_no_heavy_module_is_imported_by_looking(tmp_path: Path, home: Path) -> None:
    with waiting_project(tmp_path / "p", 1) as project:
        folder = project.folder
    code = (
        "import sys\nfrom ggt_studio.cli.main import ggt_studio\n"
        f"ggt_studio.main(['list', {str(folder)!r}, '--json'], standalone_mode=False)\n"
        "heavy = {'torch', 'pyiqa', 'cv2', 'skimage', 'scipy', 'PySide6'} & set(sys.modules)\n"
        "sys.exit(f'imported: {heavy}' if heavy else 0)"
    )
    result = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        env={**os.environ, "GGT_STUDIO_HOME": str(home)},
        check=False,
    )
    assert result.returncode == 0, result.stderr
