from __future__ import annotations

import json
import os

import pytest

from ggt_studio.settings import Settings, account_name, load, reviewer_name, save, settings_file


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("GGT_STUDIO_HOME", str(tmp_path))


def write(content: object) -> None:
    settings_file().write_text(json.dumps(content), "utf-8")


def test_what_is_saved_is_loaded():
    kept = Settings(theme="light", recent=("/a", "/b"), enabled_plugins=("x",), reviewer="Ada", worker_processes=2)
    save(kept)
    assert load() == kept


def test_the_first_start_has_the_defaults():
    assert load() == Settings()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("theme", "sepia"),
        ("theme", ["dark"]),
        ("theme", None),
        ("recent", "/a"),
        ("recent", [1]),
        ("enabled_plugins", {"x": True}),
        ("reviewer", 3),
        ("niqe_parameters", None),
        ("worker_processes", -1),
        ("worker_processes", "4"),
        ("worker_processes", True),
    ],
)
def test_a_value_that_is_not_understood_becomes_the_default_and_spares_the_others(name, value):
    write({"version": 1, "theme": "light", "reviewer": "Ada", "recent": ["/a"], name: value})
    loaded = load()
    assert getattr(loaded, name) == getattr(Settings(), name)
    others = {"theme": "light", "reviewer": "Ada", "recent": ("/a",)}
    assert all(getattr(loaded, other) == kept for other, kept in others.items() if other != name)


def test_what_a_newer_version_wrote_is_kept_for_it():
    write({"version": 2, "theme": "light", "sounds": {"volume": 3}})
    loaded = load()
    assert loaded.theme == "light"
    save(loaded)
    assert json.loads(settings_file().read_text("utf-8"))["sounds"] == {"volume": 3}


def test_a_file_that_cannot_be_read_is_kept_aside():
    settings_file().write_text("{", "utf-8")
    assert load() == Settings()
    assert settings_file().with_suffix(".unreadable.json").read_text("utf-8") == "{"


def test_decisions_are_signed_by_whoever_has_a_name(monkeypatch):
    monkeypatch.setenv("LOGNAME", "ada")
    assert reviewer_name(Settings()) == "ada"
    assert reviewer_name(Settings(reviewer="Ada L.")) == "Ada L."


def test_an_account_without_a_name_signs_with_none(monkeypatch):
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(os, "getuid", lambda: 2**31 - 7, raising=False)
    assert account_name() == reviewer_name(Settings()) == ""
