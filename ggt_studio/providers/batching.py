"""What a vendor's batches are to the pipeline: many requests ordered at once, for less, and collected when they are done."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol

from ggt_studio.core.canvas import Canvas
from ggt_studio.core.words import Outcome
from ggt_studio.providers.base import GeneratedImage, GenerateRequest, ProviderError, ProviderInfo


class UnknownBatch(ProviderError):
    """The vendor has no such batch, or no longer its results; or they belong to another account than the key."""

    def __init__(self, message: str) -> None:
        super().__init__(Outcome.BAD_KEY, message, cost_usd=0.0)


class TakenBack(ProviderError):
    """A request of a batch that the vendor did not get to, and does not charge."""

    def __init__(self, message: str) -> None:
        super().__init__(Outcome.CANCELLED, message, cost_usd=0.0)


class Phase(StrEnum):
    """How far a vendor is with a batch. ENDED, EXPIRED and CANCELLED may have results; FAILED is a batch of which nothing was
    done."""

    WAITING = "waiting"
    RUNNING = "running"
    CANCELLING = "cancelling"
    ENDED = "ended"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    FAILED = "failed"

    @property
    def over(self) -> bool:
        """Whether nothing more will be done."""
        return self in (Phase.ENDED, Phase.EXPIRED, Phase.CANCELLED, Phase.FAILED)


@dataclass(frozen=True, slots=True)
class BatchState:
    """What a vendor says of a batch; `done` of its requests are finished, where it says so, and `message` is why it failed."""

    phase: Phase
    done: int | None = None
    message: str = ""


@dataclass(frozen=True, slots=True)
class BatchLimits:
    """The most that one batch takes: requests, and bytes of the file that holds them."""

    items: int
    bytes: int


@dataclass(frozen=True, slots=True)
class BatchLine:
    """A request as a line of the file that orders a batch, line end included, and how the patch lies in what is sent."""

    data: bytes
    canvas: Canvas | None


class Batches(Protocol):
    """How one generator's vendor takes batches. `info` is the generator's, at the prices of batches.

    A batch is known by a name of ours, which nobody else uses, and which the vendor keeps with it: so one that was ordered is
    found again whatever happened to the answer. All methods raise ProviderError.
    """

    info: ProviderInfo
    limits: BatchLimits

    async def line(self, key: str, request: GenerateRequest) -> BatchLine:
        """A request as a line; `key` is given back with its result. Raises ProviderError where it cannot be sent."""
        ...

    async def upload(self, path: Path, name: str) -> str:
        """Upload the file of a batch; returns what the vendor calls it. Costs nothing."""
        ...

    async def create(self, file: str, name: str) -> str:
        """Order the batch; returns the vendor's name of it. The one request that can cost."""
        ...

    async def find(self, name: str) -> str | None:
        """The vendor's name of the batch that was ordered under our name; None where none was."""
        ...

    async def has_file(self, file: str) -> bool:
        """Whether the account in use has an uploaded file: without it, the batch may be in another account."""
        ...

    async def state(self, vendor_name: str) -> BatchState:
        """How far a batch is. Raises UnknownBatch."""
        ...

    async def cancel(self, vendor_name: str) -> None:
        """Ask the vendor to do no more of it. What is done is charged, and can be collected. Raises UnknownBatch."""
        ...

    def collect(
        self, vendor_name: str, folder: Path, options: dict[str, Any], canvases: Mapping[str, Canvas | None]
    ) -> AsyncIterator[tuple[str, GeneratedImage | ProviderError]]:
        """The results of the requests named in `canvases`, by key, by way of files in `folder`. Raises UnknownBatch.

        A request that was not got to has TakenBack, or nothing at all. `options` are those that it was made with.
        """
        ...
