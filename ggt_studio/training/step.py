"""One step of training, whole: forward, loss, backward, optimiser, learning rate, averaged weights."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext

import torch
from accelerate import Accelerator
from torch import Tensor, nn

from ggt_studio.training.losses import learning_rate, whole_loss
from ggt_studio.training.memory import Batch
from ggt_studio.training.recipes import TrainingRecipe


def train_step(
    accelerator: Accelerator,
    objective: nn.Module,
    optimiser: torch.optim.Optimizer,
    averaged: Sequence[Tensor],
    recipe: TrainingRecipe,
    parts: Sequence[Batch],
    step: int,
) -> Tensor:
    """Train what an `Objective` asks on one batch, given in `recipe.accumulate` parts; returns its loss in this process, a scalar
    on the device.

    `averaged` is the exponential moving average of the parameters (arXiv 1806.04498), changed in place; empty for none. Early on it
    follows faster, so that the first weights are soon forgotten.
    """
    lr = learning_rate(recipe.optimiser.lr, recipe.schedule, step, recipe.steps)
    for group in optimiser.param_groups:
        group["lr"] = lr
    total = torch.zeros((), device=accelerator.device)
    for number, (lq, hq) in enumerate(parts):
        last = number == len(parts) - 1
        # Processes exchange their gradients once a step, with the last part.
        with nullcontext() if last else accelerator.no_sync(objective):
            loss = whole_loss(recipe.loss, objective(lq, hq)) / len(parts)
            accelerator.backward(loss)
        total += loss.detach()
    if recipe.clip:
        accelerator.clip_grad_norm_(objective.parameters(), recipe.clip)
    optimiser.step()
    optimiser.zero_grad(set_to_none=True)
    if averaged:
        decay = min(recipe.ema, (1 + step) / (10 + step))
        with torch.no_grad():
            for mean, parameter in zip(averaged, objective.parameters(), strict=True):
                mean.lerp_(parameter, 1 - decay)
    return total
