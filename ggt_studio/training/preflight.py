"""Before the first step: whether pairs lie over each other, and what one measured step takes of time, memory and disk."""

from __future__ import annotations

import math
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import torch

from ggt_studio.core.errors import StudioError
from ggt_studio.core.gates import alignment_gate
from ggt_studio.core.recipe import AlignmentRule
from ggt_studio.quality.alignment import measure
from ggt_studio.restorers.memory import is_out_of_memory
from ggt_studio.training.checkpoints import KEPT_STATES
from ggt_studio.training.findings import Answer, Finding, Preflight
from ggt_studio.training.job import DATA, VALIDATION_PACK, Job
from ggt_studio.training.loop import Run, accelerator_for
from ggt_studio.training.memory import PeakMemory, forget, too_little_memory
from ggt_studio.training.networks import build, size_multiple
from ggt_studio.training.pack import Pack
from ggt_studio.training.recipes import parse_recipe
from ggt_studio.training.run_log import RunLog
from ggt_studio.training.words import gigabytes, how_long
from ggt_studio.worker.job import Job as Request

_LOOKED_AT = 48
_SIDE = 512
_STEPS = 3
_MUCH = 0.85
_PIXEL_BYTES = 2


def preflight_job(params: dict[str, Any], request: Request) -> dict[str, Any]:
    """Worker method: look at a job that is not begun. `params`: `folder`, `job` (its JSON values), `device` (auto or cpu).

    Returns what `Preflight.to_json` does. Raises StudioError for a job that cannot be read.
    """
    job = Job.from_json(params["job"])
    forget()
    try:
        return preflight(Path(params["folder"]), job, str(params.get("device") or "auto"), request.check).to_json()
    finally:
        forget()


def check_start(params: dict[str, Any]) -> dict[str, Any]:
    """Worker method: whether a recipe's network can begin with a checkpoint. `params`: `recipe` (its JSON values), `start` and, for
    DA-CLIP, `controller`, paths. Returns nothing; raises StudioError that names the file."""
    recipe, controller = parse_recipe(params["recipe"], "chosen"), params.get("controller")
    try:
        build(recipe, 0, Path(params["start"]), Path(controller) if controller else None)
    finally:
        forget()
    return {}


def preflight(folder: Path, job: Job, device: str = "auto", check: Callable[[], None] = lambda: None) -> Preflight:
    """Look at the pairs of a job folder and take its first steps, keeping nothing. `check` may raise to end it."""
    findings = [_pairs(folder, job, check)]
    multiple = size_multiple(job.recipe)
    if job.recipe.crop % multiple:
        crop = job.recipe.crop // multiple * multiple or multiple
        words = f"{job.recipe.label} takes crops whose sides are multiples of {multiple} px; choose {crop} px."
        return Preflight((*findings, Finding("crop", Answer.NO, words)))
    try:
        return _measured(folder, job, device, check, findings)
    except StudioError as error:
        return Preflight((*findings, Finding("step", Answer.NO, str(error))))
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
        return Preflight((*findings, Finding("memory", Answer.NO, too_little_memory(job.recipe))))


def _pairs(folder: Path, job: Job, check: Callable[[], None]) -> Finding:
    """Lay HQ over LQ for pairs spread evenly over all sets, in the middle 512 px."""
    looked, unlike, off = 0, 0, []
    for name, why in _laid(folder, job, check):
        looked += 1
        if why == "correlation":
            unlike += 1
        elif why:
            off.append(f"{name}: {why}")
    if not looked:
        return Finding("pairs", Answer.YES, "The photos can be read. They are degraded as they are trained on.")
    if off:
        answer = Answer.NO if len(off) > looked / 2 else Answer.DOUBT
        words = f"{len(off)} of {looked} pairs that were looked at do not lie over each other ({off[0]})."
        return Finding(
            "pairs", answer, f"{words} A restorer learns to blur from such pairs; align them or leave them out."
        )
    if unlike:
        words = (
            f"{unlike} of {looked} pairs that were looked at are too unlike to tell whether they lie over each other."
        )
        return Finding("pairs", Answer.DOUBT, words)
    return Finding("pairs", Answer.YES, f"All {looked} pairs that were looked at can be read and lie over each other.")


def _laid(folder: Path, job: Job, check: Callable[[], None]) -> Iterator[tuple[str, str]]:
    """Name, and why it does not lie over (`correlation` where that cannot be told), of pairs of all sets."""
    sets = [one for source in job.mix.sources for one in source.sets if not one.degradation]
    for one in sets:
        with Pack(folder / DATA / one.pack) as pack:
            count = min(len(pack), max(1, _LOOKED_AT // len(sets)))
            for index in np.unique(np.linspace(0, len(pack) - 1, count).astype(int)).tolist():
                check()
                tall, wide = pack.size(index)
                height, width = min(tall, _SIDE), min(wide, _SIDE)
                lq, hq = pack.crop(index, (tall - height) // 2, (wide - width) // 2, height, width)
                result = alignment_gate(measure(lq, hq), AlignmentRule())
                why = "" if result.passed else "correlation" if result.decided_by == "correlation" else result.reason
                yield str(pack.about(index).get("name", index)), why


def _measured(folder: Path, job: Job, device: str, check: Callable[[], None], findings: list[Finding]) -> Preflight:
    accelerator = accelerator_for(job, device)
    with PeakMemory(accelerator.device) as peak:
        run = Run(folder, job, accelerator, RunLog(folder, active=False), check=check)
        taken = list(run.measure(_STEPS))
    if not all(math.isfinite(loss) for loss, _ in taken):
        raise StudioError("The loss is no number from the first steps on; choose fp32 or a smaller learning rate.")
    # The first one loads and tunes.
    step_s = min(seconds for _, seconds in taken[1:] or taken)
    disk = _disk_bytes(folder, job, run)
    found = (
        *findings,
        _memory(accelerator.device, peak.bytes, _at_once(job, run)),
        _disk(folder, disk),
        _time(job, step_s, str(accelerator.device)),
    )
    return Preflight(found, step_s, peak.bytes, disk)


def _at_once(job: Job, run: Run) -> int:
    """How many images of a batch fit at once; 0 where nothing was made smaller."""
    return max(1, (job.recipe.batch // job.recipe.accumulate) >> run.halvings) if run.halvings else 0


def _memory(device: torch.device, used: int, at_once: int) -> Finding:
    if device.type == "cuda":
        total, where = torch.cuda.get_device_properties(device).total_memory, "the GPU's memory"
    else:
        total, where = psutil.virtual_memory().total, "this machine's memory"
    words = f"Training takes about {gigabytes(used)} of {gigabytes(total)}, {where}."
    if at_once:
        return Finding(
            "memory", Answer.DOUBT, f"{words} A batch is computed in parts of {at_once}, which takes longer."
        )
    if used > total * _MUCH:
        return Finding("memory", Answer.DOUBT, f"{words} That is close; nothing else should need it meanwhile.")
    return Finding("memory", Answer.YES, words)


def _disk_bytes(folder: Path, job: Job, run: Run) -> int:
    """What all checkpoints and validation photos take in the end."""
    every = job.recipe.checkpoint_every
    count = math.ceil(job.recipe.steps / every) if every else 1
    weights = sum(value.numel() * value.element_size() for value in run.state.network.state_dict().values())
    moments = sum(
        value.numel() * value.element_size()
        for values in run.optimiser.state.values()
        for value in values.values()
        if isinstance(value, torch.Tensor)
    )
    averaged = sum(value.numel() * value.element_size() for value in run.state.averaged)
    photos = 0
    if job.validation_pairs and (folder / DATA / VALIDATION_PACK).is_file():
        photos = job.validation_pairs * job.recipe.validation_crop**2 * _PIXEL_BYTES
    # A checkpoint is written before an older one gives up its state.
    return count * (weights + photos) + min(count, KEPT_STATES + 1) * (weights + moments + averaged)


def _disk(folder: Path, needed: int) -> Finding:
    free = shutil.disk_usage(folder).free
    words = f"Checkpoints will take about {gigabytes(needed)}; {gigabytes(free)} are free."
    if needed > free:
        return Finding("disk", Answer.NO, f"{words} Make room, or let checkpoints be written less often.")
    return Finding("disk", Answer.YES, words)


def _time(job: Job, step_s: float, device: str) -> Finding:
    words = (
        f"A step takes {step_s:.2g} s on {device}; all {job.recipe.steps:,} take {how_long(step_s * job.recipe.steps)}."
    )
    return Finding("time", Answer.YES, words)
