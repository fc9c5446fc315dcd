"""The journal in a folder of restored photos: one JSON object a line, appended and on disk before anything rests on it."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from pathlib import Path
from typing import Any

from ggt_studio.core.files import write_error
from ggt_studio.dataset.discovery import storable

JOURNAL = ".ggt-studio-restored.jsonl"
"""What was made of which content with which settings."""


class Journal:
    """What is on record in `folder`. Read when it is made; files are read and written here, so not on the window's thread."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.done: dict[tuple[str, str], str] = {}
        """SHA-256 of a photo and key of its settings -> the file made of it, relative to the folder."""
        with suppress(OSError), self._place.open(encoding="utf-8", errors="replace") as file:
            for line in file:
                # The last line may have been cut short by a crash: what it spoke of had not begun, or is looked at again.
                with suppress(ValueError, KeyError, TypeError):
                    self._take(json.loads(line))

    @property
    def _place(self) -> Path:
        return self.folder / JOURNAL

    def _take(self, entry: dict[str, Any]) -> None:
        self.done[str(entry["source"]), str(entry["settings"])] = str(entry["out"])

    def note_done(self, source: str, settings: str, out: Path) -> None:
        """Put on record that `out`, in the folder, was made of a photo with these settings."""
        name = storable(out.relative_to(self.folder))
        self.write({"source": source, "settings": settings, "out": name})

    def write(self, entry: dict[str, Any]) -> None:
        """Put an entry on record; it is on disk when this returns. Raises WriteError."""
        data = json.dumps(entry, ensure_ascii=False).encode() + b"\n"
        try:
            with self._place.open("a+b") as file:
                # After a line that a crash cut short, the next one begins a line of its own.
                if file.seek(0, os.SEEK_END) and file.seek(-1, os.SEEK_END) >= 0 and file.read(1) != b"\n":
                    data = b"\n" + data
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise write_error(self._place, error) from error
        self._take(entry)
