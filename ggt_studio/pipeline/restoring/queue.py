"""Photos through a model, into a folder: what is done stays done, and one bad file ends nothing."""

from __future__ import annotations

import asyncio
import hashlib
import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ggt_studio.core.errors import StudioError, describe
from ggt_studio.core.files import hash_file, write_error
from ggt_studio.core.restored import Output
from ggt_studio.core.restored_file import output_params
from ggt_studio.core.words import Category
from ggt_studio.pipeline.restoring.items import RestoreItem, Standing, find_items
from ggt_studio.pipeline.restoring.journal import Journal
from ggt_studio.pipeline.restoring.models import PhotoTask, RestoringModel, Tools
from ggt_studio.pipeline.stoppable import Stoppable
from ggt_studio.worker.client import WorkerPool


@dataclass(frozen=True, slots=True)
class RestoreChoice:
    """What photos are restored with, and how they are written.

    `category`: what is wrong with them, for models that ask; None: as a photo's folder is called, else general. `overwrite`: files
    in the way are replaced, and what was done before is done again.
    """

    model: RestoringModel
    output: Output = Output()  # noqa: RUF009 - frozen
    category: Category | None = None
    overwrite: bool = False

    def category_of(self, item: RestoreItem) -> Category:
        """The category that a photo is taken for."""
        return self.category or item.category or Category.GENERAL_MIXED

    def key(self, category: Category) -> str:
        """What tells results for photos of a category from those of other settings. Reads files."""
        values = output_params(self.output) | self.model.identity(category)
        return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()


class RestoreQueue:
    """Photos that wait to be restored into `folder`. Use from one event loop; `choice` and `folder` may be changed between runs.

    `exact`: the one photo's own file, instead of a name in the folder. `on_change` is called whenever something moved.
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
        self._pool, self._exact, self._on_change = pool, exact, on_change
        self._going = asyncio.Event()
        self._going.set()
        self._work_under_way = Stoppable()
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

    async def run(self) -> bool:
        """Restore all that wait; whether it came to its end, rather than being stopped.

        Raises StudioError where the model or the folder cannot be used; what is wrong with a photo is its own.
        """
        await self.choice.model.ready(self._pool)
        return await self._work_under_way.run(self._work())

    async def look(self, item: RestoreItem, choice: RestoreChoice, box: Mapping[str, Any]) -> dict[str, Any]:
        """Restore a part of a photo, to be looked at. `box`: `box` (top, left, height, width in px of the upright photo), `lq_path` and
        `out_path`, which get an 8-bit PNG each. Returns `width`, `height`, `seconds` and more. Raises StudioError."""
        await choice.model.ready(self._pool)
        source = await asyncio.to_thread(hash_file, item.path)
        task = PhotoTask(item.path, source, choice.category_of(item), {**output_params(choice.output), **box})
        return await choice.model.restore(task, Tools(self._pool))

    async def _work(self) -> None:
        run = _Run(self._pool, self.choice, await asyncio.to_thread(Journal, self.folder), self._exact)
        waiting = iter(self.items)
        async with asyncio.TaskGroup() as group:
            for _ in range(self.choice.model.at_once):
                group.create_task(self._take(waiting, run))

    async def _take(self, waiting: Iterator[RestoreItem], run: _Run) -> None:
        for item in waiting:
            await self._going.wait()
            if item.standing is not Standing.WAITING:
                continue
            began = time.monotonic()
            item.standing = Standing.RUNNING
            self._on_change()
            try:
                await run.restore(item, self._on_change)
            except (StudioError, OSError) as error:
                item.standing, item.message = Standing.FAILED, describe(error)
            finally:
                if item.standing is Standing.RUNNING:
                    item.standing, item.share = Standing.WAITING, 0.0
            if item.standing is Standing.RESTORED:
                self._seconds += time.monotonic() - began
            self._on_change()


class _Run:
    """One run of a queue: its choice, and what is on record where its photos go."""

    def __init__(self, pool: WorkerPool, choice: RestoreChoice, journal: Journal, exact: Path | None) -> None:
        self._pool, self._choice, self._journal, self._exact = pool, choice, journal, exact
        self._keys: dict[Category, str] = {}
        self._turns: dict[str, asyncio.Lock] = {}

    async def restore(self, item: RestoreItem, on_change: Callable[[], None]) -> None:
        """Restore a photo, unless that was done before. Raises StudioError and OSError."""
        source = await asyncio.to_thread(hash_file, item.path)
        category = self._choice.category_of(item)
        if category not in self._keys:
            self._keys[category] = await asyncio.to_thread(self._choice.key, category)
        # Of photos with the same content one after the other: the second is skipped then.
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
        item.facts = await self._choice.model.restore(task, Tools(self._pool, moved))
        item.out, item.share, item.standing = Path(item.facts["out"]), 1.0, Standing.RESTORED
        if self._exact is None:
            await asyncio.to_thread(self._journal.note_done, source, key, item.out)


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise write_error(folder, error) from error
