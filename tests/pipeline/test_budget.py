"""A budget: spend and what is under way never pass the cap."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ggt_studio.core.errors import StudioError
from ggt_studio.pipeline.budget import Budget, BudgetReached


def test_the_cap_is_reached_exactly_and_not_passed() -> None:
    budget = Budget(0.30)
    for _ in range(3):
        budget.set_aside(0.10)
        budget.spend(0.10, 0.10)
    assert budget.spent_usd == 0.3
    with pytest.raises(BudgetReached, match=r"\$0\.30"):
        budget.set_aside(0.000001)


def test_calls_under_way_count_at_the_most_they_can_cost() -> None:
    budget = Budget(1.0)
    budget.set_aside(0.6)
    with pytest.raises(BudgetReached):
        budget.set_aside(0.6)
    budget.spend(0.6, 0.2)
    budget.set_aside(0.6)
    budget.give_back(0.6)
    assert (budget.spent_usd, budget.aside_usd) == (0.2, 0.0)


def test_spend_is_what_is_booked_and_what_a_call_may_have_cost_beyond_is_told_apart() -> None:
    budget = Budget(0.25)
    budget.set_aside(0.10)
    budget.spend(0.10, 0.07, held_usd=0.03)
    assert (budget.spent_usd, budget.held_usd) == (0.07, 0.03)
    budget.set_aside(0.10)
    with pytest.raises(
        BudgetReached, match=r"\$0\.07 are spent, \$0\.03 more held back .*, \$0\.10 on their way, and the next"
    ):
        budget.set_aside(0.10)


def test_free_calls_go_on_and_no_cap_allows_all() -> None:
    budget = Budget(0.0)
    budget.set_aside(0.0)
    Budget().set_aside(1e6)


@pytest.mark.parametrize("cap", [-1.0, math.nan, math.inf])
def test_a_cap_that_is_no_amount_is_refused(cap: float) -> None:
    with pytest.raises(StudioError, match="amount of dollars"):
        Budget(cap)


@given(
    cap=st.floats(0, 10),
    calls=st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1), st.booleans()), max_size=60),
)
def test_no_course_of_calls_passes_the_cap(cap: float, calls: list[tuple[float, float, bool]]) -> None:
    budget = Budget(cap)
    open_calls: list[tuple[float, float]] = []
    for most, share, ends in calls:
        try:
            budget.set_aside(most)
            open_calls.append((most, most * share))
        except BudgetReached:
            pass
        if ends and open_calls:
            budget.spend(*open_calls.pop(0))
        assert budget.spent_usd + budget.aside_usd <= cap + 1e-7


def test_amounts_under_a_cent_are_told_with_digits_that_say_something() -> None:
    budget = Budget(0.004)
    budget.set_aside(0.001)
    with pytest.raises(BudgetReached, match=r"The budget of \$0\.0040 allows .*\$0\.0010 on their way"):
        budget.set_aside(0.01)
