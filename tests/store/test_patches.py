"""Pages, facts and the state derived from them, on a real database."""

from __future__ import annotations

from pathlib import Path

import pytest

from fakes.projects import add_patch, facts_until_waiting, make_waiting, waiting_project
from ggt_studio.core.errors import StudioError
from ggt_studio.core.facts import Failed
from ggt_studio.core.files import content_path, write_content_addressed
from ggt_studio.core.words import Category, Decision, Hold, Outcome, RejectReason, Stage, State
from ggt_studio.dataset.include import Include
from ggt_studio.dataset.pairs import read_pairs
from ggt_studio.store import holds, patches, review
from ggt_studio.store.check import check
from ggt_studio.store.details import details
from ggt_studio.store.patches import Filter
from ggt_studio.store.photos import record_file
from ggt_studio.store.project import CANDIDATES, Project
from ggt_studio.store.review_sheet import sheet
from ggt_studio.store.status import status


@pytest.fixture
def project(tmp_path: Path):
    with Project.create(tmp_path / "p") as created:
        yield created


def test_facts_come_back_as_they_went_in(project: Project) -> None:
    patch_id = add_patch(project, 1)
    facts = facts_until_waiting("f" * 64)
    project.db.execute("INSERT INTO file VALUES (?, 'candidates', '.png', 1)", ("f" * 64,))
    patches.append(project, patch_id, facts)
    assert patches.facts(project, patch_id) == facts


def test_facts_are_never_changed(project: Project) -> None:
    patch_id = add_patch(project, 1)
    patches.append(project, patch_id, [Failed(1, "generate", Outcome.NETWORK, "no route")])
    with pytest.raises(Exception, match="never changed"):
        project.db.execute("UPDATE fact SET data = '{}'")


def test_the_row_follows_the_facts(project: Project) -> None:
    patch_id = add_patch(project, 1)
    sha256 = make_waiting(project, patch_id, 1)
    found = patches.patch(project, patch_id)
    assert (found.state, found.stage, found.attempts) == (State.WAITING, Stage.PASSED_JUDGE, 1)
    assert found.hq_path is not None
    assert found.hq_path.name == f"{sha256}.png"
    assert found.hq_path.is_file()
    assert found.lq_path.is_file()


def test_pages_follow_each_other_without_gap_or_repeat(project: Project) -> None:
    made = [add_patch(project, seed, category=list(Category)[seed % 2]) for seed in range(23)]
    seen, after = [], 0
    while page := patches.page(project, Filter(), after=after, limit=5):
        seen += [p.id for p in page]
        after = page[-1].id
    assert seen == made
    assert list(patches.ids(project, Filter(category=Category.RAIN))) == made[1::2]
    assert [p.id for p in patches.by_ids(project, made[::-1])] == made[::-1]


def test_held_patches_are_listed_and_not_run(project: Project) -> None:
    free, held = add_patch(project, 1), add_patch(project, 2, hold=Hold.CONTENT_POOR)
    assert [p.id for p in patches.runnable(project)] == [free]
    assert list(patches.ids(project, Filter(held=True))) == [held]
    holds.set_hold(project, [held], None)
    assert [p.id for p in patches.runnable(project)] == [free, held]


def test_counts_are_maintained_through_every_change(project: Project) -> None:
    for seed in range(6):
        add_patch(project, seed, category=list(Category)[seed])
    make_waiting(project, 1, 1)
    make_waiting(project, 2, 2)
    review.decide(project, 1, Decision.ACCEPT)
    review.decide(project, 2, Decision.REJECT, reason=RejectReason.COLOUR)
    patches.append(project, 3, [Failed(1, "generate", Outcome.QUOTA, "later")])
    now = status(project)
    assert {s: now.count(state=s) for s in State} == {
        State.OPEN: 3,
        State.WAITING: 0,
        State.VERIFIED: 1,
        State.REJECTED: 1,
        State.FAILED: 1,
    }
    assert dict(now.funnel()) == {
        "patches": 6,
        "generated": 2,
        "passed metrics": 2,
        "passed judge": 2,
        "waiting for a person": 0,
        "verified": 1,
    }
    assert check(project).ok


def test_people_decide_and_take_it_back(project: Project) -> None:
    patch_id = add_patch(project, 1)
    with pytest.raises(StudioError, match="no candidate"):
        review.decide(project, patch_id, Decision.ACCEPT)
    make_waiting(project, patch_id, 1)
    assert review.decide(project, patch_id, Decision.REJECT, reason=RejectReason.ARTEFACT).state is State.REJECTED
    assert review.decide(project, patch_id, Decision.ACCEPT).state is State.VERIFIED
    assert review.undo(project, patch_id).state is State.REJECTED
    assert review.undo(project, patch_id).state is State.WAITING
    with pytest.raises(StudioError, match="no decision"):
        review.undo(project, patch_id)
    with pytest.raises(StudioError, match="no patch 99"):
        review.decide(project, 99, Decision.ACCEPT)


def test_details_gather_what_is_on_record(project: Project) -> None:
    patch_id = add_patch(project, 1)
    sha256 = make_waiting(project, patch_id, 1)
    review.decide(project, patch_id, Decision.ACCEPT, reviewer="Ada")
    found = details(project, patch_id)
    assert found.current is not None
    assert found.current.generated.target_sha256 == sha256
    assert found.current.judged is not None
    assert found.current.scored is not None
    assert found.review is not None
    assert found.review.reviewer == "Ada"
    assert found.photo.licence == "CC0-1.0"


def test_a_candidate_that_equals_its_patch_is_a_file_of_its_own(project: Project) -> None:
    patch_id = add_patch(project, 1)
    lq = patches.patch(project, patch_id)
    data = lq.lq_path.read_bytes()
    sha256 = write_content_addressed(project.candidates_dir, data, ".webp")
    assert sha256 == lq.sha256
    record_file(project, sha256, CANDIDATES, ".webp", len(data))
    patches.append(project, patch_id, facts_until_waiting(sha256))
    found = patches.patch(project, patch_id)
    assert found.hq_path == content_path(project.candidates_dir, sha256, ".webp")
    assert found.lq_path == lq.lq_path
    assert sheet(project, patch_id).hq_paths == {sha256: found.hq_path}
    (pair,) = read_pairs(project, [patch_id], Include.ACCEPTED)
    assert (pair.hq_path, pair.hq_media_type) == (found.hq_path, "image/webp")
    report = check(project)
    assert (report.ok, report.files, report.unreferenced) == (True, 2, 0)
    found.hq_path.unlink()
    assert [problem for problem in check(project).problems if "candidates" in problem]


def test_a_state_that_rests_on_no_file_is_refused(project: Project) -> None:
    patch_id = add_patch(project, 1)
    own = patches.patch(project, patch_id).sha256
    with pytest.raises(StudioError, match="FOREIGN KEY"):
        patches.append(project, patch_id, facts_until_waiting(own))
    assert check(project).ok


def test_check_names_what_is_wrong(tmp_path: Path) -> None:
    with waiting_project(tmp_path / "p", 3) as project:
        whole = check(project)
        assert whole.ok
        assert whole.files == 6
        first, second, third = patches.page(project, Filter())
        first.lq_path.unlink()
        second.lq_path.write_bytes(second.lq_path.read_bytes()[:-1] + b"x")
        project.db.execute("UPDATE patch SET state = 'verified' WHERE id = ?", (third.id,))
        for photo, first in ((2, 1), (3, 2)):
            project.db.execute("UPDATE photo SET near_duplicate_of = ? WHERE id = ?", (first, photo))
        (project.candidates_dir / "ab").mkdir(exist_ok=True)
        (project.candidates_dir / "ab" / ".tmp-123").write_bytes(b"torn")
        report = check(project)
    text = "\n".join(report.problems)
    assert "is missing" in text
    assert "its content has changed" in text
    assert f"patch {third.id}: is marked verified but its facts say waiting" in text
    assert "photo 3: belongs to the near duplicates of photo 2, which is one itself" in text
    assert "counts" not in text, "they follow the rows"
    assert report.leftovers_removed == 1
