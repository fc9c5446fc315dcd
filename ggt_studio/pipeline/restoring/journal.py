"""The journal in a folder of restored photos: one JSON object a line, appended, and on disk before anything rests on it.

It says what was made of which content, and it is the ledger of what generators were asked: a paid request stands in it before it
leaves, and again when it has ended. A request without its end, or of which only the vendor knows, may have been charged.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ggt_studio.core.canvas import Canvas
from ggt_studio.core.files import content_path, write_error
from ggt_studio.core.media import SUFFIXES
from ggt_studio.core.outcomes import MAY_BE_CHARGED
from ggt_studio.core.words import CostBasis, Outcome
from ggt_studio.dataset.discovery import storable
from ggt_studio.store.database import now
from ggt_studio.store.runs import Call, Ending

JOURNAL = ".ggt-studio-restored.jsonl"
LOCK = ".ggt-studio-restored.lock"
RECEIVED = ".ggt-studio-received"
"""Beside the journal: what generators gave, unchanged, by SHA-256. It is paid for, and serves other settings, too."""


@dataclass(frozen=True, slots=True)
class Received:
    """What a generator gave: SHA-256 and media type of the exact bytes, how the photo lay in what was sent, and notes for people."""

    sha256: str
    media_type: str
    canvas: Canvas | None
    notes: tuple[str, ...]

    def path(self, folder: Path) -> Path:
        """Where the bytes are, beside the journal of `folder`."""
        return content_path(folder / RECEIVED, self.sha256, SUFFIXES[self.media_type])


@dataclass(frozen=True, slots=True)
class Uncertain:
    """A request that may have been charged, at `cost_usd` as far as is known; with `open` it stands without its end."""

    provider: str
    cost_usd: float
    call: tuple[int, int]
    open: bool


class Journal:
    """What is on record in `folder`. Read when it is made; all methods wait for the disk, and may be called on any thread."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.done: dict[tuple[str, str], str] = {}
        """SHA-256 of a photo and key of its settings -> the file made of it, relative to the folder."""
        self.requests: dict[str, Received | Uncertain] = {}
        """Hash of a request -> what is known of it, where it need not or must not simply be made."""
        self._writing = threading.Lock()
        with suppress(OSError), self._place.open(encoding="utf-8", errors="replace") as file:
            for line in file:
                # The last line may have been cut short by a crash: what it spoke of had not begun, or has no end.
                with suppress(ValueError, KeyError, TypeError):
                    self._take(json.loads(line))

    def received(self, request: str) -> Received | None:
        """What a generator gave when it was asked this, where the bytes are still there."""
        found = self.requests.get(request)
        return found if isinstance(found, Received) and found.path(self.folder).is_file() else None

    def note_done(self, source: str, settings: str, out: Path) -> None:
        """Put on record that `out`, in the folder, was made of a photo with these settings."""
        name = storable(out.relative_to(self.folder))
        self._write({"source": source, "settings": settings, "out": name})

    def begin(self, call: Call) -> None:
        """Put a paid call on record, before its request leaves."""
        self._write({"begun": _call(call), "at": call.started_at})

    def end(self, ending: Ending, received: Received | None = None) -> None:
        """Put on record how a call ended, and what it gave, whose bytes are on disk."""
        entry: dict[str, Any] = {
            "ended": _call(ending.call) | {"outcome": ending.outcome},
            "cost_usd": ending.cost_usd,
            "cost_basis": ending.cost_basis,
            "usage": asdict(ending.usage) if ending.usage else None,
            "at": now(),
        }
        if received is not None:
            entry["received"] = asdict(received)
        self._write(entry)

    def settle(self) -> list[Uncertain]:
        """Give the calls that an ended program left open the end that is known of them; returns these. Only the one process that
        makes calls in this folder may do so."""
        left = {
            request: known for request, known in self.requests.items() if isinstance(known, Uncertain) and known.open
        }
        for request, known in left.items():
            run, number = known.call
            call = Call(run, number, "restore", known.provider, 1, request, paid=True, estimated_usd=known.cost_usd)
            self.end(Ending(call, Outcome.AMBIGUOUS, known.cost_usd, CostBasis.ESTIMATE))
        return list(left.values())

    @property
    def _place(self) -> Path:
        return self.folder / JOURNAL

    def _take(self, entry: Mapping[str, Any]) -> None:
        if "out" in entry:
            self.done[str(entry["source"]), str(entry["settings"])] = str(entry["out"])
        elif "begun" in entry:
            call = entry["begun"]
            self.requests[call["request"]] = _uncertain(call, float(call["estimated_usd"]), still_open=True)
        elif "received" in entry:
            given = entry["received"]
            canvas = Canvas(**given["canvas"]) if given["canvas"] else None
            received = Received(given["sha256"], given["media_type"], canvas, tuple(given["notes"]))
            self.requests[entry["ended"]["request"]] = received
        else:
            call, cost = entry["ended"], float(entry["cost_usd"])
            # Where nobody knows the price, an estimate cannot be told from nothing.
            guessed = entry["cost_basis"] == CostBasis.ESTIMATE or not call["estimated_usd"]
            if call["paid"] and call["outcome"] in MAY_BE_CHARGED and guessed:
                self.requests[call["request"]] = _uncertain(call, cost, still_open=False)
            else:
                self.requests.pop(call["request"], None)

    def _write(self, entry: dict[str, Any]) -> None:
        """Append an entry; it is on disk when this returns. Raises WriteError."""
        data = json.dumps(entry, ensure_ascii=False).encode() + b"\n"
        try:
            with self._writing, self._place.open("a+b") as file:
                # After a line that a crash cut short, the next one begins a line of its own.
                if file.seek(0, os.SEEK_END) and file.seek(-1, os.SEEK_END) >= 0 and file.read(1) != b"\n":
                    data = b"\n" + data
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise write_error(self._place, error) from error
        self._take(entry)


def _call(call: Call) -> dict[str, Any]:
    return {
        "call": [call.run_id, call.patch_id],
        "request": call.request_hash,
        "provider": call.provider,
        "paid": call.paid,
        "estimated_usd": call.estimated_usd,
    }


def _uncertain(call: Mapping[str, Any], cost_usd: float, *, still_open: bool) -> Uncertain:
    run, number = call["call"]
    return Uncertain(str(call["provider"]), cost_usd, (int(run), int(number)), still_open)
