"""Torch and diffusers, imported when first needed and never allowed to fetch anything. Runs in the worker."""

from __future__ import annotations

import functools
import importlib
import importlib.util
import os
import sys
from typing import Any

from ggt_studio.core.errors import MlExtraMissing, StudioError
from ggt_studio.core.extras import install_command

_BACKENDS = {"int8": "torchao", "nf4": "bitsandbytes"}


@functools.cache
def torch() -> Any:
    """The module torch. Raises MlExtraMissing where it is not installed."""
    return _import("torch")


@functools.cache
def diffusers() -> Any:
    """The module diffusers, with transformers, both quiet. Raises MlExtraMissing where one is not installed."""
    # Models are loaded from what is on this machine; `download_model` works in another process.
    os.environ["HF_HUB_OFFLINE"] = "1"
    os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
    torch()
    transformers = _import("transformers")
    for name in ("accelerate", "peft"):
        _import(name)
    module = _import("diffusers")
    transformers.utils.logging.disable_progress_bar()
    module.utils.logging.disable_progress_bar()
    return module


def quantisations() -> list[str]:
    """The quantisations whose libraries are installed."""
    return [name for name, module in _BACKENDS.items() if importlib.util.find_spec(module) is not None]


def require_quantisation(name: str) -> None:
    """Raise StudioError, saying what to install, where a quantisation's library is missing."""
    if name != "none" and name not in quantisations():
        raise StudioError(
            f"{name} quantisation needs {_BACKENDS[name]}, which is not installed. Install it with "
            f"{sys.executable} -m pip install {_BACKENDS[name]}, or choose another quantisation."
        )


def _import(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        raise MlExtraMissing(
            f"Local models wait for {error.name or name}: install the ml extra with {install_command('ml')}"
        ) from error
