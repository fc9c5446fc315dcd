"""A project of four patches and the vendors to which its session speaks, for orders in batches."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from fakes.vendor_server import VendorServer
from ggt_studio.core.facts import Aligned
from ggt_studio.core.model import Alignment, GateResult
from ggt_studio.core.recipe import Recipe
from ggt_studio.pipeline import batch_results, batch_runs
from ggt_studio.pipeline.engine import Engine
from ggt_studio.pipeline.recipes import MetricGate
from ggt_studio.pipeline.session import Session
from ggt_studio.settings import Settings
from ggt_studio.store import patches
from ggt_studio.store.batch_jobs import batch_jobs
from ggt_studio.store.check import check
from ggt_studio.store.status import status

COUNT = 4
MISALIGNED = Aligned(1, Alignment(9.0, 0.0, 1.0, 0.0, 0.9), GateResult(False, "shift", "9 px"))
MODEL = {"google": "nano-banana-2", "openai": "gpt-image-2"}


class Bench:
    """A project of four patches, and the vendors to which its session speaks."""

    def __init__(self, folder: Path, vendors: VendorServer) -> None:
        self.folder, self.vendors, self.script = folder, vendors, vendors.script
        self.session = Session(folder, Settings(worker_processes=1))

    def reopen(self) -> None:
        self.session.close()
        self.session = Session(self.folder, Settings(worker_processes=1))

    def recipe(self, vendor: str = "google") -> Recipe:
        return self.session.recipe(MODEL[vendor], "fix", "measured", metric_gate=MetricGate.NONE)

    async def submit(self, vendor: str = "google", **options: object) -> batch_runs.Submission:
        return await batch_runs.submit(self.session, self.recipe(vendor), **options)  # type: ignore[arg-type]

    async def collect(self) -> batch_results.Collected:
        return await batch_results.collect(self.session)

    async def run(self, vendor: str = "google", *, generate: bool = True):
        session = self.session
        recipe = self.recipe(vendor)
        return await Engine(session.store, session.pool, session.registry, recipe, generate=generate).run()

    async def read(self, function):
        return await self.session.store.call(function)

    async def facts(self, patch_id: int, kind: type) -> list:
        return [fact for fact in await self.read(lambda p: patches.facts(p, patch_id)) if isinstance(fact, kind)]

    async def jobs(self):
        return await self.read(batch_jobs)

    async def runnable(self) -> list[int]:
        found = await self.read(lambda p: [patch.id for patch in patches.runnable(p)])
        assert (await self.read(status)).runnable == len(found)
        return found

    async def healthy(self) -> bool:
        report = await self.read(check)
        assert report.ok, report.problems
        return True

    def paid(self) -> list[int]:
        """How often each image was paid for."""
        return list(Counter(charge.image for charge in self.script.bill).values())
