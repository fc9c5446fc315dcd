"""Mixing: exact shares, quotas and coverage, from the sample's number alone."""

from __future__ import annotations

import json
from collections import Counter

import pytest

from ggt_studio.core.errors import StudioError
from ggt_studio.training.compositions import compose, composition_names, load_composition, parse_ratio
from ggt_studio.training.mixing import CURATED, EXISTING, Mix, MixSet, MixSource
from ggt_studio.training.shuffle import fraction, permuted

EXISTING_SETS = (MixSet("small", "small.pack", 7, quota=20), MixSet("large", "large.pack", 50, quota=10))
MIX = Mix((MixSource(EXISTING, 1, EXISTING_SETS), MixSource(CURATED, 1, (MixSet("ours", "ours.pack", 13),))), seed=5)


@pytest.mark.parametrize("count", [1, 2, 3, 5, 16, 17, 1000])
def test_a_permutation_takes_each_place_once(count: int) -> None:
    orders = [[permuted(i, count, key) for i in range(count)] for key in range(3)]
    assert all(sorted(order) == list(range(count)) for order in orders)
    if count > 5:
        assert orders[0] != orders[1] != orders[2]


def test_permutations_favour_no_place() -> None:
    found = Counter((i, permuted(i, 5, key)) for key in range(4000) for i in range(5))
    assert len(found) == 25
    assert all(abs(n - 800) < 5 * 800**0.5 for n in found.values())


def test_fractions_are_spread_evenly() -> None:
    values = [fraction(1, k) for k in range(4000)]
    counts = Counter(int(v * 10) for v in values)
    assert all(abs(counts[i] - 400) < 100 for i in range(10))
    assert 0 <= min(values) < max(values) < 1


def test_sources_take_turns_as_their_shares_say_at_any_moment() -> None:
    mix = Mix((MixSource("a", 3, (MixSet("x", "x", 4),)), MixSource("b", 1, (MixSet("y", "y", 9),))), seed=1)
    drawn = [mix.draw(k).source for k in range(400)]
    assert all(sorted(drawn[begin : begin + 4]) == [0, 0, 0, 1] for begin in range(0, 400, 4))
    assert len({tuple(drawn[begin : begin + 4]) for begin in range(0, 400, 4)}) == 4


def test_a_round_gives_each_set_its_quota_and_a_set_gives_each_pair_once_before_any_again() -> None:
    existing = [d for d in map(MIX.draw, range(2 * 30 * 25)) if d.source == 0]
    for begin in range(0, len(existing), 30):
        assert Counter(d.set for d in existing[begin : begin + 30]) == {0: 20, 1: 10}
    # After whole rounds, no pair of a set was given more than once more than another: none is starved or favoured.
    for begin in range(30, len(existing), 30):
        for which, pairs in enumerate((7, 50)):
            seen = Counter(d.pair for d in existing[:begin] if d.set == which)
            counts = [seen[pair] for pair in range(pairs)]
            assert max(counts) - min(counts) <= 1
    curated = [d.pair for d in map(MIX.draw, range(26 * 3)) if d.source == 1]
    for begin in range(0, 39, 13):
        assert sorted(curated[begin : begin + 13]) == list(range(13))
    assert curated[:13] != curated[13:26]


def test_a_draw_depends_on_the_seed_and_the_number_alone() -> None:
    again = Mix.from_json(json.loads(json.dumps(MIX.to_json())))
    assert again == MIX
    forwards, backwards = [again.draw(k) for k in range(200)], [MIX.draw(k) for k in reversed(range(200))][::-1]
    assert forwards == backwards
    other = Mix(MIX.sources, seed=6)
    assert sum(other.draw(k) == forwards[k] for k in range(200)) == 0


def test_mirrors_turns_and_places_are_all_drawn() -> None:
    draws = [MIX.draw(k) for k in range(2000)]
    counts = Counter((d.flip, d.turns) for d in draws)
    assert len(counts) == 8
    assert all(abs(n - 250) < 80 for n in counts.values())
    assert len({d.at for d in draws}) == len({d.seed for d in draws}) == 2000


def test_draws_far_out_and_of_large_sets_take_no_longer_or_more() -> None:
    large = Mix((MixSource("a", 1, (MixSet("x", "x", 3_000_000, quota=10**9),)),), seed=1)
    assert 0 <= large.draw(10**15).pair < 3_000_000


def test_shares_of_sets_are_told() -> None:
    assert MIX.shares() == {
        (EXISTING, "small"): pytest.approx(1 / 3),
        (EXISTING, "large"): pytest.approx(1 / 6),
        (CURATED, "ours"): pytest.approx(1 / 2),
    }


@pytest.mark.parametrize(
    ("sources", "words"),
    [
        ((), "no source"),
        ((MixSource("a", 0, EXISTING_SETS),), "share of at least 1"),
        ((MixSource("a", 1, ()),), "a set with pairs"),
        ((MixSource("a", 1, (MixSet("x", "x", 0),)),), "x holds no pairs"),
        ((MixSource("a", 1, (MixSet("x", "x", 1, quota=-1),)),), "quota of the set x"),
        ((MixSource("a", 99, EXISTING_SETS), MixSource("b", 99, EXISTING_SETS)), "add up to more than"),
        ((MixSource("a", 1, EXISTING_SETS), MixSource("a", 1, EXISTING_SETS)), "same name"),
    ],
)
def test_a_mix_that_cannot_be_drawn_from_is_refused(sources: tuple[MixSource, ...], words: str) -> None:
    with pytest.raises(StudioError, match=words):
        Mix(sources)


@pytest.mark.parametrize(
    "values", [{}, {"seed": 1}, {"seed": "x", "sources": []}, {"seed": 1, "sources": [{"name": "a"}]}]
)
def test_a_description_that_is_none_is_refused(values: dict[str, object]) -> None:
    with pytest.raises(StudioError, match="description of the training data"):
        Mix.from_json(values)


def test_the_papers_composition_resamples_to_200_000_existing_pairs_at_one_to_one() -> None:
    sets = [MixSet(f"set {i}", f"{i}.pack", 100 + i) for i in range(14)]
    large = MixSet("large", "large.pack", 500_000, quota=60_000)
    mix = compose(load_composition("paper"), [*sets, large], [MixSet("ours", "ours.pack", 103_707)], seed=0)
    existing, curated = mix.sources
    assert (existing.share, curated.share) == (1, 1)
    assert existing.per_round == 200_000
    assert {one.quota for one in existing.sets} == {10_000, 60_000}
    assert curated.per_round == 103_707


def test_compositions_leave_out_what_has_no_share_or_no_sets() -> None:
    ours = [MixSet("ours", "ours.pack", 3)]
    assert len(composition_names()) >= 4
    assert [s.name for s in compose(load_composition("curated-only"), EXISTING_SETS, ours, 0).sources] == [CURATED]
    assert [s.name for s in compose(load_composition("paper-existing-only"), EXISTING_SETS, ours, 0).sources] == [
        EXISTING
    ]
    assert [s.name for s in compose(load_composition(), [], ours, 0).sources] == [CURATED]
    with pytest.raises(StudioError, match="nothing to train on"):
        compose(load_composition("curated-only"), EXISTING_SETS, [], 0)
    with pytest.raises(StudioError, match="take all of the 200,000 pairs"):
        compose(load_composition("paper"), [MixSet("a", "a", 5, quota=200_000), MixSet("b", "b", 5)], ours, 0)
    with pytest.raises(StudioError, match="no composition such"):
        load_composition("such")


def test_ratios_are_read() -> None:
    assert parse_ratio("1:1") == (1, 1)
    assert parse_ratio("0:2") == (0, 2)
    for wrong in ("1", "1:1:1", "a:b", "0:0", "-1:2", "0.5:1"):
        with pytest.raises(StudioError, match="write existing:curated"):
            parse_ratio(wrong)
