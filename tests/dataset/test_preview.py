"""What an export would hold, against what it does hold."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from fakes.projects import add_patch, facts_until_waiting, make_candidate, verdict, waiting_project
from ggt_studio.core.facts import Judged, Reopened
from ggt_studio.core.words import Decision, State
from ggt_studio.dataset.include import Include
from ggt_studio.dataset.pairs import read_pairs, selected_ids
from ggt_studio.dataset.preview import members, preview, selected
from ggt_studio.store.patches import append, patch
from ggt_studio.store.project import Project
from ggt_studio.store.review import decide


@pytest.fixture
def project(tmp_path: Path):
    """Patches 1 and 2 verified, 3 rejected and started afresh, 4 waiting, 5 without a candidate, 6 in dispute."""
    with waiting_project(tmp_path / "p", 4) as project:
        for patch_id in (1, 2):
            decide(project, patch_id, Decision.ACCEPT)
        decide(project, 3, Decision.REJECT)
        append(project, 3, [Reopened("another try")])
        add_patch(project, 99)
        disputed = add_patch(project, 100)
        sha256 = make_candidate(project, 100)
        *passed, judged = facts_until_waiting(sha256)
        assert isinstance(judged, Judged)
        append(project, disputed, [*passed, replace(judged, verdict=verdict(decision=Decision.REJECT))])
        yield project


@pytest.mark.parametrize("include", Include)
def test_each_selection_is_that_of_the_export(project: Project, include: Include) -> None:
    exported = read_pairs(project, selected_ids(project, include), include)
    foreseen = selected(members(project), include)
    assert [(m.patch_id, m.group, m.category) for m in foreseen] == [
        (p.patch_id, p.group, p.category) for p in exported
    ]


def test_a_pair_that_the_judge_rejected_and_its_rule_did_not_is_not_accepted(project: Project) -> None:
    disputed = patch(project, 6)
    assert (disputed.state, disputed.decided_by) == (State.WAITING, "disagreement")
    assert selected_ids(project, Include.VERIFIED) == [1, 2]
    assert selected_ids(project, Include.ACCEPTED) == [1, 2, 4]
    assert selected_ids(project, Include.ALL) == [1, 2, 3, 4, 5, 6]


def test_pages_hold_each_patch_once(project: Project) -> None:
    first = members(project, limit=3)
    rest = members(project, after=first[-1].patch_id, limit=3)
    assert [m.patch_id for m in first + rest] == [1, 2, 3, 4, 6]


def test_a_split_that_cannot_be_made_says_why_and_leaves_all_to_train(project: Project) -> None:
    made = preview(members(project), Include.ALL, 5, 0)
    assert (made.train, made.test) == (5, 0)
    assert "at least one must stay for training" in made.problem
    assert preview(members(project), Include.ALL, 1, 0).test == 1
