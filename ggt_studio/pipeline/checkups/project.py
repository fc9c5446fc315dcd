"""A project at a glance: whether it opens, who has it open, its database, and whether its files are there."""

from __future__ import annotations

from pathlib import Path

from filelock import FileLock, Timeout

from ggt_studio.core.errors import StudioError
from ggt_studio.core.files import content_path
from ggt_studio.core.words import State
from ggt_studio.pipeline.checkups.finding import Finding, broken, works
from ggt_studio.store.database import DATABASE_ERRORS, version_of
from ggt_studio.store.project import DATABASE, Project
from ggt_studio.store.schema import SCHEMA_VERSION
from ggt_studio.store.status import status

PROJECT = "Project"
_LOOKED_AT = 10_000


def look_at_project(folder: Path) -> list[Finding]:
    """What can be seen of a project in seconds, without changing it; `ggt-studio check` reads every byte. Blocks: call it in a
    thread."""
    folder = folder.expanduser().resolve()
    try:
        database = folder / DATABASE
        if database.is_file() and version_of(database) < SCHEMA_VERSION:
            words = "it is in an older format, and is brought up to date, after a backup, when it is opened next"
            return [works(PROJECT, str(folder), words)]
        opened = Project.open(folder, read_only=True)
    except StudioError as error:
        return [broken(PROJECT, "Project", str(error))]
    with opened:
        try:
            return [_standing(opened), _lock(opened.folder), _database(opened), _files(opened)]
        except DATABASE_ERRORS as error:
            mend = (
                "Put the latest file of its folder backups in its place, or copy the project back from your own backup."
            )
            return [broken(PROJECT, "Database", f"it cannot be read: {error}", mend)]


def _standing(project: Project) -> Finding:
    now = status(project)
    words = (
        f"{now.photos:,} photos, {now.patches:,} patches: {now.runnable:,} open, {now.count(state=State.WAITING):,} waiting for "
        f"a person, {now.count(state=State.VERIFIED):,} verified, {now.count(state=State.FAILED):,} failed"
    )
    return works(PROJECT, str(project.folder), words, photos=now.photos, patches=now.patches)


def _lock(folder: Path) -> Finding:
    path = folder / ".lock"
    held = False
    if path.exists():
        lock = FileLock(path, blocking=False)
        try:
            lock.acquire()
        except Timeout:
            held = True
        except OSError as error:
            return broken(
                PROJECT, "Lock", f"{path} cannot be opened ({error.strerror})", "Change the folder's permissions."
            )
        else:
            lock.release()
    words = "open for writing in a window or another command" if held else "nobody has it open for writing"
    return works(PROJECT, "Lock", words, held=held)


def _database(project: Project) -> Finding:
    problems = [str(row[0]) for row in project.db.execute("PRAGMA quick_check(3)") if row[0] != "ok"]
    if problems:
        mend = "`ggt-studio check` says more; put the latest file of the folder backups in its place."
        return broken(PROJECT, "Database", f"it is damaged: {'; '.join(problems)}", mend)
    return works(PROJECT, "Database", "it is whole")


def _files(project: Project) -> Finding:
    total = project.db.execute("SELECT count(*) FROM file").fetchone()[0]
    # In the order of hashes, which is as good as drawn at random.
    rows = project.db.execute(
        "SELECT sha256, folder, suffix, bytes FROM file ORDER BY sha256, folder LIMIT ?", (_LOOKED_AT,)
    ).fetchall()
    missing = 0
    for sha256, folder, suffix, size in rows:
        try:
            missing += content_path(project.folder / folder, sha256, suffix).stat().st_size != size
        except OSError:
            missing += 1
    which = "files" if len(rows) == total else f"files that were looked at (of {total:,})"
    if missing:
        mend = "`ggt-studio check` names them; copy them back from a backup."
        words = f"{missing:,} of {len(rows):,} {which} are missing or cut short"
        return broken(PROJECT, "Files", words, mend, missing=missing)
    return works(PROJECT, "Files", f"all {len(rows):,} {which} are there in full length; `ggt-studio check` reads them")
