"""The pairs to export, kept on disk: one pass over what the caller hands in, any number in any order afterwards."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ggt_studio.core.words import Category
from ggt_studio.dataset.export.files import source_size
from ggt_studio.dataset.export.rows import Row, row_of
from ggt_studio.dataset.records import PairRecord


@dataclass(frozen=True, slots=True)
class Entry:
    """What stays in memory of a pair: what the split needs and where the rest lies."""

    patch_id: int
    group: int
    category: Category
    offset: int


@dataclass(slots=True)
class Totals:
    """What the pairs have in common: sizes in bytes, file types, metrics, and photos by licence, origin and group."""

    size: int = 0
    hq_extensions: set[str] = field(default_factory=set)
    metrics: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    licences: dict[str, set[int]] = field(default_factory=lambda: defaultdict(set))
    origins: dict[str, set[int]] = field(default_factory=lambda: defaultdict(set))
    groups: dict[int, set[int]] = field(default_factory=lambda: defaultdict(set))
    generators: Counter[str] = field(default_factory=Counter)
    unreviewed: int = 0

    @property
    def near_duplicate_groups(self) -> int:
        """Groups of more than one photo."""
        return sum(len(photos) > 1 for photos in self.groups.values())

    def add(self, row: Row) -> None:
        """Count one more pair. Raises `StudioError` where its files cannot be reached."""
        facts = row.provenance
        self.size += source_size(row.lq_path) + source_size(row.hq_path)
        self.hq_extensions.add(row.hq_extension)
        for name in ("scores_lq", "scores_hq", "scores_between"):
            self.metrics[name].update(facts[name])
        self.licences[facts["licence"]].add(facts["photo_id"])
        self.origins[facts["origin"]].add(facts["photo_id"])
        self.groups[facts["group"]].add(facts["photo_id"])
        self.generators[facts["generator"]] += 1
        self.unreviewed += facts["review"] is None


class Selection:
    """Rows spooled to a file, so that memory holds some 200 bytes of a pair whatever its prompts and reasons say."""

    def __init__(self, path: Path) -> None:
        self.entries: list[Entry] = []
        self.totals = Totals()
        self._path = path

    def gather(self, pairs: Iterable[PairRecord], check: Callable[[], None]) -> None:
        """Take in all pairs, calling `check` before each. Raises what `check` raises; OSError where the disk is full."""
        with self._path.open("xb") as file:
            for pair in pairs:
                check()
                row = row_of(pair)
                self.totals.add(row)
                self.entries.append(Entry(pair.patch_id, pair.group, pair.category, file.tell()))
                file.write(_to_line(row))

    def rows(self, patch_ids: Iterable[int]) -> Iterator[Row]:
        """The rows of these patches, in this order."""
        offsets = {entry.patch_id: entry.offset for entry in self.entries}
        with self._path.open("rb") as file:
            for patch_id in patch_ids:
                file.seek(offsets[patch_id])
                yield _from_line(file.readline())


def _to_line(row: Row) -> bytes:
    fields = [row.key, str(row.lq_path), str(row.hq_path), row.hq_extension, row.provenance]
    return json.dumps(fields).encode() + b"\n"


def _from_line(line: bytes) -> Row:
    key, lq_path, hq_path, hq_extension, provenance = json.loads(line)
    facts: dict[str, Any] = provenance
    return Row(key, Path(lq_path), Path(hq_path), hq_extension, facts)
