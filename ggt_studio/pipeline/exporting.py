"""Export what a person selected from an open project."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from ggt_studio.core.errors import StudioError
from ggt_studio.dataset.export import CardFacts, ExportCancelled, ExportFormat, ExportReport, export_pairs
from ggt_studio.dataset.include import Include
from ggt_studio.dataset.pairs import pages_of_pairs, selected_ids, used_recipes
from ggt_studio.dataset.records import PairRecord
from ggt_studio.store.project import Project
from ggt_studio.store.status import status
from ggt_studio.store.thread import StoreThread


@dataclass(frozen=True, slots=True)
class ExportChoice:
    """What a person asks for."""

    dest: Path
    layout: str = "imagefolder"
    include: Include = Include.VERIFIED
    test_count: int = 0
    seed: int = 0


async def export_project(
    store: StoreThread,
    choice: ExportChoice,
    progress: Callable[[int, int], None] | None = None,
    cancelled: threading.Event | None = None,
) -> ExportReport:
    """Export a selection; `progress` is called from another thread, `cancelled` ends the export and leaves nothing.

    Raises StudioError when there is nothing to export or the folder cannot be used.
    """
    stop = cancelled or threading.Event()
    dest = choice.dest.expanduser().absolute()
    _refuse_project_folder(dest.resolve(), store.folder.resolve())
    task = asyncio.ensure_future(asyncio.to_thread(_write, store.folder, dest, choice, progress, stop))
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        # The export stops between two pairs and removes what it had begun.
        stop.set()
        await asyncio.gather(task, return_exceptions=True)
        raise
    except ExportCancelled as error:
        raise StudioError("The export was stopped; nothing of it was left behind.") from error


def _write(
    folder: Path, dest: Path, choice: ExportChoice, progress: Callable[[int, int], None] | None, stop: threading.Event
) -> ExportReport:
    """Export through a reading connection of its own: one moment of the project, whatever is decided meanwhile."""
    with Project.open(folder, read_only=True) as project, project.snapshot():
        wanted = selected_ids(project, choice.include)
        made_by = Counter(pair.recipe_hash for pair in _pairs(project, wanted, choice.include, stop))
        card = CardFacts(
            project=folder.name,
            include=choice.include,
            funnel=tuple(status(project).funnel()),
            recipes=tuple(used_recipes(project, made_by)),
        )
        return export_pairs(
            _pairs(project, wanted, choice.include, stop),
            dest,
            format=ExportFormat(choice.layout),
            test_count=choice.test_count,
            seed=choice.seed,
            card=card,
            progress=progress,
            cancelled=stop.is_set,
        )


def _pairs(project: Project, wanted: list[int], include: Include, stop: threading.Event) -> Iterator[PairRecord]:
    for page in pages_of_pairs(project, wanted, include):
        if stop.is_set():
            raise ExportCancelled
        yield from page


def _refuse_project_folder(dest: Path, project: Path) -> None:
    exports = project / "exports"
    if dest in (project, exports) or (project in dest.parents and exports not in dest.parents):
        raise StudioError(f"{dest} lies in the project itself. Choose a folder outside, or a new one under {exports}.")
