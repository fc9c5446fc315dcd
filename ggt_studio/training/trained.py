"""What a run trains, in one shape for the loop: a network that maps LQ to HQ, or a part of a generative model."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor

from ggt_studio.restorers.checkpoint import read_checkpoint
from ggt_studio.restorers.registry import detect
from ggt_studio.restorers.running import Runner
from ggt_studio.training.job import WEIGHTS_FILE, Job
from ggt_studio.training.networks import build, untold
from ggt_studio.training.objectives.asking import Objective

Restore = Callable[[Tensor], Tensor]
"""An LQ photo (1, 3, H, W) of 0 to 1 in main memory -> the restored one."""


@dataclass(frozen=True)
class Trained:
    """`objective` is what is learnt and what it is asked. The state dict of its network is a checkpoint, written as `weights_file` with
    `header`, and with what lies `beside`.

    `restorer`: from the file of weights, the device and what may end it to what restores photos as the Restore page would.
    """

    objective: Objective
    restorer: Callable[[Path, str, Callable[[], None]], Restore]
    header: Mapping[str, str] = field(default_factory=dict)
    weights_file: str = WEIGHTS_FILE
    beside: Mapping[str, bytes] = field(default_factory=dict)


def trained(folder: Path, job: Job, device: torch.device, base: Path | None) -> Trained:
    """What the job of a folder trains, on a device. `base`: where its base model is, if not where the job says. Raises StudioError."""
    start = folder / job.start_from if job.start_from else None
    if job.recipe.generative:
        from ggt_studio.training.generative.learner import generative

        return generative(folder, job, device, base, start)
    controller = folder / job.controller if job.controller else None
    objective = build(job.recipe, job.seed, start, controller).to(device)
    if job.recipe.channels_last:
        objective = objective.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return Trained(objective, _restorer, untold(job.recipe))


def _restorer(weights: Path, device: str, check: Callable[[], None]) -> Restore:
    return Runner(detect(read_checkpoint(weights)), device, check=check).restore
