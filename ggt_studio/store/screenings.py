"""Screening on record: the patches that a screener has still to see, and what it said of them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ggt_studio.core.facts import Screened
from ggt_studio.core.model import Patch
from ggt_studio.core.screening import hold_of
from ggt_studio.core.words import Category, Hold, Screening
from ggt_studio.store import patches, records
from ggt_studio.store.project import Project

_UNSEEN = (
    "state = 'open' AND hold = '' AND attempts = 0 AND NOT EXISTS (SELECT 1 FROM fact WHERE patch_id = patch.id"
    " AND kind = 'screened' AND data ->> 'model' = ?)"
    " AND NOT EXISTS (SELECT 1 FROM ledger WHERE patch_id = patch.id AND batch != '' AND finished_at IS NULL)"
)

# What a screener said last of a patch that is held back for it; indexed by the hold.
_OUT = (
    "SELECT patch.id, photo.path, patch.category, hold, data ->> 'reason', data ->> 'model' FROM patch"
    " JOIN photo ON photo.id = photo_id JOIN fact ON fact.id = (SELECT max(id) FROM fact WHERE patch_id = patch.id"
    " AND kind = 'screened' AND data ->> 'verdict' = hold) WHERE hold IN (?, ?, ?) ORDER BY fact.id DESC LIMIT ?"
)


@dataclass(frozen=True, slots=True)
class ScreenedOut:
    """A patch that is held back by what a screener said of it, with the photo that it is of and the screener's reason."""

    patch_id: int
    photo: Path
    category: Category
    hold: Hold
    reason: str
    screener: str


def screened_out(project: Project, limit: int) -> list[ScreenedOut]:
    """The patches that are held back by what a screener said of them, the latest first, at most `limit`."""
    holds = [hold for verdict in Screening if (hold := hold_of(verdict)) is not None]
    return [
        ScreenedOut(patch_id, Path(path), Category(category), Hold(hold), reason, screener)
        for patch_id, path, category, hold, reason, screener in project.db.execute(_OUT, [*holds, limit])
    ]


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
