"""One step of training, whole: forward, loss, backward, optimiser, learning rate, averaged weights."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext

import torch
from accelerate import Accelerator
from torch import Tensor, nn

from ggt_studio.training.losses import learning_rate, loss_of
from ggt_studio.training.recipes import TrainingRecipe

Batch = tuple[Tensor, Tensor]
"""LQ and HQ, (B, 3, size, size) of 0 to 1."""


def train_step(
    accelerator: Accelerator,
    network: nn.Module,
    optimiser: torch.optim.Optimizer,
    averaged: Sequence[Tensor],
    recipe: TrainingRecipe,
    parts: Sequence[Batch],
    step: int,
) -> Tensor:
    """Train on one batch, given in `recipe.accumulate` parts; returns its loss in this process, a scalar on the device.

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
        with nullcontext() if last else accelerator.no_sync(network):
            # What is trained into a generative model has a loss of its own: `training.generative.flow_matching`.
            loss = network(lq, hq) if recipe.generative else loss_of(recipe.loss, network(lq), hq)
            loss = loss / len(parts)
            accelerator.backward(loss)
        total += loss.detach()
    if recipe.clip:
        accelerator.clip_grad_norm_(network.parameters(), recipe.clip)
    optimiser.step()
    optimiser.zero_grad(set_to_none=True)
    if averaged:
        decay = min(recipe.ema, (1 + step) / (10 + step))
        with torch.no_grad():
            for mean, parameter in zip(averaged, network.parameters(), strict=True):
                mean.lerp_(parameter, 1 - decay)
    return total
