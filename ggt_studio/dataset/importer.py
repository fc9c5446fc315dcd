"""Import: find files, have the workers cut them into patches, and record photos, duplicates and what could not be used."""

from __future__ import annotations

import asyncio
import os
from collections import deque
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ggt_studio.core.errors import StudioError, WorkerCrashed, WriteError
from ggt_studio.core.measures import CONTENT_POOR_BELOW, level
from ggt_studio.core.model import Geometry
from ggt_studio.core.words import Category, Hold, Origin, Prepare
from ggt_studio.dataset.discovery import Found, Problem, category_of, discover
from ggt_studio.store import photos
from ggt_studio.store.photos import NewPatch, NewPhoto, Recognised
from ggt_studio.store.project import Project
from ggt_studio.store.thread import StoreThread
from ggt_studio.worker.client import WorkerError, WorkerPool

NEAR_DUPLICATE_BITS = 6
_PREPARE_TIMEOUT_S = 300.0


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """What a person says about the photos. `category` None: from the folder's name, else general mixed."""

    category: Category | None = None
    origin: Origin = Origin.CAPTURE
    licence: str = "unspecified"
    prepare: Prepare = Prepare.AUTO


@dataclass(slots=True)
class ImportReport:
    """What an import added. `known` files were imported before; `assumed_category` photos had no category to go by.

    `duplicate_files` are the `duplicates`, each with the path of the photo that it equals; `removed` files are photos that
    a person took out of the project, where they stay until they are put back.
    """

    photos: int = 0
    patches: int = 0
    duplicates: int = 0
    near_duplicates: int = 0
    known: int = 0
    removed: int = 0
    content_poor: int = 0
    assumed_category: int = 0
    duplicate_files: list[tuple[str, str]] = field(default_factory=list)
    quarantined: list[tuple[str, str]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class ImportProgress:
    """A moment of an import; `path` is the file that was just finished."""

    done: int
    total: int
    photos: int
    patches: int
    path: str


async def import_photos(
    store: StoreThread,
    pool: WorkerPool,
    paths: Sequence[Path],
    options: ImportOptions,
    on_progress: Callable[[ImportProgress], None] | None = None,
) -> ImportReport:
    """Import files and folders, recursively. Importing the same ones again adds nothing.

    A file that cannot be used goes to the quarantine list with its reason. Raises StudioError when a path does not exist or
    the project cannot be written; what was recorded until then stays.
    """
    found = await asyncio.to_thread(_find, paths, store.folder)
    report = ImportReport()
    groups = _Groups(await store.call(photos.perceptual_hashes))
    done = 0
    async with aclosing(_prepared(store, pool, found, options)) as results:
        async for item, prepared in results:
            done += 1
            if isinstance(prepared, Recognised):
                report.known += prepared is Recognised.KNOWN
                report.removed += prepared is Recognised.REMOVED
            elif prepared["status"] != "ok":
                await _quarantine(store, report, str(item.path), prepared["reason"])
            elif isinstance(item, Found):
                await _record(store, report, groups, item, prepared, options)
            if on_progress:
                on_progress(ImportProgress(done, len(found), report.photos, report.patches, str(item.path)))
    return report


def _find(paths: Sequence[Path], project: Path) -> list[Found | Problem]:
    roots = [Path(os.path.abspath(path)) for path in paths]  # noqa: PTH100 - Path.absolute keeps ".."
    return list(discover(roots, exclude=[project]))


async def _prepared(
    store: StoreThread, pool: WorkerPool, found: Sequence[Found | Problem], options: ImportOptions
) -> AsyncGenerator[tuple[Found | Problem, dict[str, Any] | Recognised]]:
    """Each file with what the worker made of it, in order, a few ahead of the reader; of one known already, what it is."""

    async def prepare(item: Found | Problem) -> dict[str, Any] | Recognised:
        if isinstance(item, Problem):
            return {"status": "unusable", "reason": item.reason}
        try:
            stat = item.path.stat()
        except OSError as error:
            return {"status": "unusable", "reason": f"It cannot be read ({error.strerror})."}
        size, mtime_ns = stat.st_size, stat.st_mtime_ns
        before = await store.call(lambda project: photos.recognise(project, str(item.path), size, mtime_ns))
        if before is not None:
            return before
        params = {
            "path": str(item.path),
            "category": _category(item, options)[0],
            "prepare": options.prepare,
            "patches_dir": str(store.folder / "patches"),
        }
        try:
            answer = await pool.call("prepare_photo", params, timeout_s=_PREPARE_TIMEOUT_S)
        except WriteError:
            raise
        except WorkerCrashed:
            return {"status": "unusable", "reason": "Reading it crashed the decoder; the file is damaged or too large."}
        except TimeoutError:
            return {"status": "unusable", "reason": f"Reading it took longer than {_PREPARE_TIMEOUT_S:.0f} s."}
        except WorkerError as error:
            return {"status": "unusable", "reason": f"Reading it met a defect of the program: {error}".splitlines()[0]}
        except StudioError as error:
            return {"status": "unusable", "reason": str(error)}
        return {**answer, "bytes": size, "mtime_ns": mtime_ns}

    ahead: deque[tuple[Found | Problem, asyncio.Task[dict[str, Any] | Recognised]]] = deque()
    waiting = iter(found)
    try:
        while True:
            while len(ahead) < 2 * pool.size + 2 and (item := next(waiting, None)) is not None:
                ahead.append((item, asyncio.create_task(prepare(item))))
            if not ahead:
                return
            item, task = ahead[0]
            prepared = await task
            ahead.popleft()
            yield item, prepared
    finally:
        for _, task in ahead:
            task.cancel()
        await asyncio.gather(*(task for _, task in ahead), return_exceptions=True)


def _category(item: Found, options: ImportOptions) -> tuple[Category, str]:
    if options.category is not None:
        return options.category, "person"
    named = category_of(item.path, item.root)
    return (named, "folder") if named is not None else (Category.GENERAL_MIXED, "assumed")


async def _quarantine(store: StoreThread, report: ImportReport, path: str, reason: str) -> None:
    # The list names the path already.
    reason = reason.removeprefix(f"{Path(path).name}: ")
    report.quarantined.append((path, reason))
    await store.call(lambda project: photos.add_quarantined(project, path, reason))


async def _record(
    store: StoreThread,
    report: ImportReport,
    groups: _Groups,
    item: Found,
    prepared: dict[str, Any],
    options: ImportOptions,
) -> None:
    category, source = _category(item, options)
    path, sha256, size, mtime_ns = str(item.path), prepared["sha256"], prepared["bytes"], prepared["mtime_ns"]
    alike = groups.find(prepared["perceptual_hash"])
    near = alike[0] if alike else None
    photo = NewPhoto(
        path=path,
        sha256=sha256,
        bytes=size,
        mtime_ns=mtime_ns,
        perceptual_hash=prepared["perceptual_hash"],
        width=prepared["width"],
        height=prepared["height"],
        category=category,
        category_source=source,
        prepare=options.prepare,
        origin=options.origin,
        licence=options.licence,
        near_duplicate_of=near,
        notes=tuple(prepared["notes"]),
        patches=tuple(_new_patch(p) for p in prepared["patches"]),
    )

    def write(project: Project) -> int | str:
        """The new photo's id, or what else the file turned out to be; a path is that of the photo it is a duplicate of."""
        with project.transaction():
            same = photos.photo_id_of(project, sha256)
            if same is not None:
                same_path = photos.photo(project, same).path
                if same_path == path:
                    photos.touch(project, same, size, mtime_ns)
                    return photos.recognise(project, path, size, mtime_ns) or Recognised.KNOWN
                new = photos.add_duplicate(project, path, same, size, mtime_ns)
                return same_path if new else Recognised.KNOWN
            if photos.photo_at(project, path) is not None:
                return "changed"
            if near is not None:
                photos.merge_groups(project, near, alike[1:])
            return photos.add_photo(project, photo)

    match await store.call(write):
        case Recognised.KNOWN:
            report.known += 1
        case Recognised.REMOVED:
            report.removed += 1
        case "changed":
            reason = "It has changed since it was imported. The project keeps the first version; import a copy under a new name."
            await _quarantine(store, report, path, reason)
        case str() as same_as:
            report.duplicates += 1
            report.duplicate_files.append((path, same_as))
        case int() as photo_id:
            groups.add(photo_id, prepared["perceptual_hash"], alike)
            report.photos += 1
            report.patches += len(photo.patches)
            # What was the first of its kind until now counts as well.
            report.near_duplicates += len(alike)
            report.assumed_category += source == "assumed"
            report.content_poor += sum(p.hold is not None for p in photo.patches)


def _new_patch(patch: dict[str, Any]) -> NewPatch:
    return NewPatch(
        sha256=patch["sha256"],
        bytes=patch["bytes"],
        geometry=Geometry(**patch["geometry"]),
        content=patch["content"],
        quality=patch["quality"],
        level=level(patch["quality"]),
        hold=Hold.CONTENT_POOR if patch["content"] < CONTENT_POOR_BELOW else None,
    )


class _Groups:
    """Perceptual hashes of all photos with the group each belongs to: photos linked by likeness, at once or through others."""

    def __init__(self, known: list[tuple[int, int]]) -> None:
        self._ids = np.array([group for group, _ in known] + [0] * 1024, np.int64)
        self._hashes = np.array([value for _, value in known] + [0] * 1024, np.int64).view(np.uint64)
        self._count = len(known)

    def find(self, value: int) -> list[int]:
        """The groups of all photos within `NEAR_DUPLICATE_BITS`, the one with the first photo first."""
        distances = np.bitwise_count(self._hashes[: self._count] ^ np.array(value, np.int64).view(np.uint64))
        return np.unique(self._ids[: self._count][distances <= NEAR_DUPLICATE_BITS]).tolist()

    def add(self, photo_id: int, value: int, alike: Sequence[int]) -> None:
        """Remember one more photo. The groups it is like (as `find` gives them) are one from now on."""
        if self._count == len(self._hashes):
            self._ids = np.concatenate([self._ids, np.zeros_like(self._ids)])
            self._hashes = np.concatenate([self._hashes, np.zeros_like(self._hashes)])
        group = alike[0] if alike else photo_id
        if len(alike) > 1:
            self._ids[: self._count][np.isin(self._ids[: self._count], alike)] = group
        self._ids[self._count] = group
        self._hashes[self._count] = np.array(value, np.int64).view(np.uint64)
        self._count += 1
