"""What a run is trained on: which pairs of the project and of folders, and which of them are held back."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from ggt_studio.dataset.include import Include
from ggt_studio.dataset.pairs import pages_of_pairs, selected_ids
from ggt_studio.store.project import Project
from ggt_studio.training.compositions import Composition
from ggt_studio.training.pairs import PairFiles
from ggt_studio.training.sources import find_clean, find_pairs, project_pairs

_LEFT = 4


@dataclass(frozen=True, slots=True)
class DataChoice:
    """What to train on: this project's pairs, further folders of pairs, and folders of clean photos to be degraded.

    `quotas`: how many samples a folder gives in a round of all existing sets, 0: all; small sets are resampled to it.
    """

    composition: Composition
    include: Include | None = Include.VERIFIED
    pair_folders: tuple[Path, ...] = ()
    clean_folders: tuple[Path, ...] = ()
    degradation: str = "real-esrgan"
    validation: int = 8
    quotas: Mapping[Path, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ChosenSet:
    """A set before it is packed: what is trained on, and what is held back."""

    name: str
    curated: bool
    training: tuple[PairFiles, ...]
    held_back: tuple[PairFiles, ...]
    degradation: str = ""
    quota: int = 0


def choose_sets(project: Path | None, data: DataChoice, seed: int) -> tuple[list[ChosenSet], list[str]]:
    """The sets of a choice, with what is held back of each, and remarks for people. Pairs that look alike are on one side."""
    sets, remarks = [], []
    if project is not None and data.include is not None:
        pairs = _read_project(project, data.include)
        if pairs:
            sets.append(_held_apart("curated", True, pairs, data.validation, seed))
        else:
            remarks.append(_none_of(project, data.include))
    for folder in data.pair_folders:
        found = find_pairs(folder)
        remarks.append(f"{folder.name}: {found.words()}.")
        apart = _held_apart(folder.name, False, found.pairs, data.validation, seed)
        sets.append(replace(apart, quota=data.quotas.get(folder, 0)))
    for folder in data.clean_folders:
        clean = _held_apart(folder.name, False, find_clean(folder), data.validation, seed)
        sets.append(replace(clean, degradation=data.degradation, quota=data.quotas.get(folder, 0)))
    fair = _fair(sets, data.validation)
    held = sum(len(one.held_back) for one in fair)
    if sets and held < data.validation:
        remarks.append(
            f"{held} of the {data.validation} pairs that were asked for are held back to measure on: no more than a quarter of a "
            "set is, and pairs of one photo stay together."
        )
    return _with_names_apart(fair), remarks


def _none_of(folder: Path, include: Include) -> str:
    """What to say of a project without such pairs."""
    if include is not Include.VERIFIED:
        return f"The project has no {include.value} pairs yet."
    with Project.open(folder, read_only=True) as project:
        waiting = len(selected_ids(project, Include.ACCEPTED))
    if not waiting:
        return "The project has no pairs yet."
    return (
        f"Nobody has accepted a pair of the project yet; {waiting:,} passed the machine and wait for it. Review them, or train on "
        "them as they are (--include accepted)."
    )


def _read_project(folder: Path, include: Include) -> Sequence[PairFiles]:
    with Project.open(folder, read_only=True) as project, project.snapshot():
        pages = pages_of_pairs(project, selected_ids(project, include), include)
        return project_pairs(record for page in pages for record in page)


def _held_apart(name: str, curated: bool, pairs: Sequence[PairFiles], count: int, seed: int) -> ChosenSet:
    """Divide pairs, whole groups at a time; at most a quarter is held back."""
    groups: dict[object, list[PairFiles]] = {}
    for pair in pairs:
        groups.setdefault(pair.about.get("group", pair.hq), []).append(pair)
    order = sorted(groups, key=str)
    random.Random(seed).shuffle(order)
    held: list[PairFiles] = []
    most = min(count, len(pairs) // _LEFT)
    for key in order:
        if len(held) + len(groups[key]) <= most:
            held += groups[key]
    names = {id(pair) for pair in held}
    return ChosenSet(name, curated, tuple(pair for pair in pairs if id(pair) not in names), tuple(held))


def _fair(sets: Sequence[ChosenSet], count: int) -> list[ChosenSet]:
    """Hold `count` pairs back over all sets, about equally many of each; the others go back to training."""
    kept: list[list[PairFiles]] = [[] for _ in sets]
    for turn in range(count):
        for mine, one in zip(kept, sets, strict=True):
            if turn < len(one.held_back) and sum(map(len, kept)) < count:
                mine.append(one.held_back[turn])
    return [
        replace(one, held_back=tuple(mine), training=one.training + _same_again(one.held_back[len(mine) :], mine))
        for mine, one in zip(kept, sets, strict=True)
    ]


def _same_again(back: Iterable[PairFiles], held: Sequence[PairFiles]) -> tuple[PairFiles, ...]:
    """Those that may be trained on after all: none that belongs to a group of which something stays held back."""
    groups = {pair.about.get("group", pair.hq) for pair in held}
    return tuple(pair for pair in back if pair.about.get("group", pair.hq) not in groups)


def _with_names_apart(sets: Sequence[ChosenSet]) -> list[ChosenSet]:
    seen: dict[str, int] = {}
    named = []
    for one in sets:
        seen[one.name] = seen.get(one.name, 0) + 1
        named.append(one if seen[one.name] == 1 else replace(one, name=f"{one.name} {seen[one.name]}"))
    return named
