"""A hosted model at its limit: the throughput of a run against bare calls of the same client under the same quota.

The vendor is a process of its own that answers in 50 ms and rejects more than `QUOTA` requests within `WINDOW_S` seconds. The
client is the vendor's own, over HTTP, with 64 requests in flight at most. The bare calls send as the quota allows, count their
windows by themselves and do nothing with what comes back; runs and bare calls take turns. A window that begins full and one that
begins empty are no equals: each turn begins with an empty one.
"""

from __future__ import annotations

import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import deque
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.report import Figure
from fakes.hosted_run import HostedRun
from fakes.vendor_script import KEY
from ggt_studio.core.words import Category
from ggt_studio.pipeline.limits import Limiters
from ggt_studio.providers.base import Allowance, GenerateRequest
from ggt_studio.store import patches

DELAY_S, IN_FLIGHT, SIZE = 0.05, 64, 16
QUOTA, WINDOW_S = 150, 5.0
# Each turn takes six windows and the beginning of a seventh: 30 s and a little at best.
CALLS = 6 * QUOTA + 20
TURNS = 3


class Vendor:
    """The fake vendors as a process; use as a context manager."""

    def __enter__(self) -> Vendor:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "fakes.vendor_server"],
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).resolve().parents[1],
            env={**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[2])},
        )
        assert self._process.stdout is not None
        self.base = self._process.stdout.readline().strip()
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait(10)

    def script(self, **changes: Any) -> dict[str, Any]:
        """Change the script; returns the bill and the rejections."""
        request = urllib.request.Request(f"{self.base}/_script", json.dumps(changes).encode())
        with urllib.request.urlopen(request) as response:
            return json.load(response)

    @property
    def environment(self) -> dict[str, str]:
        return {"GEMINI_API_KEY": KEY, "GOOGLE_GEMINI_BASE_URL": self.base}


@dataclass(frozen=True)
class Turn:
    """Seconds that the same number of calls took, bare and as a run, and what the server rejected of the run."""

    bare_s: float
    run_s: float
    bare_rejected: int
    rejected: int


def measure(calls: int = CALLS, turns: int = TURNS) -> list[Figure]:
    """The share of the bare calls' throughput and of the quota's own, and what the server rejected: medians, and a sum."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder, Vendor() as vendor:
        os.environ["GGT_STUDIO_HOME"] = f"{folder}/home"
        vendor.script(echo=True, latency_s=DELAY_S, quota=QUOTA, window_s=WINDOW_S)
        measured = asyncio.run(_turns(Path(folder) / "p", vendor, calls, turns))
    share = statistics.median(turn.bare_s / turn.run_s for turn in measured)
    least_s = (calls - 1) // QUOTA * WINDOW_S
    return [
        Figure("hosted: share of ideal throughput at a limit", share, 0.95, at_least=True),
        Figure(
            "hosted: share of what the quota allows",
            statistics.median(least_s / turn.run_s for turn in measured),
            None,
            at_least=True,
        ),
        Figure("hosted: requests above the quota", sum(t.rejected for t in measured), 0, at_least=False),
        Figure(
            "hosted: of the bare calls above the quota", sum(t.bare_rejected for t in measured), None, at_least=False
        ),
    ]


async def _turns(folder: Path, vendor: Vendor, calls: int, turns: int) -> list[Turn]:
    allowance = Allowance(requests=QUOTA, window_s=WINDOW_S)
    run = HostedRun(folder, vendor.environment, calls * turns, size=SIZE, concurrency=IN_FLIGHT, allowance=allowance)
    patch = await run.store.call(lambda project: patches.patch(project, 1))
    request = GenerateRequest(
        "nano-banana-2", patch.lq_path, patch.sha256, SIZE, SIZE, Category.GENERAL_MIXED, "Restore.", (), 1, 0
    )
    measured = []
    try:
        await run.generator.generate(request)
        for _ in range(turns):
            before = await _calm(vendor)
            began = time.perf_counter()
            await _bare_calls(run, request, calls)
            bare_s = time.perf_counter() - began
            between = await _calm(vendor)
            began = time.perf_counter()
            report = await run.run(limit=calls, limiters=Limiters())
            run_s = time.perf_counter() - began
            after = vendor.script()["rejected"]
            if report.waiting != calls:
                raise RuntimeError(f"only {report.waiting} of {calls} patches came through")
            measured.append(Turn(bare_s, run_s, between - before, after - between))
    finally:
        run.close()
    return measured


async def _calm(vendor: Vendor) -> int:
    """Wait until the server's window is empty; returns how many requests it has rejected so far."""
    await asyncio.sleep(WINDOW_S + 1)
    return vendor.script()["rejected"]


async def _bare_calls(run: HostedRun, request: GenerateRequest, count: int) -> None:
    """What is ideal: as many in flight as may be, and one leaves whenever the quota's oldest answer has left the window."""
    answers: deque[float] = deque()
    left = iter(range(count))
    under_way = 0
    turn = asyncio.Lock()

    async def slot() -> None:
        nonlocal under_way
        for _ in left:
            async with turn:
                while len(answers) + under_way >= QUOTA:
                    wait = answers[0] + WINDOW_S - time.monotonic() if answers else 0.001
                    if wait > 0:
                        await asyncio.sleep(wait)
                    else:
                        answers.popleft()
                under_way += 1
            await run.generator.generate(request)
            under_way -= 1
            answers.append(time.monotonic())

    await asyncio.gather(*(slot() for _ in range(IN_FLIGHT)))
