"""What the generate page offers next where patches are in batches, which no run takes."""

from __future__ import annotations

from ggt_studio.core.words import Category, QualityLevel, Stage, State
from ggt_studio.store.status import Status, Tally
from ggt_studio.ui.pages.generate.next_action import Action, next_action


def status(in_batches: int, **states: int) -> Status:
    tallies = [
        Tally(Category.RAIN, State(state), Stage.NONE, None, QualityLevel.LOW, number)
        for state, number in states.items()
    ]
    return Status(20, 0, 0, 0, 0, in_batches, tuple(tallies))


def test_patches_in_batches_are_told_of_beside_those_that_a_run_takes() -> None:
    found = next_action(status(18, open=20), read_only=False)
    assert (found.action, found.enabled) == (Action.RUN, True)
    assert "2 open patches, 18 more in batches" in found.sentence


def test_where_all_open_patches_are_in_batches_no_run_begins_and_it_is_said_what_fetches_them() -> None:
    found = next_action(status(20, open=20), read_only=False)
    assert (found.action, found.enabled) == (Action.COLLECT, True)
    assert found.sentence == "20 patches wait in batches; Collect fetches what is done."
    assert not next_action(status(20, open=20), read_only=True).enabled
    failed = next_action(status(1, open=1, failed=2), read_only=False).sentence
    assert failed.startswith("2 patches failed and can be retried below. 1 patch waits in a batch")
    assert "1 patch waits in a batch" in next_action(status(1, open=1, waiting=3), read_only=False).sentence


def test_in_batches_candidates_are_ordered_and_those_that_are_there_judged_first_when_nothing_else_is_left() -> None:
    both = next_action(status(0, open=5), read_only=False, in_batch=True, unjudged=2)
    assert (both.action, both.label) == (Action.ORDER, "Order")
    judged = next_action(status(0, open=5), read_only=False, in_batch=True, unjudged=5)
    assert (judged.action, judged.label) == (Action.JUDGE, "Measure and judge")
    assert next_action(status(0, open=5), read_only=False, unjudged=5).action is Action.RUN
    refused = next_action(status(0, open=5), read_only=False, problem="No key.", in_batch=True)
    assert (refused.enabled, refused.sentence) == (False, "No key.")
