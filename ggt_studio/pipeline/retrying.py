"""Opening patches again that rest: failed ones to go on, rejected or failed ones to start afresh."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from ggt_studio.core.facts import Fact, Reopened, Retried
from ggt_studio.core.words import Outcome, State
from ggt_studio.store import patches
from ggt_studio.store.outcomes import failed_ids
from ggt_studio.store.project import Project


def retry_failed(
    project: Project,
    reason: str,
    limit: int | None = None,
    outcomes: Collection[Outcome] | None = None,
    decided_by: str = "",
) -> int:
    """Open failed patches again, so that the next run goes on with them; returns how many.

    Only those that failed with one of `outcomes`, or in the one way `decided_by` (`step:outcome`), where given, and of these the
    first `limit`.
    """
    with project.transaction():
        return _append_to_all(project, failed_ids(project, outcomes, decided_by)[:limit], Retried(reason))


def reopen(project: Project, state: State, reason: str, limit: int | None = None) -> int:
    """Start rejected or failed patches afresh (the first `limit` of them); their earlier candidates stay on record.

    Returns how many.
    """
    with project.transaction():
        return _append_to_all(project, patches.ids(project, patches.Filter(state=state))[:limit], Reopened(reason))


def _append_to_all(project: Project, ids: Sequence[int], fact: Fact) -> int:
    # Some hundred at a time: all facts of each are read.
    for start in range(0, len(ids), 500):
        patches.append_all(project, [patches.News(patch_id, [fact]) for patch_id in ids[start : start + 500]])
    return len(ids)
