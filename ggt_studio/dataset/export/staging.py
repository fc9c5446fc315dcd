"""The hidden folder in which an export is built, and the one step that turns it into the finished dataset."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from ggt_studio.core.errors import StudioError
from ggt_studio.core.files import sync_folder

MARKER = ".ggt-studio-export"
"""File that marks a staging folder as ours; it is locked while the export runs."""

_FULL = {errno.ENOSPC, errno.EDQUOT}
_FORBIDDEN = {errno.EROFS, errno.EACCES, errno.EPERM}


@contextmanager
def staging(dest: Path) -> Iterator[Path]:
    """An empty staging folder beside `dest`; call `publish` inside the block to turn `<it>/dataset` into `dest`.

    The folder is named `.<name of dest>.partial-<random>`. Whatever ends the block, the folder is gone afterwards. What
    a killed export for the same `dest` left behind is removed first: only folders with that name and our marker, whose
    lock no process holds.

    Raises `StudioError` where `dest` is not free, or, for any OSError inside the block, saying what to do about it.
    """
    try:
        _require_free(dest)
        dest.parent.mkdir(parents=True, exist_ok=True)
        _remove_leftovers(dest)
        folder = dest.parent / f"{_prefix(dest)}{secrets.token_hex(4)}"
        folder.mkdir()
        lock = FileLock(folder / MARKER, timeout=0)
        try:
            lock.acquire()
            (folder / "dataset").mkdir()
            yield folder
        finally:
            _remove_contents(folder)
            lock.release()
            _remove(folder)
    except OSError as error:
        raise _in_words(error, dest) from error


def publish(folder: Path, dest: Path) -> None:
    """Turn the finished `<folder>/dataset` into `dest` in one step, durably. Raises OSError."""
    if os.name == "nt" and dest.exists():
        dest.rmdir()
    (folder / "dataset").rename(dest)
    sync_folder(dest.parent)


def require_space(dest: Path, needed: int) -> None:
    """Raise `StudioError` where the disk of `dest` surely cannot take `needed` more bytes."""
    free = shutil.disk_usage(dest.parent).free
    if needed > free:
        raise StudioError(
            f"The dataset needs {_size(needed)}, but the disk of {dest.parent} has {_size(free)} left. "
            f"Free some space there, or choose a folder on another disk."
        )


def _size(size: int) -> str:
    return f"{size / 1e9:,.1f} GB" if size >= 1e9 else f"{size / 1e6:,.1f} MB"


def _require_free(dest: Path) -> None:
    if dest.exists() and not dest.is_dir():
        raise StudioError(f"{dest} is a file. Choose a folder for the dataset that is new or empty.")
    if dest.is_dir() and any(dest.iterdir()):
        what = "holds a dataset already" if (dest / "SHA256SUMS").exists() else "is not empty"
        raise StudioError(f"{dest} {what}. Nothing in it was changed: choose a folder that is new or empty.")


def _prefix(dest: Path) -> str:
    return f".{dest.name}.partial-"


def _remove_leftovers(dest: Path) -> None:
    prefix = _prefix(dest)
    for folder in sorted(dest.parent.iterdir()):
        suffix = folder.name.removeprefix(prefix)
        if suffix == folder.name or len(suffix) != 8 or folder.is_symlink() or not (folder / MARKER).is_file():
            continue
        lock = FileLock(folder / MARKER, timeout=0)
        try:
            lock.acquire()
        except Timeout:
            continue
        try:
            _remove_contents(folder)
        finally:
            lock.release()
        _remove(folder)


def _remove_contents(folder: Path) -> None:
    """Remove everything but the marker, which goes last: an interrupted removal can be taken up again."""
    for entry in folder.iterdir():
        if entry.name == MARKER:
            continue
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink()


def _remove(folder: Path) -> None:
    (folder / MARKER).unlink(missing_ok=True)
    with contextlib.suppress(FileNotFoundError):
        folder.rmdir()


def _in_words(error: OSError, dest: Path) -> StudioError:
    if error.errno in _FULL:
        why = "the disk is full. Free some space there, or choose a folder on another disk"
    elif error.errno == errno.EFBIG:
        why = "the disk or this account does not allow files that large. Choose a folder on another disk"
    elif error.errno in _FORBIDDEN:
        why = "the folder or its disk is read-only for this account. Choose another folder, or change its permissions"
    elif error.errno in {errno.ENOTEMPTY, errno.EEXIST}:
        why = "something else was put there meanwhile. Choose another folder"
    else:
        why = f"{error.strerror or error}. Choose another folder, or check the disk"
    return StudioError(f"The dataset could not be written to {dest}: {why}. Nothing of it was kept.")
