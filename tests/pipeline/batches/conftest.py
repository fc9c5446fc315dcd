"""The bench of orders in batches."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from fakes.batch_bench import COUNT, Bench
from fakes.projects import add_patch
from fakes.vendor_server import VendorServer
from ggt_studio.store.project import Project


@pytest.fixture
def vendors() -> Iterator[VendorServer]:
    with VendorServer() as server:
        yield server


@pytest.fixture
async def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, vendors: VendorServer):
    monkeypatch.setenv("GGT_STUDIO_HOME", str(tmp_path / "home"))
    for name, value in vendors.environment().items():
        monkeypatch.setenv(name, value)
    with Project.create(tmp_path / "p") as project:
        for seed in range(COUNT):
            add_patch(project, seed)
    made = Bench(tmp_path / "p", vendors)
    yield made
    made.session.close()
