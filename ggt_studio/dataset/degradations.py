"""The presets of second-order degradation: ranges as data, in `resources/degradations` or a file of one's own."""

from __future__ import annotations

import math
import tomllib
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from ggt_studio.core.errors import StudioError

KernelKind = Literal[
    "isotropic",
    "anisotropic",
    "generalised isotropic",
    "generalised anisotropic",
    "plateau isotropic",
    "plateau anisotropic",
]
"""Shapes of blur: Gaussian, with a peak sharper or flatter than that, or with a plateau; round, or longer one way."""

MAX_KERNEL, MAX_STAGES = 51, 4


def _ordered(pair: tuple[float, float]) -> tuple[float, float]:
    if not 0 < pair[0] <= pair[1] or not math.isfinite(pair[1]):
        raise ValueError("it must be two numbers above 0, the smaller first")
    return pair


def _odd_sizes(sizes: tuple[int, int]) -> tuple[int, int]:
    if not 3 <= sizes[0] <= sizes[1] <= MAX_KERNEL or sizes[0] % 2 == 0 or sizes[1] % 2 == 0:
        raise ValueError(f"it must be two odd numbers from 3 to {MAX_KERNEL}, the smaller first")
    return sizes


def _quality(pair: tuple[int, int]) -> tuple[int, int]:
    if not 1 <= pair[0] <= pair[1] <= 100:
        raise ValueError("it must be two whole numbers from 1 to 100, the smaller first")
    return pair


Range = Annotated[tuple[float, float], AfterValidator(_ordered)]
Sizes = Annotated[tuple[int, int], AfterValidator(_odd_sizes)]
Quality = Annotated[tuple[int, int], AfterValidator(_quality)]
Chance = Annotated[float, Field(ge=0, le=1)]
Weight = Annotated[float, Field(ge=0)]


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Blur(_Table):
    """A blur with this chance; with `sinc_chance` of these an ideal low-pass, otherwise a kernel by weight.

    `sizes` (px, odd), `sigma` (px; anisotropic kernels draw two), `beta_gaussian` and `beta_plateau` (the exponents of
    generalised and plateau kernels) are ranges.
    """

    chance: Chance = 1.0
    sinc_chance: Chance = 0.0
    sizes: Sizes = (7, 21)
    weights: dict[KernelKind, Weight]
    sigma: Range
    beta_gaussian: Range = (0.5, 4.0)
    beta_plateau: Range = (1.0, 2.0)

    @model_validator(mode="after")
    def _some_weight(self) -> Blur:
        if sum(self.weights.values()) <= 0:
            raise ValueError("give at least one kernel a weight above 0")
        return self


class Resize(_Table):
    """Weights of enlarging, reducing and keeping, and the range of the factor: its upper end enlarges, its lower reduces."""

    up: Weight = 0.0
    down: Weight = 0.0
    keep: Weight = 0.0
    factor: Range

    @model_validator(mode="after")
    def _consistent(self) -> Resize:
        if self.up + self.down + self.keep <= 0:
            raise ValueError("give up, down or keep a weight above 0")
        if not self.factor[0] <= 1 <= self.factor[1] <= 4:
            raise ValueError("the range of the factor must hold 1 and end at 4 or below")
        return self


class Noise(_Table):
    """Gaussian noise (`sigma`: standard deviation in levels of 255) with `gaussian_chance`, otherwise Poisson noise (`scale`
    times that of 255 photons at white); with `grey_chance` the same in all channels."""

    gaussian_chance: Chance = 0.5
    sigma: Range
    scale: Range
    grey_chance: Chance = 0.4


class Stage(_Table):
    """One pass of the classical model: blur, resize, noise, JPEG of a quality in this range."""

    blur: Blur
    resize: Resize
    noise: Noise
    jpeg: Quality


class Final(_Table):
    """The last sinc filter: its chance and its sizes (px, odd)."""

    sinc_chance: Chance = 0.8
    sizes: Sizes = (7, 21)


class Degradation(_Table):
    """A preset. `scale`: the result has the detail of a picture smaller by this, enlarged again (1: none is lost so)."""

    label: str
    description: str
    scale: int = Field(default=1, ge=1, le=8)
    stages: tuple[Stage, ...] = Field(min_length=1, max_length=MAX_STAGES)
    final: Final = Final()


def degradation_names() -> list[str]:
    """The names of the presets that come with the program."""
    return sorted(one.name.removesuffix(".toml") for one in _folder().iterdir() if one.name.endswith(".toml"))


def load_degradation(name: str) -> Degradation:
    """The preset of this name, or in the TOML file of this path. Raises `StudioError` that says what is wrong in it."""
    if name in degradation_names():
        return _read((_folder() / f"{name}.toml").read_text("utf-8"), name)
    if not name.endswith(".toml"):
        raise StudioError(f"There is no degradation {name}; choose {', '.join(degradation_names())} or a TOML file.")
    try:
        return _read(Path(name).read_text("utf-8"), name)
    except (OSError, UnicodeDecodeError) as error:
        raise StudioError(f"Cannot read the degradation {name}: {error}.") from error


def _folder() -> Traversable:
    return resources.files("ggt_studio.resources") / "degradations"


def _read(text: str, name: str) -> Degradation:
    try:
        return Degradation.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise StudioError(f"The degradation {name} is no valid TOML: {error}.") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the whole"
        raise StudioError(f"The degradation {name} cannot be used: {where}: {first['msg']}.") from error
