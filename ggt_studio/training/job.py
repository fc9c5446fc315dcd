"""A job folder: all that a training run is, in one place that can be copied to another machine and back. Light.

`job.json` (what is trained, on what, how), `data/` (packs), `checkpoints/step-N/` (`weights.safetensors`, `state.pt`),
`validation/` (photos), `log.jsonl` (one event a line), `tensorboard/`, `lock`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from ggt_studio.core.errors import StudioError
from ggt_studio.core.files import write_new
from ggt_studio.generative.bases import Base
from ggt_studio.training.mixing import Mix
from ggt_studio.training.recipes import TrainingRecipe, parse_recipe

FORMAT = 1
JOB_FILE, LOG_FILE, LOCK_FILE, PAUSE_FILE = "job.json", "log.jsonl", "lock", "pause"
DATA, CHECKPOINTS, VALIDATION, TENSORBOARD = "data", "checkpoints", "validation", "tensorboard"
WEIGHTS_FILE, STATE_FILE = "weights.safetensors", "state.pt"
CONTROLNET_FILE = "diffusion_pytorch_model.safetensors"
"""What diffusers calls the weights in the folder of a ControlNet."""
VALIDATION_PACK = "validation.pack"
RUN_NAME = re.compile(r"[\w][\w .-]*")
"""What a run may be called: it becomes the name of a folder."""


@dataclass(frozen=True, slots=True)
class Job:
    """What a run is. `dataset`: its data's version for people and restored photos; `start_from`: a checkpoint in the folder;
    `about`: further facts for the model card; `controller`: DA-CLIP's CLIP controller, a file in the folder, too; `base`: the model that
    a generative recipe trains in, too large to lie in the folder."""

    name: str
    recipe: TrainingRecipe
    mix: Mix
    seed: int = 0
    validation_pairs: int = 0
    validation_degradation: str = ""
    dataset: str = ""
    start_from: str = ""
    about: Mapping[str, Any] = field(default_factory=dict)
    controller: str = ""
    base: Base | None = None

    def to_json(self) -> dict[str, Any]:
        """As JSON values."""
        return {
            "format": FORMAT,
            **{name: getattr(self, name) for name in _PLAIN},
            "about": dict(self.about),
            "controller": self.controller,
            "recipe": self.recipe.model_dump(mode="json"),
            "mix": self.mix.to_json(),
            "base": self.base.to_json() if self.base else None,
        }

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Job:
        """The inverse of `to_json`. Raises `StudioError`, ValueError, KeyError or TypeError for what is none."""
        plain = {name: values[name] for name in _PLAIN}
        recipe, mix = parse_recipe(values["recipe"], plain["name"]), Mix.from_json(values["mix"])
        base = Base.from_json(values["base"]) if values.get("base") else None
        return cls(
            recipe=recipe, mix=mix, about=values["about"], controller=values.get("controller", ""), base=base, **plain
        )


_PLAIN = ("name", "seed", "validation_pairs", "validation_degradation", "dataset", "start_from")


def write_job(folder: Path, job: Job) -> None:
    """Write `job.json`; runs never overwrite each other. Raises `StudioError` where there is one already."""
    folder.mkdir(parents=True, exist_ok=True)
    try:
        write_new(folder / JOB_FILE, json.dumps(job.to_json(), ensure_ascii=False, indent=2).encode())
    except FileExistsError as error:
        raise StudioError(f"{folder} holds a training run already; choose another name.") from error


def read_job(folder: Path) -> Job:
    """The job of a folder. Raises `StudioError` for a folder that holds none, or one of a newer version."""
    path = folder / JOB_FILE
    try:
        values = json.loads(path.read_text("utf-8"))
        if values["format"] > FORMAT:
            raise StudioError(f"{path} was written by a newer version of GGT Studio; update to use it.")
        return Job.from_json(values)
    except FileNotFoundError as error:
        raise StudioError(f"{folder} is no folder of a training run: it has no {JOB_FILE}.") from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise StudioError(f"{path} cannot be read: {error}.") from error


@dataclass(frozen=True, slots=True)
class CheckpointFiles:
    """A checkpoint on disk; `state` is only kept for the newest ones."""

    step: int
    folder: Path

    @property
    def weights(self) -> Path:
        """What Restore takes: the averaged weights where the recipe averages."""
        controlnet = self.folder / CONTROLNET_FILE
        return controlnet if controlnet.is_file() else self.folder / WEIGHTS_FILE

    @property
    def state(self) -> Path:
        """What training goes on from."""
        return self.folder / STATE_FILE


def checkpoints(folder: Path) -> list[CheckpointFiles]:
    """The whole checkpoints of a job folder, the oldest first."""
    found = []
    for one in (folder / CHECKPOINTS).glob("step-*"):
        match = re.fullmatch(r"step-(\d+)", one.name)
        if match and (files := CheckpointFiles(int(match[1]), one)).weights.is_file():
            found.append(files)
    return sorted(found, key=lambda one: one.step)


def name_of_weights(weights: Path) -> str:
    """What people call a file of weights: in a job folder the run and its step, elsewhere the file's name."""
    match = re.fullmatch(r"step-(\d+)", weights.parent.name)
    if match is None or weights.parents[1].name != CHECKPOINTS:
        return weights.name
    return f"{weights.parents[2].name}, step {int(match[1]):,}"


def latest_state(folder: Path) -> CheckpointFiles | None:
    """The checkpoint that training would go on from."""
    return next((one for one in reversed(checkpoints(folder)) if one.state.is_file()), None)


def request_pause(folder: Path) -> None:
    """Ask whichever process trains the job to write a checkpoint and end."""
    (folder / PAUSE_FILE).touch()


def read_events(folder: Path) -> list[dict[str, Any]]:
    """The log, oldest first. A last line that a crash cut off is left out.

    Steps that were done again after a crash are there once: what was said of them later stands.
    """
    try:
        lines = (folder / LOG_FILE).read_text("utf-8", errors="replace").splitlines()
    except FileNotFoundError:
        return []
    events: list[dict[str, Any]] = []
    for line in lines:
        try:
            event = json.loads(line)
        except ValueError:
            continue
        if event.get("event") == "begun":
            events = [one for one in events if one.get("step", 0) <= event["step"]]
        events.append(event)
    return events


def state_of(folder: Path, events: Sequence[Mapping[str, Any]]) -> str:
    """`new`, `running`, `paused`, `done`, `failed`, or `interrupted` where it ended without a word; `events` are its log."""
    for event in reversed(events):
        if event.get("event") == "ended":
            return str(event["how"])
        if event.get("event") == "begun":
            return "running" if is_at_work(folder) else "interrupted"
    return "new"


def is_at_work(folder: Path) -> bool:
    """Whether a process trains the job now."""
    if not (folder / LOCK_FILE).exists():
        return False
    try:
        with FileLock(folder / LOCK_FILE).acquire(timeout=0):
            return False
    except Timeout:
        return True
    except OSError:
        # Where nothing can be written, nothing is trained.
        return False


def as_facts(job: Job) -> dict[str, Any]:
    """A job for people and scripts, in short."""
    recipe = job.recipe
    return {
        "name": job.name,
        "recipe": recipe.label,
        "network": recipe.network,
        "steps": recipe.steps,
        "batch": recipe.batch,
        "crop": recipe.crop,
        "dataset": job.dataset,
        "base": job.base.folder if job.base else None,
        "sets": [
            {"source": source.name, "share": source.share, **asdict(one)}
            for source in job.mix.sources
            for one in source.sets
        ],
    }
