"""Taking back what a person decided last, whenever that was."""

from __future__ import annotations

from pathlib import Path

import pytest

from fakes.projects import waiting_project
from ggt_studio.core.errors import NothingToUndo
from ggt_studio.core.facts import Reopened
from ggt_studio.core.words import Decision, RejectReason, State
from ggt_studio.store.patches import append, patch
from ggt_studio.store.project import Project
from ggt_studio.store.review import decide, latest_of, undo_latest

ACCEPT, REJECT = Decision.ACCEPT, Decision.REJECT


def test_the_decisions_of_a_reviewer_are_taken_back_latest_first_whenever_they_were_made(tmp_path: Path) -> None:
    with waiting_project(tmp_path / "p", 3) as project:
        decide(project, 2, ACCEPT, reviewer="ana")
        decide(project, 1, ACCEPT, reviewer="ana")
        decide(project, 3, REJECT, reason=RejectReason.COLOUR, words="too blue", reviewer="ana")
        decide(project, 1, REJECT, reviewer="ana")
    with Project.open(tmp_path / "p") as project:
        taken_back = [undo_latest(project, "ana") for _ in range(4)]
        assert [(made.patch_id, made.review.decision) for made in taken_back] == [
            (1, REJECT),
            (3, REJECT),
            (1, ACCEPT),
            (2, ACCEPT),
        ]
        assert (taken_back[1].review.reason, taken_back[1].review.words) == (RejectReason.COLOUR, "too blue")
        assert {patch(project, patch_id).state for patch_id in (1, 2, 3)} == {State.WAITING}
        with pytest.raises(NothingToUndo):
            undo_latest(project, "ana")


def test_nobody_takes_back_what_somebody_else_decided_or_what_a_fresh_start_left_behind(tmp_path: Path) -> None:
    with waiting_project(tmp_path / "p", 4) as project:
        for patch_id in (1, 2, 3):
            decide(project, patch_id, ACCEPT, reviewer="ana")
        decide(project, 2, REJECT, reviewer="ben")
        append(project, 3, [Reopened("another recipe")])
        decide(project, 4, ACCEPT, reviewer="ben")
        assert latest_of(project, "cem") is None
        assert undo_latest(project, "ana").patch_id == 1
        assert latest_of(project, "ana") is None
        assert undo_latest(project, "ben").patch_id == 4
        assert undo_latest(project, "ben").patch_id == 2
        # With that decision gone, the one before it decides again, and is ana's to take back.
        assert patch(project, 2).state is State.VERIFIED
        assert undo_latest(project, "ana").patch_id == 2
