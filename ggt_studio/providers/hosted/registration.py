"""Offers every generator of the catalogue whose service has an adapter, with or without a key."""

from __future__ import annotations

from ggt_studio.providers.base import Generator
from ggt_studio.providers.catalogue import Model
from ggt_studio.providers.hooks import Services, hookimpl
from ggt_studio.providers.hosted import ark_images, google_images, kling_images, openai_images
from ggt_studio.providers.hosted.batch import Dialect, HostedBatches
from ggt_studio.providers.hosted.generator import Adapter, HostedGenerator
from ggt_studio.providers.hosted.google_batch import GoogleDialect
from ggt_studio.providers.hosted.openai_batch import OpenAIDialect
from ggt_studio.providers.hosted.tasks import HostedTasks, TaskAdapter

ADAPTERS: dict[str, Adapter] = {
    "google": google_images.edit,
    "openai": openai_images.edit,
    "ark": ark_images.edit,
    "kling": kling_images.edit,
}
"""By the protocol of the service."""


TASKS: dict[str, TaskAdapter] = {"kling": TaskAdapter(kling_images.submit, kling_images.fetch)}
"""How services that take calls as tasks are spoken to, by their protocol."""

DIALECTS: dict[str, Dialect] = {"google": GoogleDialect(), "openai": OpenAIDialect()}
"""How services that take batches are spoken to, by their protocol."""


def _batches(model: Model, services: Services) -> HostedBatches | None:
    dialect = DIALECTS.get(services.catalogue.service_of(model).protocol)
    return HostedBatches(model, services, dialect) if dialect and "batch" in model.capabilities else None


def _tasks(model: Model, services: Services) -> HostedTasks | None:
    adapter = TASKS.get(services.catalogue.service_of(model).protocol)
    return HostedTasks(model, services, adapter) if adapter else None


@hookimpl
def generators(services: Services) -> list[Generator]:
    """The hosted generators of the catalogue."""
    catalogue = services.catalogue
    return [
        HostedGenerator(model, services, adapter, batches=_batches(model, services), tasks=_tasks(model, services))
        for model in catalogue.models.values()
        if "generator" in model.roles and (adapter := ADAPTERS.get(catalogue.service_of(model).protocol))
    ]
