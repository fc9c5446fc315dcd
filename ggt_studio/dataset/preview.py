"""What an export would hold, told before it is made: which pairs each selection has, and how they would be split."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ggt_studio.core.errors import StudioError
from ggt_studio.core.words import Category, Stage, State
from ggt_studio.dataset.export import split
from ggt_studio.dataset.include import TAKES_PART, Include, takes
from ggt_studio.store.project import Project


@dataclass(frozen=True, slots=True)
class Member:
    """A patch that has a candidate: what decides whether an export takes it and on which side of the split it may be."""

    patch_id: int
    group: int
    category: Category
    state: State
    stage: Stage


@dataclass(frozen=True, slots=True)
class SplitPreview:
    """Pairs of an export by side and category. `problem` says why it cannot be split as asked; all is train then."""

    train: int
    test: int
    by_category: Mapping[Category, tuple[int, int]]
    problem: str = ""

    @property
    def pairs(self) -> int:
        """Pairs in all."""
        return self.train + self.test


def members(project: Project, *, after: int = 0, limit: int = 20_000) -> list[Member]:
    """The next `limit` patches with a candidate after the id `after`, by id: the pairs of the widest selection.

    None that a person held back or removed.
    """
    sql = (
        "SELECT patch.id, coalesce(photo.near_duplicate_of, photo.id), patch.category, patch.state, patch.stage"  # noqa: S608
        f" FROM patch JOIN photo ON photo.id = patch.photo_id WHERE patch.id > ? AND {TAKES_PART}"
        " AND (hq_sha256 IS NOT NULL"
        " OR EXISTS (SELECT 1 FROM fact WHERE fact.patch_id = patch.id AND fact.kind = 'generated'))"
        " ORDER BY patch.id LIMIT ?"
    )
    rows = project.db.execute(sql, (after, limit))
    return [Member(row[0], row[1], Category(row[2]), State(row[3]), Stage(row[4])) for row in rows]


def selected(every: Iterable[Member], include: Include) -> list[Member]:
    """Those of a selection."""
    return [member for member in every if takes(include, member.state, member.stage)]


def preview(every: Iterable[Member], include: Include, test_count: int, seed: int) -> SplitPreview:
    """How the selection would be split; the same split as that of the export itself."""
    chosen = selected(every, include)
    problem, test = "", frozenset[int]()
    if chosen and test_count:
        try:
            test = frozenset(split(chosen, test_count, seed).test)
        except StudioError as error:
            problem = str(error)
    counts: dict[Category, list[int]] = {}
    for member in chosen:
        counts.setdefault(member.category, [0, 0])[member.patch_id in test] += 1
    by_category = {c: (counts[c][0], counts[c][1]) for c in Category if c in counts}
    return SplitPreview(len(chosen) - len(test), len(test), by_category, problem)
