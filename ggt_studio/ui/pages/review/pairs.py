"""Pairs made ready to be shown: sheet and decoded images, read off the window's thread, the next ones ahead of time."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QCoreApplication, QObject, Signal
from PySide6.QtGui import QImage, QImageReader

from ggt_studio.core.errors import describe
from ggt_studio.store import review_sheet
from ggt_studio.store.review_sheet import Sheet
from ggt_studio.ui.state.workspace import Workspace

KEPT = 8
THREADS = 2


@dataclass(frozen=True, slots=True)
class Picture:
    """A decoded file, or (`image` null) why it could not be."""

    path: Path
    image: QImage
    problem: str = ""

    @property
    def shown(self) -> bool:
        """Whether there is something to look at."""
        return not self.image.isNull()


@dataclass(frozen=True, slots=True)
class Pair:
    """A sheet with its pictures; `hq` is the candidate that the patch's state rests on, None where there is none."""

    sheet: Sheet
    lq: Picture
    hq: Picture | None

    @property
    def id(self) -> int:
        """The patch."""
        return self.sheet.details.patch.id

    @property
    def whole(self) -> bool:
        """Whether both images can be seen."""
        return self.lq.shown and self.hq is not None and self.hq.shown


def read_picture(path: Path) -> Picture:
    """Decode a file, upright, as opaque 32-bit RGB. Runs on any thread; never raises for a bad file."""
    if not path.is_file():
        told = QCoreApplication.translate("ReviewPage", "{0} is missing. It was moved or deleted.")
        return Picture(path, QImage(), told.format(path))
    reader = QImageReader(str(path))
    reader.setAutoTransform(True)
    reader.setDecideFormatFromContent(True)
    image = reader.read()
    if image.isNull():
        told = QCoreApplication.translate("ReviewPage", "{0} cannot be read: {1}.")
        return Picture(path, QImage(), told.format(path, reader.errorString().rstrip(".")))
    return Picture(path, image.convertToFormat(QImage.Format.Format_RGB32))


class Pairs(QObject):
    """`get` answers at once from memory; `want` names the pairs to have there, most urgent first.

    `ready` carries the id of a pair that came or was read again, `failed` an id and why its record could not be read.
    """

    ready = Signal(int)
    failed = Signal(int, str)
    picture_ready = Signal(object)

    def __init__(self, workspace: Workspace) -> None:
        super().__init__()
        self._workspace = workspace
        self._kept: OrderedDict[int, Pair] = OrderedDict()
        self._loading: dict[int, asyncio.Future[None]] = {}
        self._wanted: tuple[int, ...] = ()
        self._pool: ThreadPoolExecutor | None = None

    def get(self, patch_id: int) -> Pair | None:
        """A pair in memory."""
        return self._kept.get(patch_id)

    @property
    def busy(self) -> bool:
        """Whether something is being read."""
        return bool(self._loading)

    def want(self, ids: Sequence[int]) -> None:
        """Have these pairs in memory, and stop reading others."""
        self._wanted = tuple(ids)
        for patch_id, task in list(self._loading.items()):
            if patch_id not in ids:
                task.cancel()
                del self._loading[patch_id]
                self._kept.pop(patch_id, None)  # what was being read again is out of date
        for patch_id in reversed(ids):
            if patch_id in self._kept:
                self._kept.move_to_end(patch_id)
        for patch_id in ids:
            if patch_id not in self._kept and patch_id not in self._loading:
                self._start(patch_id)

    async def settled(self, patch_id: int) -> None:
        """Wait until a wanted pair is there, could not be read, or is no longer wanted."""
        if patch_id in self._loading:
            await asyncio.wait([self._loading[patch_id]])

    def refresh(self, patch_id: int) -> None:
        """Read the record of a pair again; its pictures only where they are others."""
        if patch_id in self._loading:
            self._loading.pop(patch_id).cancel()
        if patch_id in self._wanted:
            self._start(patch_id)
        else:
            self._kept.pop(patch_id, None)

    def forget(self) -> None:
        """All records may have changed, for example because rejected patches were opened again."""
        self._kept.clear()

    def _start(self, patch_id: int) -> None:
        def lost(error: Exception) -> None:
            self._loading.pop(patch_id, None)
            self.failed.emit(patch_id, describe(error))

        self._loading[patch_id] = self._workspace.tasks.spawn(self._load(patch_id), on_error=lost)

    async def _load(self, patch_id: int) -> None:
        sheet = await self._workspace.query(lambda project: review_sheet.sheet(project, patch_id))
        patch, before = sheet.details.patch, self._kept.get(patch_id)
        lq = before.lq if before and before.lq.path == patch.lq_path and before.lq.shown else None
        hq = before.hq if before and before.hq and before.hq.path == patch.hq_path and before.hq.shown else None
        if before and before.sheet == sheet and lq and (hq or patch.hq_path is None):
            self._loading.pop(patch_id, None)
            return  # nothing has changed: whoever reads its record is not disturbed
        reading: dict[str, asyncio.Future[Picture]] = {}
        if lq is None:
            reading["lq"] = self._read(patch.lq_path)
        if hq is None and patch.hq_path is not None:
            reading["hq"] = self._read(patch.hq_path)
        read = dict(zip(reading, await asyncio.gather(*reading.values()), strict=True))
        pair = Pair(sheet, lq or read["lq"], hq or read.get("hq"))
        self._loading.pop(patch_id, None)
        self._kept[patch_id] = pair
        self._kept.move_to_end(patch_id)
        while len(self._kept) > KEPT:
            self._kept.popitem(last=False)
        self.ready.emit(patch_id)

    def _read(self, path: Path) -> asyncio.Future[Picture]:
        if self._pool is None:
            self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="pairs")
        return asyncio.get_running_loop().run_in_executor(self._pool, read_picture, path)

    def read_candidate(self, path: Path) -> None:
        """Decode the file of another attempt; `picture_ready` carries it."""

        async def read() -> None:
            self.picture_ready.emit(await self._read(path))

        self._workspace.tasks.spawn(read())

    def close(self) -> None:
        """Stop reading and let the memory go; `want` begins anew. What a thread is decoding is finished and dropped."""
        for task in self._loading.values():
            task.cancel()
        self._loading.clear()
        self._kept.clear()
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)
            self._pool = None
