"""The split: whole groups, the paper's shares, exact wherever whole groups can make the number, reproducible."""

from __future__ import annotations

import itertools
import random
import time
from collections import Counter
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ggt_studio.core.errors import StudioError
from ggt_studio.core.words import Category
from ggt_studio.dataset.export.split import quotas, split


@dataclass(frozen=True)
class Item:
    patch_id: int
    group: int
    category: Category


ITEMS = st.lists(st.tuples(st.integers(0, 8), st.sampled_from(Category)), min_size=2, max_size=24).map(
    lambda found: [Item(i, group, category) for i, (group, category) in enumerate(found)]
)


def reachable(items: list[Item]) -> set[int]:
    sizes = list(Counter(item.group for item in items).values())
    return {sum(chosen) for n in range(len(sizes) + 1) for chosen in itertools.combinations(sizes, n)}


@given(items=ITEMS, seed=st.integers(0, 5), data=st.data())
def test_it_keeps_groups_whole_and_comes_as_near_as_groups_allow(
    items: list[Item], seed: int, data: st.DataObject
) -> None:
    count = data.draw(st.integers(0, len(items) - 1))
    nearest = max(n for n in reachable(items) if n <= count)
    if count and not nearest:
        with pytest.raises(StudioError, match="near-duplicate"):
            split(items, count, seed)
        return
    result = split(items, count, seed)
    group = {item.patch_id: item.group for item in items}
    assert len(result.test) == nearest
    assert sorted((*result.train, *result.test)) == sorted(group)
    assert result.train
    assert not {group[i] for i in result.train} & {group[i] for i in result.test}


@given(items=ITEMS, seed=st.integers(0, 5), shuffle=st.randoms())
def test_the_order_of_pairs_does_not_matter(items: list[Item], seed: int, shuffle: random.Random) -> None:
    mixed = list(items)
    shuffle.shuffle(mixed)

    def outcome(pairs: list[Item]) -> object:
        try:
            return split(pairs, len(items) // 2, seed)
        except StudioError as error:
            return str(error)

    assert outcome(items) == outcome(mixed)


@given(available=st.dictionaries(st.sampled_from(Category), st.integers(0, 40), min_size=1), count=st.integers(0, 200))
def test_quotas_are_complete_and_never_above_what_there_is(available: dict[Category, int], count: int) -> None:
    found = quotas(available, count)
    assert sum(found.values()) == min(count, sum(available.values()))
    assert all(found[c] <= available[c] for c in found)
    if count <= sum(n // 2 for n in available.values()):
        assert all(found[c] <= available[c] // 2 for c in found)


def test_500_pairs_are_shared_out_as_in_the_paper() -> None:
    available = dict.fromkeys(Category, 6_000) | {Category.GENERAL_MIXED: 66_058}
    assert quotas(available, 500) == {c: 250 if c is Category.GENERAL_MIXED else 50 for c in Category}


def test_pairs_without_duplicates_meet_every_quota() -> None:
    items = [Item(i, i, list(Category)[i % 6]) for i in range(600)]
    test = set(split(items, 60, 1).test)
    assert Counter(item.category for item in items if item.patch_id in test) == {
        c: 30 if c is Category.GENERAL_MIXED else 6 for c in Category
    }


def test_another_seed_gives_another_test_set() -> None:
    items = [Item(i, i, Category.HAZE) for i in range(100)]
    assert split(items, 20, 1) == split(items, 20, 1)
    assert split(items, 20, 1).test != split(items, 20, 2).test


def test_a_pair_must_be_left_to_train_on() -> None:
    items = [Item(i, i, Category.HAZE) for i in range(5)]
    with pytest.raises(StudioError, match="at most 4"):
        split(items, 5, 0)
    with pytest.raises(StudioError, match="0 or more"):
        split(items, -1, 0)


def test_a_patch_cannot_occur_twice() -> None:
    with pytest.raises(ValueError, match="twice"):
        split([Item(1, 1, Category.HAZE), Item(1, 2, Category.HAZE)], 1, 0)


def test_a_dataset_of_the_papers_size_is_split_in_seconds() -> None:
    rng = random.Random(3)
    items = [Item(i, rng.randrange(20_000), rng.choice(list(Category))) for i in range(103_707)]
    start = time.monotonic()
    result = split(items, 10_000, 0)
    assert len(result.test) == 10_000
    assert time.monotonic() - start < 20
