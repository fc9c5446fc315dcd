"""Photos, their patches, duplicates and the quarantine list."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum

from ggt_studio.core.errors import StudioError
from ggt_studio.core.model import Geometry, Photo
from ggt_studio.core.words import Category, Hold, Origin, Prepare, QualityLevel
from ggt_studio.store import sets
from ggt_studio.store.project import PATCHES, Project, now


@dataclass(frozen=True, slots=True)
class NewPatch:
    """A patch as it was cut; its PNG already lies in the project's patches folder."""

    sha256: str
    bytes: int
    geometry: Geometry
    content: float
    quality: float
    level: QualityLevel
    hold: Hold | None


@dataclass(frozen=True, slots=True)
class NewPhoto:
    """A photo as it was read, with its patches. `mtime_ns` and `bytes` tell later whether the file has changed."""

    path: str
    sha256: str
    bytes: int
    mtime_ns: int
    perceptual_hash: int
    width: int
    height: int
    category: Category
    category_source: str
    prepare: Prepare
    origin: Origin
    licence: str
    near_duplicate_of: int | None
    notes: tuple[str, ...]
    patches: tuple[NewPatch, ...]


@dataclass(frozen=True, slots=True)
class Quarantined:
    """A file that could not be used, and why."""

    path: str
    reason: str
    at: str


@dataclass(frozen=True, slots=True)
class Duplicate:
    """A file that was left out because it holds the same bytes as a photo of the project, and that photo's path."""

    path: str
    same_as: str


class Recognised(StrEnum):
    """What is known of a file before it is read: that it is in the project, or that a person removed its photo."""

    KNOWN = "known"
    REMOVED = "removed"


def add_photo(project: Project, photo: NewPhoto) -> int:
    """Record a photo and its patches; returns its id. A file that stood in quarantine, or for a duplicate, leaves that list."""
    with project.transaction():
        db = project.db
        db.execute("DELETE FROM quarantine WHERE path = ?", (photo.path,))
        db.execute("DELETE FROM duplicate WHERE path = ?", (photo.path,))
        cursor = db.execute(
            "INSERT INTO photo (path, sha256, bytes, mtime_ns, perceptual_hash, width, height, category, category_source,"
            " prepare, origin, licence, near_duplicate_of, notes, imported_at) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
            (
                photo.path,
                photo.sha256,
                photo.bytes,
                photo.mtime_ns,
                photo.perceptual_hash,
                photo.width,
                photo.height,
                photo.category,
                photo.category_source,
                photo.prepare,
                photo.origin,
                photo.licence,
                photo.near_duplicate_of,
                json.dumps(photo.notes),
                now(),
            ),
        )
        photo_id = cursor.lastrowid
        assert photo_id is not None
        _add_patches(project, photo_id, photo.category, photo.patches)
        return photo_id


def _add_patches(project: Project, photo_id: int, category: Category, patches: Iterable[NewPatch]) -> None:
    for patch in patches:
        record_file(project, patch.sha256, PATCHES, ".png", patch.bytes)
        project.db.execute(
            "INSERT INTO patch (photo_id, sha256, geometry, category, content, quality, level, hold)"
            " VALUES (?,?,?,?,?,?,?,?)",
            (
                photo_id,
                patch.sha256,
                json.dumps(asdict(patch.geometry)),
                category,
                patch.content,
                patch.quality,
                patch.level,
                patch.hold or "",
            ),
        )


def record_file(project: Project, sha256: str, folder: str, suffix: str, size: int) -> None:
    """Note that a content-addressed file is on disk. Call after its bytes and its folder are synced."""
    record_files(project, folder, [(sha256, suffix, size)])


def record_files(project: Project, folder: str, files: Sequence[tuple[str, str, int]]) -> None:
    """As `record_file`, several at once: SHA-256, suffix and size in bytes of each."""
    sql = "INSERT OR IGNORE INTO file SELECT value ->> 0, ?2, value ->> 1, value ->> 2 FROM json_each(?1)"
    if files:
        sets.execute(project, sql, files, folder)


def add_duplicate(project: Project, path: str, photo_id: int, size: int, mtime_ns: int) -> bool:
    """Note that `path` holds the same bytes as a photo that is here already; returns whether that is news."""
    with project.transaction():
        row = project.db.execute("SELECT photo_id FROM duplicate WHERE path = ?", (path,)).fetchone()
        project.db.execute("DELETE FROM quarantine WHERE path = ?", (path,))
        project.db.execute(
            "INSERT INTO duplicate VALUES (?,?,?,?) ON CONFLICT (path) DO UPDATE"
            " SET photo_id = excluded.photo_id, bytes = excluded.bytes, mtime_ns = excluded.mtime_ns",
            (path, photo_id, size, mtime_ns),
        )
        return row != (photo_id,)


def add_quarantined(project: Project, path: str, reason: str) -> None:
    """Note that a file could not be used, and why."""
    with project.transaction():
        project.db.execute("DELETE FROM quarantine WHERE path = ?", (path,))
        project.db.execute("INSERT INTO quarantine VALUES (?,?,?)", (path, reason, now()))


def quarantined(project: Project) -> list[Quarantined]:
    """The quarantine list, by path."""
    return [Quarantined(*row) for row in project.db.execute("SELECT path, reason, at FROM quarantine ORDER BY path")]


def duplicates(project: Project) -> list[Duplicate]:
    """The files that were left out as exact duplicates, by path."""
    rows = project.db.execute(
        "SELECT duplicate.path, photo.path FROM duplicate JOIN photo ON photo.id = photo_id ORDER BY duplicate.path"
    )
    return [Duplicate(*row) for row in rows]


def recognise(project: Project, path: str, size: int, mtime_ns: int) -> Recognised | None:
    """What the file is, where it was imported (or found to be a duplicate) before and has not changed since.

    One that is as it was again, and stood in quarantine, leaves that list.
    """
    row = project.db.execute(
        "SELECT removed_at FROM photo WHERE path = ?1 AND bytes = ?2 AND mtime_ns = ?3"
        " UNION ALL SELECT '' FROM duplicate WHERE path = ?1 AND bytes = ?2 AND mtime_ns = ?3",
        (path, size, mtime_ns),
    ).fetchone()
    if row is None:
        return None
    if project.db.execute("SELECT 1 FROM quarantine WHERE path = ?", (path,)).fetchone() is not None:
        with project.transaction():
            project.db.execute("DELETE FROM quarantine WHERE path = ?", (path,))
    return Recognised.REMOVED if row[0] else Recognised.KNOWN


def touch(project: Project, photo_id: int, size: int, mtime_ns: int) -> None:
    """Note that a photo's file is unchanged though its time of change is new, so that it need not be read again.

    It leaves the quarantine list, where it may have stood while it was another.
    """
    with project.transaction():
        project.db.execute("DELETE FROM quarantine WHERE path = (SELECT path FROM photo WHERE id = ?)", (photo_id,))
        project.db.execute("UPDATE photo SET bytes = ?, mtime_ns = ? WHERE id = ?", (size, mtime_ns, photo_id))


def merge_groups(project: Project, into: int, others: Iterable[int]) -> None:
    """Put all photos of other groups of near duplicates into the group of photo `into`, the first of them all."""
    with project.transaction():
        for other in others:
            project.db.execute(
                "UPDATE photo SET near_duplicate_of = ?1 WHERE id = ?2 OR near_duplicate_of = ?2", (into, other)
            )


def photo_at(project: Project, path: str) -> int | None:
    """The photo that was imported from this path, whatever the file holds now, and whether it was removed or not."""
    row = project.db.execute("SELECT id FROM photo WHERE path = ?", (path,)).fetchone()
    return row[0] if row else None


def photo_id_of(project: Project, sha256: str) -> int | None:
    """The photo with exactly these bytes."""
    row = project.db.execute("SELECT id FROM photo WHERE sha256 = ?", (sha256,)).fetchone()
    return row[0] if row else None


def perceptual_hashes(project: Project) -> list[tuple[int, int]]:
    """(group, hash) of every photo, removed ones included. A near duplicate's group is the first photo of its kind."""
    return project.db.execute(
        "SELECT coalesce(near_duplicate_of, id), perceptual_hash FROM photo ORDER BY id"
    ).fetchall()


_COLUMNS = (
    "id, path, sha256, perceptual_hash, width, height, category, category_source, origin, licence, near_duplicate_of, notes,"
    " imported_at"
)


def photo(project: Project, photo_id: int) -> Photo:
    """One photo. Raises KeyError when there is none."""
    row = project.db.execute(f"SELECT {_COLUMNS} FROM photo WHERE id = ?", (photo_id,)).fetchone()  # noqa: S608
    if row is None:
        raise KeyError(photo_id)
    return _photo(row)


def photos(project: Project, *, after: int = 0, limit: int = 200) -> list[Photo]:
    """A page of photos by id, the next after `after`."""
    rows = project.db.execute(f"SELECT {_COLUMNS} FROM photo WHERE id > ? ORDER BY id LIMIT ?", (after, limit))  # noqa: S608
    return [_photo(row) for row in rows]


def _photo(row: Sequence[object]) -> Photo:
    values = list(row)
    values[6], values[8] = Category(str(row[6])), Origin(str(row[8]))
    values[11] = tuple(json.loads(str(row[11])))
    return Photo(*values)  # type: ignore[arg-type]


def alike(project: Project, photo: Photo) -> int:
    """How many other photos look nearly the same as this one; removed ones do not count."""
    group = photo.near_duplicate_of or photo.id
    return project.db.execute(
        "SELECT count(*) FROM photo WHERE (id = ?1 OR near_duplicate_of = ?1) AND id != ?2 AND removed_at = ''",
        (group, photo.id),
    ).fetchone()[0]


def set_category(project: Project, photo_ids: Iterable[int], category: Category) -> int:
    """Put photos and their patches into a category, as said by a person; returns how many photos changed.

    Patches stay as they were cut. Raises StudioError, and changes nothing, where there is no such photo.
    """
    changed = 0
    with project.transaction():
        photo_ids = list(photo_ids)
        is_here = "SELECT 1 FROM photo WHERE id = ?"
        if unknown := [str(i) for i in photo_ids if project.db.execute(is_here, (i,)).fetchone() is None]:
            raise StudioError(f"There is no photo {', '.join(unknown)} in this project. Nothing was changed.")
        for photo_id in photo_ids:
            cursor = project.db.execute(
                "UPDATE photo SET category = ?, category_source = 'person' WHERE id = ? AND category != ?",
                (category, photo_id, category),
            )
            changed += cursor.rowcount
            project.db.execute(
                "UPDATE patch SET category = ? WHERE photo_id = ? AND category != ?", (category, photo_id, category)
            )
    return changed
