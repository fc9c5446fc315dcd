"""A measured figure and its bound."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """`value` against `bound`, None where it is only told; `unit` is empty for a ratio."""

    name: str
    value: float
    bound: float | None
    at_least: bool
    unit: str = ""

    @property
    def ok(self) -> bool:
        if self.bound is None:
            return True
        return self.value >= self.bound if self.at_least else self.value <= self.bound

    def line(self) -> str:
        sign = ">=" if self.at_least else "<="
        bound = "" if self.bound is None else f" ({sign} {self.bound:g} {self.unit})"
        return f"{'ok  ' if self.ok else 'MISS'}  {self.name:<58} {self.value:>9.3f} {self.unit:<3}{bound}"
