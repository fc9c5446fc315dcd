"""Servers and reading models that a person described while a project was open: taken up without opening it again."""

from __future__ import annotations

from ggt_studio.providers.catalogue import Catalogue
from ggt_studio.providers.registry import Registry
from ggt_studio.providers.vlm.registration import judges, prompt_writers, screeners


def take_up_added(registry: Registry, fresh: Catalogue) -> frozenset[str]:
    """Let servers and their reading models that `fresh` has and the registry's catalogue has not be chosen at once.

    What is there stays as it is. Returns the environment variables that hold the keys of what was added.
    """
    services = registry.services
    if services is None:
        return frozenset()
    there = services.catalogue
    added = {key: service for key, service in fresh.services.items() if key not in there.services}
    there.services.update(added)
    there.models.update({key: model for key, model in fresh.models.items() if key not in there.models})
    for writer in prompt_writers(services):
        registry.prompt_writers.setdefault(writer.info.id, writer)
    for judge in judges(services):
        registry.judges.setdefault(judge.info.id, judge)
    for screener in screeners(services):
        registry.screeners.setdefault(screener.info.id, screener)
    return frozenset(variable for service in added.values() for variable in service.key_variables)
