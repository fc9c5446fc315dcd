"""What each outcome of a call is called, and what a person can do about it: the one place for window and command line."""

from __future__ import annotations

from dataclasses import dataclass

from ggt_studio.core.words import Outcome


@dataclass(frozen=True, slots=True)
class OutcomeWords:
    """`words` go on after "Generating: "; `todo` is a sentence, empty where there is nothing to do."""

    words: str
    todo: str


OUTCOME_WORDS: dict[Outcome, OutcomeWords] = {
    Outcome.OK: OutcomeWords("done", ""),
    Outcome.SAFETY_BLOCK: OutcomeWords(
        "blocked by the provider's safety filter",
        "Another provider may allow it; retrying with this one rarely helps.",
    ),
    Outcome.NO_IMAGE: OutcomeWords(
        "answered without an image",
        "Retry; where that does not help, choose other prompts or another generator.",
    ),
    Outcome.QUOTA: OutcomeWords(
        "the quota is used up", "Wait until the provider renews it, or raise it there; then retry."
    ),
    Outcome.BAD_KEY: OutcomeWords("the key was refused", "Put the provider's key right; then retry."),
    Outcome.NETWORK: OutcomeWords(
        "the provider could not be reached", "See that this machine reaches the provider; then retry."
    ),
    Outcome.MALFORMED: OutcomeWords(
        "the answer could not be used", "Retry; where that does not help, choose another provider for this step."
    ),
    Outcome.CRASHED: OutcomeWords(
        "ended unexpectedly", "Retry; where the same patches fail again, choose another provider for this step."
    ),
    Outcome.AMBIGUOUS: OutcomeWords(
        "cut off before the answer was kept; it may have been charged",
        "See in the provider's account whether it was charged. Retrying makes the call again; where its task is on record, it "
        "fetches the result instead, at no cost.",
    ),
    Outcome.CANCELLED: OutcomeWords(
        "stopped while it was under way; it may have been charged",
        "Retry to go on: where its task is on record the result is fetched at no cost, else a paid call is made and charged anew.",
    ),
}

MAY_BE_CHARGED = frozenset({Outcome.NETWORK, Outcome.MALFORMED, Outcome.CRASHED, Outcome.AMBIGUOUS, Outcome.CANCELLED})
"""Outcomes after which nobody but the provider knows whether the call was charged, unless it said so."""


def words_of(outcome: str) -> OutcomeWords:
    """The words for an outcome by its name; an unknown one is its own word."""
    return {str(known): words for known, words in OUTCOME_WORDS.items()}.get(outcome, OutcomeWords(outcome, ""))
