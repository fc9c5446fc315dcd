"""A set of indices kept as ranges, so that selecting a million items costs as much as selecting one."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator


class Ranges:
    """Disjoint, sorted ranges [start, end) of whole numbers."""

    def __init__(self) -> None:
        self._starts: list[int] = []
        self._ends: list[int] = []

    def __contains__(self, index: int) -> bool:
        place = bisect_right(self._starts, index) - 1
        return place >= 0 and index < self._ends[place]

    def __len__(self) -> int:
        return sum(self._ends) - sum(self._starts)

    def __iter__(self) -> Iterator[int]:
        for start, end in self.ranges():
            yield from range(start, end)

    def __bool__(self) -> bool:
        return bool(self._starts)

    def ranges(self) -> list[tuple[int, int]]:
        """The ranges as (start, end), end excluded."""
        return list(zip(self._starts, self._ends, strict=True))

    def clear(self) -> None:
        """Hold nothing."""
        self._starts, self._ends = [], []

    def add(self, start: int, end: int) -> None:
        """Hold every index from `start` up to, not including, `end`."""
        if start >= end:
            return
        outside = [(a, b) for a, b in self.ranges() if b < start or a > end]
        touching = [(a, b) for a, b in self.ranges() if not (b < start or a > end)]
        merged = (min([start, *(a for a, _ in touching)]), max([end, *(b for _, b in touching)]))
        self._set([*outside, merged])

    def remove(self, start: int, end: int) -> None:
        """Hold none of the indices from `start` up to, not including, `end`."""
        if start >= end:
            return
        left: list[tuple[int, int]] = []
        for a, b in self.ranges():
            left += [(low, high) for low, high in ((a, min(b, start)), (max(a, end), b)) if low < high]
        self._set(left)

    def toggle(self, index: int) -> None:
        """Hold `index` if it is not held, otherwise let it go."""
        if index in self:
            self.remove(index, index + 1)
        else:
            self.add(index, index + 1)

    def _set(self, ranges: list[tuple[int, int]]) -> None:
        ranges.sort()
        self._starts, self._ends = [a for a, _ in ranges], [b for _, b in ranges]
