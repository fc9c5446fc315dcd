"""The webdataset layout: tar shards `train-000000.tar` with `<key>.lq.png`, `<key>.hq.<type>`, `<key>.json`."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

from ggt_studio.dataset.export.facts import WrittenFile
from ggt_studio.dataset.export.files import HashedFile, read_checked
from ggt_studio.dataset.export.rows import Row, Side, flat_of, to_json

SHARD_BYTES = 256 << 20


class WebDatasetWriter:
    """Appends pairs to shards of at most `shard_bytes` (one pair at least), holding one pair in memory."""

    def __init__(self, root: Path, hq_name: str, shard_bytes: int = SHARD_BYTES) -> None:
        self._root = root
        self._hq_name = hq_name
        self._shard_bytes = shard_bytes
        self._side: Side | None = None
        self._index = 0
        self._sink: HashedFile | None = None
        self._tar: tarfile.TarFile | None = None
        self._files: list[WrittenFile] = []

    def add(self, side: Side, row: Row) -> None:
        """Append one pair. Raises `StudioError` for a bad source, OSError for a bad target."""
        facts = row.provenance
        members = {
            "lq.png": read_checked(row.lq_path, facts["lq_sha256"]),
            self._hq_name: read_checked(row.hq_path, facts["hq_sha256"]),
            "json": to_json(flat_of(row)).encode(),
        }
        size = sum(_in_tar(len(data)) for data in members.values())
        tar = self._shard_for(side, size)
        for name, data in members.items():
            info = tarfile.TarInfo(f"{row.key}.{name}")
            info.size = len(data)
            info.mode = 0o644
            tar.addfile(info, io.BytesIO(data))

    def finish(self) -> list[WrittenFile]:
        """Make everything durable and return all files."""
        self._end_shard()
        return self._files

    def abort(self) -> None:
        """Close what is open."""
        if self._sink is not None:
            self._sink.close()

    def _shard_for(self, side: Side, size: int) -> tarfile.TarFile:
        if self._tar is not None and self._sink is not None:
            if side == self._side and self._sink.size + size + tarfile.RECORDSIZE <= self._shard_bytes:
                return self._tar
            self._end_shard()
        self._index = self._index + 1 if side == self._side else 0
        self._side = side
        self._sink = HashedFile(self._root / self._name())
        # TarInfo's own defaults are fixed: time 0, owner 0, no names.
        self._tar = tarfile.TarFile(fileobj=self._sink, mode="w", format=tarfile.USTAR_FORMAT)  # type: ignore[arg-type]
        return self._tar

    def _end_shard(self) -> None:
        if self._tar is not None and self._sink is not None:
            self._tar.close()
            self._files.append(self._sink.finish(self._name()))
            self._tar = self._sink = None

    def _name(self) -> str:
        return f"{self._side}-{self._index:06d}.tar"


def _in_tar(size: int) -> int:
    """Bytes that a member of this size takes: a header block, and its data in whole blocks."""
    return tarfile.BLOCKSIZE + -(-size // tarfile.BLOCKSIZE) * tarfile.BLOCKSIZE
