"""The file that orders a batch while it grows: a request per line, in the project's cache until it is uploaded."""

from __future__ import annotations

import os
import uuid
from collections.abc import Sequence
from pathlib import Path

from ggt_studio.core.errors import WriteError
from ggt_studio.core.facts import Fact
from ggt_studio.core.files import write_error
from ggt_studio.providers.batching import BatchLimits
from ggt_studio.store.batch_jobs import BatchItem


def batch_folder(project: Path) -> Path:
    """Where files of batches lie on their way; all in it may be deleted."""
    return project / "cache" / "batches"


def clear_batch_folder(project: Path) -> None:
    """Remove what a program that was ended left there. Not to be called while a batch is sent or collected."""
    for path in batch_folder(project).glob("*"):
        path.unlink(missing_ok=True)


class OrderFile:
    """A batch that is being put together, under a `name` that nobody else uses. `items` are on record once it is sent.

    Methods block, so call them off the event loop; they raise WriteError where the disk does not take it.
    """

    def __init__(self, project: Path, limits: BatchLimits) -> None:
        self.name = f"ggt-{uuid.uuid4().hex[:20]}"
        self.path = batch_folder(project) / f"{self.name}.jsonl"
        self.items: list[tuple[BatchItem, Sequence[Fact]]] = []
        self._limits, self._bytes = limits, 0
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._file = self.path.open("wb")
        except OSError as error:
            raise self._told(error) from error

    def has_room(self, line: bytes) -> bool:
        """Whether the vendor takes a batch with this line, too."""
        return len(self.items) < self._limits.items and self._bytes + len(line) <= self._limits.bytes

    def add(self, line: bytes, item: BatchItem, facts: Sequence[Fact]) -> None:
        """Add a request, and the facts that it rests on and are not on record."""
        try:
            self._file.write(line)
        except OSError as error:
            raise self._told(error) from error
        self._bytes += len(line)
        self.items.append((item, facts))

    def finish(self) -> None:
        """Put it on disk."""
        try:
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
        except OSError as error:
            raise self._told(error) from error

    def discard(self) -> None:
        """Remove the file."""
        self._file.close()
        self.path.unlink(missing_ok=True)

    def _told(self, error: OSError) -> WriteError:
        return write_error(self.path, error)
