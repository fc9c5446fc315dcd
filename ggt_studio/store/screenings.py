"""Screening on record: the patches that a screener has still to see, and what it said of them."""

from __future__ import annotations

from ggt_studio.core.facts import Screened
from ggt_studio.core.model import Patch
from ggt_studio.core.screening import hold_of
from ggt_studio.store import patches, records
from ggt_studio.store.project import Project

_UNSEEN = (
    "state = 'open' AND hold = '' AND attempts = 0 AND NOT EXISTS (SELECT 1 FROM fact WHERE patch_id = patch.id"
    " AND kind = 'screened' AND data ->> 'model' = ?)"
)


def count_unscreened(project: Project, screener: str) -> int:
    """How many patches a screener has still to see."""
    return project.db.execute(f"SELECT count(*) FROM patch WHERE {_UNSEEN}", (screener,)).fetchone()[0]  # noqa: S608


def unscreened(project: Project, screener: str, *, after: int = 0, limit: int = 64) -> list[Patch]:
    """The next patches, by id, that a screener has still to see: open, not held, without a candidate."""
    sql = f"SELECT id FROM patch WHERE {_UNSEEN} AND id > ? ORDER BY id LIMIT ?"  # noqa: S608 - our own words
    return patches.by_ids(project, [row[0] for row in project.db.execute(sql, (screener, after, limit))])


def record_screening(project: Project, record: records.Record, screened: Screened, *, grade: bool) -> None:
    """Put a screening on record, and hold the patch back where that is what it amounts to, with the reason in words.

    `grade` lets the model's level take the place of the measured one. A patch that somebody held meanwhile stays as it is.
    """
    hold = hold_of(screened.verdict)
    with project.transaction():
        records.write(project, [record])
        if hold is not None:
            project.db.execute(
                "UPDATE patch SET hold = ?, hold_words = ? WHERE id = ? AND hold = ''",
                (hold, screened.reason, record.patch_id),
            )
        if grade:
            project.db.execute("UPDATE patch SET level = ? WHERE id = ?", (screened.level, record.patch_id))
