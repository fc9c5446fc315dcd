"""`ggt-studio models`: every id that a run takes, with what a person must know before choosing it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fakes.command_line import Said, run_command
from ggt_studio.cli.models import EXAMPLE

Ask = Callable[..., Any]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "home").mkdir()
    return tmp_path / "home"


@pytest.fixture
def call(home: Path) -> Ask:
    def run(*arguments: str, code: int = 0, **changes: str) -> Said:
        result = run_command("models", *arguments, environment={"GGT_STUDIO_HOME": str(home), **changes})
        assert result.returncode == code, result.stderr
        return result

    return run


@pytest.fixture
def ask(call: Ask) -> Ask:
    def run(*arguments: str, **changes: str) -> Any:
        return json.loads(call(*arguments, "--json", **changes).stdout)

    return run


def by_id(document: Any, role: str) -> dict[str, Any]:
    return {offer["id"]: offer for offer in document["models"] if offer["role"] == role}


def test_each_id_is_told_with_price_place_key_and_licence(ask: Ask) -> None:
    document = ask(GEMINI_API_KEY="k")
    generators = by_id(document, "generator")
    assert generators["classical"]["photos_go"] == "this machine"
    assert (generators["classical"]["price_usd"], generators["classical"]["key"]) == (0.0, "not needed")
    assert generators["qwen-image-edit-2511"]["licence"] == "Apache-2.0"
    banana = generators["nano-banana-2"]
    assert banana["photos_go"] == "Google Gemini API (generativelanguage.googleapis.com)"
    assert (banana["price_usd"], banana["paid"], banana["key"]) == (pytest.approx(0.067), True, "environment")
    assert banana["terms_url"].startswith("https://")
    assert by_id(document, "prompts").keys() >= {"fix", "fix-nc", "gemini"}
    judges = by_id(document, "judge")
    assert (judges["gpt"]["price_usd"], judges["gpt"]["key"]) == (None, "none")
    assert "measured" in judges


def test_the_ids_are_those_that_a_run_takes(ask: Ask, home: Path, tmp_path: Path) -> None:
    offered = set(by_id(ask("--role", "generator"), "generator"))
    environment = {"GGT_STUDIO_HOME": str(home)}
    assert run_command("new", tmp_path / "p", environment=environment).returncode == 0
    refused = run_command("run", tmp_path / "p", "--generator", "nobody", environment=environment)
    named = refused.stderr.partition("There are: ")[2].strip().rstrip(".")
    assert set(named.split(", ")) == offered


def test_one_role_and_lines_for_people(call: Ask) -> None:
    lines = call("--role", "judge").stdout
    assert "Judges (--judge" in lines
    assert "Generators" not in lines
    assert [line.split()[1] for line in lines.splitlines() if line.startswith("  gpt ")] == ["unknown"]
    assert "models.toml" in lines


def test_the_example_is_an_entry_that_works(call: Ask, ask: Ask, home: Path) -> None:
    printed = call("--example")
    assert printed.stdout == EXAMPLE
    assert str(home / "models.toml") in printed.stderr
    (home / "models.toml").write_text(printed.stdout)
    document = ask()
    assert document["problems"] == []
    for role in ("prompts", "judge"):
        lab = by_id(document, role)["lab-vlm"]
        assert (lab["photos_go"], lab["price_usd"], lab["paid"], lab["key"]) == (
            "this machine",
            0.0,
            False,
            "not needed",
        )
    (home / "models.toml").write_text(printed.stdout.replace("127.0.0.1:8000", "192.168.3.4:8000"))
    assert by_id(ask(), "judge")["lab-vlm"]["photos_go"] == "this network (192.168.3.4:8000)"


def test_problems_of_one_s_own_files_are_named(call: Ask, ask: Ask, home: Path) -> None:
    (home / "models.toml").write_text('[[model]]\nid = "mine"\nservice = "nowhere"\n')
    (home / "prompts").mkdir()
    (home / "prompts" / "bad.toml").write_text("label = ")
    (home / "settings.json").write_text(json.dumps({"version": 1, "enabled_plugins": ["gone"]}))
    problems = " ".join(ask()["problems"])
    assert "mine" in problems
    assert "bad" in problems
    assert "gone" in problems
    assert call().stdout.count("Problem: ") == 3
