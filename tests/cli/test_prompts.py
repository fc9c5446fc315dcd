"""`ggt-studio prompts`: written, read and put into one's own words before anything is generated; used by every generator."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from fakes.chat_server import ChatServer, Says
from fakes.command_line import run_command
from fakes.projects import add_patch
from ggt_studio.core.facts import Generated
from ggt_studio.store import patches
from ggt_studio.store.project import Project


@pytest.fixture
def project(tmp_path: Path) -> Path:
    with Project.create(tmp_path / "p") as made:
        for seed in range(3):
            add_patch(made, seed)
    return tmp_path / "p"


def call(project: Path, *arguments: object, address: str = "http://127.0.0.1:1", code: int = 0) -> Any:
    environment = {
        "GGT_STUDIO_HOME": str(project.parent / "home"),
        "GOOGLE_GEMINI_BASE_URL": address,
        "GEMINI_API_KEY": "key-of-a-person",
    }
    done = run_command("prompts", project, *arguments, *(() if code else ("--json",)), environment=environment)
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    return done.stderr if code else json.loads(done.stdout)


def test_prompts_are_written_once_read_and_edited_before_a_run_uses_them(project: Path) -> None:
    assert [row["text"] for row in call(project, "--prompts", "gemini")] == [None] * 3
    with ChatServer(lambda _: Says("Remove the noise and keep everything else exactly as it is.")) as server:
        for _ in range(2):
            rows = call(project, "--prompts", "gemini", "--write", "--limit", 2, address=server.address)
            assert [(row["patch"], row["strategy"]) for row in rows] == [(1, "gemini"), (2, "gemini")]
        assert len(server.asked) == 2
        capped = call(project, "--prompts", "gemini", "--write", "--budget", "0.001", address=server.address)
        assert (capped[2]["text"], len(server.asked)) == (None, 2)
    (row,) = call(project, 1, "--words", "Only remove the scratches.")
    assert (row["strategy"], row["text"]) == ("edited", "Only remove the scratches.")
    assert "for one PATCH" in call(project, "--words", "x", code=2)
    assert "no patch 9" in call(project, 9, "--words", "x", code=1)

    home = {"GGT_STUDIO_HOME": str(project.parent / "home")}
    ran = run_command("run", project, "--limit", 1, "--metric-gate", "none", environment=home)
    assert ran.returncode == 0, ran.stderr
    with Project.open(project, read_only=True) as opened:
        made = [fact for fact in patches.facts(opened, 1) if isinstance(fact, Generated)]
    assert made[0].prompt == "Only remove the scratches."
    (row,) = call(project, 1, "--take-back", "--prompts", "gemini")
    assert row["strategy"] == "gemini"
