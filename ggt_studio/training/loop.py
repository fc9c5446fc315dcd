"""A training run from its job folder: its steps, their log, and going on exactly where it stood."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState
from accelerate.utils import DistributedDataParallelKwargs, InitProcessGroupKwargs
from filelock import FileLock, Timeout
from torch import Tensor

from ggt_studio.core.errors import StudioError
from ggt_studio.restorers.memory import is_out_of_memory, release
from ggt_studio.training.checkpoints import State, read_state
from ggt_studio.training.crops import Crops
from ggt_studio.training.feeding import Feeder
from ggt_studio.training.job import (
    DATA,
    LOCK_FILE,
    PAUSE_FILE,
    Job,
    latest_state,
    read_events,
    read_job,
)
from ggt_studio.training.keeping import Keeper
from ggt_studio.training.memory import Batch, in_halves, too_little_memory
from ggt_studio.training.networks import size_multiple
from ggt_studio.training.recipes import Optimiser
from ggt_studio.training.run_log import RunLog
from ggt_studio.training.shuffle import number
from ggt_studio.training.step import train_step
from ggt_studio.training.trained import trained
from ggt_studio.worker.client import available_cores
from ggt_studio.worker.job import Cancelled

# While one process validates, or waits for room on the disk, the others wait for it.
_WAIT_FOR_ANOTHER = timedelta(days=30)
# Somebody who looks whether a run is under way holds its lock for a moment.
_LOOKED_AT_S = 1.0


def train(
    folder: Path,
    *,
    device: str = "auto",
    base: Path | None = None,
    progress: Callable[[int, int], None] = lambda _done, _total: None,
    check: Callable[[], None] = lambda: None,
) -> str:
    """Train the job of a folder from its last checkpoint, or from the beginning, to its end; `done` or `paused`.

    `device`: auto, or cpu; several processes are those of `accelerate launch`. `base`: where the base model of a generative recipe
    is on this machine, if not where the job says. `check` is called before each step; when it raises
    `Cancelled`, or `job.request_pause` was called, a checkpoint is written and the run is paused: it goes on later with the
    losses that it would have had. A full disk is waited for. All that happens is told in the job's log. Raises `StudioError` for
    what a person must mend, among it a loss that is not finite: the last good checkpoint stays.
    """
    job = read_job(folder)
    with ExitStack() as stack:
        accelerator = accelerator_for(job, device)
        if accelerator.is_main_process:
            stack.enter_context(_only_one(folder))
            (folder / PAUSE_FILE).unlink(missing_ok=True)
        accelerator.wait_for_everyone()
        log = stack.enter_context(RunLog(folder, active=accelerator.is_main_process))
        try:
            how = Run(folder, job, accelerator, log, base, progress, check).go_on()
        except Exception as error:
            short = is_out_of_memory(error)
            why = too_little_memory(job.recipe) if short else str(error) or type(error).__name__
            log.event("ended", how="failed", why=why)
            if short:
                raise StudioError(why) from error
            raise
        log.event("ended", how=how)
        return how


def _only_one(folder: Path) -> FileLock:
    lock = FileLock(folder / LOCK_FILE)
    try:
        lock.acquire(timeout=_LOOKED_AT_S)
    except Timeout as error:
        raise StudioError(
            f"{folder.name} is being trained by another process; wait for it, or stop it there."
        ) from error
    return lock


def accelerator_for(job: Job, device: str) -> Accelerator:
    """What a job's steps run on. `device`: auto, or cpu."""
    # A worker trains one run after the other, each as its own recipe says.
    AcceleratorState._reset_state(reset_partial_state=True)  # noqa: SLF001 - there is no other way
    precision = {"fp32": "no"}.get(job.recipe.precision, job.recipe.precision)
    # Of the last block of a generative model not everything has a say.
    several = DistributedDataParallelKwargs(find_unused_parameters=job.recipe.generative)
    return Accelerator(
        mixed_precision=precision,
        cpu=device == "cpu",
        kwargs_handlers=[several, InitProcessGroupKwargs(timeout=_WAIT_FOR_ANOTHER)],
    )


def make_optimiser(parameters: list[torch.nn.Parameter], wanted: Optimiser) -> torch.optim.Optimizer:
    """The optimiser of a recipe."""
    kind = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}[wanted.kind]
    return kind(parameters, lr=wanted.lr, betas=wanted.betas, weight_decay=wanted.weight_decay)


class Run:
    """One run under way."""

    def __init__(
        self,
        folder: Path,
        job: Job,
        accelerator: Accelerator,
        log: RunLog,
        base: Path | None = None,
        progress: Callable[[int, int], None] = lambda _done, _total: None,
        check: Callable[[], None] = lambda: None,
    ) -> None:
        self.folder, self.job, self.recipe = folder, job, job.recipe
        self.accelerator, self.log, self.progress, self.check = accelerator, log, progress, check
        multiple = size_multiple(job.recipe)
        if job.recipe.crop % multiple:
            raise StudioError(
                f"{job.recipe.label} takes crops whose sides are multiples of {multiple} px, not {job.recipe.crop}; choose such a crop."
            )
        self.trained = trained(folder, job, accelerator.device, base)
        objective = self.trained.objective
        network = objective.network
        if job.recipe.recompute:
            objective.recompute()
        parameters = [parameter for parameter in network.parameters() if parameter.requires_grad]
        averaged = [parameter.detach().clone() for parameter in network.parameters()] if job.recipe.ema else []
        compiled = torch.compile(objective) if job.recipe.compile else objective
        self.objective, self.optimiser = accelerator.prepare(compiled, make_optimiser(parameters, job.recipe.optimiser))
        self.state = State(network, self.optimiser, averaged, accelerator.scaler, 0)
        kept = folder, job, self.trained, log, accelerator.device, self._is_asked
        self.keeper = Keeper(*kept) if accelerator.is_main_process else None
        self.halvings = 0
        """How often the parts of a batch were halved, for memory was short."""

    def go_on(self) -> str:
        """Train from the last checkpoint on; `done` or `paused`."""
        step = 0
        found = latest_state(self.folder)
        if found is not None:
            step = read_state(found, self.state)
            if self.keeper is not None:
                self.keeper.saved_at = step
            events = read_events(self.folder)
            self.halvings = sum(one.get("event") == "halved" and one["step"] < step for one in events)
        processes = self.accelerator.num_processes
        parameters = sum(parameter.numel() for parameter in self.state.network.parameters())
        device = str(self.accelerator.device)
        self.log.event("begun", step=step, device=device, processes=processes, parameters=parameters)
        self.log.since(step)
        with self._feeder(step) as feeder:
            return self._steps(step, feeder)

    def measure(self, steps: int) -> Iterator[tuple[float, float]]:
        """Take the first steps without keeping anything; the loss and the seconds of each."""
        with self._feeder(0) as feeder:
            for step in range(min(steps, self.recipe.steps)):
                self.check()
                began = time.perf_counter()
                loss = self._step(step, feeder.parts()).item()
                yield loss, time.perf_counter() - began

    @contextmanager
    def _feeder(self, step: int) -> Iterator[Feeder]:
        processes = self.accelerator.num_processes
        threads = max(2, min(8, available_cores() // processes))
        with closing(Crops(self.job.mix, self.folder / DATA, self.recipe.crop)) as crops:
            place = (self.accelerator.device, self.accelerator.process_index, processes, threads)
            with closing(Feeder(crops, self.recipe, step, *place)) as feeder:
                try:
                    yield feeder
                finally:
                    self.accelerator.free_memory()

    def _step(self, step: int, parts: Sequence[Batch]) -> Tensor:
        """One step; what memory does not hold at once is computed in halves, more slowly: the same but for what the objective draws."""
        while True:
            # What a network draws, such as the layers that it leaves out, is a function of the step, too.
            torch.manual_seed(number(self.job.seed, 9, step, self.accelerator.process_index))
            smaller = in_halves(parts, self.halvings)
            try:
                return train_step(
                    self.accelerator, self.objective, self.optimiser, self.state.averaged, self.recipe, smaller, step
                )
            except (RuntimeError, MemoryError) as error:
                if not is_out_of_memory(error):
                    raise
                # Several processes would wait for one that does its step anew.
                if max(len(lq) for lq, _ in smaller) == 1 or self.accelerator.num_processes > 1:
                    raise StudioError(too_little_memory(self.recipe)) from error
            self.halvings += 1
            self.optimiser.zero_grad(set_to_none=True)
            release(self.accelerator.device)
            self.log.event("halved", step=step, images=max(len(lq) for lq, _ in in_halves(parts, self.halvings)))

    def _steps(self, step: int, feeder: Feeder) -> str:
        losses: list[Tensor] = []
        began, waited = time.perf_counter(), feeder.waited_s
        while step < self.recipe.steps:
            if self._is_to_stop(step):
                self._report(step, losses, began, feeder.waited_s - waited)
                self._save(step, validate=False)
                return "paused"
            losses.append(self._step(step, feeder.parts()))
            step += 1
            due = step == self.recipe.steps or (
                self.recipe.checkpoint_every and step % self.recipe.checkpoint_every == 0
            )
            if due or step % self.recipe.log_every == 0:
                self._report(step, losses, began, feeder.waited_s - waited)
                if due:
                    self._save(step, validate=True)
                began, waited = time.perf_counter(), feeder.waited_s
                losses.clear()
        return "done"

    def _is_to_stop(self, step: int) -> bool:
        """Whether a person asked to stop; several processes agree on it when they log, so that none waits for another."""
        several = self.accelerator.num_processes > 1
        if several and step % self.recipe.log_every:
            return False
        asked = self._is_asked()
        if several:
            flag = torch.tensor(float(asked), device=self.accelerator.device)
            asked = bool(self.accelerator.reduce(flag, "sum").item())  # type: ignore[union-attr]
        return asked

    def _is_asked(self) -> bool:
        try:
            self.check()
        except Cancelled:
            return True
        return (self.folder / PAUSE_FILE).exists()

    def _report(self, step: int, losses: list[Tensor], began: float, waited_s: float) -> None:
        """Log the steps since the last time; their losses are looked at only now, so that a GPU need not wait."""
        if not losses:
            return
        mean = self.accelerator.reduce(torch.stack(losses).mean(), "mean").item()  # type: ignore[union-attr]
        seconds = time.perf_counter() - began
        if self.accelerator.is_main_process:
            self.progress(step, self.recipe.steps)
        if not math.isfinite(mean):
            raise StudioError(
                f"The loss was no longer a number at step {step:,}. The checkpoints before are good: start another run from the "
                "last, with a recipe that has a smaller learning rate or clips gradients, or in fp32."
            )
        self.log.step(
            step,
            loss=mean,
            lr=self.optimiser.param_groups[0]["lr"],
            images_per_s=len(losses) * self.recipe.batch / seconds,
            step_s=seconds / len(losses),
            data_wait=min(1.0, waited_s / seconds),
        )

    def _save(self, step: int, *, validate: bool) -> None:
        """Keep a checkpoint; one process does so, and the others wait for it."""
        self.accelerator.wait_for_everyone()
        if self.keeper is not None:
            self.keeper.keep(replace(self.state, step=step), validate=validate)
        self.accelerator.wait_for_everyone()
