"""What patches rest on, read from a real project."""

from __future__ import annotations

from pathlib import Path

from fakes.projects import add_patch, waiting_project
from ggt_studio.core.facts import Failed
from ggt_studio.core.recipe import Recipe
from ggt_studio.core.words import Decision, Outcome, RejectReason, State
from ggt_studio.store import runs
from ggt_studio.store.outcomes import Decided, decided, latest_candidates
from ggt_studio.store.patches import append
from ggt_studio.store.project import Project
from ggt_studio.store.review import decide


def test_rejected_patches_are_counted_by_what_decided_most_frequent_first(tmp_path: Path) -> None:
    with waiting_project(tmp_path / "p", 4) as project:
        decide(project, 1, Decision.REJECT)
        for patch_id in (2, 3):
            decide(project, patch_id, Decision.REJECT, reason=RejectReason.COLOUR)
        assert decided(project, State.REJECTED) == [Decided("person:colour", 2, ""), Decided("person", 1, "")]
        assert decided(project, State.FAILED) == []


def test_failures_carry_the_words_of_the_latest_of_their_kind(tmp_path: Path) -> None:
    with Project.create(tmp_path / "p") as project:
        for seed, message in enumerate(("first", "second")):
            append(project, add_patch(project, seed), [Failed(1, "generate", Outcome.QUOTA, message)])
        assert decided(project, State.FAILED) == [Decided("generate:quota", 2, "second")]


def test_latest_candidates_come_newest_first_and_each_once(tmp_path: Path) -> None:
    with waiting_project(tmp_path / "p", 3) as project:
        assert latest_candidates(project, 12) == []
        run = runs.begin_run(project, Recipe("g", "p", "j"))
        calls = ((1, "generate", Outcome.OK), (2, "generate", Outcome.OK), (3, "generate", Outcome.NETWORK))
        for patch_id, step, outcome in (*calls, (1, "generate", Outcome.OK), (2, "judge", Outcome.OK)):
            call = runs.Call(run, patch_id, step, "g", 1, "", False, 0.0)
            runs.end_calls(project, [runs.Ending(call, outcome, 0.0)])
        assert [patch.id for patch in latest_candidates(project, 12)] == [1, 2]
        assert [patch.id for patch in latest_candidates(project, 1)] == [1]
