"""Which reviews stand, after any order of decisions, undos and starts afresh."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ggt_studio.core.facts import Fact, Reopened, Retried, Reviewed, ReviewUndone
from ggt_studio.core.policy import summarise
from ggt_studio.core.reviews import standing_reviews
from ggt_studio.core.words import Decision, State

ACCEPT, REJECT = (Reviewed(decision, None, "", "me", "a" * 64) for decision in Decision)
UNDO, AFRESH, OTHER = ReviewUndone("me"), Reopened("again"), Retried("again")


@pytest.mark.parametrize(
    ("history", "standing"),
    [
        ([], []),
        ([OTHER, ACCEPT], [1]),
        ([ACCEPT, REJECT], [0, 1]),
        ([ACCEPT, REJECT, UNDO], [0]),
        ([UNDO, ACCEPT, UNDO, UNDO, REJECT], [4]),
        ([ACCEPT, AFRESH], []),
        ([ACCEPT, AFRESH, UNDO, REJECT], [3]),
    ],
)
def test_an_undo_uncovers_what_was_decided_before_it(history: list[Fact], standing: list[int]) -> None:
    assert standing_reviews(history) == standing


@given(st.lists(st.sampled_from([ACCEPT, REJECT, UNDO, AFRESH])))
def test_the_last_that_stands_is_what_the_state_rests_on(history: list[Fact]) -> None:
    standing = standing_reviews(history)
    state = {None: State.OPEN, ACCEPT: State.VERIFIED, REJECT: State.REJECTED}
    assert summarise(history).state is state[history[standing[-1]] if standing else None]
