"""A person's own limits in the place of the catalogue's: by model, else by service."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from pydantic import ValidationError

from ggt_studio.providers.catalogue import Catalogue, Limits


def with_limits(catalogue: Catalogue, limits: Mapping[str, Mapping[str, Any]]) -> Catalogue:
    """The catalogue with these limits, the fields of `Limits` by the id of a model or a service.

    What a model's own entry names goes before what its service's does. Entries that cannot be are told of in `problems`.
    """
    models, problems = dict(catalogue.models), list(catalogue.problems)
    for key, model in catalogue.models.items():
        own = {**limits.get(model.service, {}), **limits.get(key, {})}
        if own:
            try:
                checked = Limits.model_validate({**model.limits.model_dump(), **own})
            except ValidationError as error:
                problems.append(f"Your limits for {model.label} are left out: {error.errors()[0]['msg']}.")
                continue
            models[key] = model.model_copy(update={"limits": checked})
    return replace(catalogue, models=models, problems=tuple(problems))
