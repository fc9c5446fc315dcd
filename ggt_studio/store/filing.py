"""The threads that put received bytes on disk. What waits for them together is written together."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ggt_studio.core.errors import WriteError
from ggt_studio.core.files import write_all_content_addressed
from ggt_studio.store.batches import BatchThreads, Job

# A thread syncs the files of its batch one after the other: what arrives in one go is spread over all threads. All of these
# files are open at the same time, and some systems allow a process no more than 256.
_BATCH = 8
# A disk commits what several threads sync at the same time in one go, where one thread would wait for each file.
_THREADS = 8


class FilingThreads:
    """Writes content-addressed files into one folder on threads of their own; already started."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._threads = BatchThreads(
            f"filing {folder.name}",
            self._serve,
            limit=_BATCH,
            refusal=f"Nothing is written to {folder} any more.",
            threads=_THREADS,
        )
        self._threads.start()

    async def write(self, data: bytes, suffix: str) -> str:
        """As `core.files.write_content_addressed`. Cancelling the wait does not undo the write."""
        return await self._threads.call((data, suffix))

    def close(self) -> None:
        """Finish what was handed over, then end the threads."""
        self._threads.close()

    def _serve(self, batches: Iterator[list[Job[tuple[bytes, str]]]]) -> None:
        for batch in batches:
            try:
                written = write_all_content_addressed(self._folder, [job.work for job in batch])
            except Exception as error:  # noqa: BLE001 - handed to the callers through their futures
                for job in batch:
                    job.error = error
                continue
            for job, outcome in zip(batch, written, strict=True):
                if isinstance(outcome, WriteError):
                    job.error = outcome
                else:
                    job.result = outcome
