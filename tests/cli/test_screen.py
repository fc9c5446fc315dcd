"""`screen` as a script sees it: a real process, a real key from the environment, a chat server on this machine."""

from __future__ import annotations

import json
from pathlib import Path

from fakes.chat_server import ChatServer, Says, screening_text
from fakes.command_line import Said, run_command
from fakes.projects import add_patch
from ggt_studio.core.words import Category
from ggt_studio.store.project import Project


def call(*arguments: object, home: Path, address: str) -> Said:
    environment = {
        "GGT_STUDIO_HOME": str(home),
        "GOOGLE_GEMINI_BASE_URL": address,
        "GEMINI_API_KEY": "key-of-a-person",
    }
    return run_command(*arguments, environment=environment)


def test_patches_are_screened_listed_with_the_reason_and_not_paid_for_again(tmp_path: Path) -> None:
    project, home = tmp_path / "p", tmp_path / "home"
    with Project.create(project) as made:
        for seed in range(2):
            add_patch(made, seed, category=Category.RAIN)
    with ChatServer(lambda _: Says(screening_text("not-visible", "high", "There is no rain in it."))) as server:
        capped = call(
            "screen", project, "--judge", "gemini", "--budget", "0.001", "--json", home=home, address=server.address
        )
        assert json.loads(capped.stdout)["ended"] == "halted"
        assert "The budget of $0.0010 allows no further call" in capped.stderr
        assert server.asked == [], "the cap stops before it is passed"
        result = call("screen", project, "--judge", "gemini", "--json", home=home, address=server.address)
        assert result.returncode == 0, result.stderr
        report = json.loads(result.stdout)
        assert (report["screened"], report["held"], report["failed"]) == (2, {"not-visible": 2}, 0)
        assert report["cost_usd"] > 0
        listed = call("list", project, "--held", home=home, address=server.address)
        assert listed.stdout.count("There is no rain in it.") == 2
        again = call("screen", project, "--judge", "gemini", home=home, address=server.address)
        assert "0 patches looked at" in again.stdout
        assert len(server.asked) == 2
        assert server.asked[0].headers["x-goog-api-key"] == "key-of-a-person"
        unknown = call("screen", project, "--judge", "nobody", home=home, address=server.address)
        assert unknown.returncode == 1
        assert "There is no screener called nobody" in unknown.stderr
        assert "key-of-a-person" not in "".join(r.stdout + r.stderr for r in (result, listed, again, unknown))
