"""What a reviewer's page reads, on a real database."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from fakes.projects import add_patch, make_waiting, waiting_project
from ggt_studio.core.facts import Reopened
from ggt_studio.core.recipe import JudgeRule
from ggt_studio.core.words import Category, Decision, RejectReason, State
from ggt_studio.store import patches, review
from ggt_studio.store.patches import Filter
from ggt_studio.store.project import Project
from ggt_studio.store.review_sheet import all_ids, grown, place, sheet

WAITING = Filter(state=State.WAITING)


@pytest.fixture
def project(tmp_path: Path):
    with waiting_project(tmp_path / "p", 9) as made:
        yield made


def test_ids_are_those_of_the_store_in_order(project: Project) -> None:
    review.decide(project, 4, Decision.ACCEPT)
    for which in (WAITING, Filter(state=State.WAITING, category=Category.RAIN), Filter(state=State.FAILED), Filter()):
        assert list(all_ids(project, which)) == list(patches.ids(project, which))


def test_one_goes_on_at_the_patch_remembered_or_the_next_or_from_the_beginning(project: Project) -> None:
    assert place(project, WAITING, 0) == 1
    assert place(project, WAITING, 5) == 5
    review.decide(project, 5, Decision.ACCEPT)
    assert place(project, WAITING, 5) == 6
    review.decide(project, 9, Decision.ACCEPT)
    assert place(project, WAITING, 9) == 1
    assert place(project, Filter(state=State.FAILED), 3) is None
    assert place(project, Filter(state=State.WAITING, category=Category.RAIN), 3) == 8


def test_a_list_grows_at_its_end_and_loses_what_no_longer_fits_unless_it_is_kept(project: Project) -> None:
    shown = all_ids(project, WAITING)
    for patch_id in (2, 3):
        review.decide(project, patch_id, Decision.ACCEPT)
    late = add_patch(project, 100)
    make_waiting(project, late, 100)
    assert list(grown(project, WAITING, shown, [3])) == [1, 3, 4, 5, 6, 7, 8, 9, late]
    assert list(grown(project, WAITING, np.array([9, 1]), [])) == [9, 1, 4, 5, 6, 7, 8, late]


def test_a_sheet_tells_every_decision_and_which_of_them_stands(project: Project) -> None:
    review.decide(project, 1, Decision.REJECT, reason=RejectReason.COLOUR, reviewer="ana")
    review.decide(project, 1, Decision.ACCEPT, reviewer="ben")
    review.decide(project, 1, Decision.REJECT, reviewer="ana")
    review.undo(project, 1, "ana")
    told = [(past.review.reviewer, past.review.decision, past.stands) for past in sheet(project, 1).reviews]
    assert told == [
        ("ana", Decision.REJECT, False),
        ("ben", Decision.ACCEPT, True),
        ("ana", Decision.REJECT, False),
    ]
    patches.append(project, 1, [Reopened("again")])
    assert not any(past.stands for past in sheet(project, 1).reviews)


def test_a_sheet_knows_the_file_of_every_candidate(project: Project) -> None:
    found = sheet(project, 2)
    assert [path.is_file() for path in found.hq_paths.values()] == [True]
    assert found.details.current is not None
    assert found.details.current.generated.target_sha256 in found.hq_paths
    assert found.judge_rule == JudgeRule()


def test_an_unknown_patch_has_no_sheet(project: Project) -> None:
    with pytest.raises(KeyError):
        sheet(project, 999)
