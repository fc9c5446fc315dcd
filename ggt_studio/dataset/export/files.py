"""Files of an export: read and checked at the source, hashed as they are written, linked where the disk allows."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from ggt_studio.core.errors import StudioError
from ggt_studio.dataset.export.facts import WrittenFile

_READ_ONLY = 0o444
_CHUNK = 1 << 20


class HashedFile:
    """A new file that is written from start to end and knows the SHA-256 of what it holds.

    Serves as the sink of tarfile and pyarrow. `close` makes the bytes durable (fsync). Raises OSError.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.size = 0
        self._hash = hashlib.sha256()
        self._file = path.open("xb")

    @property
    def closed(self) -> bool:
        """Whether no more can be written."""
        return self._file.closed

    def write(self, data: bytes) -> int:
        """Append the bytes and return how many they were."""
        view = memoryview(data).cast("B")
        self._file.write(view)
        self._hash.update(view)
        self.size += view.nbytes
        return view.nbytes

    def tell(self) -> int:
        """Bytes written so far."""
        return self.size

    def flush(self) -> None:
        """Hand what is buffered to the operating system."""
        self._file.flush()

    def close(self) -> None:
        """Flush, sync and close. Closing again does nothing."""
        if not self._file.closed:
            try:
                self._file.flush()
                os.fsync(self._file.fileno())
            finally:
                self._file.close()

    def finish(self, name: str) -> WrittenFile:
        """Close, and state the file as `name`, its path relative to the export's root."""
        self.close()
        return WrittenFile(name, self._hash.hexdigest(), self.size)


def write_text(root: Path, name: str, text: str) -> WrittenFile:
    """Write a UTF-8 text file with line feeds as they are, and state it."""
    file = HashedFile(root / name)
    try:
        file.write(text.encode())
    finally:
        file.close()
    return file.finish(name)


def source_size(path: Path) -> int:
    """Size of a patch or target in bytes. Raises `StudioError` where it cannot be reached."""
    try:
        return path.stat().st_size
    except OSError as error:
        raise _unreadable(path, error) from error


def read_checked(path: Path, sha256: str) -> bytes:
    """The bytes of a patch or target. Raises `StudioError` where they are missing or no longer those on record."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise _unreadable(path, error) from error
    _check(path, hashlib.sha256(data).hexdigest(), sha256)
    return data


def place(source: Path, sha256: str, root: Path, name: str) -> WrittenFile:
    """Make `root/name` a read-only file with the bytes of `source`, sharing its disk space where the disk allows.

    A hard link is the same file under a second name: whatever is written into the exported file would be written
    into the project too. The shared file is therefore made read-only (mode 0444), under both names; the project
    never rewrites a file that it addresses by its content, and deleting either name stays possible. On Windows a
    read-only file could not be deleted, so that files are copied there. A copy is read-only as well, so that
    an export behaves the same wherever it lies.

    Raises `StudioError` where the source cannot be read or has changed, OSError where the target cannot be written.
    """
    target = root / name
    if not _link(source, target):
        data = read_checked(source, sha256)
        file = HashedFile(target)
        try:
            file.write(data)
        finally:
            file.close()
        if os.name != "nt":
            target.chmod(_READ_ONLY)
        return file.finish(name)
    try:
        digest, size = hashlib.sha256(), 0
        with source.open("rb") as stream:
            while chunk := stream.read(_CHUNK):
                digest.update(chunk)
                size += len(chunk)
    except OSError as error:
        raise _unreadable(source, error) from error
    _check(source, digest.hexdigest(), sha256)
    return WrittenFile(name, sha256, size)


def _link(source: Path, target: Path) -> bool:
    """Whether `target` is now a read-only second name of `source`; False where it has to be copied."""
    if os.name == "nt" or source.is_symlink():
        return False
    try:
        os.link(source, target)
    except OSError:
        return False
    try:
        target.chmod(_READ_ONLY)
    except OSError:
        target.unlink()
        return False
    return True


def _check(path: Path, found: str, expected: str) -> None:
    if found != expected:
        raise StudioError(
            f"{path} has changed since it was made: its checksum is not the one on record. Nothing was exported. "
            f"Restore the file from a backup, or leave this pair out of the selection."
        )


def _unreadable(path: Path, error: OSError) -> StudioError:
    return StudioError(
        f"{path} cannot be read ({error.strerror}). Nothing was exported. Check that the project's disk is connected, "
        f"or leave this pair out of the selection."
    )
