"""A project folder: create, open, lock, transactions, and where its files lie."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from ggt_studio.core.errors import NotAProject, ProjectLocked, ProjectTooNew, StudioError
from ggt_studio.core.files import sync_folder, write_error
from ggt_studio.store.database import DATABASE_ERRORS, back_up, connect, in_words, migrate, now, version_of
from ggt_studio.store.schema import SCHEMA_VERSION

__all__ = ["CANDIDATES", "DATABASE", "PATCHES", "Project", "now"]

DATABASE = "project.ggt"
PATCHES = "patches"
CANDIDATES = "candidates"


class Project:
    """An open project. Its connection belongs to the thread that opened it; one process at a time may write.

    Open with `create` or `open`; use as a context manager or call `close`.
    """

    def __init__(self, folder: Path, connection: sqlite3.Connection, lock: FileLock | None) -> None:
        self.folder = folder
        self.db = connection
        self._lock = lock

    @classmethod
    def create(cls, folder: Path) -> Project:
        """Make a new project in `folder`, which must be empty or absent.

        Raises StudioError when the folder holds something, or cannot be written.
        """
        folder = folder.expanduser().resolve()
        _refuse_project(folder)
        if folder.exists() and not folder.is_dir():
            raise StudioError(f"{folder} is a file. A project needs a folder of its own.")
        try:
            folder.mkdir(parents=True, exist_ok=True)
            # A first creation that was interrupted leaves its lock, folders or journal behind; those may stay.
            foreign = [e.name for e in folder.iterdir() if e.name not in _OWN_NAMES and not e.name.startswith(DATABASE)]
        except OSError as error:
            raise write_error(folder, error) from error
        if foreign:
            raise StudioError(f"{folder} is not empty ({foreign[0]} is in it). A new project needs an empty folder.")
        lock = _take_lock(folder)
        try:
            # Another process may have made one since, and let go of the lock.
            _refuse_project(folder)
            for name in (PATCHES, CANDIDATES, "cache", "exports"):
                (folder / name).mkdir(exist_ok=True)
            temporary = folder / f"{DATABASE}.new"
            temporary.unlink(missing_ok=True)
            # The log of a database that is gone would be replayed into the new one.
            for database in (temporary, folder / DATABASE):
                for ending in ("-wal", "-shm", "-journal"):
                    database.with_name(database.name + ending).unlink(missing_ok=True)
            migrate(temporary)
            # The database appears whole or not at all.
            temporary.rename(folder / DATABASE)
            sync_folder(folder)
            return cls(folder, connect(folder / DATABASE), lock)
        except OSError as error:
            lock.release()
            raise write_error(folder, error) from error
        except DATABASE_ERRORS as error:
            lock.release()
            raise in_words(error, folder) from error
        except BaseException:
            lock.release()
            raise

    @classmethod
    def open(cls, folder: Path, *, read_only: bool = False) -> Project:
        """Open the project in `folder`.

        One of an older format is brought up to date first, after a backup. Raises NotAProject, ProjectTooNew, or ProjectLocked
        when another process writes to it (`read_only` still opens it).
        """
        folder = folder.expanduser().resolve()
        database = folder / DATABASE
        if not database.is_file():
            raise NotAProject(f"There is no project in {folder} (no {DATABASE}). Make one with `ggt-studio new`.")
        version = version_of(database)
        if version > SCHEMA_VERSION:
            raise ProjectTooNew(
                f"{folder} was written by a newer GGT Studio (format {version}; this one reads up to {SCHEMA_VERSION}). "
                "Update GGT Studio to open it."
            )
        if read_only:
            if version < SCHEMA_VERSION:
                cls.open(folder).close()
            try:
                return cls(folder, connect(database, read_only=True), None)
            except DATABASE_ERRORS as error:
                raise in_words(error, folder) from error
        lock = _take_lock(folder)
        try:
            if version < SCHEMA_VERSION:
                back_up(database, version)
                migrate(database)
            return cls(folder, connect(database), lock)
        except DATABASE_ERRORS as error:
            lock.release()
            raise in_words(error, folder) from error
        except OSError as error:
            lock.release()
            raise write_error(folder, error) from error
        except BaseException:
            lock.release()
            raise

    @property
    def read_only(self) -> bool:
        """Whether the project was opened only to look at it."""
        return self._lock is None

    @property
    def patches_dir(self) -> Path:
        """Content-addressed LQ patches."""
        return self.folder / PATCHES

    @property
    def candidates_dir(self) -> Path:
        """Content-addressed candidates: the exact bytes received, and registered targets."""
        return self.folder / CANDIDATES

    def close(self) -> None:
        """Close the connection and let others write. Safe to call twice."""
        self.db.close()
        if self._lock is not None:
            self._lock.release()

    def __enter__(self) -> Project:
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        self.close()
        if isinstance(error, DATABASE_ERRORS):
            raise in_words(error, self.folder) from error

    @contextmanager
    def reading(self) -> Iterator[None]:
        """What the database raises inside is told in a person's words, as StudioError."""
        try:
            yield
        except DATABASE_ERRORS as error:
            raise in_words(error, self.folder) from error

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Everything inside is kept or nothing is. Nested, it is a part of the outer one.

        Raises StudioError when the disk is full or the file cannot be written.
        """
        if self.db.in_transaction:
            yield
            return
        if self.read_only:
            raise StudioError(f"{self.folder} is open read-only, because another window or command is writing to it.")
        with self._undoing("BEGIN IMMEDIATE", "COMMIT", ("ROLLBACK",)):
            yield

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """Everything read inside is of one moment, whatever others write meanwhile."""
        self.db.execute("BEGIN")
        try:
            yield
        finally:
            self.db.execute("ROLLBACK")

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """Inside a transaction: when this part raises, only what it did is undone."""
        with self._undoing("SAVEPOINT part", "RELEASE part", ("ROLLBACK TO part", "RELEASE part")):
            yield

    @contextmanager
    def _undoing(self, begin: str, keep: str, undo: tuple[str, ...]) -> Iterator[None]:
        try:
            self.db.execute(begin)
        except DATABASE_ERRORS as error:
            raise in_words(error, self.folder) from error
        try:
            yield
            self.db.execute(keep)
        except BaseException as error:
            if self.db.in_transaction:
                for statement in undo:
                    self.db.execute(statement)
            if isinstance(error, DATABASE_ERRORS):
                raise in_words(error, self.folder) from error
            raise

    def meta(self, key: str, default: str = "") -> str:
        """A remembered setting of this project."""
        row = self.db.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
        return row[0] if row else default

    def set_meta(self, key: str, value: str) -> None:
        """Remember a setting of this project."""
        with self.transaction():
            self.db.execute(
                "INSERT INTO meta VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value", (key, value)
            )


_OWN_NAMES = {".lock", PATCHES, CANDIDATES, "cache", "exports"}


def _refuse_project(folder: Path) -> None:
    if (folder / DATABASE).exists():
        raise StudioError(f"There is a project in {folder} already. Open it, or choose another folder.")


def _take_lock(folder: Path) -> FileLock:
    # An OS lock: it goes with the process, however that ends.
    lock = FileLock(folder / ".lock", blocking=False)
    try:
        lock.acquire()
    except Timeout as error:
        raise ProjectLocked(
            f"{folder} is open in another window or command, which may change it. Close it there to change it here."
        ) from error
    except OSError as error:
        raise write_error(folder, error) from error
    return lock
