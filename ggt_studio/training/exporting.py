"""A checkpoint for others: weights, model card, recipe, and ONNX where the network allows; worker method."""

from __future__ import annotations

import math
import shutil
from pathlib import Path
from typing import Any

from safetensors import safe_open

from ggt_studio.core.errors import StudioError
from ggt_studio.core.files import write_error
from ggt_studio.restorers.checkpoint import read_checkpoint
from ggt_studio.restorers.registry import Restorer, detect
from ggt_studio.training.job import STATE_FILE, CheckpointFiles, Job, checkpoints, read_events, read_job
from ggt_studio.training.model_card import OnnxFile, model_card, recipe_file
from ggt_studio.training.onnx_file import NotExportable, write_onnx
from ggt_studio.worker.job import Job as Request

_ONNX = "model.onnx"


def export_checkpoint(params: dict[str, Any], request: Request) -> dict[str, Any]:
    """Worker method: write a checkpoint into a new folder, which appears whole or not at all. `params`: `folder` (the job's), `step`,
    `out`, `onnx` (whether it is wanted).

    Returns `out`, `files` (names) and `onnx_refused` (why there is none, or empty). Raises StudioError for a folder that is there already,
    a step that has no checkpoint, and `WriteError` for the disk.
    """
    folder, out = Path(params["folder"]), Path(params["out"])
    step = int(params["step"])
    job = read_job(folder)
    found = next((one for one in checkpoints(folder) if one.step == step), None)
    if found is None:
        raise StudioError(f"{folder.name} has no checkpoint of step {step:,}.")
    if out.exists():
        raise StudioError(f"{out} is there already; choose another folder.")
    restorer = None if job.recipe.generative else detect(read_checkpoint(found.weights))
    part = out.with_name(f".{out.name}.part")
    refused, onnx = "", None
    try:
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(parents=True)
        for file in found.folder.iterdir():
            if file.name != STATE_FILE:
                shutil.copyfile(file, part / file.name)
        if params.get("onnx"):
            request.check()
            try:
                onnx = _onnx(job, restorer, part)
            except NotExportable as error:
                refused = str(error)
        request.check()
        _write_words(part, folder, job, found, onnx)
        part.rename(out)
    except OSError as error:
        raise write_error(out, error) from error
    finally:
        shutil.rmtree(part, ignore_errors=True)
    files = sorted(path.name for path in out.iterdir())
    return {"files": files, "onnx_refused": refused, "out": str(out)}


def _onnx(job: Job, restorer: Restorer | None, part: Path) -> OnnxFile:
    if restorer is None:
        raise NotExportable(f"A {job.recipe.network} is a part of a large model, of which no ONNX file is written.")
    return write_onnx(restorer, part / _ONNX)


def _write_words(part: Path, folder: Path, job: Job, found: CheckpointFiles, onnx: OnnxFile | None) -> None:
    scores = next(
        (one for one in reversed(read_events(folder)) if one.get("event") == "validated" and one["step"] == found.step),
        None,
    )
    with safe_open(found.weights, "pt") as weights:
        parameters = sum(math.prod(weights.get_slice(name).get_shape()) for name in weights.keys())  # noqa: SIM118
    card = model_card(job, found, parameters, scores, onnx)
    (part / "README.md").write_text(card, "utf-8")
    (part / "recipe.toml").write_text(recipe_file(job), "utf-8")
