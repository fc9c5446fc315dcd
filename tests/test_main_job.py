"""The main job from a folder of real photos to a dataset, by the command line, with nothing lost on the way."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from PIL import Image


@pytest.mark.shared
@pytest.mark.ml
def test_from_photos_to_a_dataset(tmp_path: Path, shared_data: Path) -> None:
    def ask(*arguments: object) -> Any:
        result = subprocess.run(
            [sys.executable, "-m", "ggt_studio", *map(str, arguments), "--json"],
            capture_output=True,
            text=True,
            env={**os.environ, "GGT_STUDIO_HOME": str(tmp_path / "home")},
            check=False,
        )
        assert result.returncode == 0, result.stderr
        return json.loads(result.stdout)

    project = tmp_path / "project"
    ask("new", project)
    imported = ask("import", project, shared_data / "lq")
    assert imported["photos"] == 18
    report = ask("run", project)
    assert report["patches"] == imported["patches"]
    assert report["waiting"] + report["rejected"] == report["patches"], "every patch came to an answer"
    assert report["failed"] == 0
    waiting = ask("list", project, "--state", "waiting")
    assert len(waiting) == report["waiting"] > 0
    for entry in waiting:
        with Image.open(entry["lq"]) as lq, Image.open(entry["hq"]) as hq:
            assert lq.size == hq.size
        assert entry["alignment"]["gate"]["passed"]
        assert entry["scores"]["lq"].keys() == entry["scores"]["hq"].keys() >= {"piqe", "entropy"}
        assert len(entry["verdict"]["aspects"]) == 5
        ask("review", project, entry["patch"], "accept")
    rejected = ask("list", project, "--state", "rejected")
    assert all(entry["decided_by"] and entry["attempts"] == 3 for entry in rejected)
    assert "metric:change" in {entry["decided_by"] for entry in rejected}, "some of these photos are clean already"
    exported = ask("export", project, tmp_path / "dataset", "--test", 2)
    assert exported["pairs"] == len(waiting)
    assert exported["test"] <= 2
    assert ask("status", project)["states"]["verified"] == len(waiting)
    assert ask("check", project)["ok"]
