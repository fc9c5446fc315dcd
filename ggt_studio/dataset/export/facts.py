"""What a caller tells an export and what it gets back: format, facts for the dataset card, report."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from ggt_studio.dataset.include import Include


class ExportFormat(StrEnum):
    """The layouts of an exported dataset; each holds the exact bytes of every LQ and HQ file."""

    IMAGEFOLDER = "imagefolder"
    PARQUET = "parquet"
    WEBDATASET = "webdataset"


class ExportCancelled(Exception):
    """The export was stopped on request and nothing of it is left."""


@dataclass(frozen=True, slots=True)
class CardFacts:
    """What the dataset card says beyond what the pairs themselves tell.

    `include` is the selection.
    `funnel` is the ordered list of (label, count) from imported photos to the selection. `recipes` are JSON-like
    mappings, one per recipe that made a pair (`hash` among the keys). `notes` are a person's own paragraphs.
    No field may hold a time or a place on this machine; paths inside `recipes` are reduced to their file names.
    """

    project: str
    include: Include
    funnel: tuple[tuple[str, int], ...] = ()
    recipes: tuple[Mapping[str, Any], ...] = ()
    notes: tuple[str, ...] = field(default=())


@dataclass(frozen=True, slots=True)
class ExportReport:
    """What was exported: pairs in all, on each side of the split, and the folder that holds them."""

    pairs: int
    train: int
    test: int
    path: Path


@dataclass(frozen=True, slots=True)
class WrittenFile:
    """A finished file of an export: path relative to its root with forward slashes, SHA-256 and size in bytes."""

    path: str
    sha256: str
    size: int
