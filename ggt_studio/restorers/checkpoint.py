"""Tensors out of an untrusted checkpoint: safetensors, or PyTorch's unpickler for weights alone; never anything else."""

from __future__ import annotations

import argparse
import pickle
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file
from torch import Tensor

from ggt_studio.core.sniff import display_name
from ggt_studio.restorers.files import Container, UnusableCheckpoint, file_bytes, inspect_file

StateDict = dict[str, Tensor]

# Where training programs put the weights that are meant for use: averaged ones before those of the last step.
_WEIGHTS = (
    "params_ema",
    "params-ema",
    "ema",
    "state_dict_ema",
    "params",
    "state_dict",
    "model_state_dict",
    "model",
    "net",
)
_PREFIXES = ("module.", "_orig_mod.", "netG.", "net.", "net_g.", "ema_model.", "model.", "generator.")
# Numbers as numpy wrote them and the options of a training: data, whose types hold no code.
_SCALAR = getattr(np, "_core").multiarray.scalar  # noqa: B009 - numpy names its way to it only in what it pickles
_DATA_TYPES = [
    argparse.Namespace,
    np.dtype,
    _SCALAR,
    (_SCALAR, "numpy.core.multiarray.scalar"),
    *(type(np.dtype(name)) for name in ("float32", "float64", "int64", "int32", "bool")),
]
_MAX_SIDE = 1 << 24


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A file's weights, in main memory: floating-point ones as float32, names without the wrappers that trainings add.

    `options` are what a training noted beside the weights (names to numbers, texts, lists); they are claims, never code.
    """

    path: Path
    container: Container
    weights: StateDict
    options: Mapping[str, Any]
    file_bytes: int

    @property
    def name(self) -> str:
        """The file's name, as it can be shown."""
        return display_name(self.path)

    @property
    def parameters(self) -> int:
        """How many numbers the weights are."""
        return sum(tensor.numel() for tensor in self.weights.values() if tensor.is_floating_point())


def read_checkpoint(path: Path) -> Checkpoint:
    """Read a file's weights. Raises UnusableCheckpoint, saying what was found, for everything that holds none."""
    container = inspect_file(path)
    name = display_name(path)
    size = file_bytes(path)
    content = _load(path, container, name)
    weights = _strip(dict(_tensors(_weights(content))))
    if not weights:
        raise UnusableCheckpoint(
            f"{name} holds no weights, but {_describe(content)}. Choose the checkpoint of a restorer."
        )
    _check(weights, size, name)
    weights = {key: tensor.float() if tensor.is_floating_point() else tensor for key, tensor in weights.items()}
    for key, tensor in weights.items():
        if tensor.is_floating_point() and not torch.isfinite(tensor).all():
            raise UnusableCheckpoint(
                f"{name}: {key} holds numbers that are not finite. The training or the file failed."
            )
    options = _header(path) if container is Container.SAFETENSORS else _options(content)
    return Checkpoint(path, container, weights, options, size)


def read_shapes(path: Path) -> dict[str, tuple[int, ...]]:
    """The names and shapes of a file's weights, without their numbers where the file allows that; raises as `read_checkpoint`."""
    container = inspect_file(path)
    content = _load(path, container, display_name(path), lazily=container is not Container.LEGACY)
    return {key: tuple(tensor.shape) for key, tensor in _strip(dict(_tensors(_weights(content)))).items()}


def _load(path: Path, container: Container, name: str, lazily: bool = False) -> Any:
    """What was saved. `lazily`: numbers are read when they are looked at, and only while the file stays as it is."""
    try:
        if container is Container.SAFETENSORS:
            return load_file(path)
        with torch.serialization.safe_globals(_DATA_TYPES):
            return torch.load(path, map_location="cpu", weights_only=True, mmap=lazily)
    except (MemoryError, torch.OutOfMemoryError) as error:
        raise UnusableCheckpoint(f"{name} claims more than this machine's memory holds. It was not loaded.") from error
    except SafetensorError as error:
        raise UnusableCheckpoint(f"{name} is damaged: {_first_line(error)}. Download it again.") from error
    except pickle.UnpicklingError as error:
        raise UnusableCheckpoint(
            f"{name} holds more than weights ({_reason(error)}) and was not loaded. Get the weights as .safetensors, or as a "
            "plain state dict."
        ) from error
    except Exception as error:
        # A hostile file makes a parser raise whatever it likes.
        raise UnusableCheckpoint(
            f"{name} is damaged or was tampered with: {_first_line(error)}. Get it from its authors again."
        ) from error


def _header(path: Path) -> dict[str, str]:
    """The texts that a safetensors file carries beside its weights."""
    with safe_open(path, "pt") as file:
        return dict(file.metadata() or {})


def _weights(content: Any) -> Any:
    """The part of what was saved that the weights are in."""
    while isinstance(content, dict):
        inner = next((content[key] for key in _WEIGHTS if isinstance(content.get(key), dict)), None)
        if inner is None and len(content) == 1:
            (only,) = content.values()
            inner = only if isinstance(only, dict) else None
        if inner is None:
            break
        content = inner
    return content


def _tensors(content: Any) -> Iterator[tuple[str, Tensor]]:
    if isinstance(content, dict):
        for key, value in content.items():
            if isinstance(key, str) and isinstance(value, Tensor):
                yield key, value.detach()


def _strip(weights: StateDict) -> StateDict:
    """Names without prefixes that all or, of averaged copies, most of them carry."""
    # Averaging wrappers carry the network twice.
    if any(key.startswith("ema_model.") for key in weights):
        weights = {key: value for key, value in weights.items() if not key.startswith("online_model.")}
    for _ in range(4):
        for prefix in _PREFIXES:
            inside = {key[len(prefix) :]: value for key, value in weights.items() if key.startswith(prefix)}
            # Wrappers keep counters beside the network (`initted`, `step`): single numbers under names without a dot.
            beside = [key for key, value in weights.items() if not key.startswith(prefix) and "." in key]
            if inside and not beside:
                weights = inside
                break
        else:
            break
    return weights


def _check(weights: StateDict, size: int, name: str) -> None:
    """Raises UnusableCheckpoint for tensors that no network is made of."""
    stored = 0
    for key, tensor in weights.items():
        if tensor.layout is not torch.strided or tensor.is_quantized or tensor.is_complex() or tensor.is_meta:
            raise UnusableCheckpoint(
                f"{name}: {key} is sparse, quantised or complex; restorers are stored as plain numbers."
            )
        if tensor.dim() > 6 or any(side > _MAX_SIDE for side in tensor.shape):
            raise UnusableCheckpoint(
                f"{name}: {key} claims the shape {list(tensor.shape)}. No restorer has such a tensor."
            )
        if (
            any(int(part) > 8 * len(weights) + 64 for part in re.findall(r"(?<!\d)\d{1,18}(?!\d)", key))
            or len(key) > 500
        ):
            raise UnusableCheckpoint(
                f"{name}: {key[:80]} names a layer that cannot be there. The file was tampered with."
            )
        stored += tensor.numel() * tensor.element_size()
    # Tensors may share their numbers, but not claim many times what the file holds.
    if stored > 4 * size + (1 << 20):
        raise UnusableCheckpoint(f"{name} claims {stored:,} bytes of weights in {size:,}. The file was tampered with.")


def _options(content: Any) -> dict[str, Any]:
    """What a training noted beside the weights."""
    for key in ("hyper_parameters", "args", "opt", "config"):
        value = content.get(key) if isinstance(content, dict) else None
        if isinstance(value, argparse.Namespace):
            value = vars(value)
        if isinstance(value, dict) and "state" not in value:
            inner = value.get("opt", value)
            inner = vars(inner) if isinstance(inner, argparse.Namespace) else inner
            if isinstance(inner, dict):
                return {str(name): item for name, item in inner.items() if isinstance(item, str | int | float | list)}
    return {}


def _describe(content: Any) -> str:
    """What was found instead of weights."""
    if isinstance(content, dict):
        keys = ", ".join(str(key)[:40] for key in list(content)[:5])
        return f"a dictionary with {len(content)} entries ({keys})" if content else "an empty dictionary"
    if isinstance(content, Tensor):
        return f"a single tensor of the shape {list(content.shape)}"
    return f"a Python {type(content).__name__}"


def _reason(error: Exception) -> str:
    named = re.search(r"GLOBAL ([\w.]+)", str(error)) or re.search(r"`([\w.]+)`", str(error))
    return f"it asks for {named[1]}" if named else _first_line(error)


def _first_line(error: BaseException) -> str:
    return str(error).strip().split("\n", 1)[0].rstrip(".:")[:200] or type(error).__name__
