"""The imagefolder layout: `train/lq/<key>.png`, `train/hq/<key>.<type>`, `train/metadata.jsonl`, the same for test."""

from __future__ import annotations

from pathlib import Path

from ggt_studio.core.files import sync_folder
from ggt_studio.dataset.export.facts import WrittenFile
from ggt_studio.dataset.export.files import HashedFile, place
from ggt_studio.dataset.export.rows import Row, Side, flat_of, to_json


class ImageFolderWriter:
    """Places the files of one pair after another. Image bytes are never held in memory where they can be linked."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._files: list[WrittenFile] = []
        self._metadata: dict[Side, HashedFile] = {}

    def add(self, side: Side, row: Row) -> None:
        """Place both files and list them. Raises `StudioError` for a bad source, OSError for a bad target."""
        facts = row.provenance
        if side not in self._metadata:
            for name in ("lq", "hq"):
                (self._root / side / name).mkdir(parents=True)
            self._metadata[side] = HashedFile(self._root / side / "metadata.jsonl")
        lq, hq = f"lq/{row.key}.png", f"hq/{row.key}.{row.hq_extension}"
        self._files.append(place(row.lq_path, facts["lq_sha256"], self._root, f"{side}/{lq}"))
        self._files.append(place(row.hq_path, facts["hq_sha256"], self._root, f"{side}/{hq}"))
        line = {"lq_file_name": lq, "hq_file_name": hq, **flat_of(row)}
        self._metadata[side].write(f"{to_json(line)}\n".encode())

    def finish(self) -> list[WrittenFile]:
        """Make everything durable and return all files."""
        for side, file in self._metadata.items():
            self._files.append(file.finish(f"{side}/metadata.jsonl"))
            for name in ("lq", "hq", "."):
                sync_folder(self._root / side / name)
        return self._files

    def abort(self) -> None:
        """Close what is open."""
        for file in self._metadata.values():
            file.close()
