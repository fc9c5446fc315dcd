"""What a person can choose for a run: every generator, prompt strategy and judge with its price, its key and where photos go."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from ggt_studio.core.errors import StudioError
from ggt_studio.providers.base import Generator, Judge, PromptWriter, ProviderInfo
from ggt_studio.providers.catalogue import Catalogue, Place, Role, load_catalogue, reach_of
from ggt_studio.providers.hooks import Services
from ggt_studio.providers.hosted.faults import host_of
from ggt_studio.providers.keys import Keys
from ggt_studio.providers.own_limits import with_limits
from ggt_studio.providers.registry import Registry, build_registry
from ggt_studio.settings import Settings
from ggt_studio.worker.client import WorkerPool

NOT_NEEDED, NO_KEY = "not needed", "none"


@dataclass(frozen=True, slots=True)
class Offer:
    """One provider in one role.

    `price_usd` is that of one call, None where it is unknown; of one that is counted by tokens it is an ordinary call's.
    `photos_go` says where, in words. `service` is empty where none is asked; `key` is `not needed`, `none`, or where the key was
    found (`keyring`, `environment`, `session`). `licence`, `terms_url` and `checked` (the month) are the catalogue's.
    """

    id: str
    role: Role
    label: str
    description: str
    price_usd: float | None
    paid: bool
    photos_go: str
    service: str
    key: str
    model: str = ""
    licence: str = ""
    terms_url: str = ""
    checked: str = ""


@contextmanager
def open_registry(settings: Settings) -> Iterator[tuple[Registry, Services]]:
    """All providers without a project, with the services that they use; closed at the end."""
    registry, services, pool = make_registry(settings, Keys(), processes=settings.worker_processes)
    try:
        yield registry, services
    finally:
        services.clients.close()
        pool.close()


def make_registry(settings: Settings, keys: Keys, *, processes: int) -> tuple[Registry, Services, WorkerPool]:
    """All providers without a project, the services that they use, and their worker processes (0: as many as there are cores);
    close clients and pool at the end."""
    catalogue = with_limits(load_catalogue(), settings.limits)
    pool = WorkerPool(processes or None, catalogue.key_variables)
    services = Services(pool, catalogue, keys, dict(settings.local_models))
    return build_registry(services, settings.enabled_plugins), services, pool


def offers_of(registry: Registry, services: Services) -> list[Offer]:
    """Everything that the registry offers, by role, in the order of registration."""
    sources = key_sources(services.catalogue, services.keys)
    roles: tuple[tuple[Role, Mapping[str, Generator | PromptWriter | Judge]], ...] = (
        ("generator", registry.generators),
        ("prompts", registry.prompt_writers),
        ("judge", registry.judges),
    )
    return [
        _offer(provider.info, role, services, sources) for role, providers in roles for provider in providers.values()
    ]


def problems_of(registry: Registry, services: Services) -> list[str]:
    """What is wrong with the person's models, plugins and prompt presets, which are left out or cannot be used."""
    plugins = [f"The plugin {plugin} was skipped: {problem}" for plugin, problem in registry.problems.items()]
    presets = []
    for writer in registry.prompt_writers.values():
        try:
            writer.preset_texts()
        except StudioError as error:
            presets.append(str(error))
    return [*services.catalogue.problems, *plugins, *presets]


def key_sources(catalogue: Catalogue, keys: Keys) -> dict[str, str]:
    """Where the key of each service was found, by service; see `Offer.key`. May wait for the keyring to be unlocked."""
    return {service.id: _source(catalogue, keys, service.id) for service in catalogue.services.values()}


def _source(catalogue: Catalogue, keys: Keys, service_id: str) -> str:
    service = catalogue.services[service_id]
    if service.secrets == 0:
        return NOT_NEEDED
    found = keys.find(service)
    if found is not None:
        return found.source.value
    return NO_KEY if service.key_variables else NOT_NEEDED


def _offer(info: ProviderInfo, role: Role, services: Services, sources: dict[str, str]) -> Offer:
    model = services.catalogue.models.get(info.id)
    service = services.catalogue.service_of(model).id if model else info.key_service
    return Offer(
        info.id,
        role,
        info.label,
        info.description,
        info.price_usd if info.price_known else None,
        info.paid,
        _photos_go(info, services, service),
        service,
        sources.get(service, NOT_NEEDED),
        info.model,
        model.licence if model else "",
        model.terms_url if model else "",
        model.checked if model else "",
    )


def _photos_go(info: ProviderInfo, services: Services, service_id: str) -> str:
    if not info.leaves_machine:
        return "this machine"
    service = services.catalogue.services.get(service_id)
    if service is None:
        return info.leaves_machine
    address = services.keys.address(service)
    if reach_of(service, address) is Place.NETWORK:
        return f"this network ({host_of(address)})"
    return f"{service.label} ({host_of(address)})"
