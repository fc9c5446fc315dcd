"""A fake of all vendors, and generators that speak to it through the vendors' own clients."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from fakes.projects import png
from fakes.vendor_server import VendorServer
from ggt_studio.core.words import Category
from ggt_studio.providers.base import GenerateRequest
from ggt_studio.providers.catalogue import Catalogue, load_catalogue
from ggt_studio.providers.hooks import Services
from ggt_studio.providers.hosted.generator import HostedGenerator
from ggt_studio.providers.hosted.registration import ADAPTERS
from ggt_studio.providers.keys import Keys

MODELS = {
    "google": "nano-banana-2",
    "openai": "gpt-image-2",
    "ark": "seedream-5.0",
    "kling": "kling-image-o1",
}


class NoWorker:
    """Hosted models need no worker."""

    async def call(self, method: str, params: dict[str, Any], **_: Any) -> dict[str, Any]:
        raise AssertionError(f"{method} was called")


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GGT_STUDIO_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def vendors() -> Iterator[VendorServer]:
    with VendorServer() as server:
        yield server


@dataclass(frozen=True)
class Hosted:
    """Generators with the services that they share."""

    services: Services

    def generator(self, model_id: str, *, timeout_s: float = 30.0) -> HostedGenerator:
        model = self.services.catalogue.models[model_id]
        adapter = ADAPTERS[self.services.catalogue.service_of(model).protocol]
        return HostedGenerator(model, self.services, adapter, timeout_s)

    async def warm(self) -> None:
        """Import and make all clients, so that a test's time is that of calls."""
        services, clients = self.services.catalogue.services, self.services.clients
        await clients.google(services["google"])
        await clients.openai(services["openai"])
        await clients.http(services["kling"])


@pytest.fixture
async def hosted_with() -> AsyncIterator[Callable[..., Hosted]]:
    """Makes generators for an environment; their connections are closed at the end."""
    made: list[Services] = []

    def make(environment: dict[str, str], catalogue: Catalogue | None = None) -> Hosted:
        services = Services(NoWorker(), catalogue or load_catalogue(), Keys(environment))
        made.append(services)
        return Hosted(services)

    yield make
    for services in made:
        services.clients.close()


@pytest.fixture
def hosted(vendors: VendorServer, hosted_with: Callable[..., Hosted], monkeypatch: pytest.MonkeyPatch) -> Hosted:
    monkeypatch.setattr("ggt_studio.providers.hosted.kling_images.edit.__kwdefaults__", {"poll_s": 0.01})
    return hosted_with(vendors.environment())


@pytest.fixture
def request_of(tmp_path: Path) -> Callable[..., GenerateRequest]:
    """Makes requests for a patch of some size."""

    def make(width: int = 160, height: int = 160, **changes: Any) -> GenerateRequest:
        path = tmp_path / f"patch-{width}x{height}.png"
        if not path.exists():
            path.write_bytes(png(1) if width == height == 160 else _png(width, height))
        plain = GenerateRequest("g", path, "a" * 64, width, height, Category.RAIN, "Remove the rain.", (), 1, 2**40 + 7)
        return replace(plain, **changes)

    return make


def _png(width: int, height: int) -> bytes:
    import numpy as np

    from ggt_studio.core.images import encode_png

    rows, columns = np.mgrid[0:height, 0:width]
    pixels = np.stack([rows % 256, columns % 256, (rows + columns) // 2 % 256], 2).astype(np.uint8)
    return encode_png(pixels)
