"""Bytes to disk and back: content-addressed writes that survive a crash, and file hashes. Standard library only."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import secrets
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import BinaryIO

from ggt_studio.core.errors import WriteError

TEMPORARY_PREFIX = ".tmp-"

_REASONS = {
    errno.ENOSPC: "the disk is full; free some space there",
    errno.EDQUOT: "your disk quota is used up; free some space there",
    errno.EROFS: "the disk is read-only; make it writable or move the project",
    errno.EACCES: "this account may not write there; change the folder's permissions",
    errno.EPERM: "this account may not write there; change the folder's permissions",
    errno.EFBIG: "the disk or this account does not allow files of that size",
    errno.EIO: "the disk reported an error; check the disk",
}
_DISK = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EFBIG, errno.EIO}


def write_error(place: str | Path, error: OSError) -> WriteError:
    """What to tell a person when `place` could not be written."""
    why = _REASONS.get(error.errno or 0, error.strerror or str(error))
    return WriteError(f"Cannot write to {place}: {why}.", error.errno)


def is_about_the_disk(error: OSError) -> bool:
    """Whether a disk that is full, failing or read-only caused it, rather than the file that was asked for."""
    return error.errno in _DISK


def hash_file(path: Path) -> str:
    """SHA-256 of the file's bytes, hexadecimal. Raises OSError where it cannot be read."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_new(path: Path, data: bytes, *, overwrite: bool = False) -> None:
    """Put `data` at `path` for good: whole or not at all, and synced. The folder must be there.

    Raises FileExistsError where something is there and is not to be overwritten, and WriteError for the disk.
    """
    temporary = path.with_name(f"{TEMPORARY_PREFIX}{secrets.token_hex(8)}")
    try:
        with temporary.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        if not overwrite and os.path.lexists(path):
            raise FileExistsError(errno.EEXIST, "there is such a file already", str(path))
        temporary.replace(path)
        sync_folder(path.parent)
    except FileExistsError:
        raise
    except OSError as error:
        raise write_error(path, error) from error
    finally:
        temporary.unlink(missing_ok=True)


def content_path(folder: Path, sha256: str, suffix: str) -> Path:
    """Where `write_content_addressed` keeps the bytes with this SHA-256: `folder/ab/abcd...suffix`."""
    return folder.joinpath(sha256[:2], sha256 + suffix)


def write_content_addressed(folder: Path, data: bytes, suffix: str) -> str:
    """Put `data` at `content_path(folder, its SHA-256, suffix)` for good and return the SHA-256, hexadecimal.

    `suffix` includes the dot (`.png`). When this returns, bytes and name are on disk (fsync of the file and of its
    folder). A file that is there already with the same size is kept. Safe when several processes write the same
    bytes at once. Raises `WriteError` on a full, read-only or forbidden disk and leaves no temporary file then.
    """
    (written,) = write_all_content_addressed(folder, [(data, suffix)])
    if isinstance(written, WriteError):
        raise written
    return written


def write_all_content_addressed(folder: Path, contents: Sequence[tuple[bytes, str]]) -> list[str | WriteError]:
    """As `write_content_addressed`, many (data, suffix) at once, which costs less for each.

    Returns for each its SHA-256, or why it is not on disk: what prevents one does not prevent the others. All files are
    open at the same time.
    """
    wanted = [_Write(folder, data, suffix) for data, suffix in contents]
    writes = {write.target: write for write in wanted}
    try:
        # First all bytes, then all syncs, then all names: so the disk commits them in fewer goes.
        for step in (_Write.stage, _Write.sync, _Write.name):
            for write in writes.values():
                write.do(step)
        parents = {write.target.parent for write in writes.values() if write.error is None}
        unsynced = {parent: error for parent in parents if (error := _sync_error(parent)) is not None}
        for write in writes.values():
            write.error = write.error or unsynced.get(write.target.parent)
    finally:
        for write in writes.values():
            write.clean_up()
    return [writes[write.target].told() for write in wanted]


def _sync_error(folder: Path) -> OSError | None:
    try:
        sync_folder(folder)
    except OSError as error:
        return error
    return None


class _Write:
    """One file on its way to its content-addressed place; `error` is what ended that way."""

    __slots__ = ("_data", "_file", "_folder", "_sha256", "_temporary", "error", "target")

    def __init__(self, folder: Path, data: bytes, suffix: str) -> None:
        self._folder, self._data = folder, data
        self._sha256 = hashlib.sha256(data).hexdigest()
        self._temporary: Path | None = None
        self._file: BinaryIO | None = None
        self.target = content_path(folder, self._sha256, suffix)
        self.error: OSError | None = None

    def do(self, step: Callable[[_Write], None]) -> None:
        """Do a step, unless an earlier one failed."""
        if self.error is None:
            try:
                step(self)
            except OSError as error:
                self.error = error

    def stage(self) -> None:
        """Write the bytes under a temporary name, unless they are in place already."""
        if _has_size(self.target, len(self._data)):
            return
        _make_folder(self.target.parent)
        # Not beside the target: a file system makes files of one folder faster than files here and there.
        temporary = self._folder / f"{TEMPORARY_PREFIX}{secrets.token_hex(8)}"
        self._file = temporary.open("xb")
        self._temporary = temporary
        self._file.write(self._data)
        self._file.flush()

    def sync(self) -> None:
        """Make the bytes durable."""
        if self._file is not None:
            os.fsync(self._file.fileno())
            self._file.close()

    def name(self) -> None:
        """Give the file its name; durable once the folder is synced."""
        if self._temporary is not None:
            self._temporary.replace(self.target)
            self._temporary = None

    def clean_up(self) -> None:
        """Leave no temporary file behind, wherever its way ended."""
        if self._file is not None:
            with contextlib.suppress(OSError):
                self._file.close()
        if self._temporary is not None:
            with contextlib.suppress(OSError):
                self._temporary.unlink(missing_ok=True)

    def told(self) -> str | WriteError:
        """The file's SHA-256, or in a person's words why it is not on disk."""
        if self.error is None:
            return self._sha256
        told = write_error(self._folder, self.error)
        told.__cause__ = self.error
        return told


def _has_size(path: Path, size: int) -> bool:
    try:
        return path.stat().st_size == size
    except FileNotFoundError:
        return False


def _make_folder(folder: Path) -> None:
    """Create the folder and, before it, those above it that are missing; each new name is synced in its parent."""
    if folder.is_dir():
        return
    if folder.parent != folder:
        _make_folder(folder.parent)
    folder.mkdir(exist_ok=True)
    sync_folder(folder.parent)


def sync_folder(folder: Path) -> None:
    """Make the folder's names durable. Windows has no such call: there NTFS journals its names itself."""
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
