"""An error that nobody expected, in the window: told in a line, its traceback kept."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from ggt_studio.core.errors import StudioError, describe
from ggt_studio.ui.bridge import Tasks


async def test_its_details_are_kept_and_told_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GGT_STUDIO_HOME", str(tmp_path))
    heard: list[Exception] = []
    tasks = Tasks(heard.append)

    async def fail(error: Exception) -> None:
        error.add_note("Traceback of the worker")
        raise error

    for error in (StudioError("The disk is full."), KeyError("missing")):
        with pytest.raises(type(error)):
            await tasks.spawn(fail(error))
    await asyncio.sleep(0)
    report = tmp_path / "last-error.txt"
    assert [describe(error) for error in heard] == [
        "The disk is full.",
        f"Unexpected error: KeyError: 'missing'. Details: {report}",
    ]
    assert "in fail" in report.read_text("utf-8")
    assert "Traceback of the worker" in report.read_text("utf-8")
