"""What is open while a project is worked on: the store's thread, the worker processes, the registry."""

from __future__ import annotations

import asyncio
from pathlib import Path

from ggt_studio.core.recipe import Recipe
from ggt_studio.pipeline.limits import Limiters
from ggt_studio.pipeline.recipes import MetricGate, make_recipe
from ggt_studio.providers.catalogue import load_catalogue
from ggt_studio.providers.hooks import Services
from ggt_studio.providers.keys import Keys
from ggt_studio.providers.own_limits import with_limits
from ggt_studio.providers.registry import Registry, build_registry
from ggt_studio.settings import Settings
from ggt_studio.store.thread import StoreThread
from ggt_studio.worker.client import WorkerPool


class Session:
    """An open project with all that works on it. Make it inside a running event loop; `close` ends threads and processes.

    `keys` are those that a person gave already, where the program has more than this project.
    """

    def __init__(
        self,
        folder: Path,
        settings: Settings,
        *,
        read_only: bool = False,
        create: bool = False,
        keys: Keys | None = None,
    ) -> None:
        self.settings = settings
        self.limiters = Limiters()
        # Held while batches are sent, looked up or collected: no two do it at once.
        self.batches = asyncio.Lock()
        self.store = StoreThread(folder, read_only=read_only, create=create)
        self.store.start()
        try:
            catalogue = with_limits(load_catalogue(), settings.limits)
            self.pool = WorkerPool(settings.worker_processes or None, catalogue.key_variables)
            self.services = Services(self.pool, catalogue, keys or Keys(), settings.local_models)
            self.registry: Registry = build_registry(self.services, settings.enabled_plugins)
        except BaseException:
            # The store's thread would keep the program alive and the project locked.
            self.store.close()
            raise

    def recipe(
        self, generator: str, prompts: str, judge: str, *, metric_gate: MetricGate = MetricGate.DEFAULT, seed: int = 0
    ) -> Recipe:
        """The recipe of these choices; see `make_recipe`."""
        return make_recipe(
            self.registry,
            generator,
            prompts,
            judge,
            metric_gate=metric_gate,
            niqe_parameters=self.settings.niqe_parameters,
            seed=seed,
        )

    def close(self) -> None:
        """End calls and worker processes, finish what the store was given, and close the project."""
        try:
            self.services.clients.close()
            self.pool.close()
        finally:
            self.store.close()

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
