"""Which patches a selection takes: the one rule that exports and their previews go by."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from ggt_studio.core.words import Hold, Stage, State


class Include(StrEnum):
    """VERIFIED: people accepted them. ACCEPTED: also those that passed the automatic stages and wait for a person.

    A pair that waits because the judge and its rule disagree has passed none of them, and is not accepted. ALL: the first
    candidate of every patch, whatever quality control said of it: the paper's ablation without it. None takes what a
    person held back by hand, or removed.
    """

    VERIFIED = "verified"
    ACCEPTED = "accepted"
    ALL = "all"


TAKES_PART = f"hold NOT IN ('{Hold.BY_HAND}', '{Hold.REMOVED}')"
"""SQL over `patch`: what any selection may take."""

_LOWEST: Mapping[Include, Mapping[State, Stage]] = {
    Include.VERIFIED: {State.VERIFIED: Stage.NONE},
    Include.ACCEPTED: {State.VERIFIED: Stage.NONE, State.WAITING: Stage.PASSED_JUDGE},
    Include.ALL: dict.fromkeys(State, Stage.NONE),
}


def lowest_stages(include: Include) -> Mapping[State, Stage]:
    """The states that a selection takes, each with the lowest stage from which on it takes it."""
    return _LOWEST[include]


def takes(include: Include, state: State, stage: Stage) -> bool:
    """Whether a selection takes a patch that stands so."""
    lowest = _LOWEST[include].get(state)
    return lowest is not None and stage >= lowest
