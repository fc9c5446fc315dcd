"""What people keep out by hand: patches held back, photos removed; and taking that back. Nothing is ever deleted."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ggt_studio.core.errors import StudioError
from ggt_studio.core.words import Hold
from ggt_studio.store.project import Project, now

Before = dict[int, tuple[str, str]]
"""Patches with the hold (empty for none) and the words that they had."""

_CHOSEN = "SELECT value FROM json_each(?)"


@dataclass(frozen=True, slots=True)
class Removal:
    """The photos that went, with their patches; how many of these have candidates, what their calls cost in US dollars,
    and about how many a person has decided. All of it stays on record."""

    photos: tuple[int, ...]
    patches: int
    generated: int
    spent_usd: float
    reviewed: int


@dataclass(frozen=True, slots=True)
class RemovedPhoto:
    """A photo that a person took out of the project, and when (ISO 8601, UTC)."""

    id: int
    path: str
    at: str
    patches: int


def set_hold(project: Project, patch_ids: Iterable[int], hold: Hold | None, words: str = "") -> Before:
    """Hold patches back from runs, or release them; returns what those that changed were before, for `restore`.

    Raises StudioError, and changes nothing, for a patch that is not there or whose photo was removed.
    """
    before: Before = {}
    with project.transaction():
        for patch_id in patch_ids:
            row = project.db.execute("SELECT hold, hold_words FROM patch WHERE id = ?", (patch_id,)).fetchone()
            if row is None:
                raise StudioError(f"There is no patch {patch_id} in {project.folder}. Nothing was changed.")
            if row[0] == Hold.REMOVED:
                raise StudioError(f"The photo of patch {patch_id} was removed. Put it back first. Nothing was changed.")
            if row != (hold or "", words):
                before.setdefault(patch_id, row)
        _write(project, dict.fromkeys(before, (hold or "", words)))
    return before


def restore(project: Project, before: Mapping[int, tuple[str, str]]) -> None:
    """Give patches back the holds they had; one whose photo was removed meanwhile stays as it is."""
    with project.transaction():
        _write(project, before)


def _write(project: Project, holds: Mapping[int, tuple[str, str]]) -> None:
    rows = ((hold, words, patch_id, Hold.REMOVED) for patch_id, (hold, words) in holds.items())
    project.db.executemany("UPDATE patch SET hold = ?, hold_words = ? WHERE id = ? AND hold != ?", rows)


def remove(project: Project, photo_ids: Iterable[int]) -> Removal:
    """Take photos and all their patches out of lists, counts, runs, samples and exports, until they are put back.

    Those that were removed before are passed over. Raises StudioError, and changes nothing, where there is no such photo.
    """
    with project.transaction():
        photo_ids = _known(project, photo_ids, removed=False)
        chosen = json.dumps(photo_ids)
        project.db.execute(f"UPDATE photo SET removed_at = ? WHERE id IN ({_CHOSEN})", (now(), chosen))  # noqa: S608
        project.db.execute(
            f"UPDATE patch SET hold_before = hold, hold = ? WHERE photo_id IN ({_CHOSEN})",  # noqa: S608
            (Hold.REMOVED, chosen),
        )
        return _removal(project, photo_ids)


def put_back(project: Project, photo_ids: Iterable[int]) -> int:
    """Let removed photos be in the project again, their patches held or not as they were; returns how many photos.

    Raises StudioError, and changes nothing, where there is no such photo.
    """
    with project.transaction():
        photo_ids = _known(project, photo_ids, removed=True)
        chosen = json.dumps(photo_ids)
        project.db.execute(f"UPDATE photo SET removed_at = '' WHERE id IN ({_CHOSEN})", (chosen,))  # noqa: S608
        project.db.execute(
            f"UPDATE patch SET hold = hold_before, hold_before = '' WHERE photo_id IN ({_CHOSEN})",  # noqa: S608
            (chosen,),
        )
    return len(photo_ids)


def removed_photos(project: Project) -> list[RemovedPhoto]:
    """The photos that were removed, by path."""
    rows = project.db.execute(
        "SELECT id, path, removed_at, (SELECT count(*) FROM patch WHERE photo_id = photo.id) FROM photo"
        " WHERE removed_at != '' ORDER BY path"
    )
    return [RemovedPhoto(*row) for row in rows]


def _known(project: Project, photo_ids: Iterable[int], *, removed: bool) -> list[int]:
    """Those of the photos that are removed, or are not, each once."""
    found: dict[int, None] = {}
    for photo_id in photo_ids:
        row = project.db.execute("SELECT removed_at != '' FROM photo WHERE id = ?", (photo_id,)).fetchone()
        if row is None:
            raise StudioError(f"There is no photo {photo_id} in {project.folder}. Nothing was changed.")
        if bool(row[0]) == removed:
            found[photo_id] = None
    return list(found)


def _removal(project: Project, photo_ids: list[int]) -> Removal:
    chosen = json.dumps(photo_ids)
    which = f"FROM patch WHERE photo_id IN ({_CHOSEN})"
    patches, generated, reviewed = project.db.execute(
        f"SELECT count(*), total(hq_sha256 IS NOT NULL), total(decided_by LIKE 'person%') {which}", (chosen,)
    ).fetchone()
    (spent_usd,) = project.db.execute(
        f"SELECT total(cost_usd) FROM ledger WHERE patch_id IN (SELECT id {which})",  # noqa: S608
        (chosen,),
    ).fetchone()
    return Removal(tuple(photo_ids), patches, int(generated), spent_usd, int(reviewed))
