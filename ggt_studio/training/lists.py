"""Lists of files to pack: what a process that knows the project tells the worker. Light."""

from __future__ import annotations

import filecmp
import json
from collections.abc import Iterable, Iterator
from pathlib import Path

from ggt_studio.training.pairs import PairFiles


def write_list(path: Path, pairs: Iterable[PairFiles]) -> bool:
    """Write pairs to a list of files, one JSON line each, with the size and time of each file. Returns whether the list that was
    there is the same: then what was packed of it is what would be packed now."""
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(f"{path.name}.new")
    with new.open("w", encoding="utf-8") as file:
        for pair in pairs:
            files = [str(one) if one else None for one in (pair.lq, pair.hq)]
            stands = [_stand(one) for one in (pair.lq, pair.hq) if one]
            values = {"name": pair.name, "files": files, "about": dict(pair.about), "stands": stands}
            file.write(json.dumps(values, ensure_ascii=True) + "\n")
    same = path.is_file() and filecmp.cmp(path, new, shallow=False)
    new.replace(path)
    return same


def read_list(path: Path) -> Iterator[PairFiles]:
    """The pairs of such a list."""
    with path.open(encoding="utf-8") as file:
        for line in file:
            values = json.loads(line)
            lq, hq = values["files"]
            yield PairFiles(values["name"], Path(lq) if lq else None, Path(hq), values["about"])


def _stand(path: Path) -> list[int]:
    """Size in bytes and time of a file; nothing of one that is gone, which packing tells."""
    try:
        status = path.stat()
    except OSError:
        return []
    return [status.st_size, status.st_mtime_ns]
