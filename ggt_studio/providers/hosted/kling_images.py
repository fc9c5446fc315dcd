"""Images edited by Kuaishou's Kling Image O1: a task is submitted, asked after until it ends, and its result fetched."""

from __future__ import annotations

import asyncio
import base64
import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote, urlsplit

from ggt_studio.core.words import Outcome
from ggt_studio.providers.base import ProviderError, Usage
from ggt_studio.providers.catalogue import Model, Service
from ggt_studio.providers.hosted.answers import json_of
from ggt_studio.providers.hosted.clients import Clients
from ggt_studio.providers.hosted.faults import blocked, failure_of, refusal_error, refused, unreadable, without_image
from ggt_studio.providers.hosted.job import Job, Received
from ggt_studio.providers.hosted.refusals import read_refusal

if TYPE_CHECKING:
    import httpx2

T = TypeVar("T")

_TASKS = "v1/images/omni-image"
_TOKEN_LIVES_S = 1800
_LARGEST_BYTES = 128 * 2**20

# How Kling says in words why a task failed; there is no code for it.
_RISK_WORDS = ("risk control", "policy", "sensitive", "violat", "moderation")


async def edit(clients: Clients, service: Service, model: Model, job: Job, *, poll_s: float = 1.0) -> Received:
    """Edit an image with one task. Raises ProviderError, and what httpx2 raises."""
    task = await submit(clients, service, model, job)
    return await fetch(clients, service, model, job.options, task, poll_s=poll_s)


async def submit(clients: Clients, service: Service, model: Model, job: Job) -> str:
    """Submit a task, which is all that costs; returns its id. Raises ProviderError, and what httpx2 raises."""
    http, secrets = await clients.http(service)
    body: dict[str, Any] = {
        "model_name": model.model,
        "prompt": job.prompt,
        "image_list": [{"image": base64.b64encode(job.png).decode()}],
        "n": 1,
        **job.options,
    }
    if job.canvas.ratio:
        body["aspect_ratio"] = job.canvas.ratio
    submitted = json_of(service, await http.post(_TASKS, json=body, headers=signed(secrets)), secrets)
    return str(_task(service, submitted, secrets)["task_id"])


async def fetch(
    clients: Clients, service: Service, model: Model, options: dict[str, Any], task_id: str, *, poll_s: float = 1.0
) -> Received:
    """The image of a task, which is asked after every `poll_s` seconds. Raises ProviderError, and what httpx2 raises.

    Asking after a task and fetching its result cost nothing, and are repeated through passing faults.
    """
    http, secrets = await clients.http(service)
    path = f"{_TASKS}/{quote(task_id, safe='')}"
    price = model.price.of_image(options)
    task: dict[str, Any] = {"task_status": "submitted"}
    while task.get("task_status") in ("submitted", "processing"):
        await asyncio.sleep(poll_s)
        task = await _persistently(lambda: _look(http, service, path, secrets), service, secrets, poll_s, price)
    if task.get("task_status") == "failed":
        # A task that failed is not charged.
        why = str(task.get("task_status_msg") or "")
        if any(word in why.lower() for word in _RISK_WORDS):
            raise blocked(service, why, secrets, cost_usd=0.0)
        raise without_image(service, why, secrets, cost_usd=0.0)
    if task.get("task_status") != "succeed":
        raise unreadable(service, "a task of an unknown state", cost_usd=price)
    url = _result_url(task)
    if not url:
        raise without_image(service, "", cost_usd=price)
    _require_fetchable(service, url, str(http.base_url))
    data, media_type = await _persistently(lambda: _fetch(http, service, url, secrets), service, secrets, poll_s, price)
    return Received(data, media_type, Usage(images=1), price)


def signed(secrets: tuple[str, ...]) -> dict[str, str]:
    """The header with a token signed for half an hour from now; nothing where a server of one's own wants no keys."""
    import jwt

    if len(secrets) != 2:
        return {}
    access, secret = secrets
    now = int(time.time())
    token = jwt.encode({"iss": access, "exp": now + _TOKEN_LIVES_S, "nbf": now - 5}, secret, algorithm="HS256")
    return {"Authorization": f"Bearer {token}"}


def _task(service: Service, answer: dict[str, Any], secrets: tuple[str, ...]) -> dict[str, Any]:
    """The task in an answer of HTTP 200, which can be a refusal all the same."""
    if answer.get("code") != 0:
        raise refusal_error(service, read_refusal(200, answer), secrets=secrets)
    task = answer.get("data")
    if not isinstance(task, dict) or not task.get("task_id"):
        raise unreadable(service, "no task")
    return task


async def _look(http: httpx2.AsyncClient, service: Service, path: str, secrets: tuple[str, ...]) -> dict[str, Any]:
    response = await http.get(path, headers=signed(secrets))
    if response.status_code == 404:
        raise unreadable(service, "it does not know the task any more")
    return _task(service, json_of(service, response, secrets), secrets)


async def _fetch(http: httpx2.AsyncClient, service: Service, url: str, secrets: tuple[str, ...]) -> tuple[bytes, str]:
    """The bytes at a result's address, and their declared media type. The key is not sent there."""
    async with http.stream("GET", url, follow_redirects=True) as response:
        if not response.is_success:
            failure = refused(service, response.status_code, await response.aread(), response.headers, secrets)
            if failure.outcome is not Outcome.NETWORK and failure.again_after_s is None:
                # A store of files speaks of its file, not of the key and the quota.
                raise unreadable(
                    service, f"an address of the image with nothing behind it, HTTP {response.status_code}"
                )
            raise failure
        chunks: list[bytes] = []
        received = 0
        async for chunk in response.aiter_bytes():
            chunks.append(chunk)
            received += len(chunk)
            if received > _LARGEST_BYTES:
                raise unreadable(service, f"more than {_LARGEST_BYTES >> 20} MB")
        return b"".join(chunks), response.headers.get("content-type", "")


async def _persistently(
    step: Callable[[], Awaitable[T]],
    service: Service,
    secrets: tuple[str, ...],
    poll_s: float,
    price: float | None,
) -> T:
    """Do a step that costs nothing, again and again through faults that pass; the caller's time-out ends it.

    Its other faults come after the submission: whatever they are, the image may have been made, and is booked at its `price`.
    """
    while True:
        try:
            return await step()
        except Exception as error:  # noqa: BLE001 - what httpx2 raises is sorted like everything else
            failure = error if isinstance(error, ProviderError) else failure_of(error, service, secrets)
        passing = failure.outcome is Outcome.NETWORK or failure.again_after_s is not None
        if not passing:
            message = f"{failure} The image may have been made and charged."
            raise ProviderError(failure.outcome, message, cost_usd=price)
        await asyncio.sleep(max(poll_s, failure.again_after_s or 0.0))


def _result_url(task: dict[str, Any]) -> str:
    result = task.get("task_result")
    images = result.get("images") if isinstance(result, dict) else None
    first = images[0] if isinstance(images, list) and images else None
    url = first.get("url") if isinstance(first, dict) else None
    return url if isinstance(url, str) else ""


def _require_fetchable(service: Service, url: str, address: str) -> None:
    """Refuse addresses that a service has no business to send us to: anything but https, unless it is the service's own host."""
    parts = urlsplit(url)
    if parts.scheme != "https" and (parts.scheme, parts.hostname) != ("http", urlsplit(address).hostname):
        raise unreadable(service, "an address of the image that is not safe to fetch")
