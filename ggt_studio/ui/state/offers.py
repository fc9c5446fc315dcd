"""What the providers of a registry lack, and what a person does about it: keys given, tested and taken back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from PySide6.QtCore import QObject, Signal

from ggt_studio.core.errors import StudioError
from ggt_studio.core.words import Outcome
from ggt_studio.pipeline.readiness import KEYRING_WITHIN_S, Readiness, look
from ggt_studio.providers.apart import apart
from ggt_studio.providers.catalogue import Catalogue, Service, load_catalogue
from ggt_studio.providers.hooks import Services
from ggt_studio.providers.hosted.probe import ProbeResult, probe
from ggt_studio.providers.keys import keyring_name
from ggt_studio.providers.local import registration as local
from ggt_studio.providers.registry import Registry
from ggt_studio.providers.vlm.added import take_up_added
from ggt_studio.ui.bridge import Tasks
from ggt_studio.worker.client import WorkerPool


class Offers(QObject):
    """Looked up off the window's thread when first asked for, and again when a key or a model came or went."""

    changed = Signal()
    """`readiness` says something else."""

    def __init__(self, registry: Registry, services: Services, tasks: Tasks, pool: WorkerPool | None = None) -> None:
        super().__init__()
        self._registry, self._services, self._tasks, self._pool = registry, services, tasks, pool
        self._looking = self._again = False
        self.readiness: Readiness | None = None
        """None until it is known."""
        self.keyring: str | None = None
        """What the system's keyring is called; empty where there is none, None until it is known."""
        self._refused: dict[str, str] = {}

    @property
    def catalogue(self) -> Catalogue:
        """The models and services that there are."""
        return self._services.catalogue

    def look(self) -> None:
        """Find out what is there; `changed` when it is known."""
        if self._looking:
            self._again = True
            return
        self._looking = True
        self._tasks.spawn(self._look())

    async def _look(self) -> None:
        try:
            while True:
                self._again = False
                if self.keyring is None:
                    self.keyring = await self._find_keyring()
                self.readiness = replace(await look(self._registry), refused=dict(self._refused))
                if not self._again:
                    break
        finally:
            self._looking = False
        self.changed.emit()

    async def _find_keyring(self) -> str:
        try:
            return await apart(keyring_name, KEYRING_WITHIN_S)
        except TimeoutError:
            return ""

    def give_key(self, service: Service, secrets: tuple[str, ...], *, keep: bool, done: Callable[[str], None]) -> None:
        """Take a key from a person; `done` gets an empty text, or why it serves this session only."""
        self._refused.pop(service.id, None)

        async def give() -> str:
            keys = self._services.keys
            try:
                await apart(lambda: keys.give(service, secrets, keep=keep), KEYRING_WITHIN_S)
            except StudioError as error:
                return str(error)
            except TimeoutError:
                return self.tr("The keyring did not answer. The key serves until the program ends.")
            return ""

        def given(problem: str) -> None:
            self.look()
            done(problem)

        self._tasks.spawn(give(), given)

    def forget_key(self, service: Service, done: Callable[[str], None]) -> None:
        """Remove a key from this session and the keyring; `done` gets an empty text, or what went wrong."""
        self._refused.pop(service.id, None)

        async def forget() -> str:
            keys = self._services.keys
            try:
                await apart(lambda: keys.forget(service), KEYRING_WITHIN_S)
            except StudioError as error:
                return str(error)
            except TimeoutError:
                return self.tr("The keyring did not answer. The key may still be in it.")
            return ""

        def forgotten(problem: str) -> None:
            self.look()
            done(problem)

        self._tasks.spawn(forget(), forgotten)

    def use_local_models(self, chosen: dict[str, dict[str, Any]]) -> None:
        """Let models on this machine run with what a person chose for them now, from the next run on."""
        self._services.local_models.clear()
        self._services.local_models.update(chosen)
        for generator in local.generators(self._services):
            self._registry.generators[generator.info.id] = generator
        self.look()

    def take_up_added(self) -> None:
        """Let servers that were added to a person's own file meanwhile be tested and chosen; `changed` when it is known what they
        lack."""
        hidden = take_up_added(self._registry, load_catalogue())
        if hidden and self._pool is not None:
            self._pool.keep_secret(hidden)
        self.look()

    def address(self, service: Service) -> str:
        """Where a service is reached."""
        return self._services.keys.address(service)

    def test_key(self, service: Service, done: Callable[[ProbeResult], None]) -> None:
        """Ask a service whether it takes the key, by a request that costs nothing. That it refused it is kept in `readiness`."""
        served = sorted({m.model for m in self.catalogue.models.values() if m.service == service.id})

        def tested(result: ProbeResult) -> None:
            if result.key_refused:
                self._refused[service.id] = result.words
            elif result.outcome in (Outcome.OK, Outcome.BAD_KEY):
                self._refused.pop(service.id, None)
            if self.readiness is not None and self.readiness.refused != self._refused:
                self.readiness = replace(self.readiness, refused=dict(self._refused))
                self.changed.emit()
            done(result)

        self._tasks.spawn(probe(service, self._services.keys, served), tested)
