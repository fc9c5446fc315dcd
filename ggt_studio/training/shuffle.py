"""Seeded numbers and permutations as pure functions of their arguments: nothing is drawn in advance, nothing remembered."""

from __future__ import annotations

_MASK = (1 << 64) - 1
_GOLDEN = 0x9E3779B97F4A7C15
_ROUNDS = 6
_LEAST_HALF_BITS = 2


def number(*key: int) -> int:
    """64 well-mixed bits for a key of integers; the same on every machine. (The finaliser of SplitMix64, chained.)"""
    state = 0
    for part in key:
        state = (state ^ (part & _MASK)) + _GOLDEN & _MASK
        state = (state ^ state >> 30) * 0xBF58476D1CE4E5B9 & _MASK
        state = (state ^ state >> 27) * 0x94D049BB133111EB & _MASK
        state ^= state >> 31
    return state


def fraction(*key: int) -> float:
    """A number in [0, 1) for a key."""
    return (number(*key) >> 11) / (1 << 53)


def permuted(index: int, count: int, key: int) -> int:
    """Where `index` of `range(count)` goes in the permutation that belongs to `key`; in constant time and memory.

    A Feistel network over the next even number of bits, walked on until it ends below `count`: four steps on average at most
    from 16 up. Raises `ValueError` for an index outside.
    """
    if not 0 <= index < count:
        raise ValueError(f"{index} is not in range({count})")
    half = max(((count - 1).bit_length() + 1) // 2, _LEAST_HALF_BITS)
    mask = (1 << half) - 1
    while True:
        left, right = index >> half, index & mask
        for turn in range(_ROUNDS):
            left, right = right, left ^ (number(key ^ turn << 56 ^ right) & mask)
        index = left << half | right
        if index < count:
            return index
