"""The dataset in Croissant 1.0 (JSON-LD): its files with checksums, and what records can be read from them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

from ggt_studio.core.media import MEDIA_TYPES
from ggt_studio.dataset.export.card import Composition, description, hq_name, licence_ids
from ggt_studio.dataset.export.facts import CardFacts, ExportFormat, WrittenFile
from ggt_studio.dataset.export.rows import clean

# The context that the Croissant 1.0 specification prescribes.
_TERMS = (
    "citeAs column equivalentProperty excludes extract field fileProperty fileObject fileSet format includes "
    "isLiveDataset jsonPath key md5 parentField path recordSet references regex repeated replace samplingRate separator "
    "source subField transform"
)
_CONTEXT: dict[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "sc": "https://schema.org/",
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "dct": "http://purl.org/dc/terms/",
    "conformsTo": "dct:conformsTo",
    "data": {"@id": "cr:data", "@type": "@json"},
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    **{term: f"cr:{term}" for term in _TERMS.split()},
}
_TYPES = {
    "md": "text/markdown",
    "jsonl": "application/jsonlines",
    "parquet": "application/x-parquet",
    "tar": "application/x-tar",
    **{suffix.removeprefix("."): media_type for suffix, media_type in MEDIA_TYPES.items()},
}
_INTEGERS = ("patch_id", "photo_id", "group", "attempts")
_TEXTS = (
    "key",
    "category",
    "lq_sha256",
    "hq_sha256",
    "hq_media_type",
    "source_name",
    "source_sha256",
    "origin",
    "licence",
    "generator",
    "prompt",
    "recipe_hash",
    "judge",
)


def write_croissant(facts: CardFacts, format_: ExportFormat, made: Composition, files: Sequence[WrittenFile]) -> str:
    """The JSON-LD text. Files of images are stated as sets, all others one by one with their SHA-256."""
    single = [f for f in files if not _is_image(f)]
    document = {
        "@context": _CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": "http://mlcommons.org/croissant/1.0",
        "name": " ".join(clean(facts.project).split()),
        "description": description(facts, made),
        "license": _licences(licence_ids(made.totals.licences)),
        "distribution": [*map(_file_object, single), *_file_sets(format_, made, single)],
        "recordSet": [*_image_sets(format_, made), _record_set("provenance", {"fileObject": "provenance.jsonl"}, True)],
    }
    return json.dumps(document, ensure_ascii=False, indent=2) + "\n"


def _licences(ids: Iterable[str]) -> list[str]:
    spdx = {"mit": "MIT", "apache-2.0": "Apache-2.0"}
    other = "Others, as stated for each photo in provenance.jsonl"
    return [other if i == "other" else f"https://spdx.org/licenses/{spdx.get(i, i.upper())}" for i in ids]


def _is_image(file: WrittenFile) -> bool:
    return _TYPES.get(file.path.rsplit(".", 1)[-1], "").startswith("image/")


def _file_object(file: WrittenFile) -> dict[str, Any]:
    return {
        "@type": "cr:FileObject",
        "@id": file.path,
        "name": file.path,
        "contentUrl": file.path,
        "contentSize": f"{file.size} B",
        "encodingFormat": _TYPES[file.path.rsplit(".", 1)[-1]],
        "sha256": file.sha256,
    }


def _file_sets(format_: ExportFormat, made: Composition, files: Iterable[WrittenFile]) -> list[dict[str, Any]]:
    hq_types = sorted(made.totals.hq_extensions)
    if format_ is ExportFormat.PARQUET:
        return [_file_set("shards", ["data/*.parquet"], [_TYPES["parquet"]])]
    if format_ is ExportFormat.IMAGEFOLDER:
        return [
            _file_set("lq-files", ["*/lq/*.png"], [_TYPES["png"]]),
            _file_set("hq-files", [f"*/hq/*.{e}" for e in hq_types], [_TYPES[e] for e in hq_types]),
        ]
    inside = [{"@id": f.path} for f in files if f.path.endswith(".tar")]
    return [
        _file_set("lq-files", ["*.lq.png"], [_TYPES["png"]]) | {"containedIn": inside},
        _file_set("hq-files", [f"*.{hq_name(made)}"], [_TYPES[e] for e in hq_types]) | {"containedIn": inside},
    ]


def _file_set(name: str, includes: list[str], types: list[str]) -> dict[str, Any]:
    return {
        "@type": "cr:FileSet",
        "@id": name,
        "name": name,
        "includes": includes if len(includes) > 1 else includes[0],
        "encodingFormat": types if len(types) > 1 else types[0],
    }


def _image_sets(format_: ExportFormat, made: Composition) -> list[dict[str, Any]]:
    if format_ is ExportFormat.PARQUET:
        pairs = _record_set("pairs", {"fileSet": "shards"}, False)
        for name in ("hq", "lq"):
            source = {"fileSet": {"@id": "shards"}, "extract": {"column": name}, "transform": {"jsonPath": "bytes"}}
            pairs["field"].insert(0, _field(f"pairs/{name}", "sc:ImageObject", source))
        return [pairs]
    sets = []
    for name in ("lq", "hq"):
        files = {"fileSet": {"@id": f"{name}-files"}}
        key = {**files, "extract": {"fileProperty": "filename"}, "transform": {"regex": r"^([^.]+)\."}}
        image = {**files, "extract": {"fileProperty": "content"}}
        sets.append(
            {
                "@type": "cr:RecordSet",
                "@id": name,
                "name": name,
                "description": "Low-quality patches." if name == "lq" else "Generated high-quality targets.",
                "key": {"@id": f"{name}/key"},
                "field": [
                    _field(f"{name}/key", "sc:Text", key) | {"references": {"field": {"@id": "provenance/key"}}},
                    _field(f"{name}/image", "sc:ImageObject", image),
                ],
            }
        )
    return sets


def _record_set(name: str, source: dict[str, str], with_split: bool) -> dict[str, Any]:
    (kind, place) = next(iter(source.items()))
    columns = dict.fromkeys((*_TEXTS, *(("split",) if with_split else ())), "sc:Text")
    columns |= dict.fromkeys(_INTEGERS, "sc:Integer")
    return {
        "@type": "cr:RecordSet",
        "@id": name,
        "name": name,
        "description": "A record per pair; `key` names it everywhere in the dataset.",
        "key": {"@id": f"{name}/key"},
        "field": [
            _field(f"{name}/{column}", type_, {kind: {"@id": place}, "extract": {"column": column}})
            for column, type_ in columns.items()
        ],
    }


def _field(name: str, type_: str, source: dict[str, Any]) -> dict[str, Any]:
    return {"@type": "cr:Field", "@id": name, "name": name, "dataType": type_, "source": source}
