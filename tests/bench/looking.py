"""`status` and the first review page of a project of 200,000 patches: milliseconds when warm."""

from __future__ import annotations

import statistics
import tempfile
import time
from pathlib import Path

from bench.report import Figure
from fakes.large_project import make_large_project
from ggt_studio.core.words import State
from ggt_studio.store.details import details
from ggt_studio.store.patches import Filter, page
from ggt_studio.store.project import Project
from ggt_studio.store.status import status

COUNT = 200_000


def measure(count: int = COUNT) -> list[Figure]:
    """Median of 20 readings each."""
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        make_large_project(Path(name) / "p", count)
        with Project.open(Path(name) / "p", read_only=True) as project:
            waiting = Filter(state=State.WAITING)
            return [
                Figure(
                    f"status of {count:,} patches",
                    _milliseconds(lambda: status(project)),
                    50,
                    at_least=False,
                    unit="ms",
                ),
                Figure(
                    f"first review page of {count:,} patches",
                    _milliseconds(lambda: [details(project, p.id) for p in page(project, waiting, limit=30)]),
                    50,
                    at_least=False,
                    unit="ms",
                ),
            ]


def _milliseconds(read) -> float:
    read()
    times = []
    for _ in range(20):
        began = time.perf_counter()
        read()
        times.append((time.perf_counter() - began) * 1000)
    return statistics.median(times)
