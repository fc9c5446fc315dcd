"""Batches by number, read ahead in threads: the sample numbers of a step are a function of the step."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np
import torch
from torch import Tensor

from ggt_studio.core.errors import StudioError
from ggt_studio.training.crops import Crops, Pixels
from ggt_studio.training.recipes import TrainingRecipe

_AHEAD = 3


def sample_numbers(recipe: TrainingRecipe, step: int, process: int, processes: int) -> list[list[int]]:
    """The sample numbers of a step for one of several processes, in `recipe.accumulate` parts of equal size.

    All processes together have the numbers from step x batch on, so that however many there are, a step sees the same
    samples. Raises `StudioError` where the batch does not divide.
    """
    each, rest = divmod(recipe.batch, recipe.accumulate * processes)
    if rest or not each:
        raise StudioError(
            f"A batch of {recipe.batch} cannot be divided among {processes} processes in {recipe.accumulate} parts; choose a "
            "multiple of that as batch."
        )
    first = step * recipe.batch
    starts = [first + (part * processes + process) * each for part in range(recipe.accumulate)]
    return [list(range(start, start + each)) for start in starts]


class Feeder:
    """The parts of each step from `first` on, as (LQ, HQ) float32 (B, 3, size, size) of 0 to 1 on a device.

    `waited_s` is how long training waited for data so far, in seconds.
    """

    def __init__(
        self,
        crops: Crops,
        recipe: TrainingRecipe,
        first: int,
        device: torch.device,
        process: int = 0,
        processes: int = 1,
        threads: int = 2,
    ) -> None:
        sample_numbers(recipe, first, process, processes)
        self.waited_s = 0.0
        self._crops, self._recipe, self._device = crops, recipe, device
        self._process, self._processes = process, processes
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="crops")
        self._next = first
        self._ahead: deque[list[list[Future[tuple[Pixels, Pixels]]]]] = deque()
        self._fill()

    def parts(self) -> Sequence[tuple[Tensor, Tensor]]:
        """The parts of the next step."""
        began = time.perf_counter()
        futures = self._ahead.popleft()
        self._fill()
        taken = [[future.result() for future in part] for part in futures]
        batches = [self._batch(part) for part in taken]
        self.waited_s += time.perf_counter() - began
        return batches

    def close(self) -> None:
        """End reading ahead."""
        self._pool.shutdown(wait=True, cancel_futures=True)
        self._ahead.clear()

    def _fill(self) -> None:
        while len(self._ahead) < _AHEAD and self._next < self._recipe.steps:
            numbers = sample_numbers(self._recipe, self._next, self._process, self._processes)
            self._ahead.append([[self._pool.submit(self._crops.__getitem__, k) for k in part] for part in numbers])
            self._next += 1

    def _batch(self, pairs: Sequence[tuple[Pixels, Pixels]]) -> tuple[Tensor, Tensor]:
        lq, hq = (self._to_device(np.stack(side)) for side in zip(*pairs, strict=True))
        return lq, hq

    def _to_device(self, pixels: np.ndarray) -> Tensor:
        values = torch.from_numpy(pixels)
        if self._device.type == "cuda":
            values = values.pin_memory()
        values = values.to(self._device, non_blocking=True).permute(0, 3, 1, 2).float().div_(255)
        layout = torch.channels_last if self._recipe.channels_last else torch.contiguous_format
        return values.contiguous(memory_format=layout)
