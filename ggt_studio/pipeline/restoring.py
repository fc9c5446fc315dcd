"""Photos through a restorer, one after the other, into a folder: what is done stays done, and one bad file ends nothing."""

from __future__ import annotations

import asyncio
import hashlib
import importlib.util
import itertools
import json
import os
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from ggt_studio.core.errors import MlExtraMissing, StudioError, WorkerCrashed, describe
from ggt_studio.core.extras import install_command
from ggt_studio.core.files import hash_file, write_error
from ggt_studio.core.restored import Output
from ggt_studio.dataset.discovery import PHOTO_SUFFIXES, Found, discover, storable
from ggt_studio.pipeline.stoppable import Stoppable
from ggt_studio.worker.client import GPU_LANE, WorkerPool

JOURNAL = ".ggt-studio-restored.jsonl"
"""In a folder of restored photos: what was made of which content with which settings."""
# A layer of a large network on a large tile, on a CPU.
_CANCEL_WITHIN_S = 20.0
_NEEDED = ("torch", "spandrel", "safetensors", "greenlet", "psutil")


@dataclass(frozen=True, slots=True)
class RestoreChoice:
    """What photos are restored with. `checkpoint`: the restorer's file; `output`: how photos are written.

    `tile`: px a side that go through at once, 0 chooses. `device`: auto, cpu, cuda, cuda:N, mps. `half`: half precision where the
    network bears it. `scale`: where weights do not tell it. `overwrite`: files in the way are replaced, and what was done before is
    done again.
    """

    checkpoint: Path
    output: Output = Output()  # noqa: RUF009 - frozen
    tile: int = 0
    device: str = "auto"
    half: bool = False
    scale: int = 1
    seed: int = 0
    overwrite: bool = False

    def parameters(self) -> dict[str, Any]:
        """As the worker's methods take them."""
        output = self.output
        return {
            "checkpoint": str(self.checkpoint),
            "format": output.file_format,
            "quality": output.quality,
            "strip": output.strip,
            "strength": output.strength,
            "lock_colour": output.lock_colour,
            "tile": self.tile,
            "device": self.device,
            "half": self.half,
            "scale": self.scale,
            "seed": self.seed,
            "overwrite": self.overwrite,
        }


class Standing(StrEnum):
    """How far a photo is."""

    WAITING = "waiting"
    RUNNING = "running"
    RESTORED = "restored"
    SKIPPED = "skipped"
    FAILED = "failed"


@dataclass(slots=True)
class RestoreItem:
    """One photo. `name`: where it goes, relative to the folder, without its suffix. `share`: how much of it is done, 0 to 1.

    `out`: the restored photo; `message`: why there is none, for people; `facts`: what the worker told of it. `takeable` is false for
    what is no photo that can be read.
    """

    path: Path
    name: Path
    standing: Standing = Standing.WAITING
    share: float = 0.0
    out: Path | None = None
    message: str = ""
    facts: dict[str, Any] = field(default_factory=dict)
    takeable: bool = True


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
        self._done: dict[tuple[str, str], str] = {}
        self._settings = ""
        self._seconds = 0.0

    def add(self, paths: Iterable[Path]) -> None:
        """Let these photos, and those in these folders, wait; see `find`."""
        self.items += self.find(paths)

    def find(self, paths: Iterable[Path]) -> list[RestoreItem]:
        """These photos, and those in these folders, that are not in the queue; what cannot be taken is there as failed. Reads folders,
        and may be called on another thread.

        What was restored before is not taken: neither the queue's own folder, where it lies in one of these, nor what is on
        record as made there. Raises StudioError for a path that does not exist.
        """
        paths = list(paths)
        own = self.folder.resolve()
        beside = any(path.resolve().is_relative_to(own) for path in paths)
        made = {own / out for out in self._read_journal().values()}
        known, names = {item.path for item in self.items}, {item.name for item in self.items}
        items: list[RestoreItem] = []
        for found in discover(paths, exclude=[] if beside or not own.is_dir() else [own]):
            if not isinstance(found, Found):
                path = Path(found.path)
                items.append(RestoreItem(path, Path(path.name), Standing.FAILED, message=found.reason, takeable=False))
            elif found.path not in known and found.path.resolve() not in made:
                within = found.path.relative_to(found.root) if found.root != found.path else Path(found.path.name)
                name = within.with_suffix("") if within.suffix.lower() in PHOTO_SUFFIXES else within
                # Photos of one name from several places have a file each.
                numbers = itertools.chain([""], (f"-{number}" for number in itertools.count(2)))
                name = next(n for number in numbers if (n := name.with_name(name.name + number)) not in names)
                names.add(name)
                items.append(RestoreItem(found.path, name))
        return items

    def begin_anew(self) -> None:
        """Let all wait again, but those that could not be taken at all: what is done with these settings is skipped then."""
        for item in self.items:
            if item.standing is not Standing.RUNNING and item.takeable:
                item.standing, item.share, item.out, item.message, item.facts = Standing.WAITING, 0.0, None, "", {}
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
        return self._seconds / done * left if done else None

    def pause(self) -> None:
        """Begin no further photo; the one under way is finished."""
        self._going.clear()
        self._on_change()

    def resume(self) -> None:
        """Go on."""
        self._going.set()
        self._on_change()

    def stop(self) -> None:
        """End it at once. The photo under way waits again; no half file is left."""
        self._work_under_way.stop()

    async def run(self) -> bool:
        """Restore all that wait; whether it came to its end, rather than being stopped.

        Raises StudioError where the checkpoint or the folder cannot be used, and MlExtraMissing; what is wrong with a photo is its own.
        """
        self.require_installed()
        about = await self._pool.call(
            "restorer_inspect", self.choice.parameters() | {"path": str(self.choice.checkpoint)}, lane=GPU_LANE
        )
        self._settings = self._settings_key(about)
        self._done = await asyncio.to_thread(self._read_journal)
        return await self._work_under_way.run(self._work())

    @staticmethod
    def require_installed() -> None:
        """Raises MlExtraMissing where what restoring needs is not installed."""
        missing = [name for name in _NEEDED if importlib.util.find_spec(name) is None]
        if missing:
            raise MlExtraMissing(f"Restoring needs the ml extra ({', '.join(missing)}): {install_command('ml')}")

    async def _work(self) -> None:
        for item in self.items:
            await self._going.wait()
            if item.standing is not Standing.WAITING:
                continue
            began = time.monotonic()
            item.standing = Standing.RUNNING
            self._on_change()
            try:
                await self._restore(item)
            except (StudioError, OSError) as error:
                item.standing, item.message = Standing.FAILED, describe(error)
                if isinstance(error, WorkerCrashed):
                    item.message += " The photo may be too large for this machine; try a smaller tile."
            finally:
                if item.standing is Standing.RUNNING:
                    item.standing, item.share = Standing.WAITING, 0.0
            if item.standing is Standing.RESTORED:
                self._seconds += time.monotonic() - began
            self._on_change()

    async def _restore(self, item: RestoreItem) -> None:
        source = await asyncio.to_thread(hash_file, item.path)
        before = self._done.get((source, self._settings))
        if (
            before is not None
            and not self.choice.overwrite
            and self._exact is None
            and (self.folder / before).is_file()
        ):
            item.standing, item.share, item.out = Standing.SKIPPED, 1.0, self.folder / before
            return

        def moved(progress: Any) -> None:
            item.share = progress.done / progress.total if progress.total else 0.0
            self._on_change()

        if self._exact is not None:
            place = {"out_path": str(self._exact)}
        else:
            stem = self.folder / item.name
            await asyncio.to_thread(_make_folder, stem.parent)
            place = {"out_stem": str(stem)}
        item.facts = await self._pool.call(
            "restore_photo",
            self.choice.parameters() | {"path": str(item.path), "note": {"SourceSHA256": source}} | place,
            lane=GPU_LANE,
            on_progress=moved,
            cancel_within_s=_CANCEL_WITHIN_S,
        )
        item.out, item.share, item.standing = Path(item.facts["out"]), 1.0, Standing.RESTORED
        if self._exact is None:
            await asyncio.to_thread(self._note, source, item.out)

    def _settings_key(self, about: dict[str, Any]) -> str:
        """What tells one result of a photo from another; the tile and the device do not. `about`: the worker's word on the restorer."""
        values = self.choice.parameters() | {"checkpoint": about["sha256"]}
        if about["companion_sha256"]:
            values["companion"] = about["companion_sha256"]
        for name in ("tile", "device", "overwrite"):
            del values[name]
        return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()

    def _read_journal(self) -> dict[tuple[str, str], str]:
        done = {}
        with suppress(OSError), (self.folder / JOURNAL).open(encoding="utf-8", errors="replace") as file:
            for line in file:
                # The last line may have been cut short by a crash; what it spoke of is restored again, beside itself.
                with suppress(ValueError, KeyError, TypeError):
                    entry = json.loads(line)
                    done[str(entry["source"]), str(entry["settings"])] = str(entry["out"])
        return done

    def _note(self, source: str, out: Path) -> None:
        name = storable(out.relative_to(self.folder))
        self._done[source, self._settings] = name
        entry = json.dumps({"source": source, "settings": self._settings, "out": name}, ensure_ascii=False)
        place = self.folder / JOURNAL
        try:
            with place.open("a", encoding="utf-8") as file:
                file.write(entry + "\n")
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise write_error(place, error) from error


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise write_error(folder, error) from error
