"""Checkpoints of a run under way: written also after a full disk has room again, and measured on the pairs held back."""

from __future__ import annotations

import errno
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

import torch

from ggt_studio.core.errors import StudioError, WriteError
from ggt_studio.restorers.memory import is_out_of_memory
from ggt_studio.training.checkpoints import State, write_checkpoint
from ggt_studio.training.job import CheckpointFiles, Job
from ggt_studio.training.run_log import RunLog
from ggt_studio.training.trained import Trained
from ggt_studio.training.validation import Validation
from ggt_studio.worker.job import Cancelled

_WAIT_FOR_DISK_S = 5.0
_DISK_FULL = {errno.ENOSPC, errno.EDQUOT}


class Keeper:
    """Keeps what a run has learnt in its job folder. `saved_at` is the step of the newest checkpoint; -1 without any.

    `is_asked` says whether a person asked the run to stop. Of several processes the main one has it.
    """

    def __init__(
        self,
        folder: Path,
        job: Job,
        trained: Trained,
        log: RunLog,
        device: torch.device,
        is_asked: Callable[[], bool],
    ) -> None:
        self.saved_at = -1
        self._folder, self._job, self._trained, self._log = folder, job, trained, log
        self._device, self._is_asked = device, is_asked
        self._validation = Validation(folder, job)

    def keep(self, state: State, *, validate: bool) -> None:
        """Write a checkpoint of a state, if it is not there yet, and measure it."""
        if state.step == self.saved_at:
            return
        found = self._written(state)
        self.saved_at = state.step
        self._log.event("checkpoint", step=state.step, folder=found.folder.name)
        if validate and len(self._validation):
            # Asked to pause in the midst of it, the run does without the rest: the checkpoint is what counts.
            with suppress(Cancelled):
                self._validate(found.weights, state.step)

    def _stop_here(self) -> None:
        if self._is_asked():
            raise Cancelled

    def _validate(self, weights: Path, step: int) -> None:
        """Measure a checkpoint. Where that cannot be done it is told, and training goes on: the checkpoint is good."""
        device = str(self._device)
        try:
            restore = self._trained.restorer(weights, device, self._stop_here)
            result = self._validation.run(restore, device, step, self._stop_here)
        except (StudioError, OSError, RuntimeError, MemoryError) as error:
            if isinstance(error, RuntimeError | MemoryError) and not is_out_of_memory(error):
                raise
            self._log.event("unvalidated", step=step, why=str(error))
            return
        self._log.validated(step, **asdict(result))

    def _written(self, state: State) -> CheckpointFiles:
        """Write a checkpoint; where the disk is full, wait until there is room or a person stops the run."""
        told = False
        job, one = self._job, self._trained
        header = {"network": job.recipe.network, "recipe": job.recipe.label, "run": job.name}
        header |= {"step": str(state.step), "dataset": job.dataset, **one.header}
        while True:
            try:
                return write_checkpoint(self._folder, state, header, one.weights_file, one.beside)
            except WriteError as error:
                if error.errno not in _DISK_FULL:
                    raise
                if not told:
                    self._log.event("waiting", step=state.step, why=str(error))
                    told = True
            until = time.monotonic() + _WAIT_FOR_DISK_S
            while time.monotonic() < until:
                if self._is_asked():
                    raise StudioError(
                        "Stopped while the disk was full: what was learnt since the last checkpoint (step "
                        f"{max(self.saved_at, 0):,}) could not be kept."
                    )
                time.sleep(0.1)
