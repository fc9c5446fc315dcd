"""What comes of training runs: exported models, and runs that were trained elsewhere and come back into the project."""

from __future__ import annotations

import asyncio
import itertools
import shutil
from dataclasses import dataclass
from pathlib import Path

from ggt_studio.core.errors import StudioError
from ggt_studio.core.files import write_error
from ggt_studio.pipeline.training import absolute, runs_folder
from ggt_studio.training.job import (
    CHECKPOINTS,
    JOB_FILE,
    LOCK_FILE,
    LOG_FILE,
    PAUSE_FILE,
    RUN_NAME,
    TENSORBOARD,
    VALIDATION,
    checkpoints,
    is_at_work,
    read_job,
)
from ggt_studio.worker.client import WorkerPool

_LANE = "exporting"
_STOPS_WITHIN_S = 20.0


@dataclass(frozen=True, slots=True)
class ExportedModel:
    """A folder with weights, model card, recipe and, where it was wanted and can be, ONNX; `onnx_refused`: why it cannot."""

    folder: Path
    files: tuple[str, ...]
    onnx_refused: str


async def export_model(pool: WorkerPool, folder: Path, out: Path, *, step: int | None, onnx: bool) -> ExportedModel:
    """Write a checkpoint (None: the newest) of a run into a new folder, for others to use.

    Raises StudioError for a run that has none, a folder that is there already, and the disk.
    """
    read_job(folder)
    there = checkpoints(folder)
    if not there:
        raise StudioError(f"{folder.name} has no checkpoints yet.")
    chosen = there[-1].step if step is None else step
    params = {"folder": absolute(folder), "step": chosen, "out": absolute(out), "onnx": onnx}
    # Beside a run that is trained; asked to stop, it takes what it has begun away.
    answer = await pool.call("export_checkpoint", params, lane=_LANE, cancel_within_s=_STOPS_WITHIN_S)
    return ExportedModel(Path(answer["out"]), tuple(answer["files"]), answer["onnx_refused"])


async def bring_back(project: Path, source: Path) -> Path:
    """Copy a job folder that was trained elsewhere into the project; its folder there. A run that the project has already goes on
    from what is new; one of the same name that is another run gets a name of its own.

    Raises StudioError for what is no job folder, a run under way, and one that was trained further at both places.
    """
    return await asyncio.to_thread(_bring_back, project, source)


def _bring_back(project: Path, source: Path) -> Path:
    job = read_job(source)
    if is_at_work(source):
        raise StudioError(f"{source} is being trained; pause it first, or wait until it is done.")
    if not RUN_NAME.fullmatch(job.name):
        raise StudioError(f"{source} is called {job.name!r} in its {JOB_FILE}, which is no name of a run.")
    try:
        for number in itertools.count(1):
            target = runs_folder(project) / (job.name if number == 1 else f"{job.name} {number}")
            if not target.exists():
                _copy_whole(source, target)
                return target
            if target.samefile(source):
                raise StudioError(f"{source} is in this project already.")
            if _text(target / JOB_FILE) == _text(source / JOB_FILE):
                _go_on(source, target)
                return target
    except OSError as error:
        raise write_error(runs_folder(project), error) from error
    raise AssertionError


def _copy_whole(source: Path, target: Path) -> None:
    part = target.with_name(f".{target.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    shutil.copytree(source, part, ignore=shutil.ignore_patterns(LOCK_FILE, PAUSE_FILE, ".*.part"))
    part.rename(target)


def _go_on(source: Path, target: Path) -> None:
    """Take over what the run has that is ours only up to a point. The log comes last: it is what tells of the rest."""
    if is_at_work(target):
        raise StudioError(f"{target.name} is being trained in this project; pause it first.")
    ours, theirs = _text(target / LOG_FILE), _text(source / LOG_FILE)
    if ours.startswith(theirs):
        return
    if not theirs.startswith(ours):
        raise StudioError(
            f"{target.name} was trained further both here and in {source}, so neither goes on from the other. Copy the checkpoint "
            "that you want, or rename the run here to bring the other one in beside it."
        )
    for one in checkpoints(source):
        place = target / CHECKPOINTS / one.folder.name
        if not (place / one.weights.name).is_file() or one.state.is_file():
            _replace(one.folder, place)
    for name in (VALIDATION, TENSORBOARD):
        if (source / name).is_dir():
            shutil.copytree(source / name, target / name, dirs_exist_ok=True)
    part = target / f".{LOG_FILE}.part"
    part.write_bytes(theirs)
    part.replace(target / LOG_FILE)


def _replace(source: Path, target: Path) -> None:
    part = target.with_name(f".{target.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    shutil.copytree(source, part)
    shutil.rmtree(target, ignore_errors=True)
    part.rename(target)


def _text(path: Path) -> bytes:
    return path.read_bytes() if path.is_file() else b""
