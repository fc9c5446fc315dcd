"""Training from a project: packing chosen data into a job folder, and running, pausing and going on."""

from __future__ import annotations

import asyncio
import hashlib
import re
import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from ggt_studio.core.errors import StudioError
from ggt_studio.dataset.degradations import load_degradation
from ggt_studio.generative.bases import Base, inspect_base
from ggt_studio.generative.options import GENERATIVE
from ggt_studio.pipeline.training_data import DataChoice, choose_sets
from ggt_studio.training.compositions import compose
from ggt_studio.training.findings import Preflight
from ggt_studio.training.job import DATA, JOB_FILE, VALIDATION_PACK, Job, read_job, request_pause, write_job
from ggt_studio.training.lists import write_list
from ggt_studio.training.mixing import MixSet
from ggt_studio.training.pairs import PairFiles
from ggt_studio.training.recipes import TrainingRecipe
from ggt_studio.worker.client import Progress, WorkerPool

TRAINING_LANE = "training"
_TRAINING = "training"
_TINY_BASE = "base"
_ASKS_AGAIN_S = 1.0

Tell = Callable[[str, int, int], None]
"""Hears what is done, how far, of how many."""


def runs_folder(project: Path) -> Path:
    """Where a project keeps its training runs."""
    return project / _TRAINING


def run_folders(project: Path) -> list[Path]:
    """The job folders of a project, the newest first."""
    found = [path.parent for path in runs_folder(project).glob(f"*/{JOB_FILE}")]
    return sorted(found, key=lambda path: _made_at(path / JOB_FILE), reverse=True)


async def prepare_job(
    pool: WorkerPool,
    folder: Path,
    project: Path | None,
    data: DataChoice,
    recipe: TrainingRecipe,
    *,
    seed: int = 0,
    start_from: Path | None = None,
    controller: Path | None = None,
    base: Path | None = None,
    tell: Tell = lambda _what, _done, _total: None,
) -> tuple[Job, list[str]]:
    """Choose and pack the data into a new job folder; the job, for `check_job` and `keep_job`, and remarks for people.

    `base`: the folder of the model that a generative recipe trains in; it stays where it is.
    Pairs that look alike are never both trained on and held back. What an earlier call packed there (before a crash, or with other
    settings) is not packed again. Raises StudioError where there is nothing to train on, the folder holds a run already, or
    DA-CLIP's `controller` is missing.
    """
    if (folder / JOB_FILE).exists():
        raise StudioError(f"{folder} holds a training run already; choose another name.")
    _check_controller(recipe, controller, start_from)
    if data.clean_folders:
        load_degradation(data.degradation)
    if start_from is not None and not recipe.generative:
        # Before all that takes long.
        params = {"recipe": recipe.model_dump(mode="json"), "start": absolute(start_from)}
        params |= {"controller": absolute(controller)} if controller else {}
        await pool.call("check_start", params, lane=TRAINING_LANE)
    trained_in = await _base(pool, folder, recipe, base)
    sets, remarks = await asyncio.to_thread(choose_sets, project, data, seed)
    if not sets:
        why = " ".join(remarks) or "Choose pairs of the project, a folder of pairs, or clean photos."
        raise StudioError(f"There is nothing to train on. {why}")
    mix_sets: dict[bool, list[MixSet]] = {True: [], False: []}
    digest = hashlib.sha256()
    for number, one in enumerate(sets):
        pack = f"{number:02d}-{_plain(one.name)}.pack"
        info = await _pack(pool, folder, pack, one.training, f"Packing {one.name}", tell)
        remarks += [f"{one.name}: {refused['name']} is left out: {refused['why']}" for refused in info["refused"]]
        if info["smallest"] < recipe.crop:
            remarks.append(
                f"{one.name}: pictures from {info['smallest']} px are mirrored on to crops of {recipe.crop} px."
            )
        mix_sets[one.curated].append(MixSet(one.name, pack, info["pairs"], one.quota, one.degradation))
        digest.update(info["sha256"].encode())
    held_back = [pair for one in sets for pair in one.held_back]
    validation = 0
    if held_back:
        info = await _pack(pool, folder, VALIDATION_PACK, held_back, "Packing what is held back", tell)
        validation = info["pairs"]
    mix = compose(data.composition, mix_sets[False], mix_sets[True], seed)
    name = project.name if project else folder.name
    job = Job(
        name=folder.name,
        recipe=recipe,
        mix=mix,
        seed=seed,
        validation_pairs=validation,
        validation_degradation=data.degradation if any(one.degradation for one in sets) else "",
        dataset=f"{name} {digest.hexdigest()[:12]}",
        start_from=await asyncio.to_thread(_copied, start_from, folder, "start") if start_from else "",
        controller=await asyncio.to_thread(_copied, controller, folder, "controller") if controller else "",
        base=trained_in,
        about={"include": data.include.value if data.include else "", "data_sha256": digest.hexdigest()},
    )
    return job, remarks


async def check_job(pool: WorkerPool, folder: Path, job: Job, device: str) -> Preflight:
    """Look at the pairs of a prepared job and take its first steps without keeping anything."""
    params = {"folder": absolute(folder), "job": job.to_json(), "device": device}
    return Preflight.from_json(await pool.call("preflight_job", params, lane=TRAINING_LANE))


async def keep_job(folder: Path, job: Job) -> None:
    """Let a prepared job be a run, which can be trained here or elsewhere. Raises StudioError where the folder holds one already."""
    await asyncio.to_thread(_finish, folder, job)


async def train_job(
    pool: WorkerPool, folder: Path, device: str, tell: Callable[[int, int], None], base: Path | None = None
) -> str:
    """Train a job folder, from where it stands; `done` or `paused`. `request_pause` pauses it from any process, and so does
    cancelling, which waits for the checkpoint; cancelled again, it ends at once. `base`: where its base model is by now.

    Raises StudioError; see `training.loop.train`.
    """
    read_job(folder)

    def show(progress: Progress) -> None:
        tell(int(progress.done), int(progress.total))

    params = {"folder": absolute(folder), "device": device} | ({"base": absolute(base)} if base else {})
    call = asyncio.ensure_future(pool.call("train_job", params, lane=TRAINING_LANE, on_progress=show))
    try:
        answer = await asyncio.shield(call)
    except asyncio.CancelledError:
        # Again and again: a run that is only just beginning takes away what was asked of the one before.
        while not call.done():
            request_pause(folder)
            await asyncio.wait({call}, timeout=_ASKS_AGAIN_S)
        answer = await call
    return answer["how"]


async def _pack(pool: WorkerPool, folder: Path, name: str, pairs: Sequence[PairFiles], what: str, tell: Tell) -> dict:
    listed = folder / DATA / f"{name}.list"
    if not await asyncio.to_thread(write_list, listed, pairs):
        # An earlier attempt packed something else there.
        await asyncio.to_thread((folder / DATA / name).unlink, missing_ok=True)

    def show(progress: Progress) -> None:
        tell(what, int(progress.done), int(progress.total))

    params = {"list": str(listed), "pack": str(folder / DATA / name)}
    return await pool.call("pack_list", params, lane=TRAINING_LANE, on_progress=show)


async def _base(pool: WorkerPool, folder: Path, recipe: TrainingRecipe, chosen: Path | None) -> Base | None:
    """The model to train in. Raises StudioError where it cannot be used, or the recipe lacks one."""
    if not recipe.generative:
        if chosen is not None:
            raise StudioError(
                f"{recipe.label} trains a whole network; a base model only goes with a LoRA or a ControlNet."
            )
        return None
    if chosen is not None:
        place = Path(absolute(chosen))
        found = await asyncio.to_thread(inspect_base, place, recipe.network)
        return Base(str(place), found.family.pipeline, found.fingerprint)
    if recipe.network_options.get("base") == "tiny":
        params = {"folder": absolute(folder / _TINY_BASE), "network": recipe.network}
        return replace(
            Base.from_json(await pool.call("write_tiny_base", params, lane=TRAINING_LANE)), folder=_TINY_BASE
        )
    kind = GENERATIVE[recipe.network]
    raise StudioError(
        f"{recipe.label} is trained into a model that is on this machine: choose the folder that holds {kind.base} (--base FOLDER)."
    )


def _finish(folder: Path, job: Job) -> None:
    write_job(folder, job)
    # They name files of this machine, which nobody needs where the job is trained.
    for listed in (folder / DATA).glob("*.list"):
        listed.unlink()


def _check_controller(recipe: TrainingRecipe, controller: Path | None, start_from: Path | None) -> None:
    if controller is not None and not recipe.takes_controller:
        raise StudioError(f"The recipe {recipe.label} takes no CLIP controller; only DA-CLIP does.")
    if recipe.needs_controller and controller is None and start_from is None:
        raise StudioError(
            f"The recipe {recipe.label} is told by a CLIP controller, which is not trained here: give its file with --controller, "
            "such as its authors' daclip_ViT-B-32.pt, or start from a DA-CLIP that was trained here."
        )


def _copied(checkpoint: Path, folder: Path, name: str) -> str:
    """A checkpoint in the job folder, which is whole by itself; its name there."""
    name = f"{name}{checkpoint.suffix}"
    try:
        shutil.copyfile(checkpoint, folder / name)
    except OSError as error:
        raise StudioError(f"The checkpoint {checkpoint} cannot be read: {error.strerror or error}.") from error
    return name


def absolute(folder: Path) -> str:
    """A path for a worker."""
    return str(folder.absolute())


def _made_at(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.casefold()).strip("-")[:40] or "set"
