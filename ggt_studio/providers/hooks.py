"""The hooks through which providers are registered; built-ins use the same ones as plugins."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

import pluggy

from ggt_studio.providers.base import Generator, Judge, PromptWriter, Screener
from ggt_studio.providers.catalogue import Catalogue
from ggt_studio.providers.hosted.clients import Clients
from ggt_studio.providers.keys import Keys
from ggt_studio.worker.process import Progress

hookspec = pluggy.HookspecMarker("ggt_studio")
hookimpl = pluggy.HookimplMarker("ggt_studio")


class Worker(Protocol):
    """The part of the worker pool that providers use."""

    async def call(
        self,
        method: str,
        params: dict[str, Any],
        *,
        timeout_s: float | None = None,
        lane: str = "",
        on_progress: Callable[[Progress], None] | None = None,
        cancel_within_s: float = 0.0,
    ) -> dict[str, Any]:
        """Run a worker method; see `WorkerPool.call`."""
        ...


@dataclass(slots=True)
class Telling:
    """Where providers tell, while they are at work, what a person should know at once, and how far they are with what is under
    way. Whoever shows a run listens, by setting these; they are called on the run's event loop."""

    on_notice: Callable[[str], None] = lambda _: None
    on_progress: Callable[[Progress], None] = lambda _: None


@dataclass(frozen=True, slots=True)
class Services:
    """What providers may use: the worker processes, the catalogue of models, keys, what a person chose for models on this
    machine (options by id, see `local.settings`), where they tell how they get on, and the vendors' clients, which are closed
    with the session."""

    worker: Worker
    catalogue: Catalogue
    keys: Keys
    local_models: dict[str, dict[str, Any]] = field(default_factory=dict)
    telling: Telling = field(default_factory=Telling)
    clients: Clients = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "clients", Clients(self.keys))


class HookSpecs:
    """Implement any of these with `@hookimpl` in a plugin's `__init__.py`."""

    @hookspec
    def generators(self, services: Services) -> list[Generator]:  # type: ignore[empty-body]
        """Generators to offer."""

    @hookspec
    def prompt_writers(self, services: Services) -> list[PromptWriter]:  # type: ignore[empty-body]
        """Prompt strategies to offer."""

    @hookspec
    def judges(self, services: Services) -> list[Judge]:  # type: ignore[empty-body]
        """Judges to offer."""

    @hookspec
    def screeners(self, services: Services) -> list[Screener]:  # type: ignore[empty-body]
        """Screeners to offer: they look at patches before any target is made."""
