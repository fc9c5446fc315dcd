"""The demo: when it opens the window, when it does the job without one, and that it is made once."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from fakes.projects import add_patch, waiting_project
from ggt_studio.cli import display
from ggt_studio.cli.demo import opens_window, run_demo
from ggt_studio.core.errors import StudioError
from ggt_studio.pipeline.demo import demo_folder, is_done
from ggt_studio.store.project import Project


def test_a_document_is_printed_and_no_window_opened_when_json_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    # A display over the network is believed; whether a local one answers is asked.
    monkeypatch.setenv("DISPLAY", "far.example:0")
    monkeypatch.delenv("QT_QPA_PLATFORM", raising=False)
    assert display.has_display()
    assert opens_window(headless=False, as_json=False)
    assert not opens_window(headless=False, as_json=True)
    assert not opens_window(headless=True, as_json=False)


@pytest.mark.parametrize("name", [None, ":87"])
def test_without_a_display_that_answers_a_window_is_refused_in_words(
    monkeypatch: pytest.MonkeyPatch, name: str | None
) -> None:
    for variable in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setattr(display.sys, "platform", "linux")
    if name is not None:
        monkeypatch.setenv("DISPLAY", name)
    assert not opens_window(headless=False, as_json=False)
    with pytest.raises(StudioError, match="no display"):
        display.require_display()


def test_the_demo_that_was_made_last_is_found_again_and_a_fresh_one_lies_beside_it(tmp_path: Path) -> None:
    assert demo_folder(tmp_path) == demo_folder(tmp_path, fresh=True) == tmp_path / "demo-project"
    with waiting_project(tmp_path / "demo-project", 1) as project:
        assert demo_folder(tmp_path) == project.folder
        assert is_done(project.folder), "also while it is open in the window"
        add_patch(project, 9)
        assert not is_done(project.folder), "a patch waits to be run"
    assert demo_folder(tmp_path, fresh=True) == tmp_path / "demo-project-2"
    Project.create(tmp_path / "demo-project-2").close()
    assert demo_folder(tmp_path) == tmp_path / "demo-project-2"
    assert not is_done(tmp_path / "demo-project-2"), "nothing was imported yet"
    assert not is_done(tmp_path / "nothing")


def test_a_finished_demo_is_told_of_and_nothing_is_made_anew(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with waiting_project(tmp_path / "demo-project", 2):
        pass
    assert run_demo(tmp_path, headless=True, fresh=False, as_json=True) == 0
    first = capfd.readouterr()
    document = json.loads(first.out)
    assert (document["made_before"], document["run"], document["export"]["pairs"]) == (True, None, 2)
    assert "made and run before" in first.err
    assert "Making" not in first.err
    assert run_demo(tmp_path, headless=True, fresh=False, as_json=True) == 0
    assert json.loads(capfd.readouterr().out) == document, "and exports it once"
