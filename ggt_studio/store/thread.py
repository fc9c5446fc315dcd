"""The one thread that owns a project's connection. Work handed to it together is committed together."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any, TypeVar

from ggt_studio.store import records
from ggt_studio.store.batches import BatchThreads, Job
from ggt_studio.store.project import Project
from ggt_studio.store.records import Record

T = TypeVar("T")
_BATCH = 256
_ProjectJob = Job[Callable[[Project], Any] | Record]


class StoreThread:
    """Runs functions of the open project, and writes records, in order on its own thread.

    All that is waiting at the same time shares one transaction, so that many small facts cost one fsync; a future completes
    only after its commit. Work that raises undoes itself and nothing else. A function may be called twice (when other work of
    its transaction raised): it must change nothing but the project.
    What was handed over is done, also when nobody waits for it any more.
    """

    def __init__(self, folder: Path, *, read_only: bool = False, create: bool = False) -> None:
        self.folder = folder
        self.read_only = read_only
        self._create = create
        self._opened: Future[None] = Future()
        self._thread = BatchThreads(
            f"store {folder.name}",
            self._serve,
            limit=_BATCH,
            refusal=f"The project {folder} is closed. Open it again to go on.",
        )

    def start(self) -> None:
        """Open the project; raises what `Project.open` raises."""
        self._thread.start()
        try:
            self._opened.result()
        except BaseException:
            self.close()
            raise

    def submit(self, function: Callable[[Project], T]) -> Future[T]:
        """Run `function(project)` on the thread."""
        return self._thread.submit(function)

    async def call(self, function: Callable[[Project], T]) -> T:
        """Run `function(project)` on the thread and await its result. Cancelling the wait does not undo the work."""
        return await self._thread.call(function)

    async def record(self, record: Record) -> None:
        """Write a record on the thread and wait until it is on disk. Cancelling the wait does not undo the work."""
        await self._thread.call(record)

    def submit_record(self, record: Record) -> None:
        """Write a record on the thread, whenever that is."""
        self._thread.submit(record)

    def close(self) -> None:
        """Finish what was handed over, then close the project. Later work is refused with a StudioError."""
        self._thread.close()

    def _serve(self, batches: Iterator[list[_ProjectJob]]) -> None:
        try:
            project = (
                Project.create(self.folder) if self._create else Project.open(self.folder, read_only=self.read_only)
            )
        except BaseException as error:  # noqa: BLE001 - handed to the caller through its future
            self._opened.set_exception(error)
            return
        with project:
            self._opened.set_result(None)
            for batch in batches:
                _run_batch(project, batch)


def _run_batch(project: Project, jobs: list[_ProjectJob]) -> None:
    if project.read_only or len(jobs) == 1:
        for job in jobs:
            try:
                with project.reading() if project.read_only else project.transaction():
                    _do(project, [job])
            except BaseException as error:  # noqa: BLE001 - handed to the caller through its future
                job.error = error
    else:
        _run_together(project, jobs)


def _run_together(project: Project, jobs: list[_ProjectJob]) -> None:
    """Do all jobs in one transaction. A job that raises is rare: only then are they done again, each undoable by itself."""
    try:
        with project.transaction():
            _do(project, jobs)
    except BaseException:  # noqa: BLE001 - whichever job raised it raises it again below
        _run_apart(project, jobs)


def _do(project: Project, jobs: Sequence[_ProjectJob]) -> None:
    """Do jobs in their order; of neighbouring records, those of different patches at once."""
    together: dict[int, Record] = {}
    for job in jobs:
        work = job.work
        if together and (not isinstance(work, Record) or work.patch_id in together):
            records.write(project, list(together.values()))
            together.clear()
        if isinstance(work, Record):
            together[work.patch_id] = work
        else:
            job.result = work(project)
    if together:
        records.write(project, list(together.values()))


def _run_apart(project: Project, jobs: list[_ProjectJob]) -> None:
    try:
        with project.transaction():
            for job in jobs:
                try:
                    with project.savepoint():
                        _do(project, [job])
                except BaseException as error:
                    job.error = error
                    if not project.db.in_transaction:
                        # A failing disk made SQLite give up the whole transaction, the others' work with it.
                        raise
    except BaseException as error:  # noqa: BLE001 - handed to the callers through their futures
        # The commit failed: none of the batch is kept, and each of its callers has to know.
        for job in jobs:
            job.error = error
