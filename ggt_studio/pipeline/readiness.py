"""What stands between a provider and a run: its key, its model on this machine, the ml extra; and where photos go with it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from ggt_studio.core.errors import MlExtraMissing, StudioError
from ggt_studio.providers.apart import apart
from ggt_studio.providers.base import ProviderInfo
from ggt_studio.providers.catalogue import Place, Service, reach_of
from ggt_studio.providers.hooks import Services
from ggt_studio.providers.keys import Key, Keys, KeySource
from ggt_studio.providers.local.generator import LocalGenerator
from ggt_studio.providers.registry import Registry

KEYRING_WITHIN_S = 60.0
"""A keyring may ask the person before it gives a key for the first time."""


class Lack(StrEnum):
    """What a provider has not got."""

    NOTHING = "nothing"
    KEY = "key"
    REFUSED = "refused"
    MODEL = "model"
    EXTRA = "extra"


@dataclass(frozen=True, slots=True)
class Readiness:
    """Where each service's key was found (None: nowhere), by service; what is missing of local models, by id, in words; and
    what services said of keys that they refused, by service."""

    keys: dict[str, KeySource | None]
    models: dict[str, tuple[Lack, str]]
    refused: dict[str, str] = field(default_factory=dict)

    def lack(self, info: ProviderInfo) -> tuple[Lack, str]:
        """What a provider lacks, and a sentence about it where there is one."""
        if info.key_service and self.keys.get(info.key_service) is None:
            return Lack.KEY, ""
        if info.key_service in self.refused:
            return Lack.REFUSED, self.refused[info.key_service]
        return self.models.get(info.id, (Lack.NOTHING, ""))


async def look(registry: Registry) -> Readiness:
    """Look for all keys and local models. Takes as long as the keyring and the disk do; nothing is sent anywhere."""
    services = registry.services
    if services is None:
        return Readiness({}, {})
    asked = {s.id: s for s in services.catalogue.services.values() if s.key_variables or s.secrets > 1}
    try:
        keys = await apart(
            lambda: {key: _source(services.keys, service) for key, service in asked.items()}, KEYRING_WITHIN_S
        )
    except TimeoutError:
        keys = dict.fromkeys(asked)
    models: dict[str, tuple[Lack, str]] = {}
    for generator in registry.generators.values():
        if isinstance(generator, LocalGenerator):
            try:
                await generator.ready()
            except MlExtraMissing as error:
                models[generator.info.id] = Lack.EXTRA, str(error)
            except StudioError as error:
                models[generator.info.id] = Lack.MODEL, str(error)
    return Readiness(keys, models)


def _source(keys: Keys, service: Service) -> KeySource | None:
    found: Key | None = keys.find(service)
    return found.source if found else None


def service_of(services: Services, info: ProviderInfo) -> Service | None:
    """The service that is asked; None for what is no model of the catalogue."""
    model = services.catalogue.models.get(info.id)
    return services.catalogue.service_of(model) if model else services.catalogue.services.get(info.key_service)


def place(services: Services | None, info: ProviderInfo) -> tuple[Place, str]:
    """Where photos go with a provider, and to whom in words; empty where nothing leaves this machine."""
    if not info.leaves_machine:
        return Place.MACHINE, ""
    service = service_of(services, info) if services else None
    if services is None or service is None:
        return Place.ELSEWHERE, info.leaves_machine
    return reach_of(service, services.keys.address(service)), info.leaves_machine
