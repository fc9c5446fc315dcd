"""What a model folder holds: pipeline class, components, sizes; and in words what is wrong with one that cannot be used."""

from __future__ import annotations

import hashlib
import json
import math
import re
import struct
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ggt_studio.core.errors import StudioError
from ggt_studio.providers.local.families import FAMILIES, Family

_BLOCK = re.compile(r"^(.*?\.\d+)\.")
_NAMES = ("diffusion_pytorch_model", "model")
_MAX_HEADER = 100_000_000
_FLOAT_BYTES = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2}
_CODE_WEIGHTS = (".bin", ".pt", ".pth", ".ckpt")


@dataclass(frozen=True, slots=True)
class ComponentSize:
    """Numbers of parameters of one component: all, in its largest block (layer), outside of blocks; `file_bytes` on disk.

    `bytes_per_parameter` as stored; under 2 the component was saved in a quantised form.
    """

    parameters: int
    largest_block: int
    outside_blocks: int
    file_bytes: int

    @property
    def bytes_per_parameter(self) -> float:
        """Bytes on disk per parameter."""
        return self.file_bytes / max(1, self.parameters)


@dataclass(frozen=True, slots=True)
class ModelFolder:
    """A folder that can be loaded. `fingerprint` (SHA-256) changes with any file's size and any configuration's content."""

    path: Path
    family: Family
    sizes: dict[str, ComponentSize]
    fingerprint: str

    @property
    def file_bytes(self) -> int:
        """The size of all weights on disk."""
        return sum(size.file_bytes for size in self.sizes.values())


def inspect_folder(folder: Path, pipeline: str = "", families: Mapping[str, Family] = FAMILIES) -> ModelFolder:
    """Look at a folder as `save_pretrained` of diffusers writes it, without torch; reads no weights, only their headers.

    `pipeline` is the class that it should hold, where only one will do; `families` are those that can be used. Raises StudioError
    saying what was found instead.
    """
    index = _index(folder)
    name = index.get("_class_name")
    family = families.get(name) if isinstance(name, str) else None
    if family is None:
        raise StudioError(f"{folder} holds a {name or 'nameless pipeline'}; here {_either(families)} can be used.")
    if pipeline and name != pipeline:
        raise StudioError(f"{folder} holds a {name}, but this model is a {pipeline}. Choose its own folder.")
    for component in (*family.weights, *family.others):
        entry = index.get(component)
        if not isinstance(entry, list) or None in entry or not (folder / component).is_dir():
            raise StudioError(
                f"The {name} in {folder} has no {component}: the folder is incomplete. Download the model again."
            )
    sizes = {component: _component_size(folder / component) for component in family.weights}
    return ModelFolder(folder, family, sizes, _fingerprint(folder, (*family.weights, *family.others)))


def _index(folder: Path) -> dict[str, Any]:
    if not folder.exists():
        raise StudioError(f"There is no folder {folder}. Download the model, or choose where it is.")
    if not folder.is_dir():
        raise StudioError(
            f"{folder} is a single file. A whole pipeline is needed: the folder with model_index.json in it."
        )
    try:
        index = json.loads((folder / "model_index.json").read_text("utf-8"))
    except FileNotFoundError as error:
        raise StudioError(
            f"{folder} is no pipeline folder: it has no model_index.json. {_found(folder)} Choose the folder that holds "
            "transformer, text_encoder and vae as folders."
        ) from error
    except (OSError, ValueError) as error:
        raise StudioError(
            f"{folder / 'model_index.json'} cannot be read: {error}. Download the model again."
        ) from error
    if not isinstance(index, dict):
        raise StudioError(f"{folder / 'model_index.json'} describes no pipeline. Download the model again.")
    return index


def _found(folder: Path) -> str:
    """What a folder that is no pipeline seems to be."""
    if (folder.parent / "model_index.json").is_file():
        return f"It is a part of the pipeline in {folder.parent}."
    inside = [entry.name for entry in sorted(folder.iterdir()) if (entry / "model_index.json").is_file()]
    if inside:
        return f"There are pipelines in it: {', '.join(inside[:5])}."
    if (folder / "adapter_config.json").is_file():
        return "It holds a LoRA."
    try:
        config = json.loads((folder / "config.json").read_text("utf-8"))
    except (OSError, ValueError):
        config = None
    if isinstance(config, dict):
        kind = config.get("_class_name") or ", ".join(config.get("architectures") or ()) or "model"
        return f"It holds a single {kind}."
    files = Counter(entry.suffix or "nameless" for entry in folder.iterdir() if entry.is_file())
    if not files:
        return "It holds no files."
    return "It holds " + ", ".join(f"{count} {suffix} files" for suffix, count in files.most_common(3)) + "."


def _component_size(folder: Path) -> ComponentSize:
    files = _weight_files(folder)
    sizes: Counter[str] = Counter()
    for file in files:
        for name, (dtype, shape) in _header(file).items():
            width = _FLOAT_BYTES.get(dtype, 1)
            # Quantised weights are packed: they count as what they take up, one byte a parameter.
            sizes[name] += math.prod(shape) if width > 1 or dtype in {"I8", "U8"} else 0
    blocks: Counter[str] = Counter()
    outside = 0
    for name, parameters in sizes.items():
        if match := _BLOCK.match(name):
            blocks[match[1]] += parameters
        else:
            outside += parameters
    total = blocks.total() + outside
    return ComponentSize(total, max(blocks.values(), default=0), outside, sum(file.stat().st_size for file in files))


def _weight_files(folder: Path) -> list[Path]:
    """The files with a component's weights. Raises StudioError when they are not all there, or are code."""
    for name in _NAMES:
        listing = folder / f"{name}.safetensors.index.json"
        if listing.is_file():
            try:
                shards = sorted(set(json.loads(listing.read_text("utf-8"))["weight_map"].values()))
            except (OSError, ValueError, KeyError, AttributeError) as error:
                raise StudioError(f"{listing} cannot be read: {error}. Download the model again.") from error
            missing = [shard for shard in shards if not (folder / shard).is_file()]
            if missing:
                raise StudioError(
                    f"{folder} lacks {len(missing)} of {len(shards)} weight files ({missing[0]}, ...): the download is "
                    "incomplete. Continue it."
                )
            return [folder / shard for shard in shards]
        if (folder / f"{name}.safetensors").is_file():
            return [folder / f"{name}.safetensors"]
    others = [entry.name for entry in sorted(folder.iterdir()) if entry.suffix in _CODE_WEIGHTS]
    if others:
        raise StudioError(
            f"{folder} holds its weights as {others[0]}, a format that can hold code and is not read. Get the model in "
            "the safetensors format."
        )
    raise StudioError(f"{folder} holds no weights: the download is incomplete. Continue it.")


def _header(file: Path) -> dict[str, tuple[str, tuple[int, ...]]]:
    """Names, types and shapes in a safetensors file. Raises StudioError when the file is not whole."""
    size = file.stat().st_size
    try:
        with file.open("rb") as stream:
            length = struct.unpack("<Q", stream.read(8))[0]
            if length > min(size, _MAX_HEADER):
                raise ValueError("its header is longer than the file")
            entries = json.loads(stream.read(length))
        entries.pop("__metadata__", None)
        end = max((entry["data_offsets"][1] for entry in entries.values()), default=0)
        if 8 + length + end != size:
            raise ValueError(f"it has {size} bytes of {8 + length + end}")
        return {name: (entry["dtype"], tuple(entry["shape"])) for name, entry in entries.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, struct.error) as error:
        raise StudioError(f"The weights in {file} are not whole ({error}). Download the model again.") from error


def _fingerprint(folder: Path, components: tuple[str, ...]) -> str:
    digest = hashlib.sha256()
    files = [folder / "model_index.json"]
    for component in components:
        files += sorted(path for path in (folder / component).iterdir() if path.is_file())
    for path in files:
        if path.suffix == ".json":
            content = hashlib.sha256(path.read_bytes()).hexdigest()
        elif path.suffix == ".safetensors":
            content = str(path.stat().st_size)
        else:
            continue
        digest.update(f"{path.relative_to(folder).as_posix()}\0{content}\0".encode())
    return digest.hexdigest()


def _either(names: Mapping[str, Any]) -> str:
    *most, last = names
    return f"{', '.join(most)} or {last}"
