"""Lists of files to pack: what a process that knows the project tells the worker. Light."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path

from ggt_studio.training.pairs import PairFiles


def write_list(path: Path, pairs: Iterable[PairFiles]) -> int:
    """Write pairs to a list of files, one JSON line each; how many they are."""
    path.parent.mkdir(parents=True, exist_ok=True)
    count = 0
    with path.open("w", encoding="utf-8") as file:
        for pair in pairs:
            count += 1
            values = {"name": pair.name, "lq": pair.lq and str(pair.lq), "hq": str(pair.hq), "about": dict(pair.about)}
            file.write(json.dumps(values, ensure_ascii=True) + "\n")
    return count


def read_list(path: Path) -> Iterator[PairFiles]:
    """The pairs of such a list."""
    with path.open(encoding="utf-8") as file:
        for line in file:
            values = json.loads(line)
            lq = Path(values["lq"]) if values["lq"] else None
            yield PairFiles(values["name"], lq, Path(values["hq"]), values["about"])
