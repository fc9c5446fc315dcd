"""Named recipes and try-outs from the command line: real processes on a real project."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from fakes.command_line import run_command
from fakes.projects import add_patch
from ggt_studio.core.words import Category, State
from ggt_studio.store import patches, runs
from ggt_studio.store.project import Project


@pytest.fixture
def project(tmp_path: Path) -> Path:
    with Project.create(tmp_path / "p") as opened:
        for seed in range(3):
            add_patch(opened, seed, category=list(Category)[seed])
    return tmp_path / "p"


def call(project: Path, *arguments: object, code: int = 0) -> Any:
    result = run_command(*arguments, environment={"GGT_STUDIO_HOME": str(project.parent / "home")})
    assert result.returncode == code, result.stderr
    assert "Traceback" not in result.stderr
    return result.stderr if code else json.loads(result.stdout)


def test_a_recipe_is_kept_listed_renamed_used_and_deleted(project: Path) -> None:
    (kept,) = call(
        project, "recipes", project, "save", "Plain", "--prompts", "fix-nc", "--metric-gate", "none", "--json"
    )
    assert (kept["name"], kept["prompts"]) == ("Plain", "fix-nc")
    refused = call(project, "recipes", project, "save", "X", "--generator", "nothing", code=1)
    assert "no generator called nothing" in refused
    assert [entry["name"] for entry in call(project, "recipes", project, "rename", "Plain", "Mine", "--json")] == [
        "Mine"
    ]
    assert [entry["name"] for entry in call(project, "recipes", project, "--json")] == ["Mine"]
    assert "takes 1 name" in call(project, "recipes", project, "delete", code=2)
    assert "There are: Mine" in call(project, "run", project, "--recipe", "Plain", code=1)

    report = call(project, "run", project, "--recipe", "Mine", "--limit", "1", "--json")
    assert report["patches"] == 1
    with Project.open(project, read_only=True) as opened:
        (used,) = runs.recipes(opened).values()
    assert json.loads(used)["prompts"] == "fix-nc"
    assert json.loads(used)["metric_rules"] == []

    estimated = call(project, "estimate", project, "--recipe", "Mine", "--generator", "nano-banana-2", "--json")
    assert estimated["paid"], "an option beside the name goes before it"
    assert call(project, "recipes", project, "delete", "Mine", "--json") == []


def test_a_try_out_leaves_the_patches_as_they_are_until_a_result_is_adopted(project: Path) -> None:
    for name, prompts in (("A", "fix"), ("B", "fix-nc")):
        call(project, "recipes", project, "save", name, "--prompts", prompts, "--metric-gate", "none", "--json")
    estimated = call(project, "tryout", project, "--recipe", "A", "--recipe", "B", "--estimate", "--json")
    assert [entry["expected_usd"] for entry in estimated] == [0, 0]
    found = call(project, "tryout", project, "--recipe", "A", "--recipe", "B", "--patches", "2", "--json")
    assert found["ended"] == "done"
    assert sorted({row["recipe"] for row in found["results"]}) == ["A", "B"]
    assert len(found["results"]) == 4
    assert all(Path(row["hq"]).is_file() for row in found["results"])
    with Project.open(project, read_only=True) as opened:
        assert {patches.patch(opened, i).state for i in (1, 2, 3)} == {State.OPEN}
    passed = [row for row in found["results"] if row["passed"]]
    for row in passed[:1]:
        adopted = call(project, "tryout", project, "--adopt", row["recipe"], row["patch"], "--json")
        assert adopted["state"] == "waiting"
    assert "different recipes" in call(project, "tryout", project, "--recipe", "A", "--recipe", "A", code=2)
