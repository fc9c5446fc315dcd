"""Answers of services that are spoken to in plain HTTP: JSON out of a response, or the ProviderError that it is."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from ggt_studio.providers.catalogue import Service
from ggt_studio.providers.hosted.faults import refused, unreadable

if TYPE_CHECKING:
    import httpx2


def json_of(service: Service, response: httpx2.Response, secrets: Iterable[str] = ()) -> dict[str, Any]:
    """The JSON object of a response. Raises ProviderError for any status but 2xx and for anything that is no JSON object."""
    if not response.is_success:
        raise refused(service, response.status_code, response.content, response.headers, secrets)
    try:
        answer = response.json()
    except ValueError:
        answer = None
    if not isinstance(answer, dict):
        raise unreadable(service, "no JSON")
    return answer
