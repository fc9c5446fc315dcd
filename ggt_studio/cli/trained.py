"""The commands `trained`, `export-model` and `add-run`: what there is of training runs, and what is done with it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from ggt_studio.cli.console import counted, json_option, note, project_argument, run_async, say
from ggt_studio.core.errors import StudioError
from ggt_studio.pipeline.training import run_folders, runs_folder
from ggt_studio.pipeline.training_results import bring_back, export_model
from ggt_studio.store.project import Project
from ggt_studio.training.job import as_facts
from ggt_studio.training.story import read_story
from ggt_studio.worker.client import WorkerPool


@click.command()
@project_argument
@json_option
def trained(project: Path, as_json: bool) -> None:
    """List the training runs of PROJECT, with their checkpoints, the newest first."""
    with Project.open(project, read_only=True):
        pass
    runs = [facts_of(folder) for folder in run_folders(project)]
    lines = [line for run in runs for line in about(run)] or ["There are no training runs yet: `train` makes one."]
    say(as_json, runs, lines)


@click.command("export-model")
@project_argument
@click.argument("run")
@click.option("-o", "--out", required=True, type=click.Path(path_type=Path), help="A new folder.")
@click.option("--step", type=click.IntRange(1), help="Of the checkpoint; by default the newest.")
@click.option("--onnx", is_flag=True, help="An ONNX file as well, checked against the network.")
@json_option
def export(project: Path, run: str, out: Path, step: int | None, onnx: bool, as_json: bool) -> None:
    """Write a trained model of PROJECT into a folder for others: weights (safetensors), model card and recipe."""
    folder = run_folder(project, run)

    async def work() -> Any:
        pool = WorkerPool(1)
        try:
            return await export_model(pool, folder, out, step=step, onnx=onnx)
        finally:
            pool.close()

    made = run_async(work)
    if made.onnx_refused:
        note(made.onnx_refused)
    facts = {"folder": str(made.folder), "files": list(made.files), "onnx_refused": made.onnx_refused}
    say(as_json, facts, [f"Written to {made.folder}: {', '.join(made.files)}."])


@click.command("add-run")
@project_argument
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@json_option
def add_run(project: Path, folder: Path, as_json: bool) -> None:
    """Bring a job FOLDER that was trained elsewhere into PROJECT, with its checkpoints, curves and photos."""
    with Project.open(project, read_only=True):
        pass
    there = run_async(lambda: bring_back(project, folder))
    facts = facts_of(there)
    say(as_json, facts, about(facts))


def run_folder(project: Path, name: str) -> Path:
    """The folder of a run by its name. Raises StudioError, naming those that there are."""
    names = [folder.name for folder in run_folders(project)]
    if name not in names:
        there = f"There are: {', '.join(names)}." if names else "There are none yet."
        raise StudioError(f"{project.name} has no training run {name}. {there}")
    return runs_folder(project) / name


def facts_of(folder: Path) -> dict[str, Any]:
    """A run for scripts."""
    story = read_story(folder)
    latest = story.validated[-1] if story.validated else {}
    return {
        **as_facts(story.job),
        "folder": str(folder),
        "state": story.state,
        "why": story.why,
        "step": story.step,
        "loss": story.measured[-1]["loss"] if story.measured else None,
        "checkpoints": [
            {"step": one.step, "path": str(one.weights)}
            | {name: (story.scores_of(one.step) or {}).get(name) for name in ("psnr", "ssim", "lpips")}
            for one in story.checkpoints
        ],
        **{name: latest.get(name) for name in ("psnr_lq", "ssim_lq", "lpips_lq")},
    }


def about(run: dict[str, Any]) -> list[str]:
    """A run in a line or two."""
    newest = run["checkpoints"][-1] if run["checkpoints"] else None
    psnr = f", {newest['psnr']:.2f} dB (photos as they are: {run['psnr_lq']:.2f})" if newest and newest["psnr"] else ""
    lines = [f"{run['name']}: {run['recipe']}, {run['state']}, step {run['step']:,} of {run['steps']:,}{psnr}"]
    if newest:
        lines.append(f"  {counted(len(run['checkpoints']), 'checkpoint')}, the newest: {newest['path']}")
    return lines
