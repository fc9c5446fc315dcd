"""The one SQLite file of a project: connect, tell its version, migrate, back up, and say its errors in words."""

from __future__ import annotations

import os
import sqlite3
import time
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path

from ggt_studio.core.errors import NotAProject, StudioError
from ggt_studio.store.schema import APPLICATION_ID, SCHEMA_VERSION, migrations

# Damaged text makes the driver fail at decoding before SQLite's own word of the damage gets through.
DATABASE_ERRORS = (sqlite3.Error, UnicodeDecodeError)
_FULL = ("database or disk is full", "disk i/o error")
_RESTORE = "Restore it from its folder `backups` or from a copy of yours, or choose another folder."


def now() -> str:
    """The time as ISO 8601 in UTC, to the millisecond."""
    seconds, milliseconds = divmod(time.time_ns() // 1_000_000, 1000)
    return f"{_second(seconds)}.{milliseconds:03}+00:00"


@lru_cache(maxsize=4)
def _second(seconds: int) -> str:
    # A run tells the time thousands of times a second; its text changes but once.
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def connect(database: Path, *, read_only: bool = False) -> sqlite3.Connection:
    """A connection in which transactions begin and end only where they are told to. Raises sqlite3.Error."""
    connection = _look(database) if read_only else _connect(database, "mode=rw")
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA cache_size = -32000")
    if not read_only:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        # 16 MB of log before it is folded back: a tenth of the fsyncs of the default during a run.
        connection.execute("PRAGMA wal_autocheckpoint = 4000")
    return connection


def _look(database: Path) -> sqlite3.Connection:
    """A connection only to look. On a disk that is full or read-only, SQLite cannot make the files with which it
    coordinates readers; there it is told that nobody writes, unless a log beside it shows that somebody did."""
    connection = _connect(database, "mode=ro")
    try:
        connection.execute("PRAGMA schema_version")
    except sqlite3.OperationalError:
        connection.close()
        log = database.with_name(f"{database.name}-wal")
        if log.exists() and log.stat().st_size:
            raise
        return _connect(database, "mode=ro&immutable=1")
    except BaseException:
        connection.close()
        raise
    return connection


def _connect(database: Path, how: str) -> sqlite3.Connection:
    return sqlite3.connect(f"{database.as_uri()}?{how}", uri=True, isolation_level=None, timeout=10)


def version_of(database: Path) -> int:
    """The version of its schema. Raises NotAProject for a file that is no project's, or damaged."""
    try:
        connection = _look(database)
        try:
            application_id = connection.execute("PRAGMA application_id").fetchone()[0]
            version = connection.execute("PRAGMA user_version").fetchone()[0]
        finally:
            connection.close()
    except sqlite3.OperationalError as error:
        raise in_words(error, database.parent) from error
    except DATABASE_ERRORS as error:
        raise NotAProject(f"{database} is damaged or no project of GGT Studio ({error}). {_RESTORE}") from error
    if application_id != APPLICATION_ID:
        raise NotAProject(f"{database} is no project of GGT Studio. {_RESTORE}")
    return version


def migrate(database: Path) -> None:
    """Make the database, or bring it up to date. Raises sqlite3.Error."""
    from sqlite_utils import Database

    db = Database(database)
    try:
        migrations().apply(db)
        db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        db.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
        db.conn.commit()
    finally:
        db.close()


def back_up(database: Path, version: int) -> None:
    """Keep a copy in the folder `backups` beside it, durably."""
    backups = database.parent / "backups"
    backups.mkdir(exist_ok=True)
    target = backups / f"project-format{version}-{now().replace(':', '')}.ggt"
    with sqlite3.connect(database) as source, sqlite3.connect(target) as copy:
        source.backup(copy)
    source.close()
    copy.close()
    with target.open("rb") as file:
        os.fsync(file.fileno())


def in_words(error: sqlite3.Error | UnicodeDecodeError, folder: Path) -> StudioError:
    """An error of the database in a person's words."""
    text = str(error).lower()
    if any(sign in text for sign in _FULL):
        return StudioError(f"The disk that holds {folder} is full or failing; nothing was lost. Make room and go on.")
    if "readonly" in text or "read-only" in text:
        return StudioError(f"{folder} cannot be written. Check the permissions of the folder and go on.")
    if isinstance(error, UnicodeDecodeError) or "malformed" in text or "not a database" in text:
        return StudioError(f"The database of {folder} is damaged ({error}). {_RESTORE}")
    if "unable to open" in text:
        return StudioError(f"The database of {folder} cannot be opened. Check its disk and the folder's permissions.")
    return StudioError(f"The database of {folder} could not be used: {error}.")
