"""Sample patches by graded quality, high : medium : low as 1 : 2 : 3 (paper section 3.1). Can be redone at any time."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from ggt_studio.core.errors import StudioError
from ggt_studio.core.words import Hold, QualityLevel
from ggt_studio.store.project import Project

_FIRST_OF_EACH_GROUP = "SELECT min(id) FROM photo WHERE removed_at = '' GROUP BY coalesce(near_duplicate_of, id)"


@dataclass(frozen=True, slots=True)
class SampleReport:
    """How many open patches of each level were taken, and how many were there to choose from."""

    taken: dict[QualityLevel, int]
    available: dict[QualityLevel, int]


def quotas(
    available: dict[QualityLevel, int], ratio: tuple[int, int, int], total: int | None = None
) -> dict[QualityLevel, int]:
    """How many patches of each level to take so that the ratio high : medium : low holds.

    The largest sample that the scarcest level allows, or `total` patches where given; a level of which there is none
    does not limit the others. A remainder goes to the levels in the order of their fractions, low quality first.
    """
    parts = dict(zip((QualityLevel.HIGH, QualityLevel.MEDIUM, QualityLevel.LOW), ratio, strict=True))
    present = {level: part for level, part in parts.items() if part > 0 and available.get(level, 0) > 0}
    if not present:
        return dict.fromkeys(QualityLevel, 0)
    weight = sum(present.values())
    scale = min(available[level] / part for level, part in present.items())
    wanted = scale * weight if total is None else min(total, scale * weight)
    exact = {level: wanted * part / weight for level, part in present.items()}
    result = {level: int(value + 1e-9) for level, value in exact.items()}
    order = sorted(exact, key=lambda level: (result[level] - exact[level], -parts[level]))
    for level in order[: int(wanted + 1e-9) - sum(result.values())]:
        result[level] = min(result[level] + 1, available[level])
    return {level: result.get(level, 0) for level in QualityLevel}


def sample(
    project: Project,
    *,
    ratio: tuple[int, int, int] = (1, 2, 3),
    total: int | None = None,
    seed: int = 0,
    near_duplicates: bool = False,
) -> SampleReport:
    """Hold back all open patches but a sample. Earlier samples are undone first; what is held for its poor content, or by a
    person's hand, stays held.

    `near_duplicates` False takes of photos that look alike the first only. Equal seeds give equal samples.
    Raises StudioError for a ratio that asks for nothing.
    """
    if min(ratio) < 0 or not any(ratio):
        raise StudioError("The ratio needs three numbers, none negative and not all zero, such as 1:2:3.")
    with project.transaction():
        release(project, (Hold.NOT_SAMPLED, Hold.NEAR_DUPLICATE))
        if not near_duplicates:
            project.db.execute(
                f"UPDATE patch SET hold = ? WHERE state = 'open' AND hold = '' AND photo_id NOT IN ({_FIRST_OF_EACH_GROUP})",  # noqa: S608
                (Hold.NEAR_DUPLICATE,),
            )
        by_level: dict[QualityLevel, list[tuple[bytes, int]]] = {level: [] for level in QualityLevel}
        rows = project.db.execute("SELECT id, sha256, level FROM patch WHERE state = 'open' AND hold = ''")
        for patch_id, sha256, level in rows:
            order = hashlib.sha256(f"{seed}:{sha256}".encode()).digest()
            by_level[QualityLevel(level)].append((order, patch_id))
        available = {level: len(items) for level, items in by_level.items()}
        taken = quotas(available, ratio, total)
        left_out = [
            (Hold.NOT_SAMPLED, i) for level, items in by_level.items() for _, i in sorted(items)[taken[level] :]
        ]
        project.db.executemany("UPDATE patch SET hold = ? WHERE id = ?", left_out)
    return SampleReport(taken, available)


def release(project: Project, holds: tuple[Hold, ...]) -> int:
    """Let held patches take part in runs again; returns how many. Photos that were removed are put back by `store.holds`."""
    with project.transaction():
        holds = tuple(hold for hold in holds if hold is not Hold.REMOVED)
        marks = ",".join("?" * len(holds))
        sql = f"UPDATE patch SET hold = '', hold_words = '' WHERE hold IN ({marks})"  # noqa: S608
        return project.db.execute(sql, holds).rowcount
