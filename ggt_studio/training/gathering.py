"""Packing the pairs of a job into its folder; worker method, from lists of files that others wrote."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ggt_studio.core.errors import StudioError
from ggt_studio.training.lists import read_list
from ggt_studio.training.pack import Pack
from ggt_studio.training.packing import write_pack
from ggt_studio.worker.job import Job as Request


def pack_list(params: dict[str, Any], request: Request) -> dict[str, Any]:
    """Worker method: write a pack. `params`: `list`, `pack` (paths). Reports `pairs`.

    Returns `pairs`, `bytes`, `sha256`, `smallest` (the shortest side of any picture, px) and `refused`, a list of {name, why}. A
    pack that is there already is taken as it is. Raises StudioError, as `write_pack` does.
    """
    source, path = Path(params["list"]), Path(params["pack"])
    total = sum(1 for _ in source.open(encoding="utf-8"))
    refused: list[dict[str, str]] = []
    if not path.exists():
        info = write_pack(
            read_list(source),
            path,
            progress=lambda done: request.report("pairs", done, total),
            check=request.check,
        )
        refused = [{"name": one.name, "why": one.why} for one in info.refused]
    with Pack(path) as pack:
        if not len(pack):
            raise StudioError(f"{path.name} holds no pairs.")
        smallest = min(min(pack.size(index)) for index in range(len(pack)))
        return {
            "pairs": len(pack),
            "bytes": path.stat().st_size,
            "sha256": pack.sha256,
            "smallest": smallest,
            "refused": refused,
        }
