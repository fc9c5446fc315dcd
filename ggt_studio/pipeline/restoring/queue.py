"""Photos through a model, into a folder: what is done stays done, and one bad file ends nothing."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from ggt_studio.core.errors import MlExtraMissing, StudioError, describe
from ggt_studio.core.files import hash_file, write_error
from ggt_studio.core.restored_file import output_params
from ggt_studio.core.words import Category, Outcome
from ggt_studio.pipeline.budget import BudgetReached
from ggt_studio.pipeline.limits import Limiters
from ggt_studio.pipeline.restoring.asking import Asking, MayBeCharged, Money
from ggt_studio.pipeline.restoring.choice import Bill, RestoreChoice, bill_of
from ggt_studio.pipeline.restoring.items import RestoreItem, Standing, find_items
from ggt_studio.pipeline.restoring.journal import LOCK, Journal
from ggt_studio.pipeline.restoring.models import PhotoTask, Tools
from ggt_studio.pipeline.stoppable import Stoppable
from ggt_studio.providers.base import ProviderError
from ggt_studio.worker.client import WorkerPool

# Every other photo would end the same.
_HOPELESS = (Outcome.BAD_KEY, Outcome.QUOTA)
_NO_MONEY = Money()
_Opened = tuple[dict[str, Any], Journal, Asking]


class RestoreQueue:
    """Photos that wait to be restored into `folder`. Use from one event loop; `choice` and `folder` may be changed between runs.

    `exact`: the one photo's own file, instead of a name in the folder. `on_change` is called whenever something moved. `halted`
    says why the latest run took no more photos, where it came to no end of its own. `spent_usd` is what it is booked at.
    """

    def __init__(
        self,
        pool: WorkerPool,
        choice: RestoreChoice,
        folder: Path,
        *,
        exact: Path | None = None,
        on_change: Callable[[], None] = lambda: None,
    ) -> None:
        self.choice, self.folder = choice, folder
        self.items: list[RestoreItem] = []
        self.halted = ""
        self._pool, self._exact, self._on_change = pool, exact, on_change
        self._going = asyncio.Event()
        self._going.set()
        self._work_under_way = Stoppable()
        self._limiters = Limiters()
        self._asking: Asking | None = None
        self._hashes: dict[tuple[Path, int, int], str] = {}
        self._seconds = 0.0

    def add(self, paths: Iterable[Path]) -> None:
        """Let these photos, and those in these folders, wait; see `find`."""
        self.items += self.find(paths)

    def find(self, paths: Iterable[Path]) -> list[RestoreItem]:
        """These photos, and those in these folders, that are not in the queue; see `find_items`. Reads folders, and may be called
        on another thread. Raises StudioError for a path that does not exist."""
        own = self.folder.resolve()
        made = {own / out for out in Journal(self.folder).done.values()}
        return find_items(paths, self.folder, made, self.items)

    def begin_anew(self) -> None:
        """Let all wait again, but those that could not be taken at all: what is done with these settings is skipped then."""
        for item in self.items:
            if item.standing is not Standing.RUNNING and item.takeable:
                item.wait()
        self._seconds = 0.0

    def count(self, standing: Standing) -> int:
        """How many photos are so far."""
        return sum(item.standing is standing for item in self.items)

    @property
    def paused(self) -> bool:
        """Whether no further photo is begun."""
        return not self._going.is_set()

    @property
    def spent_usd(self) -> float:
        """What the latest run is booked at so far."""
        return self._asking.cost_usd if self._asking else 0.0

    @property
    def left_usd(self) -> float:
        """The part of it that an earlier, interrupted run left open, and that may have been charged."""
        return self._asking.left_usd if self._asking else 0.0

    @property
    def eta_s(self) -> float | None:
        """Seconds that the rest may take; None while none is done."""
        done = self.count(Standing.RESTORED)
        left = self.count(Standing.WAITING) + sum(1 - i.share for i in self.items if i.standing is Standing.RUNNING)
        return self._seconds / done * left / self.choice.model.at_once if done else None

    def pause(self) -> None:
        """Begin no further photo; what is under way is finished."""
        self._going.clear()
        self._on_change()

    def resume(self) -> None:
        """Go on."""
        self._going.set()
        self._on_change()

    def stop(self) -> None:
        """End it at once. What is under way waits again; no half file is left."""
        self._work_under_way.stop()

    async def bill(self, choice: RestoreChoice) -> Bill:
        """What it will cost to restore all that can be. Reads all photos that it has not read before; none where nothing costs."""
        if not choice.model.info.paid:
            return Bill()
        items = [item for item in self.items if item.takeable]
        again = choice.overwrite or self._exact is not None

        def count() -> Bill:
            photos = [(item, source) for item in items if (source := self._hash(item.path))]
            return bill_of(choice, photos, Journal(self.folder), again=again)

        return await asyncio.to_thread(count)

    def _hash(self, path: Path) -> str:
        """The SHA-256 of a file, empty where it cannot be read; only read again when it has changed."""
        try:
            status = path.stat()
            key = (path, status.st_mtime_ns, status.st_size)
            if key not in self._hashes:
                self._hashes[key] = hash_file(path)
        except OSError:
            return ""
        return self._hashes[key]

    async def run(self, money: Money = _NO_MONEY) -> bool:
        """Restore all that wait; whether it came to its end, rather than being stopped or `halted`.

        Raises StudioError where the model or the folder cannot be used; what is wrong with a photo is its own.
        """
        self.halted = ""
        async with self._opened(self.choice, money) as (about, journal, asking):
            self._asking = asking
            return await self._work_under_way.run(self._work(about, journal, asking)) and not self.halted

    async def look(
        self, item: RestoreItem, choice: RestoreChoice, box: Mapping[str, Any], money: Money = _NO_MONEY
    ) -> dict[str, Any]:
        """Restore a part of a photo, to be looked at. `box`: `box` (top, left, height, width in px of the upright photo), `lq_path` and
        `out_path`, which get an 8-bit PNG each. Returns `width`, `height`, `seconds` and more.

        A generator is asked for the whole photo, as restoring it does, and not again then. Raises StudioError.
        """
        async with self._opened(choice, money) as (_, _, asking):
            source = await asyncio.to_thread(hash_file, item.path)
            written = {**output_params(choice.output), **box}
            task = PhotoTask(item.path, source, choice.category_of(item), written)
            return await choice.model.restore(task, Tools(self._pool, asking))

    @asynccontextmanager
    async def _opened(self, choice: RestoreChoice, money: Money) -> AsyncIterator[_Opened]:
        """What the model tells, what is on record, and the way to ask. Where that costs, nobody else asks there meanwhile."""
        model, lock = choice.model, None
        about = await model.ready(self._pool)
        if model.info.paid:
            await asyncio.to_thread(_make_folder, self.folder)
            lock = _take_lock(self.folder)
        try:
            journal = await asyncio.to_thread(Journal, self.folder)
            asking = Asking(journal, model.info, self._going, self._limiters, money)
            try:
                if lock is not None:
                    await asking.settle()
                yield about, journal, asking
            finally:
                await asking.close()
        finally:
            if lock is not None:
                lock.release()

    async def _work(self, about: dict[str, Any], journal: Journal, asking: Asking) -> None:
        run = _Run(self._pool, self.choice, about, journal, asking, self._exact)
        waiting = iter(self.items)
        async with asyncio.TaskGroup() as group:
            for _ in range(self.choice.model.at_once):
                group.create_task(self._take(waiting, run))

    async def _take(self, waiting: Iterator[RestoreItem], run: _Run) -> None:
        for item in waiting:
            await self._going.wait()
            if self.halted:
                return
            if item.standing is not Standing.WAITING:
                continue
            began = time.monotonic()
            item.standing = Standing.RUNNING
            self._on_change()
            try:
                await run.restore(item, self._on_change)
            except (BudgetReached, MlExtraMissing) as error:
                self.halted = str(error)
            except MayBeCharged as error:
                item.standing, item.message = Standing.UNCERTAIN, str(error)
                item.facts = {"cost_usd": error.cost_usd}
            except (StudioError, OSError) as error:
                if isinstance(error, ProviderError) and error.outcome in _HOPELESS:
                    self.halted = str(error)
                else:
                    item.standing, item.message = Standing.FAILED, describe(error)
            finally:
                if item.standing is Standing.RUNNING:
                    item.standing, item.share = Standing.WAITING, 0.0
            if item.standing is Standing.RESTORED:
                self._seconds += time.monotonic() - began
            self._on_change()


class _Run:
    """One run of a queue: its choice, and what is on record where its photos go."""

    def __init__(
        self,
        pool: WorkerPool,
        choice: RestoreChoice,
        about: dict[str, Any],
        journal: Journal,
        asking: Asking,
        exact: Path | None,
    ) -> None:
        self._pool, self._choice, self._about = pool, choice, about
        self._journal, self._asking, self._exact = journal, asking, exact
        self._keys: dict[Category, str] = {}
        self._turns: dict[str, asyncio.Lock] = {}

    async def restore(self, item: RestoreItem, on_change: Callable[[], None]) -> None:
        """Restore a photo, unless that was done before. Raises StudioError and OSError."""
        source = await asyncio.to_thread(hash_file, item.path)
        category = self._choice.category_of(item)
        if category not in self._keys:
            self._keys[category] = self._choice.key(category, self._about)
        # Of photos with the same content one after the other: the second is skipped then, and nothing is paid for twice.
        async with self._turns.setdefault(source, asyncio.Lock()):
            await self._restore(item, source, category, on_change)

    async def _restore(self, item: RestoreItem, source: str, category: Category, on_change: Callable[[], None]) -> None:
        key, folder = self._keys[category], self._journal.folder
        before = self._journal.done.get((source, key))
        again = self._choice.overwrite or self._exact is not None
        if before is not None and not again and (folder / before).is_file():
            item.standing, item.share, item.out = Standing.SKIPPED, 1.0, folder / before
            return

        def moved(share: float) -> None:
            item.share = share
            on_change()

        written: dict[str, Any] = output_params(self._choice.output) | {"overwrite": self._choice.overwrite}
        if self._exact is not None:
            written["out_path"] = str(self._exact)
        else:
            stem = folder / item.name
            await asyncio.to_thread(_make_folder, stem.parent)
            written["out_stem"] = str(stem)
        task = PhotoTask(item.path, source, category, written)
        item.facts = await self._choice.model.restore(task, Tools(self._pool, self._asking, moved))
        item.out, item.share, item.standing = Path(item.facts["out"]), 1.0, Standing.RESTORED
        if self._exact is None:
            await asyncio.to_thread(self._journal.note_done, source, key, item.out)


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise write_error(folder, error) from error


def _take_lock(folder: Path) -> FileLock:
    # An OS lock: it goes with the process, however that ends.
    lock = FileLock(folder / LOCK, blocking=False)
    try:
        lock.acquire()
    except Timeout as error:
        raise StudioError(
            f"Another window or command is restoring photos into {folder} with a model that costs. Wait for it, or choose another "
            "folder."
        ) from error
    except OSError as error:
        raise write_error(folder, error) from error
    return lock
