"""Memory: how much steps take, smaller parts where it is short, and blocks that are computed again in place of being remembered."""

from __future__ import annotations

import functools
import gc
import threading
from collections.abc import Sequence
from typing import Self

import psutil
import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from ggt_studio.restorers.memory import release
from ggt_studio.training.recipes import TrainingRecipe

Batch = tuple[Tensor, Tensor]
"""LQ and HQ, (B, 3, size, size) of 0 to 1."""


def in_halves(parts: Sequence[Batch], times: int) -> list[Batch]:
    """The parts of a batch divided in two so many times; parts of one image stay. Equal parts stay equal, so that the mean of their
    losses is that of the batch: an odd one is divided into single images."""
    found = list(parts)
    for _ in range(times):
        images = len(found[0][0])
        size = images // 2 if images % 2 == 0 else 1
        found = [half for lq, hq in found for half in zip(lq.split(size), hq.split(size), strict=True)]
    return found


def too_little_memory(recipe: TrainingRecipe) -> str:
    """For people: one image at a time does not fit."""
    ways = [] if recipe.recompute else ["recompute blocks instead of remembering them (slower, the same result)"]
    if recipe.precision == "fp32":
        ways.append("bf16 precision")
    ways.append(f"crops smaller than {recipe.crop} px")
    return (
        f"There is too little memory to train {recipe.label}, even with one crop at a time. What helps: "
        f"{', '.join(ways)}, or a smaller network."
    )


def recompute_blocks(network: nn.Module) -> None:
    """Let each block of a network's sequences forget what it computed and compute it again for the gradients (gradient
    checkpointing, arXiv 1604.06174): the same result with less memory, in about a third more time. Changes the network in place."""
    for module in network.children():
        if isinstance(module, nn.Sequential | nn.ModuleList):
            _recompute_in(module)
        else:
            recompute_blocks(module)


def _recompute_in(sequence: nn.Module) -> None:
    for block in sequence.children():
        if isinstance(block, nn.Sequential | nn.ModuleList):
            _recompute_in(block)
        elif any(block.children()):
            _recompute(block)


def _recompute(block: nn.Module) -> None:
    forward = block.forward

    @functools.wraps(forward)
    def again(*given: object, **named: object) -> object:
        if torch.is_grad_enabled():
            return checkpoint(forward, *given, use_reentrant=False, **named)  # pyright: ignore[reportCallIssue, reportArgumentType]
        return forward(*given, **named)

    block.forward = again


def forget() -> None:
    """Give back what networks that nobody uses any more still hold: they refer to themselves, so it takes the collector."""
    gc.collect()
    if torch.cuda.is_available():
        release(torch.device("cuda"))
    if torch.backends.mps.is_available():
        release(torch.device("mps"))


class PeakMemory:
    """`bytes`: the most that the process held on a device while this was open; on a CPU its memory but for
    what lies in files (where the system tells that apart), looked at a hundred times a second."""

    def __init__(self, device: torch.device) -> None:
        self.bytes = 0
        self._device = device
        self._over = threading.Event()
        self._watcher = threading.Thread(target=self._watch, name="memory", daemon=True)

    def __enter__(self) -> Self:
        if self._device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(self._device)
        else:
            self._watcher.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._device.type == "cuda":
            self.bytes = torch.cuda.max_memory_reserved(self._device)
        else:
            self._over.set()
            self._watcher.join()

    def _watch(self) -> None:
        process = psutil.Process()
        while not self._over.wait(0.01):
            now = process.memory_info()
            self.bytes = max(self.bytes, now.rss - getattr(now, "shared", 0))
