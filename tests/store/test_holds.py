"""What people keep out by hand: held patches, removed photos. Nothing is lost, counts stay right, and all can be taken back."""

from __future__ import annotations

from pathlib import Path

import pytest

from fakes.projects import add_patch, make_waiting
from ggt_studio.core.errors import StudioError
from ggt_studio.core.recipe import Recipe
from ggt_studio.core.words import Category, Decision, Hold, Outcome, State
from ggt_studio.dataset.include import Include
from ggt_studio.dataset.pairs import selected_ids
from ggt_studio.dataset.preview import members
from ggt_studio.dataset.sampling import release, sample
from ggt_studio.store import holds, outcomes, patches, photos, review, runs
from ggt_studio.store.check import check
from ggt_studio.store.patches import Filter
from ggt_studio.store.project import Project
from ggt_studio.store.status import status


@pytest.fixture
def project(tmp_path: Path):
    with Project.create(tmp_path / "p") as created:
        yield created
        assert check(created).problems == ()


def hold_of(project: Project, patch_id: int) -> Hold | None:
    return patches.patch(project, patch_id).hold


def test_what_a_person_holds_leaves_runs_and_exports_and_no_sample_lets_it_go(project: Project) -> None:
    for seed in range(6):
        add_patch(project, seed)
    make_waiting(project, 1, 1)
    review.decide(project, 1, Decision.ACCEPT)
    before = holds.set_hold(project, [1, 2], Hold.BY_HAND, "a face")
    assert before == {1: ("", ""), 2: ("", "")}
    assert patches.patch(project, 2).hold_words == "a face"
    assert [p.id for p in patches.runnable(project)] == [3, 4, 5, 6]
    for include in Include:
        assert 1 not in selected_ids(project, include)
    assert members(project) == []
    assert list(patches.ids(project, Filter(held=True))) == [1, 2]
    for seed in range(3):
        sample(project, seed=seed)
        assert hold_of(project, 2) is Hold.BY_HAND
    release(project, (Hold.NOT_SAMPLED, Hold.NEAR_DUPLICATE, Hold.CONTENT_POOR))
    assert hold_of(project, 2) is Hold.BY_HAND
    holds.set_hold(project, [1, 2], None)
    assert len(patches.runnable(project)) == 5
    assert selected_ids(project, Include.VERIFIED) == [1]
    assert patches.patch(project, 2).hold_words == ""


def test_a_hold_is_taken_back_to_what_it_was(project: Project) -> None:
    add_patch(project, 1, hold=Hold.CONTENT_POOR)
    add_patch(project, 2)
    before = holds.set_hold(project, [1, 2, 2], Hold.BY_HAND)
    assert holds.set_hold(project, [1, 2], Hold.BY_HAND) == {}, "nothing changed, nothing to take back"
    holds.restore(project, before)
    assert (hold_of(project, 1), hold_of(project, 2)) == (Hold.CONTENT_POOR, None)


def test_a_removed_photo_leaves_everything_and_comes_back_as_it_was(project: Project) -> None:
    for seed in range(4):
        add_patch(project, seed, category=Category.RAIN if seed == 0 else Category.HAZE)
    make_waiting(project, 1, 1)
    review.decide(project, 1, Decision.ACCEPT, reviewer="Ada")
    holds.set_hold(project, [2], Hold.BY_HAND, "blurred")
    run = runs.begin_run(project, Recipe("hosted", "fix", "measured"))
    call = runs.Call(run, 1, "generate", "hosted", 1, "hash", paid=True, estimated_usd=0.04)
    runs.begin_calls(project, [call])
    runs.end_calls(project, [runs.Ending(call, Outcome.OK, 0.05)])
    before = status(project)
    history = patches.history(project, 1)

    removal = holds.remove(project, [1, 2])
    assert removal == holds.Removal((1, 2), patches=2, generated=1, spent_usd=0.05, reviewed=1)
    now = status(project)
    assert (now.photos, now.removed, now.patches) == (2, 2, 2)
    assert now.count(category=Category.RAIN) == 0
    assert now.count(held=True) == now.count(state=State.VERIFIED) == 0
    for which in (Filter(), Filter(state=State.VERIFIED), Filter(category=Category.RAIN), Filter(held=True)):
        assert not {1, 2} & set(patches.ids(project, which))
    assert [p.id for p in patches.page(project, Filter())] == [3, 4]
    assert [p.id for p in patches.runnable(project)] == [3, 4]
    assert selected_ids(project, Include.ALL) == [3, 4]
    assert members(project) == []
    assert outcomes.decided(project, State.VERIFIED) == []
    assert outcomes.latest_candidates(project, 5) == []
    assert list(patches.ids(project, Filter(removed=True))) == [1, 2]
    assert [(p.id, p.path, p.patches) for p in holds.removed_photos(project)] == [
        (1, "/photos/0.png", 1),
        (2, "/photos/1.png", 1),
    ]
    assert release(project, tuple(Hold)) == 0
    sample(project)
    with pytest.raises(StudioError, match="was removed"):
        holds.set_hold(project, [3, 1], None)
    assert check(project).ok

    release(project, (Hold.NOT_SAMPLED,))
    assert holds.put_back(project, [2, 1]) == 2
    assert status(project) == before
    assert patches.patch(project, 2).hold_words == "blurred"
    assert patches.history(project, 1) == history
    assert selected_ids(project, Include.VERIFIED) == [1]


def test_removing_twice_or_what_is_not_there_changes_nothing(project: Project) -> None:
    add_patch(project, 1, hold=Hold.CONTENT_POOR)
    holds.remove(project, [1])
    assert holds.remove(project, [1, 1]).photos == ()
    assert holds.put_back(project, [1, 1]) == 1
    assert hold_of(project, 1) is Hold.CONTENT_POOR, "the first removal remembered it"
    assert holds.put_back(project, [1]) == 0
    for change in (holds.remove, holds.put_back):
        with pytest.raises(StudioError, match="no photo 7"):
            change(project, [1, 7])
    with pytest.raises(StudioError, match="no patch 7"):
        holds.set_hold(project, [1, 7], Hold.BY_HAND)
    assert status(project).removed == 0


def test_alike_photos_are_counted_and_listed_as_they_come_and_go(project: Project) -> None:
    for seed in range(6):
        add_patch(project, seed, near_duplicate_of={3: 1, 5: 1, 4: 2}.get(seed))
    assert status(project).near_duplicates == 3
    assert list(patches.ids(project, Filter(alike=True))) == [1, 4, 6, 2, 5], "group by group"
    assert list(patches.ids(project, Filter(group=1))) == [1, 4, 6]
    holds.remove(project, [1])
    assert status(project).near_duplicates == 2
    assert list(patches.ids(project, Filter(alike=True))) == [4, 6, 2, 5]
    holds.remove(project, [2])
    assert status(project).near_duplicates == 1
    assert list(patches.ids(project, Filter(alike=True))) == [4, 6], "the other has no one left that it is like"
    assert check(project).ok
    sample(project)
    assert hold_of(project, 4) is not Hold.NEAR_DUPLICATE, "the first of those that are left"
    assert hold_of(project, 5) is not Hold.NEAR_DUPLICATE
    assert hold_of(project, 6) is Hold.NEAR_DUPLICATE
    photos.merge_groups(project, 1, [2])
    assert status(project).near_duplicates == 2
    holds.put_back(project, [1, 2])
    assert status(project).near_duplicates == 4
