"""The terms of the loss and the learning rate, as functions; what they compute says `recipes`."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

from ggt_studio.training.objectives.asking import Asked
from ggt_studio.training.recipes import Loss, Schedule

_PSNR_FLOOR = 1e-8
_GAUSS = torch.tensor([0.05, 0.25, 0.4, 0.25, 0.05])


def whole_loss(terms: Sequence[Loss], asked: Asked) -> Tensor:
    """The loss of what a network said of a batch, a scalar in fp32: the terms' sum over its pairs, and its balance."""
    compared = [term for term in terms if term.kind != "balance"]
    loss = torch.stack([loss_of(compared, said, wanted) for said, wanted in asked.pairs]).sum()
    for term in terms:
        if term.kind == "balance":
            assert asked.balance is not None, "recipes say which networks have experts"
            loss = loss + term.weight * asked.balance.float()
    return loss


def loss_of(terms: Sequence[Loss], restored: Tensor, target: Tensor) -> Tensor:
    """The weighted sum of the terms, a scalar in fp32. `restored`, `target`: (B, C, H, W) of 0 to 1, any float dtype."""
    restored, target = restored.float(), target.float()
    return torch.stack([term.weight * _term(term, restored, target) for term in terms]).sum()


def learning_rate(base: float, schedule: Schedule, step: int, steps: int) -> float:
    """The learning rate of step number `step` (from 0) of `steps`: a function of the number, so that resuming is exact."""
    if step < schedule.warmup:
        return base * (step + 1) / schedule.warmup
    along = (step - schedule.warmup) / max(1, steps - schedule.warmup)
    if schedule.kind == "cosine":
        return schedule.lr_end + (base - schedule.lr_end) * (1 + math.cos(math.pi * min(1.0, along))) / 2
    if schedule.kind == "halving":
        return base * 0.5 ** sum(step >= share * steps for share in schedule.milestones)
    return base


def _term(term: Loss, restored: Tensor, target: Tensor) -> Tensor:
    difference = restored - target
    match term.kind:
        case "l1":
            return difference.abs().mean()
        case "l2":
            return difference.square().mean()
        case "charbonnier":
            return _charbonnier(difference, term.epsilon)
        case "psnr":
            # The mean over images of 10 log10(MSE): minus their PSNR.
            return (10 / math.log(10)) * (difference.square().mean((1, 2, 3)) + _PSNR_FLOOR).log().mean()
        case "edge":
            return _charbonnier(_laplacian(restored) - _laplacian(target), term.epsilon)
        case "frequency":
            spectra = torch.fft.rfft2(difference)
            return torch.view_as_real(spectra).abs().mean()
        case "balance":
            raise ValueError("balance compares no images")


def _charbonnier(difference: Tensor, epsilon: float) -> Tensor:
    return (difference.square() + epsilon**2).sqrt().mean()


def _laplacian(image: Tensor) -> Tensor:
    """Each pixel less a pyramid's estimate of it: blurred, every other pixel taken and spread again, blurred."""
    small = _blurred(image)[..., ::2, ::2] * 4
    spread = torch.zeros_like(image)
    spread[..., ::2, ::2] = small
    return image - _blurred(spread)


def _blurred(image: Tensor) -> Tensor:
    channels = image.shape[1]
    line = _GAUSS.to(image)
    kernel = torch.outer(line, line).expand(channels, 1, 5, 5)
    return functional.conv2d(functional.pad(image, (2, 2, 2, 2), mode="replicate"), kernel, groups=channels)
