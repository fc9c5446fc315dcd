"""A hosted model's batches: what all vendors have in common around the way in which each of them is spoken to."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Coroutine, Mapping
from pathlib import Path
from typing import Any, Protocol, TypeVar

from ggt_studio.core.canvas import Canvas
from ggt_studio.providers.base import GeneratedImage, GenerateRequest, ProviderError
from ggt_studio.providers.batching import BatchLimits, BatchLine, BatchState, UnknownBatch
from ggt_studio.providers.catalogue import Model, Price, Service
from ggt_studio.providers.hooks import Services
from ggt_studio.providers.hosted.clients import TOTAL_TIMEOUT_S, Clients
from ggt_studio.providers.hosted.generator import counted, described, image_of
from ggt_studio.providers.hosted.job import Job, Received, prepare

T = TypeVar("T")

# Hundreds of megabytes over an ordinary line.
TRANSFER_TIMEOUT_S = 3600.0


class Dialect(Protocol):
    """How one protocol takes batches. Raises ProviderError, and what the vendor's client and httpx2 raise."""

    limits: BatchLimits

    def line(self, model: Model, key: str, job: Job) -> dict[str, Any]:
        """A request as an object of JSON."""
        ...

    async def upload(self, clients: Clients, service: Service, path: Path, name: str) -> str:
        """Upload the file of a batch; returns the vendor's name of it."""
        ...

    async def create(self, clients: Clients, service: Service, model: Model, file: str, name: str) -> str:
        """Order the batch with one request; returns the vendor's name of it."""
        ...

    async def find(self, clients: Clients, service: Service, name: str) -> str | None:
        """The vendor's name of the batch that was ordered as `name`."""
        ...

    async def look_at_file(self, clients: Clients, service: Service, file: str) -> None:
        """Ask after an uploaded file; see `is_unknown`."""
        ...

    async def state(self, clients: Clients, service: Service, vendor_name: str) -> BatchState:
        """How far it is."""
        ...

    async def cancel(self, clients: Clients, service: Service, vendor_name: str) -> None:
        """Ask for its end."""
        ...

    async def download(self, clients: Clients, service: Service, vendor_name: str, folder: Path) -> list[Path]:
        """Put the results into files in `folder`: a JSON object per line."""
        ...

    def key(self, row: dict[str, Any]) -> str:
        """The key of a result; empty where it has none."""
        ...

    def received(self, service: Service, model: Model, row: dict[str, Any]) -> Received:
        """The image of a result. Raises ProviderError where it has none."""
        ...

    def is_unknown(self, error: Exception) -> bool:
        """Whether an error of the vendor's client says that there is no such thing."""
        ...


class HostedBatches:
    """Batches of a hosted model; see `batching.Batches`."""

    def __init__(self, model: Model, services: Services, dialect: Dialect) -> None:
        self._model = model.model_copy(update={"price": batch_price(model.price)})
        self._service = services.catalogue.service_of(model)
        self._clients, self._dialect = services.clients, dialect
        self.info = described(self._model, self._service, services.keys.address(self._service))
        self.limits = dialect.limits

    async def line(self, key: str, request: GenerateRequest) -> BatchLine:
        """A request as a line; reads and encodes the patch in a thread."""
        return await asyncio.to_thread(self._line, key, request)

    def _line(self, key: str, request: GenerateRequest) -> BatchLine:
        job = prepare(self._model, request)
        return BatchLine(json.dumps(self._dialect.line(self._model, key, job)).encode() + b"\n", job.canvas)

    async def upload(self, path: Path, name: str) -> str:
        """Upload the file of a batch."""
        call = self._dialect.upload(self._clients, self._service, path, name)
        return await self._clients.answer(call, self._service, TRANSFER_TIMEOUT_S)

    async def create(self, file: str, name: str) -> str:
        """Order the batch."""
        call = self._dialect.create(self._clients, self._service, self._model, file, name)
        return await self._clients.answer(call, self._service, TOTAL_TIMEOUT_S)

    async def find(self, name: str) -> str | None:
        """Look through the account's batches."""
        call = self._dialect.find(self._clients, self._service, name)
        return await self._clients.answer(call, self._service, TOTAL_TIMEOUT_S)

    async def has_file(self, file: str) -> bool:
        """Ask after an uploaded file."""
        try:
            await self._known(self._dialect.look_at_file(self._clients, self._service, file), file)
        except UnknownBatch:
            return False
        return True

    async def state(self, vendor_name: str) -> BatchState:
        """How far a batch is."""
        return await self._known(self._dialect.state(self._clients, self._service, vendor_name), vendor_name)

    async def cancel(self, vendor_name: str) -> None:
        """Ask for a batch's end."""
        await self._known(self._dialect.cancel(self._clients, self._service, vendor_name), vendor_name)

    async def collect(
        self, vendor_name: str, folder: Path, options: dict[str, Any], canvases: Mapping[str, Canvas | None]
    ) -> AsyncIterator[tuple[str, GeneratedImage | ProviderError]]:
        """The results of a batch; one at a time is in memory. The files that they came in are gone afterwards."""
        download = self._dialect.download(self._clients, self._service, vendor_name, folder)
        paths = await self._known(download, vendor_name, TRANSFER_TIMEOUT_S)
        try:
            for path in paths:
                file = await asyncio.to_thread(path.open, "rb")
                with file:
                    while line := await asyncio.to_thread(file.readline):
                        result = await asyncio.to_thread(self._result, line, options, canvases)
                        if result is not None:
                            yield result
        finally:
            for path in paths:
                path.unlink(missing_ok=True)

    def _result(
        self, line: bytes, options: dict[str, Any], canvases: Mapping[str, Canvas | None]
    ) -> tuple[str, GeneratedImage | ProviderError] | None:
        try:
            row = json.loads(line)
        except ValueError:
            return None
        key = self._dialect.key(row) if isinstance(row, dict) else ""
        if key not in canvases:
            return None
        used = {**self._model.options, **options}
        try:
            received = self._dialect.received(self._service, self._model, row)
            return key, image_of(self._service, self._model, used, received, canvases[key])
        except ProviderError as error:
            if error.usage is None:
                error.cost_basis = counted(self._model)
            return key, error

    async def _known(self, call: Coroutine[Any, Any, T], name: str, timeout_s: float = TOTAL_TIMEOUT_S) -> T:
        return await self._clients.answer(self._telling(call, name), self._service, timeout_s)

    async def _telling(self, call: Coroutine[Any, Any, T], name: str) -> T:
        try:
            return await call
        except Exception as error:
            if not self._dialect.is_unknown(error):
                raise
        raise UnknownBatch(
            f"{self._service.label} has no batch {name}, or its results no longer. It may belong to another account: look at the "
            "key and the address."
        )


def batch_price(price: Price) -> Price:
    """What the requests of a batch cost."""
    factor = price.batch_factor
    tokens = {name: getattr(price, name) * factor for name in Price.model_fields if name.startswith("per_million_")}
    images = {name: usd * factor for name, usd in price.per_image.items()}
    return price.model_copy(update={**tokens, "per_image": images, "batch_factor": 1.0})
