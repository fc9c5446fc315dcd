"""Which large model is in this process's memory: when another one comes, it is let go first. Runs in the worker."""

from __future__ import annotations

from collections.abc import Callable

_held: dict[str, Callable[[], object]] = {}


def take_over(name: str, let_go: Callable[[], object]) -> None:
    """Make room for what `name` is about to load: what others hold is let go. `let_go` will be called when it is its turn."""
    for other, free in list(_held.items()):
        if other != name:
            del _held[other]
            free()
    _held[name] = let_go
