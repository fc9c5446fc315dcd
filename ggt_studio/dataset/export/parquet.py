"""The parquet layout: shards `data/train-00000-of-00002.parquet` with both images and all provenance in typed columns."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from ggt_studio.core.words import Aspect
from ggt_studio.dataset.export.facts import WrittenFile
from ggt_studio.dataset.export.files import HashedFile, read_checked
from ggt_studio.dataset.export.rows import Row, Side

SHARD_BYTES = 256 << 20
_GROUP_BYTES = 32 << 20
_GROUP_ROWS = 100
# What parquet itself adds for some sixty columns: measured 15 kB a shard and 9 kB a row group.
_SHARD_OVERHEAD = 32 << 10
_GROUP_OVERHEAD = 16 << 10
_SCORES = {"scores_lq": "score_lq_", "scores_hq": "score_hq_", "scores_between": "score_between_"}

_IMAGE = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
_GEOMETRY = pa.struct(
    [
        (name, pa.int32())
        for name in (
            "photo_width",
            "photo_height",
            "resized_width",
            "resized_height",
            "left",
            "top",
            "width",
            "height",
        )
    ]
)
_ALIGNMENT = pa.struct([(name, pa.float64()) for name in ("dx", "dy", "scale", "rotation_deg", "correlation")])
_ASPECT = pa.struct([("score", pa.float64()), ("reason", pa.string())])
_VERDICT = pa.struct(
    [("decision", pa.string()), ("aspects", pa.struct([(aspect.value, _ASPECT) for aspect in Aspect]))]
)
_REVIEW = pa.struct([(name, pa.string()) for name in ("decision", "reason", "words", "reviewer", "at")])


def schema_of(metrics: Mapping[str, set[str]]) -> pa.Schema:
    """Columns of every shard: `lq` and `hq` as images, then provenance, then a column per score.

    `metrics` names the metrics of `scores_lq`, `scores_hq` and `scores_between`; they become `score_lq_niqe` and so
    on, null where a pair lacks the score. The features are stated in the schema as Hugging Face `datasets` reads them.
    """
    text, number = pa.string(), pa.int64()
    columns: list[tuple[str, pa.DataType]] = [
        ("lq", _IMAGE),
        ("hq", _IMAGE),
        ("key", text),
        ("patch_id", number),
        ("photo_id", number),
        ("group", number),
        ("category", text),
        ("lq_sha256", text),
        ("hq_sha256", text),
        ("hq_media_type", text),
        ("source_name", text),
        ("source_sha256", text),
        ("origin", text),
        ("licence", text),
        ("geometry", _GEOMETRY),
        ("attempts", number),
        ("generator", text),
        ("prompt", text),
        ("recipe_hash", text),
        ("alignment", _ALIGNMENT),
        ("judge", text),
        ("verdict", _VERDICT),
        ("review", _REVIEW),
    ]
    for name, prefix in _SCORES.items():
        columns += [(prefix + metric, pa.float64()) for metric in sorted(metrics.get(name, ()))]
    features = {name: {"_type": "Image"} if kind is _IMAGE else _feature(kind) for name, kind in columns}
    stated = json.dumps({"info": {"features": features}})
    return pa.schema([pa.field(name, kind) for name, kind in columns], metadata={"huggingface": stated})


class ParquetWriter:
    """Appends pairs to shards of about `shard_bytes` at most (one pair at least).

    A row group of up to 100 pairs or 32 MB is held in memory, beside what pyarrow needs to encode it.
    """

    def __init__(self, root: Path, metrics: Mapping[str, set[str]], shard_bytes: int = SHARD_BYTES) -> None:
        self._folder = root / "data"
        self._folder.mkdir()
        self._schema = schema_of(metrics)
        self._shard_bytes = shard_bytes
        self._side: Side | None = None
        self._pending: list[dict[str, Any]] = []
        self._pending_bytes = 0
        self._shard_size = 0
        self._sink: HashedFile | None = None
        self._writer: pq.ParquetWriter | None = None
        self._shards: dict[Side, list[WrittenFile]] = {}

    def add(self, side: Side, row: Row) -> None:
        """Append one pair. Raises `StudioError` for a bad source, OSError for a bad target."""
        record, size = _record(row)
        if not self._pending:
            size += _GROUP_OVERHEAD
        if self._side not in (None, side) or (self._shard_size and self._shard_size + size > self._shard_bytes):
            self._end_shard()
        if not self._shard_size:
            size += _SHARD_OVERHEAD
        self._side = side
        self._pending.append(record)
        self._pending_bytes += size
        self._shard_size += size
        if len(self._pending) >= _GROUP_ROWS or self._pending_bytes >= _GROUP_BYTES:
            self._write_group()

    def finish(self) -> list[WrittenFile]:
        """Make everything durable, give the shards their final names and return all files."""
        self._end_shard()
        files: list[WrittenFile] = []
        for side, shards in self._shards.items():
            for index, shard in enumerate(shards):
                name = f"{side}-{index:05d}-of-{len(shards):05d}.parquet"
                (self._folder / shard.path).rename(self._folder / name)
                files.append(WrittenFile(f"data/{name}", shard.sha256, shard.size))
        return files

    def abort(self) -> None:
        """Close what is open."""
        if self._sink is not None:
            self._sink.close()

    def _write_group(self) -> None:
        if not self._pending or self._side is None:
            return
        if self._writer is None:
            number = len(self._shards.setdefault(self._side, []))
            self._sink = HashedFile(self._folder / f"{self._side}-{number}.unnamed")
            self._writer = pq.ParquetWriter(self._sink, self._schema, **_encoding(self._schema))
        self._writer.write_table(pa.Table.from_pylist(self._pending, self._schema), row_group_size=_GROUP_ROWS)
        self._pending, self._pending_bytes = [], 0

    def _end_shard(self) -> None:
        self._write_group()
        if self._writer is not None and self._sink is not None and self._side is not None:
            self._writer.close()
            self._shards[self._side].append(self._sink.finish(self._sink.path.name))
        self._writer = self._sink = None
        self._shard_size = 0


def _encoding(schema: pa.Schema) -> dict[str, Any]:
    """How columns are stored. Images are compressed already; statistics and dictionaries of their bytes would only cost."""
    plain = [f.name for f in schema if not pa.types.is_nested(f.type)]
    compression = dict.fromkeys(plain, "ZSTD") | {"lq.bytes": "NONE", "hq.bytes": "NONE"}
    return {"compression": compression, "use_dictionary": plain, "write_statistics": plain}


def _record(row: Row) -> tuple[dict[str, Any], int]:
    """A row as the schema wants it, and roughly its bytes."""
    facts = row.provenance
    lq, hq = read_checked(row.lq_path, facts["lq_sha256"]), read_checked(row.hq_path, facts["hq_sha256"])
    record = {name: value for name, value in facts.items() if name not in _SCORES}
    record["lq"] = {"bytes": lq, "path": f"{row.key}.lq.png"}
    record["hq"] = {"bytes": hq, "path": f"{row.key}.hq.{row.hq_extension}"}
    for name, prefix in _SCORES.items():
        record |= {prefix + metric: value for metric, value in facts[name].items()}
    return record, len(lq) + len(hq) + 2 * len(repr(facts))


def _feature(kind: pa.DataType) -> dict[str, Any]:
    if pa.types.is_struct(kind):
        return {field.name: _feature(field.type) for field in kind}
    names = {pa.string(): "string", pa.int64(): "int64", pa.int32(): "int32", pa.float64(): "float64"}
    return {"dtype": names[kind], "_type": "Value"}
