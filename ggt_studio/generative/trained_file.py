"""The file of what was trained into a generative model: what its header says, to be believed only after a look. Light."""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ggt_studio.core.errors import StudioError
from ggt_studio.core.sniff import display_name
from ggt_studio.generative.bases import Base
from ggt_studio.generative.options import GENERATIVE, GenerativeOptions, parse_options
from ggt_studio.restorers.files import Container, UnusableCheckpoint, file_bytes, inspect_file

HEADER = "ggt_studio_generative"
FORMAT = 1


@dataclass(frozen=True, slots=True)
class TrainedFile:
    """A LoRA or ControlNet that was trained here: into which `base`, with which options; `told`: run, recipe, step, dataset."""

    path: Path
    network: str
    options: GenerativeOptions
    base: Base
    told: Mapping[str, str]
    parameters: int

    @property
    def name(self) -> str:
        """The file's name, as it can be shown."""
        return display_name(self.path)

    @property
    def file_bytes(self) -> int:
        """The file's size."""
        return file_bytes(self.path)


def header_of(network: str, options: GenerativeOptions, base: Base) -> dict[str, str]:
    """What such a file says of itself in its header."""
    facts = {"format": FORMAT, "network": network, "options": options.model_dump(mode="json"), "base": base.to_json()}
    return {HEADER: json.dumps(facts, ensure_ascii=False, sort_keys=True)}


def is_trained_file(path: Path) -> bool:
    """Whether a file says that it is one. Reads its first bytes, and never raises."""
    try:
        return HEADER in _metadata(_entries(path))
    except (OSError, ValueError, TypeError, AttributeError, struct.error):
        return False


def read_trained(path: Path) -> TrainedFile:
    """Read a file's header, and compare it with the file. Raises UnusableCheckpoint, saying what was found."""
    name = display_name(path)
    if inspect_file(path) is not Container.SAFETENSORS:
        raise UnusableCheckpoint(f"{name} was not trained into a generative model here: it is no safetensors file.")
    entries = _entries(path)
    metadata = _metadata(entries)
    if HEADER not in metadata:
        raise UnusableCheckpoint(
            f"{name} does not say which model it was trained into. Choose a file that `train` has made."
        )
    try:
        facts = json.loads(metadata[HEADER])
        if facts["format"] > FORMAT:
            raise UnusableCheckpoint(f"{name} was made by a newer version of GGT Studio; update to use it.")
        network = facts["network"]
        if network not in GENERATIVE:
            raise UnusableCheckpoint(f"{name} is a {network}, which is not known here.")
        options = parse_options(network, facts["options"], name)
        base = Base.from_json(facts["base"])
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise UnusableCheckpoint(
            f"{name}: what it says of itself cannot be read. The file is damaged or was tampered with."
        ) from error
    except UnusableCheckpoint:
        raise
    except StudioError as error:
        raise UnusableCheckpoint(str(error)) from error
    told = {key: value for key, value in metadata.items() if key != HEADER and isinstance(value, str)}
    sizes = [_size(entry) for key, entry in entries.items() if key != "__metadata__"]
    return TrainedFile(path, network, options, base, told, sum(sizes))


def _entries(path: Path) -> dict[str, Any]:
    with path.open("rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        if length > file_bytes(path):
            raise ValueError("no safetensors file")
        entries = json.loads(file.read(length))
    if not isinstance(entries, dict):
        raise TypeError("no safetensors file")
    return entries


def _metadata(entries: dict[str, Any]) -> dict[str, Any]:
    metadata = entries.get("__metadata__") or {}
    return metadata if isinstance(metadata, dict) else {}


def _size(entry: dict[str, Any]) -> int:
    size = 1
    for side in entry["shape"]:
        size *= side
    return size
