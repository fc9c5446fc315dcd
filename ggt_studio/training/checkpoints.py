"""Writing and reading checkpoints: weights for use, and the state that training goes on from exactly."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from ggt_studio.core.errors import StudioError
from ggt_studio.core.files import sync_folder, write_error
from ggt_studio.training.job import CHECKPOINTS, STATE_FILE, WEIGHTS_FILE, CheckpointFiles, checkpoints

KEPT_STATES = 2
"""So many newest checkpoints keep what training goes on from; it takes three times the weights' room."""


@dataclass(frozen=True, slots=True)
class State:
    """What is trained, after `step` steps."""

    network: nn.Module
    optimiser: torch.optim.Optimizer
    averaged: Sequence[Tensor]
    scaler: Any
    step: int


def write_checkpoint(
    folder: Path,
    state: State,
    told: Mapping[str, str],
    weights_file: str = WEIGHTS_FILE,
    beside: Mapping[str, bytes] | None = None,
) -> CheckpointFiles:
    """Write a checkpoint into a job folder: it appears whole and on disk, or not at all. `told` goes into the weights' header;
    `beside` are further files, by name.

    Older checkpoints keep their weights and lose their state. Raises `WriteError` for the disk, `StudioError` where weights are
    not finite.
    """
    weights = weights_for_use(state)
    if not all(bool(torch.isfinite(value).all()) for value in weights.values() if value.is_floating_point()):
        raise StudioError("The network's weights are no longer finite.")
    target = folder / CHECKPOINTS / f"step-{state.step:07d}"
    part = target.with_name(f".{target.name}.part")
    try:
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(parents=True)
        for name, data in (beside or {}).items():
            _save(part / name, lambda path, data=data: path.write_bytes(data))
        _save(part / weights_file, lambda path: save_file(weights, path, {k: str(v) for k, v in told.items()}))
        _save(part / STATE_FILE, lambda path: torch.save(_to_save(state), path))
        sync_folder(part)
        shutil.rmtree(target, ignore_errors=True)
        part.rename(target)
        sync_folder(target.parent)
    except OSError as error:
        shutil.rmtree(part, ignore_errors=True)
        raise write_error(target, error) from error
    except RuntimeError as error:
        # What torch and safetensors make of a full disk.
        shutil.rmtree(part, ignore_errors=True)
        cause = _disk_error(part.parent)
        if cause is None:
            raise
        raise write_error(target, cause) from error
    for old in [one for one in checkpoints(folder) if one.state.is_file()][:-KEPT_STATES]:
        with contextlib.suppress(OSError):
            old.state.unlink()
    return CheckpointFiles(state.step, target)


def weights_for_use(state: State) -> dict[str, Tensor]:
    """The network's state dict on the CPU, with averaged parameters where there are such. Every tensor its own memory."""
    weights = {name: value.detach() for name, value in state.network.state_dict().items()}
    if state.averaged:
        averaged = dict(zip(state.network.parameters(), state.averaged, strict=True))
        # Under each of its names: some networks have the same layer in several places.
        named = state.network.named_parameters(remove_duplicate=False)
        weights |= {name: averaged[parameter] for name, parameter in named}
    return {name: value.to("cpu", copy=True).contiguous() for name, value in weights.items()}


def read_state(found: CheckpointFiles, state: State) -> int:
    """Put a checkpoint's state into network, optimiser, averages and scaler; the number of steps that were done.

    Raises `StudioError` for a state that is damaged or of another recipe.
    """
    try:
        saved = torch.load(found.state, map_location="cpu", weights_only=True)
        state.network.load_state_dict(saved["network"])
        state.optimiser.load_state_dict(saved["optimiser"])
        for value, old in zip(state.averaged, saved["averaged"], strict=True):
            value.copy_(old)
        if state.scaler is not None and saved["scaler"]:
            state.scaler.load_state_dict(saved["scaler"])
        return int(saved["step"])
    except Exception as error:
        raise StudioError(
            f"The checkpoint {found.folder.name} cannot be gone on from: {str(error).splitlines()[0] if str(error) else error!r}. "
            "Delete its folder to go on from the one before."
        ) from error


def _to_save(state: State) -> dict[str, Any]:
    return {
        "step": state.step,
        "network": state.network.state_dict(),
        "optimiser": state.optimiser.state_dict(),
        "averaged": list(state.averaged),
        "scaler": state.scaler.state_dict() if state.scaler is not None else {},
    }


def _save(path: Path, write: Any) -> None:
    write(path)
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def _disk_error(folder: Path) -> OSError | None:
    """The disk's own words, from an attempt to write a little there."""
    probe = folder / ".probe"
    try:
        with probe.open("wb") as file:
            file.write(bytes(1 << 20))
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        return error
    finally:
        with contextlib.suppress(OSError):
            probe.unlink()
    return None
