"""The photos of a queue: found under what a person chose, each with where it goes and how far it is."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from ggt_studio.core.words import Category
from ggt_studio.dataset.discovery import PHOTO_SUFFIXES, Found, category_of, discover


class Standing(StrEnum):
    """How far a photo is. UNCERTAIN: asked for without an answer, and nobody here knows whether that was charged."""

    WAITING = "waiting"
    RUNNING = "running"
    RESTORED = "restored"
    SKIPPED = "skipped"
    FAILED = "failed"
    UNCERTAIN = "uncertain"


@dataclass(slots=True)
class RestoreItem:
    """One photo. `name`: where it goes, relative to the folder, without its suffix. `share`: how much of it is done, 0 to 1.

    `out`: the restored photo; `message`: why there is none, for people; `facts`: what is told of how it came about. `takeable` is
    false for what is no photo that can be read. `category`: the one that its folder names, where one does.
    """

    path: Path
    name: Path
    standing: Standing = Standing.WAITING
    share: float = 0.0
    out: Path | None = None
    message: str = ""
    facts: dict[str, Any] = field(default_factory=dict)
    takeable: bool = True
    category: Category | None = None

    def wait(self) -> None:
        """Let it be taken again."""
        self.standing, self.share, self.out, self.message, self.facts = Standing.WAITING, 0.0, None, "", {}


def find_items(
    paths: Iterable[Path], folder: Path, made: Collection[Path], queued: Sequence[RestoreItem]
) -> list[RestoreItem]:
    """The photos among these files and folders that are not `queued` yet; what cannot be taken is there as failed.

    What was restored before is not taken: neither `folder`, into which photos go, where it lies in one of these, nor what was
    `made` there. Raises StudioError for a path that does not exist.
    """
    paths = list(paths)
    own = folder.resolve()
    beside = any(path.resolve().is_relative_to(own) for path in paths)
    known, names = {item.path for item in queued}, {item.name for item in queued}
    items: list[RestoreItem] = []
    for found in discover(paths, exclude=[] if beside or not own.is_dir() else [own]):
        if not isinstance(found, Found):
            path = Path(found.path)
            items.append(RestoreItem(path, Path(path.name), Standing.FAILED, message=found.reason, takeable=False))
        elif found.path not in known and found.path.resolve() not in made:
            within = found.path.relative_to(found.root) if found.root != found.path else Path(found.path.name)
            name = within.with_suffix("") if within.suffix.lower() in PHOTO_SUFFIXES else within
            # Photos of one name from several places have a file each.
            numbers = itertools.chain([""], (f"-{number}" for number in itertools.count(2)))
            name = next(n for number in numbers if (n := name.with_name(name.name + number)) not in names)
            names.add(name)
            items.append(RestoreItem(found.path, name, category=category_of(found.path, found.root)))
    return items
