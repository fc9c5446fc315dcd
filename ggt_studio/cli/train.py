"""The command `train`: train restorers on the project's pairs."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from ggt_studio.cli.console import (
    ProgressBar,
    json_option,
    note,
    project_argument,
    refuse_options,
    run_async,
    say,
)
from ggt_studio.cli.interrupts import INTERRUPTED
from ggt_studio.cli.trained import about, facts_of, run_folder
from ggt_studio.core.errors import StudioError
from ggt_studio.dataset.degradations import degradation_names
from ggt_studio.dataset.include import Include
from ggt_studio.pipeline.training import (
    check_job,
    keep_job,
    prepare_job,
    runs_folder,
    train_job,
)
from ggt_studio.pipeline.training_data import DataChoice
from ggt_studio.store.project import Project
from ggt_studio.training.compositions import DEFAULT, composition_names, load_composition, parse_ratio
from ggt_studio.training.findings import Answer, Preflight, reasons
from ggt_studio.training.job import JOB_FILE, RUN_NAME
from ggt_studio.training.recipes import load_recipe
from ggt_studio.worker.client import WorkerPool

_NONE = "none"
_OF_RESUMING = {"project", "resume", "device", "base", "as_json"}


@click.command()
@project_argument
@click.option("--recipe", default="nafnet", show_default=True, help="A recipe's name, or a .toml file of your own.")
@click.option("--name", help="Of the run; by default recipe and time.")
@click.option(
    "--include",
    type=click.Choice([*(i.value for i in Include), _NONE]),
    default=Include.VERIFIED.value,
    show_default=True,
    help="Pairs of the project: accepted by people; also those that wait for them; the first candidates, without quality "
    "control; or none.",
)
@click.option(
    "--pairs", "pair_folders", multiple=True, type=click.Path(path_type=Path), help="A folder of other pairs."
)
@click.option(
    "--clean", "clean_folders", multiple=True, type=click.Path(path_type=Path), help="Clean photos, to degrade."
)
@click.option(
    "--degradation",
    type=click.Choice(degradation_names()),
    default="real-esrgan",
    show_default=True,
    help="Of clean photos.",
)
@click.option("--composition", type=click.Choice(composition_names()), default=DEFAULT, show_default=True)
@click.option(
    "--ratio",
    metavar="EXISTING:CURATED",
    help="Samples of other pairs to those of the project, in place of the composition's, as 1:1.",
)
@click.option(
    "--quota",
    "quotas",
    multiple=True,
    metavar="FOLDER=SAMPLES",
    help="What the set of a folder's name gives in a round of the others.",
)
@click.option("--validation", type=click.IntRange(0, 1000), default=8, show_default=True, help="Pairs to hold back.")
@click.option("--steps", type=click.IntRange(1), help="In place of the recipe's.")
@click.option("--batch", type=click.IntRange(1), help="In place of the recipe's.")
@click.option("--crop", type=click.IntRange(16), help="Px a side, in place of the recipe's.")
@click.option("--accumulate", type=click.IntRange(1), help="Parts of a batch that are computed one after the other.")
@click.option("--precision", type=click.Choice(["fp32", "bf16", "fp16"]), help="In place of the recipe's.")
@click.option("--checkpoint-every", type=click.IntRange(0), metavar="STEPS", help="In place of the recipe's.")
@click.option("--from", "start_from", type=click.Path(path_type=Path), help="A checkpoint to start from.")
@click.option("--controller", type=click.Path(path_type=Path), help="DA-CLIP's CLIP controller, a checkpoint.")
@click.option(
    "--base",
    type=click.Path(path_type=Path),
    help="The folder of the model that a LoRA or ControlNet is trained into; with --resume, where it is by now.",
)
@click.option("--seed", type=int, default=0, show_default=True)
@click.option("--device", type=click.Choice(["auto", "cpu"]), default="auto", show_default=True)
@click.option("--resume", metavar="NAME", help="Go on with a run, from its last checkpoint.")
@click.option("--skip-check", is_flag=True, help="Begin without looking at the pairs and measuring a step first.")
@click.option("--prepare-only", is_flag=True, help="Make the job folder, to be trained elsewhere, and stop.")
@json_option
@click.pass_context
def train(
    context: click.Context,
    project: Path,
    recipe: str,
    name: str | None,
    include: str,
    pair_folders: tuple[Path, ...],
    clean_folders: tuple[Path, ...],
    degradation: str,
    composition: str,
    ratio: str | None,
    quotas: tuple[str, ...],
    validation: int,
    steps: int | None,
    batch: int | None,
    crop: int | None,
    accumulate: int | None,
    precision: str | None,
    checkpoint_every: int | None,
    start_from: Path | None,
    controller: Path | None,
    base: Path | None,
    seed: int,
    device: str,
    resume: str | None,
    skip_check: bool,
    prepare_only: bool,
    as_json: bool,
) -> int:
    """Train a restorer on the pairs of PROJECT, mixed with other pairs where there are some.

    Before the first step, pairs are looked at and a step is measured: whether they lie over each other, and what training will
    take of time, memory and disk. Ctrl-C writes a checkpoint and pauses; `--resume NAME` goes on exactly where it stood. The job
    folder under training/ can be copied and trained elsewhere: `accelerate launch -m ggt_studio.training FOLDER`.
    """
    with Project.open(project, read_only=True):
        pass
    if resume:
        others = {parameter.name or "" for parameter in context.command.params} - _OF_RESUMING
        refuse_options(context, others, "does not go with --resume, which goes on as the run was begun")
    if not clean_folders:
        refuse_options(context, ["degradation"], "only goes with --clean")
    mixed = load_composition(composition)
    if ratio is not None:
        existing, curated = parse_ratio(ratio)
        mixed = mixed.model_copy(update={"existing_share": existing, "curated_share": curated})
    chosen = load_recipe(recipe).changed(
        steps=steps,
        batch=batch,
        crop=crop,
        accumulate=accumulate,
        precision=precision,
        checkpoint_every=checkpoint_every,
    )
    data = DataChoice(
        mixed,
        None if include == _NONE else Include(include),
        pair_folders,
        clean_folders,
        degradation,
        validation,
        dict(_quota(text, (*pair_folders, *clean_folders)) for text in quotas),
    )
    folder = run_folder(project, resume) if resume else _new_folder(project, name, recipe)

    async def prepare(pool: WorkerPool) -> None:
        with ProgressBar("Packing pairs", "pair") as bar:
            job, remarks = await prepare_job(
                pool,
                folder,
                project,
                data,
                chosen,
                seed=seed,
                start_from=start_from,
                controller=controller,
                base=base,
                tell=lambda _what, done, total: bar.show(done, total),
            )
        for remark in remarks:
            note(remark)
        if not (skip_check or prepare_only):
            note("Looking at the pairs and measuring a step; of a large network that takes minutes.")
            _require(await check_job(pool, folder, job, device), folder)
        await keep_job(folder, job)

    async def work() -> str:
        with _unless_begun(folder, kept=bool(name)), closing(WorkerPool(1)) as pool:
            if not resume:
                await prepare(pool)
            if prepare_only:
                return "prepared"
            with ProgressBar("Training", "step") as bar:
                return await train_job(pool, folder, device, bar.show, base if resume else None)

    how = run_async(work)
    facts = {**facts_of(folder), "how": how}
    say(as_json, facts, _lines(folder, facts))
    return INTERRUPTED if how == "paused" else 0


@contextmanager
def _unless_begun(folder: Path, *, kept: bool) -> Iterator[None]:
    """Leave nothing behind of a run that was not begun, unless a person named it: then the next attempt goes on with it."""
    try:
        yield
    except BaseException as error:
        if not kept and not isinstance(error, _NotBegun) and not (folder / JOB_FILE).exists():
            shutil.rmtree(folder, ignore_errors=True)
        raise


class _NotBegun(StudioError):
    """Something speaks against a run, which another attempt can mend."""


def _quota(text: str, folders: Sequence[Path]) -> tuple[Path, int]:
    name, _, samples = text.rpartition("=")
    if not name or not samples.isdecimal() or not int(samples):
        raise click.UsageError(f"--quota {text} is none; write FOLDER=SAMPLES, such as RealSR=20000.")
    meant = [folder for folder in folders if name in {folder.name, str(folder)}]
    if len(meant) != 1:
        there = "several" if meant else "none"
        raise click.UsageError(f"--quota {text}: of the folders of --pairs and --clean, {there} is called {name}.")
    return meant[0], int(samples)


def _require(found: Preflight, folder: Path) -> None:
    """Tell what was found; raises StudioError where it cannot begin."""
    for finding in found.findings:
        if finding.answer is not Answer.NO:
            note(finding.words)
    if not found.can_begin:
        raise _NotBegun(
            f"Training was not begun. {reasons(found.findings)} The packed pairs stay: with other settings and --name "
            f"{folder.name} nothing is packed again."
        )


def _new_folder(project: Path, name: str | None, recipe: str) -> Path:
    chosen = name or f"{Path(recipe).stem}-{datetime.now().astimezone():%Y%m%d-%H%M%S}"
    if not RUN_NAME.fullmatch(chosen):
        raise click.UsageError("--name is letters, digits, spaces, dots and hyphens; it becomes a folder's name.")
    return runs_folder(project) / chosen


def _lines(folder: Path, facts: dict[str, Any]) -> list[str]:
    if facts["how"] == "prepared":
        return [f"The job is ready in {folder}. Train it with `accelerate launch -m ggt_studio.training FOLDER`."]
    project = folder.parent.parent
    lines = about(facts)
    if facts["how"] == "paused":
        lines.append(f"Paused. `ggt-studio train {project} --resume {folder.name!r}` goes on.")
    elif facts["checkpoints"]:
        lines.append(f"Restore with it: ggt-studio restore {facts['checkpoints'][-1]['path']} PHOTOS... -o FOLDER")
    return lines
