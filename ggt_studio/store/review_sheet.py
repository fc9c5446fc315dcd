"""What a reviewer sees of one pair: details, every candidate's file, all decisions so far, and the bounds it was judged by."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ggt_studio.core.facts import Reviewed
from ggt_studio.core.files import content_path
from ggt_studio.core.recipe import JudgeRule
from ggt_studio.core.reviews import standing_reviews
from ggt_studio.core.words import Category
from ggt_studio.store import patches
from ggt_studio.store.details import Details, details
from ggt_studio.store.patches import Filter
from ggt_studio.store.project import CANDIDATES, Project

Ids = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class PastReview:
    """A person's decision at a time (ISO 8601, UTC); `stands` False where it was taken back or the patch started afresh."""

    at: str
    review: Reviewed
    stands: bool


@dataclass(frozen=True, slots=True)
class Sheet:
    """All about one pair. `hq_paths` has the file of every candidate by its target's SHA-256; `reviews`, latest first."""

    details: Details
    hq_paths: dict[str, Path]
    reviews: tuple[PastReview, ...]
    judge_rule: JudgeRule


def sheet(project: Project, patch_id: int) -> Sheet:
    """The sheet of a patch. Raises KeyError when there is none."""
    found = details(project, patch_id)
    targets = [attempt.generated.target_sha256 for attempt in found.attempts]
    marks = ",".join("?" * len(targets))
    suffixes = project.db.execute(
        f"SELECT sha256, suffix FROM file WHERE folder = ? AND sha256 IN ({marks})",  # noqa: S608
        (CANDIDATES, *targets),
    )
    return Sheet(
        details=found,
        hq_paths={sha256: content_path(project.candidates_dir, sha256, suffix) for sha256, suffix in suffixes},
        reviews=_reviews(project, patch_id),
        judge_rule=_judge_rule(project, found),
    )


def _reviews(project: Project, patch_id: int) -> tuple[PastReview, ...]:
    recorded = patches.history(project, patch_id)
    latest = standing_reviews(r.fact for r in recorded)[-1:]
    past = [PastReview(r.at, r.fact, n in latest) for n, r in enumerate(recorded) if isinstance(r.fact, Reviewed)]
    return tuple(reversed(past))


def _judge_rule(project: Project, found: Details) -> JudgeRule:
    attempt = found.current or (found.attempts[-1] if found.attempts else None)
    row = None
    if attempt is not None:
        row = project.db.execute("SELECT json FROM recipe WHERE hash = ?", (attempt.recipe_hash,)).fetchone()
    return JudgeRule(**json.loads(row[0])["judge_rule"]) if row else JudgeRule()


def place(project: Project, which: Filter, patch_id: int) -> int | None:
    """Where to go on: the first patch that fits from `patch_id` on, else the first of all; None when none fits."""
    for after in (patch_id - 1, 0):
        first = [found[0].id for part in _parts(which) if (found := patches.page(project, part, after=after, limit=1))]
        if first:
            return min(first)
    return None


def grown(project: Project, which: Filter, shown: Ids, kept: Iterable[int]) -> Ids:
    """`shown` with the ids that have come to fit appended, and without those that no longer fit unless they are `kept`."""
    fitting = all_ids(project, which)
    stays = np.isin(shown, fitting) | np.isin(shown, np.fromiter(kept, np.int64))
    return np.concatenate([shown[stays], fitting[~np.isin(fitting, shown)]])


def all_ids(project: Project, which: Filter) -> Ids:
    """The ids of all patches that fit, ascending. Joined by SQLite, so that a million do not hold up other threads."""
    where, values = which.where()
    joined = project.db.execute(f"SELECT group_concat(id) FROM patch WHERE {where}", values).fetchone()[0]  # noqa: S608
    return np.sort(np.fromstring(joined, np.int64, sep=",")) if joined else np.empty(0, np.int64)


def _parts(which: Filter) -> list[Filter]:
    """The filter category by category: each part is read off an index in its order, the whole would have to be sorted."""
    if which.category is not None:
        return [which]
    return [replace(which, category=category) for category in Category]
