"""Choosing the test pairs: whole groups, stratified by category, the same for the same seed."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from ggt_studio.core.errors import StudioError
from ggt_studio.core.words import Category

WEIGHTS: Mapping[Category, int] = {c: 5 if c is Category.GENERAL_MIXED else 1 for c in Category}
"""Shares of the test set by category: those of the paper (section 3: 250 general mixed, 50 of each other)."""


class Splittable(Protocol):
    """What the split needs to know of a pair; `PairRecord` has it."""

    @property
    def patch_id(self) -> int:
        """Identity of the pair."""
        ...

    @property
    def group(self) -> int:
        """Equal for pairs that may not be separated."""
        ...

    @property
    def category(self) -> Category:
        """Stratum."""
        ...


@dataclass(frozen=True, slots=True)
class Split:
    """Patch ids of both sides, each in ascending order."""

    train: tuple[int, ...]
    test: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class _Group:
    id: int
    size: int
    by_category: Mapping[Category, int]


def quotas(available: Mapping[Category, int], test_count: int) -> dict[Category, int]:
    """Test pairs wanted of each category; they sum to `min(test_count, pairs available)`.

    Shares follow `WEIGHTS` over the categories present (Sainte-Laguë, ties in the order of `Category`). No category
    gives more than half of its pairs while another still can give; only then are the halves exceeded.
    """
    wanted = dict.fromkeys((c for c in Category if available.get(c, 0)), 0)
    left = min(test_count, sum(available.values()))
    for limit in ({c: available[c] // 2 for c in wanted}, available):
        while left and (open_ := [c for c in wanted if wanted[c] < limit[c]]):
            wanted[min(open_, key=lambda c: (2 * wanted[c] + 1) / WEIGHTS[c])] += 1
            left -= 1
    return wanted


def split(pairs: Iterable[Splittable], test_count: int, seed: int) -> Split:
    """Divide pairs into train and test.

    A group is never divided. The test side has exactly `test_count` pairs wherever some set of whole groups has that
    many, otherwise the largest number below it that whole groups can make. Categories follow `quotas` as far as
    groups allow. The order of `pairs` does not matter; the same seed gives the same split.

    Raises `StudioError` where `test_count` is negative, leaves no pair to train on, or where no group is small
    enough to become a test set; `ValueError` where a patch id occurs twice.
    """
    members: dict[int, list[int]] = defaultdict(list)
    categories: dict[int, Counter[Category]] = defaultdict(Counter)
    for pair in pairs:
        members[pair.group].append(pair.patch_id)
        categories[pair.group][pair.category] += 1
    groups = [_Group(g, len(ids), categories[g]) for g, ids in members.items()]
    total = sum(group.size for group in groups)
    if len({patch_id for ids in members.values() for patch_id in ids}) != total:
        raise ValueError("a patch occurs twice in the selection")
    if test_count < 0:
        raise StudioError(f"The number of test pairs cannot be {test_count}: choose 0 or more.")
    if test_count and test_count >= total:
        raise StudioError(
            f"{test_count:,} test pairs were asked for, but the selection has {total:,} and at least one must stay for "
            f"training. Choose at most {max(total - 1, 0):,}, or select more pairs."
        )
    taken = _choose(sorted(groups, key=lambda g: _rank(g.id, seed)), test_count)
    if test_count and not taken:
        raise StudioError(
            f"No test set of {test_count:,} pairs can be made: near-duplicate photos stay together, and the smallest "
            f"group of them has {min(g.size for g in groups):,} pairs. Choose more test pairs, or none."
        )
    return Split(
        train=tuple(sorted(i for g, ids in members.items() if g not in taken for i in ids)),
        test=tuple(sorted(i for g in taken for i in members[g])),
    )


def _rank(group: int, seed: int) -> tuple[bytes, int]:
    """A random but reproducible place for a group, independent of which other groups there are."""
    return hashlib.sha256(f"{seed}:{group}".encode()).digest(), group


def _choose(groups: Sequence[_Group], test_count: int) -> set[int]:
    """Ids of the test groups; `groups` come in the order in which they are preferred."""
    available: Counter[Category] = Counter()
    for group in groups:
        available.update(group.by_category)
    room = Counter(quotas(available, test_count))
    taken: list[_Group] = []
    pool: list[_Group] = []
    for group in groups:
        if all(n <= room[c] for c, n in group.by_category.items()):
            taken.append(group)
            room.subtract(group.by_category)
        else:
            pool.append(group)
    # Groups that straddle quotas may leave a gap. Give back the last ones taken until the gap can be filled exactly.
    left = test_count - sum(group.size for group in taken)
    if not left:
        return {group.id for group in taken}
    mask = (1 << (test_count + 1)) - 1
    best = _largest(_sums(taken + pool, mask))
    left -= test_count - best
    reachable = _sums(pool, mask)
    while not reachable >> left & 1:
        group = taken.pop()
        left += group.size
        room.update(group.by_category)
        reachable |= reachable << group.size & mask
        pool.append(group)
    return {group.id for group in taken + _fill(pool, left, room)}


def _sums(groups: Iterable[_Group], mask: int) -> int:
    """Bit n is set where some of the groups hold n pairs together."""
    sums = 1
    for group in groups:
        sums |= sums << group.size & mask
    return sums


def _largest(sums: int) -> int:
    return sums.bit_length() - 1


def _fill(pool: Sequence[_Group], left: int, room: Mapping[Category, int]) -> list[_Group]:
    """Groups of the pool that hold exactly `left` pairs, those that overstep quotas least first."""
    over = {g.id: sum(max(0, n - max(0, room[c])) for c, n in g.by_category.items()) for g in pool}
    uses: Counter[int] = Counter()
    useful: list[_Group] = []
    for group in sorted(pool, key=lambda g: over[g.id] / g.size):
        uses[group.size] += 1
        if uses[group.size] * group.size <= left:
            useful.append(group)
    mask = (1 << (left + 1)) - 1
    reachable = [1]
    for group in reversed(useful):
        reachable.append(reachable[-1] | (reachable[-1] << group.size & mask))
    chosen: list[_Group] = []
    for i, group in enumerate(useful):
        rest = left - group.size
        if rest >= 0 and reachable[len(useful) - 1 - i] >> rest & 1:
            chosen.append(group)
            left = rest
    return chosen
