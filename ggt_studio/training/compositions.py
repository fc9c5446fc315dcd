"""Compositions of training data as data: in what ratio existing and curated pairs are mixed, and what each set gives."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import replace
from importlib import resources
from importlib.resources.abc import Traversable

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ggt_studio.core.errors import StudioError
from ggt_studio.training.mixing import CURATED, EXISTING, Mix, MixSet, MixSource

DEFAULT = "one-to-one"


class Composition(BaseModel):
    """A preset. The shares are those of samples; 0 leaves a source out.

    `existing_pairs` is what the existing sets give together in a round, 0: as much as they have. It is divided evenly among
    those that have no quota of their own; small ones are resampled to it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    label: str
    description: str
    existing_share: int = Field(default=1, ge=0)
    curated_share: int = Field(default=1, ge=0)
    existing_pairs: int = Field(default=0, ge=0)


def composition_names() -> list[str]:
    """The names of the presets."""
    return sorted(one.name.removesuffix(".toml") for one in _folder().iterdir() if one.name.endswith(".toml"))


def load_composition(name: str = DEFAULT) -> Composition:
    """The preset of this name. Raises `StudioError` for an unknown one."""
    if name not in composition_names():
        raise StudioError(f"There is no composition {name}; choose one of {', '.join(composition_names())}.")
    try:
        return Composition.model_validate(tomllib.loads((_folder() / f"{name}.toml").read_text("utf-8")))
    except (tomllib.TOMLDecodeError, ValidationError) as error:
        raise StudioError(f"The composition {name} cannot be read: {error}.") from error


def parse_ratio(text: str) -> tuple[int, int]:
    """Shares of existing and curated pairs from `1:1`, `2:1`, `0:1` ... Raises `StudioError` for anything else."""
    parts = text.split(":")
    if len(parts) != 2 or not all(part.strip().isdecimal() for part in parts) or not any(int(part) for part in parts):
        raise StudioError(f"The ratio {text} is none; write existing:curated in whole numbers, such as 1:1 or 2:1.")
    return int(parts[0]), int(parts[1])


def compose(composition: Composition, existing: Sequence[MixSet], curated: Sequence[MixSet], seed: int) -> Mix:
    """The mix of these sets. A source that has no sets, or no share, is left out; the other then gives all samples.

    Raises `StudioError` where nothing is left, or quotas already exceed what the existing sets are to give.
    """
    sources = [
        MixSource(EXISTING, composition.existing_share, _with_quotas(composition, existing)),
        MixSource(CURATED, composition.curated_share, tuple(curated)),
    ]
    return Mix(tuple(source for source in sources if source.sets and source.share), seed)


def _with_quotas(composition: Composition, sets: Sequence[MixSet]) -> tuple[MixSet, ...]:
    open_sets = sum(not one.quota for one in sets)
    if not composition.existing_pairs or not open_sets:
        return tuple(sets)
    left = composition.existing_pairs - sum(one.quota for one in sets)
    if left < open_sets:
        raise StudioError(
            f"The quotas of the existing sets take all of the {composition.existing_pairs:,} pairs that "
            f"{composition.label} gives them; lower them, or give the other sets quotas, too."
        )
    shares = iter([left * (i + 1) // open_sets - left * i // open_sets for i in range(open_sets)])
    return tuple(one if one.quota else replace(one, quota=next(shares)) for one in sets)


def _folder() -> Traversable:
    return resources.files("ggt_studio.resources") / "compositions"
