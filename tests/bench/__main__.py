"""`python -m bench [NAME ...]` in the tests folder: measure and print; exit status 1 when a figure misses its bound."""

from __future__ import annotations

import importlib
import sys

NAMES = (
    "first_paint",
    "importing",
    "crops",
    "training",
    "learning",
    "restoring",
    "engine",
    "classical",
    "hosted",
    "looking",
    "window_memory",
)


def main(names: list[str]) -> int:
    missed = 0
    for name in names or NAMES:
        measured = importlib.import_module(f"bench.{name}").measure()
        for figure in measured if isinstance(measured, list) else [measured]:
            print(figure.line(), flush=True)
            missed += not figure.ok
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
