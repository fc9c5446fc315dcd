"""Which pair, which crop and which turn a training sample is: a pure function of the sample's number.

So any number of processes take their numbers and agree, a run resumes at a number, and nothing is starved: the sources
take turns as their shares say, each set has its quota in a round of its source, and a set gives each of its pairs once
before any of them again.
"""

from __future__ import annotations

import bisect
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from ggt_studio.core.errors import StudioError
from ggt_studio.training.shuffle import fraction, number, permuted

EXISTING, CURATED = "existing", "curated"
"""The usual names of the two sources, mixed 1 : 1 unless a person says otherwise."""

MAX_SHARES = 100
"""The shares of all sources together: a draw takes time with them."""


@dataclass(frozen=True, slots=True)
class MixSet:
    """A set of pairs in a pack.

    `pack` is the pack's path, relative to the job's `data` folder; `pairs` how many it holds. `quota` is how many samples
    the set gives in a round of its source: more than it has resamples it, fewer takes the rest in later rounds; 0 means as
    many as it has. `degradation` names the preset by which clean photos are degraded as they are read; empty for pairs.
    """

    name: str
    pack: str
    pairs: int
    quota: int = 0
    degradation: str = ""

    @property
    def per_round(self) -> int:
        """Samples in a round of its source."""
        return self.quota or self.pairs


@dataclass(frozen=True, slots=True)
class MixSource:
    """Sets that are drawn from together; of every sum-of-shares samples in a row, `share` come from this source."""

    name: str
    share: int
    sets: tuple[MixSet, ...]

    @property
    def per_round(self) -> int:
        """Samples in a round: each set has given its quota."""
        return sum(one.per_round for one in self.sets)


@dataclass(frozen=True, slots=True)
class Draw:
    """Sample `index`: pair number `pair` of a set, a crop at `at` (down and across, as fractions in [0, 1) of the room
    there is), mirrored left to right when `flip`, then turned `turns` quarters anticlockwise. `seed` (64 bits) is for what
    else is random, such as a degradation."""

    index: int
    source: int
    set: int
    pair: int
    at: tuple[float, float]
    flip: bool
    turns: int
    seed: int


@dataclass(frozen=True)
class Mix:
    """The sources and the seed; endless. Raises `StudioError` for a mix that cannot be drawn from."""

    sources: tuple[MixSource, ...]
    seed: int = 0
    _turns: tuple[int, ...] = field(init=False, repr=False, compare=False)
    _starts: tuple[tuple[int, ...], ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        _check(self.sources)
        turns = itertools.chain.from_iterable([number] * source.share for number, source in enumerate(self.sources))
        object.__setattr__(self, "_turns", tuple(turns))
        starts = [tuple(itertools.accumulate((s.per_round for s in source.sets), initial=0)) for source in self.sources]
        object.__setattr__(self, "_starts", tuple(starts))

    def draw(self, index: int) -> Draw:
        """Sample number `index`, from 0; the same for the same mix on every machine."""
        if index < 0:
            raise ValueError(f"samples are numbered from 0, not {index}")
        source, turn = self._source_of(index)
        which, visit = self._set_of(source, turn)
        pairs = self.sources[source].sets[which].pairs
        lap, place = divmod(visit, pairs)
        pair = permuted(place, pairs, number(self.seed, 3, source, which, lap))
        bits = number(self.seed, 4, index)
        at = (fraction(self.seed, 5, index), fraction(self.seed, 6, index))
        return Draw(index, source, which, pair, at, bool(bits & 1), bits >> 1 & 3, number(self.seed, 7, index))

    def set_of(self, draw: Draw) -> MixSet:
        """The set a draw is from."""
        return self.sources[draw.source].sets[draw.set]

    def shares(self) -> dict[tuple[str, str], float]:
        """The share of all samples that each (source, set) gets, in [0, 1]."""
        total = len(self._turns)
        return {
            (source.name, one.name): source.share / total * one.per_round / source.per_round
            for source in self.sources
            for one in source.sets
        }

    def to_json(self) -> dict[str, Any]:
        """As JSON values; `from_json` reads them."""
        return {"seed": self.seed, "sources": [asdict(source) for source in self.sources]}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Mix:
        """The mix that `to_json` told. Raises `StudioError` for anything else."""
        try:
            sources = tuple(
                MixSource(s["name"], s["share"], tuple(MixSet(**one) for one in s["sets"])) for s in values["sources"]
            )
            seed = values["seed"]
        except (KeyError, TypeError) as error:
            raise StudioError(f"The description of the training data cannot be read: {error}.") from error
        if not isinstance(seed, int):
            raise StudioError("The description of the training data cannot be read: its seed is no whole number.")
        return cls(sources, seed)

    def _source_of(self, index: int) -> tuple[int, int]:
        """The source of a sample, and the how manieth sample of that source it is."""
        block, place = divmod(index, len(self._turns))
        order = [permuted(i, len(self._turns), number(self.seed, 1, block)) for i in range(place + 1)]
        source = self._turns[order[-1]]
        before = sum(self._turns[i] == source for i in order[:-1])
        return source, block * self.sources[source].share + before

    def _set_of(self, source: int, turn: int) -> tuple[int, int]:
        """The set that a source's sample is from, and the how manieth visit of that set it is."""
        per_round = self.sources[source].per_round
        lap, place = divmod(turn, per_round)
        slot = permuted(place, per_round, number(self.seed, 2, source, lap))
        which = bisect.bisect_right(self._starts[source], slot) - 1
        within = slot - self._starts[source][which]
        return which, lap * self.sources[source].sets[which].per_round + within


def _check(sources: Sequence[MixSource]) -> None:
    if not sources:
        raise StudioError("There is nothing to train on: the mix has no source.")
    if len({source.name for source in sources}) < len(sources):
        raise StudioError("Two sources of the mix have the same name; give each its own.")
    for source in sources:
        if not _whole(source.share, 1) or not source.sets:
            raise StudioError(f"The source {source.name} needs a share of at least 1 and a set with pairs.")
        if len({one.name for one in source.sets}) < len(source.sets):
            raise StudioError(f"Two sets of the source {source.name} have the same name; give each its own.")
        for one in source.sets:
            if not _whole(one.pairs, 1):
                raise StudioError(f"The set {one.name} holds no pairs; take it out of the mix or add some.")
            if not _whole(one.quota, 0):
                raise StudioError(
                    f"The quota of the set {one.name} must be a whole number, 0 for all of it, not {one.quota}."
                )
    if sum(source.share for source in sources) > MAX_SHARES:
        raise StudioError(
            f"The shares of the mix add up to more than {MAX_SHARES}; use smaller ones of the same ratio."
        )


def _whole(value: object, least: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= least
