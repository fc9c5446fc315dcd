"""Screening as pure functions: which patches a VLM is asked about, and what its answer does to them (paper section 3.1)."""

from __future__ import annotations

from collections.abc import Sequence

from ggt_studio.core.facts import Fact, Screened
from ggt_studio.core.policy import summarise
from ggt_studio.core.words import Hold, Screening, State


def wants_screening(history: Sequence[Fact], screener: str) -> bool:
    """Whether a patch is to be shown to a screener: open, without a candidate, and not answered by this screener before."""
    if any(isinstance(fact, Screened) and fact.model == screener for fact in history):
        return False
    summary = summarise(history)
    return summary.state is State.OPEN and summary.attempts == 0


def hold_of(verdict: Screening) -> Hold | None:
    """Why a patch is held back after a verdict; None where it takes part in runs."""
    return None if verdict is Screening.USABLE else Hold(verdict.value)
