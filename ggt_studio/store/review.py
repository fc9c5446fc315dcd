"""What people decide about pairs: accept, reject, undo."""

from __future__ import annotations

from dataclasses import dataclass

from ggt_studio.core.errors import NothingToUndo, OtherCandidate, StudioError
from ggt_studio.core.facts import Reviewed, ReviewUndone
from ggt_studio.core.policy import Summary
from ggt_studio.core.reviews import standing_reviews
from ggt_studio.core.words import Decision, RejectReason, State
from ggt_studio.store.patches import append, history, patch
from ggt_studio.store.project import Project

_REVIEWABLE = (State.WAITING, State.VERIFIED, State.REJECTED)


@dataclass(frozen=True, slots=True)
class Deciding:
    """The review that a patch's state rests on."""

    patch_id: int
    review: Reviewed


def decide(
    project: Project,
    patch_id: int,
    decision: Decision,
    *,
    reason: RejectReason | None = None,
    words: str = "",
    reviewer: str = "",
    seen_sha256: str | None = None,
) -> Summary:
    """Record a person's decision about the patch's current candidate.

    `seen_sha256` is the candidate the person looked at: OtherCandidate is raised when it is no longer the current one.
    A waiting pair is decided; a verified or rejected one is decided anew. Raises StudioError for a patch that is unknown,
    has no candidate or is still in work.
    """
    try:
        current = patch(project, patch_id)
    except KeyError as error:
        raise StudioError(f"There is no patch {patch_id} in this project.") from error
    if current.hq_sha256 is None:
        raise StudioError(f"Patch {patch_id} has no candidate to decide about yet. Run the project first.")
    if current.state not in _REVIEWABLE:
        raise StudioError(
            f"Patch {patch_id} is {current.state}: its automatic stages are not done yet. Run the project first."
        )
    if seen_sha256 is not None and seen_sha256 != current.hq_sha256:
        raise OtherCandidate(f"Patch {patch_id} has another candidate by now. Look at that one, then decide again.")
    review = Reviewed(decision, reason if decision is Decision.REJECT else None, words, reviewer, current.hq_sha256)
    return append(project, patch_id, [review])


def undo(project: Project, patch_id: int, reviewer: str = "") -> Summary:
    """Take the latest standing decision back; what stood before it holds again.

    Raises NothingToUndo when there is none.
    """
    try:
        decided_by = patch(project, patch_id).decided_by
    except KeyError as error:
        raise StudioError(f"There is no patch {patch_id} in this project.") from error
    if not decided_by.startswith("person"):
        raise NothingToUndo(f"There is no decision about patch {patch_id} to take back.")
    return append(project, patch_id, [ReviewUndone(reviewer)])


def latest_of(project: Project, reviewer: str) -> Deciding | None:
    """The review by `reviewer` that was made last of those that still decide about their patch; None where there is none.

    What was taken back, started afresh or decided anew by somebody else is passed over, whenever it was made.
    """
    sql = "SELECT id, patch_id FROM fact WHERE kind = 'reviewed' AND data ->> 'reviewer' = ? ORDER BY id DESC"
    for fact_id, patch_id in project.db.execute(sql, (reviewer,)):
        recorded = history(project, patch_id)
        standing = standing_reviews(made.fact for made in recorded)
        latest = recorded[standing[-1]] if standing else None
        if latest is not None and latest.id == fact_id and isinstance(latest.fact, Reviewed):
            return Deciding(patch_id, latest.fact)
    return None


def undo_latest(project: Project, reviewer: str) -> Deciding:
    """Take back the latest review of this reviewer that still decides; returns it. Raises NothingToUndo."""
    latest = latest_of(project, reviewer)
    if latest is None:
        raise NothingToUndo("There is no decision of yours to take back.")
    append(project, latest.patch_id, [ReviewUndone(reviewer)])
    return latest
