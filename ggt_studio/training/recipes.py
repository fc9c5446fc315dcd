"""Recipes of training as data: network, loss, optimiser, schedule, crops, batch, EMA; in `resources/training_recipes` or a
file of one's own. Light, for every process."""

from __future__ import annotations

import tomllib
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ggt_studio.core.errors import StudioError
from ggt_studio.generative.options import GENERATIVE, parse_options

Positive = Annotated[float, Field(gt=0)]
Share = Annotated[float, Field(ge=0, lt=1)]
Count = Annotated[int, Field(ge=1)]

_OF_VELOCITIES = ("l1", "l2", "charbonnier")
_NOT_GENERATIVE = ("ema", "channels_last", "compile")

SMOKE = "-smoke"
"""What the names of recipes end with that are small enough to train on a CPU in a minute."""


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Loss(_Table):
    """A term of the loss, of what a network says beside what it ought to say: images of 0 to 1, or what diffusion asks for.

    `l1`, `l2`: mean absolute and squared difference. `charbonnier`: the mean of sqrt(difference^2 + epsilon^2). `psnr`: minus
    the mean PSNR in dB (NAFNet, arXiv 2204.04676). `edge`: Charbonnier of the Laplacians (MPRNet, arXiv 2102.02808, section 3.4).
    `frequency`: mean absolute difference of the real and imaginary parts of the Fourier transforms.
    `balance`: how unevenly experts are asked (MoCE-IR, arXiv 2411.18466), whatever they say.
    """

    kind: Literal["l1", "l2", "charbonnier", "psnr", "edge", "frequency", "balance"]
    weight: Positive = 1.0
    epsilon: Positive = 1e-3


class Optimiser(_Table):
    """Adam or AdamW."""

    kind: Literal["adam", "adamw"] = "adamw"
    lr: Positive
    betas: tuple[Share, Share] = (0.9, 0.999)
    weight_decay: float = Field(default=0.0, ge=0)


class Schedule(_Table):
    """How the learning rate goes over the steps: up linearly in `warmup` steps, then by a cosine to `lr_end`, or constant, or
    halved at each of `milestones` (shares of all steps)."""

    kind: Literal["constant", "cosine", "halving"] = "cosine"
    warmup: int = Field(default=0, ge=0)
    lr_end: float = Field(default=0.0, ge=0)
    milestones: tuple[Share, ...] = ()


class TrainingRecipe(_Table):
    """All that decides how a network is trained, beside the data. Sizes in px, lengths in steps of the optimiser.

    `batch` is that of a step, over all processes and `accumulate` parts. `network_options` are those of the network's own options.
    Each checkpoint is validated; `checkpoint_every` 0: only at the end. `ema` 0: none. `clip`: the largest norm of all gradients, 0: none.
    `recompute`: blocks are computed again for the gradients instead of being remembered (gradient checkpointing), for less memory.
    `begins_unchanged`: the last layer begins with zeros, so that a new network leaves photos as they are and learns only what helps.
    """

    label: str
    description: str
    network: Literal[
        "NAFNet",
        "SwinIR",
        "X-Restormer",
        "PromptIR",
        "MPRNet",
        "MoCE-IR",
        "FoundIR",
        "DA-CLIP",
        "Qwen-Image-Edit LoRA",
        "FLUX ControlNet",
    ]
    network_options: dict[str, Any] = Field(default_factory=dict)
    loss: tuple[Loss, ...] = Field(min_length=1)
    optimiser: Optimiser
    schedule: Schedule = Schedule()
    steps: Count
    batch: Count
    crop: int = Field(ge=16, le=2048)
    accumulate: Count = 1
    ema: Share = 0.0
    clip: float = Field(default=0.0, ge=0)
    precision: Literal["fp32", "bf16", "fp16"] = "fp32"
    channels_last: bool = False
    recompute: bool = False
    begins_unchanged: bool = False
    compile: bool = False
    checkpoint_every: int = Field(default=5000, ge=0)
    validation_crop: int = Field(default=512, ge=32, le=4096)
    log_every: Count = 50

    @property
    def takes_controller(self) -> bool:
        """Whether what is trained is told by a CLIP controller of DA-CLIP."""
        return self.network == "DA-CLIP"

    @property
    def needs_controller(self) -> bool:
        """Whether such a controller must be given: the recipe makes none of its own."""
        return self.takes_controller and "seen" not in self.network_options

    @property
    def generative(self) -> bool:
        """Whether it trains a part of a generative model (`ggt_studio.generative`)."""
        return self.network in GENERATIVE

    def changed(self, **values: Any) -> TrainingRecipe:
        """This recipe with other values; those that are None stay. Raises `StudioError` for such that do not fit."""
        wanted = {name: value for name, value in values.items() if value is not None}
        return parse_recipe({**self.model_dump(), **wanted}, self.label)


def recipe_names() -> list[str]:
    """The names of the recipes that come with the program."""
    return sorted(one.name.removesuffix(".toml") for one in _folder().iterdir() if one.name.endswith(".toml"))


def load_recipe(name: str) -> TrainingRecipe:
    """A recipe by its name, or from a TOML file of one's own. Raises `StudioError` for what is none."""
    if name in recipe_names():
        text = (_folder() / f"{name}.toml").read_text("utf-8")
    elif (path := Path(name).expanduser()).suffix == ".toml":
        try:
            text = path.read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise StudioError(
                f"The recipe {path} cannot be read: {getattr(error, 'strerror', None) or error}."
            ) from error
    else:
        raise StudioError(
            f"There is no recipe {name}; choose one of {', '.join(recipe_names())}, or the path of a .toml file of your own."
        )
    try:
        return parse_recipe(tomllib.loads(text), name)
    except tomllib.TOMLDecodeError as error:
        raise StudioError(f"The recipe {name} cannot be read: {error}.") from error


def parse_recipe(values: dict[str, Any], name: str) -> TrainingRecipe:
    """A recipe from plain values. Raises `StudioError`, naming what does not fit."""
    try:
        recipe = TrainingRecipe.model_validate(values)
    except ValidationError as error:
        # A misspelt setting is why another is missing.
        first = min(error.errors(), key=lambda one: one["type"] != "extra_forbidden")
        where = ".".join(str(part) for part in first["loc"]) or "it"
        why = "there is no such setting" if first["type"] == "extra_forbidden" else first["msg"]
        raise StudioError(f"The recipe {name} cannot be used: {where}: {why}.") from error
    if recipe.batch % recipe.accumulate:
        raise StudioError(
            f"The recipe {name} cannot be used: a batch of {recipe.batch} does not divide into {recipe.accumulate} parts."
        )
    kinds = [term.kind for term in recipe.loss]
    if "balance" in kinds and recipe.network != "MoCE-IR":
        raise StudioError(f"The recipe {name} cannot be used: {recipe.network} has no experts whose balance counts.")
    if set(kinds) == {"balance"}:
        raise StudioError(f"The recipe {name} cannot be used: balance alone restores nothing; add a loss of the image.")
    if recipe.generative:
        _check_generative(recipe, name)
    return recipe


def _check_generative(recipe: TrainingRecipe, name: str) -> None:
    """Raises StudioError for what does not go with what is trained into a generative model, instead of doing nothing."""
    parse_options(recipe.network, recipe.network_options, f"The recipe {name}")
    odd = [term.kind for term in recipe.loss if term.kind not in _OF_VELOCITIES]
    if odd:
        raise StudioError(
            f"The recipe {name} cannot be used: {odd[0]} is a loss of images, and a {recipe.network} is trained on velocities; choose l2."
        )
    idle = [key for key in _NOT_GENERATIVE if getattr(recipe, key)]
    if idle:
        raise StudioError(
            f"The recipe {name} cannot be used: {idle[0]} does not go with a {recipe.network}; leave it out."
        )


def _folder() -> Traversable:
    return resources.files("ggt_studio.resources") / "training_recipes"
