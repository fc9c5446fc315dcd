"""Offers every model of the catalogue that runs on this machine, with the settings that a person chose for it."""

from __future__ import annotations

from typing import Any

from ggt_studio.core.errors import StudioError
from ggt_studio.providers.base import Generator
from ggt_studio.providers.catalogue import Model
from ggt_studio.providers.hooks import Services, hookimpl
from ggt_studio.providers.local.fetching import model_folder
from ggt_studio.providers.local.generator import LocalGenerator
from ggt_studio.providers.local.settings import LocalSettings


@hookimpl
def generators(services: Services) -> list[Generator]:
    """The local generators of the catalogue, whether or not their weights are here."""
    catalogue, telling = services.catalogue, services.telling
    return [
        LocalGenerator(
            services.worker,
            model,
            settings_of(model, services.local_models.get(model.id, {})),
            # Looked up when there is something to tell: who listens may come and go.
            on_notice=lambda words: telling.on_notice(words),
            on_progress=lambda progress: telling.on_progress(progress),
        )
        for model in catalogue.models.values()
        if "generator" in model.roles and catalogue.service_of(model).protocol == "diffusers"
    ]


def settings_of(model: Model, chosen: dict[str, Any]) -> LocalSettings:
    """What a person chose for a model; where that names no folder, the one that a download fills, else the hub's own cache.

    What cannot be understood is left out as a whole: the model then runs with what its publishers recommend.
    """
    folder = model_folder(model)
    default = str(folder) if folder.is_dir() else model.model
    try:
        return LocalSettings.from_options({"model": default, **chosen})
    except (StudioError, TypeError):
        return LocalSettings(default)
