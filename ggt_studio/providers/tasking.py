"""What a vendor's tasks are to the pipeline: a call that is taken first, and whose result is fetched, perhaps much later."""

from __future__ import annotations

from typing import Protocol

from ggt_studio.core.words import Outcome
from ggt_studio.providers.base import GeneratedImage, GenerateRequest, Generator

UNFETCHED = frozenset(
    {Outcome.NETWORK, Outcome.QUOTA, Outcome.BAD_KEY, Outcome.CRASHED, Outcome.AMBIGUOUS, Outcome.CANCELLED}
)
"""Outcomes after which a vendor may still have the result of a task that it took. The others are its word on the task."""


class Tasks(Protocol):
    """Generates in two steps: only the first costs. Both raise ProviderError."""

    async def submit(self, request: GenerateRequest) -> str:
        """Ask for the image; returns the name under which the vendor keeps the task."""
        ...

    async def fetch(self, request: GenerateRequest, task: str) -> GeneratedImage:
        """Wait until a task is done, and fetch its image. May be tried again, also by another process on another day."""
        ...


def tasks_of(generator: Generator) -> Tasks | None:
    """How a generator's calls are taken and fetched; None where its vendor answers with the image."""
    return getattr(generator, "tasks", None)
