"""One pair as a row of an exported dataset: its key, its file names and its provenance as JSON-like values."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from ggt_studio.core.errors import StudioError
from ggt_studio.core.media import SUFFIXES
from ggt_studio.core.words import Aspect
from ggt_studio.dataset.records import PairRecord

Side = Literal["train", "test"]

_FLAT = (
    "key",
    "patch_id",
    "photo_id",
    "group",
    "category",
    "origin",
    "licence",
    "attempts",
    "generator",
    "prompt",
    "hq_media_type",
)
_ABSOLUTE = re.compile(r"(?:file:/|~?/|[A-Za-z]:[\\/]|\\\\)[^\n]*[\\/]([^\\/\n]*)[\\/]?")


@dataclass(frozen=True, slots=True)
class Row:
    """A pair on its way out: where its bytes are now, and what is said of it.

    `provenance` holds only strings, finite numbers, None, lists and mappings; see `provenance_of` for its keys.
    """

    key: str
    lq_path: Path
    hq_path: Path
    hq_extension: str
    provenance: dict[str, Any]


def row_of(pair: PairRecord) -> Row:
    """The row of a pair. Raises `StudioError` where its HQ file is of a type that no dataset reader opens."""
    return Row(
        key=key_of(pair),
        lq_path=pair.lq_path,
        hq_path=pair.hq_path,
        hq_extension=extension_of(pair),
        provenance=provenance_of(pair),
    )


def key_of(pair: PairRecord) -> str:
    """Name of a pair, unique in its project, in plain ASCII without dots: `haze-00000042`."""
    return f"{pair.category.value}-{pair.patch_id:08d}"


def extension_of(pair: PairRecord) -> str:
    """File name extension of the HQ bytes, without the dot, from their media type."""
    try:
        return SUFFIXES[pair.hq_media_type].removeprefix(".")
    except KeyError:
        raise StudioError(
            f"The target of patch {pair.patch_id} is a file of type {pair.hq_media_type!r}, which dataset readers do "
            f"not open. Leave this pair out, or generate it again as PNG, JPEG or WebP."
        ) from None


def provenance_of(pair: PairRecord) -> dict[str, Any]:
    """Where each byte of the pair came from, with the same keys for every pair.

    Of the photo only the file name is told, with its SHA-256: the folders above it may name people or places, and
    the folder it was imported from is not on record. A judge's unparsed reply is left out; its scores, reasons and
    decision are there. A missing fact is None, as is a score that is not a finite number.
    """
    verdict, reviewed = pair.verdict, pair.reviewed
    return clean(
        {
            "key": key_of(pair),
            "patch_id": pair.patch_id,
            "photo_id": pair.photo_id,
            "group": pair.group,
            "category": pair.category.value,
            "lq_sha256": pair.lq_sha256,
            "hq_sha256": pair.hq_sha256,
            "hq_media_type": pair.hq_media_type,
            "source_name": file_name(pair.source_path),
            "source_sha256": pair.source_sha256,
            "origin": pair.origin.value,
            "licence": pair.licence,
            "geometry": asdict(pair.geometry),
            "attempts": pair.attempts,
            "generator": pair.generator,
            "prompt": pair.prompt,
            "recipe_hash": pair.recipe_hash,
            "scores_lq": dict(sorted(pair.scores_lq.items())),
            "scores_hq": dict(sorted(pair.scores_hq.items())),
            "scores_between": dict(sorted(pair.scores_between.items())),
            "alignment": None if pair.alignment is None else asdict(pair.alignment),
            "judge": pair.judge,
            "verdict": None
            if verdict is None
            else {
                "decision": verdict.decision.value,
                "aspects": {
                    a.value: asdict(verdict.aspects[a]) if a in verdict.aspects else {"score": None, "reason": None}
                    for a in Aspect
                },
            },
            "review": None
            if reviewed is None
            else {
                "decision": reviewed.decision.value,
                "reason": None if reviewed.reason is None else reviewed.reason.value,
                "words": reviewed.words,
                "reviewer": reviewed.reviewer,
                "at": pair.reviewed_at,
            },
        }
    )


def flat_of(row: Row) -> dict[str, Any]:
    """The row for readers that infer types from the first values they meet: no column is ever null or of another type.

    All that may be missing is in the column `provenance`, as JSON text.
    """
    facts = row.provenance
    flat = {name: facts[name] for name in _FLAT}
    flat["provenance"] = to_json({name: value for name, value in facts.items() if name not in flat})
    return flat


def file_name(path: str) -> str:
    """Last part of a path of any operating system; this one may have been recorded on another."""
    return re.split(r"[\\/]", path.rstrip("\\/"))[-1]


def without_folders(value: Any) -> Any:
    """The value with each string that is an absolute path reduced to its file name, at any depth."""
    if isinstance(value, str):
        match = _ABSOLUTE.fullmatch(value)
        return match[1] if match else value
    if isinstance(value, Mapping):
        return {k: without_folders(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [without_folders(v) for v in value]
    return value


def clean(value: Any) -> Any:
    """The value as JSON and UTF-8 can hold it: numbers that are not finite become None, undecodable characters U+FFFD."""
    if isinstance(value, str):
        return value.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {clean(str(k)): clean(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [clean(v) for v in value]
    return value


def to_json(value: Any) -> str:
    """One line of JSON in the characters of its script; equal values give equal text.

    Line separators that some readers take for the end of a line are escaped.
    """
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(", ", ": "))
    return text.replace("\u2028", "\\u2028").replace("\u2029", "\\u2029").replace("\x85", "\\u0085")
