"""The project of very many patches, on which the benches rest, is one that the store itself could have made."""

from __future__ import annotations

from pathlib import Path

from fakes.large_project import make_large_project
from ggt_studio.core.words import State
from ggt_studio.store.check import check
from ggt_studio.store.project import Project
from ggt_studio.store.status import status


def test_a_small_large_project_is_sound(tmp_path: Path) -> None:
    make_large_project(tmp_path / "p", 64)
    with Project.open(tmp_path / "p") as project:
        assert check(project).problems == ()
        now = status(project)
        assert (now.patches, now.photos) == (64, 7)
        assert now.count(state=State.WAITING) == 32
