"""Which of a patch's reviews stand: those that were neither taken back nor left behind by a start afresh."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ggt_studio.core.facts import Fact, Reopened, Reviewed, ReviewUndone


def standing_reviews(history: Iterable[Fact]) -> list[int]:
    """Where in `history`, a patch's facts in order, its standing reviews are: the last one decides, an undo uncovers the
    one before it. Pure."""
    standing: list[int] = []
    for index, fact in enumerate(history):
        match fact:
            case Reviewed():
                standing.append(index)
            case ReviewUndone() if standing:
                standing.pop()
            case Reopened():
                standing.clear()
    return standing


def standing_review(history: Sequence[Fact]) -> Reviewed | None:
    """The review that decides about a patch with these facts; None where none stands. Pure."""
    standing = standing_reviews(history)
    if not standing:
        return None
    review = history[standing[-1]]
    assert isinstance(review, Reviewed)
    return review
