"""Images edited by ByteDance's Seedream models, through the image generation API of Ark (ModelArk)."""

from __future__ import annotations

import base64
from typing import Any

from ggt_studio.providers.base import Usage
from ggt_studio.providers.catalogue import Model, Service
from ggt_studio.providers.hosted.answers import json_of
from ggt_studio.providers.hosted.clients import Clients
from ggt_studio.providers.hosted.faults import refusal_error, unreadable, without_image
from ggt_studio.providers.hosted.job import Job, Received
from ggt_studio.providers.hosted.received import from_base64
from ggt_studio.providers.hosted.refusals import read_refusal


async def edit(clients: Clients, service: Service, model: Model, job: Job) -> Received:
    """Edit an image with one call. Raises ProviderError, and what httpx2 raises."""
    http, secrets = await clients.http(service)
    body: dict[str, Any] = {
        "model": model.model,
        "prompt": job.prompt,
        "image": f"data:image/png;base64,{base64.b64encode(job.png).decode()}",
        "size": f"{job.width}x{job.height}",
        "response_format": "b64_json",
        "watermark": False,
        **job.options,
    }
    if job.seed is not None:
        body["seed"] = job.seed
    headers = {"Authorization": f"Bearer {secrets[0]}"} if secrets else {}
    response = await http.post("images/generations", json=body, headers=headers)
    answer = json_of(service, response, secrets)
    images = answer.get("data")
    first = images[0] if isinstance(images, list) and images else None
    image = first if isinstance(first, dict) else {}
    usage, cost = _usage_of(answer, model, job)
    text = image.get("b64_json")
    if isinstance(text, str):
        return Received(from_base64(service, text, cost), "", usage, cost)
    # An answer of HTTP 200 can be a refusal all the same: of the one image, or of the whole request.
    if error := image.get("error") or answer.get("error"):
        raise refusal_error(service, read_refusal(200, {"error": error}), secrets=secrets)
    if first is None:
        raise without_image(service, str(answer.get("message", "")), cost_usd=cost)
    raise unreadable(service, "no image where one should be", cost_usd=cost)


def _usage_of(answer: dict[str, Any], model: Model, job: Job) -> tuple[Usage | None, float | None]:
    reported = answer.get("usage")
    if not isinstance(reported, dict):
        return None, None
    images, tokens = _count(reported.get("generated_images")), _count(reported.get("output_tokens"))
    price = model.price.of_image(job.options)
    return Usage(image_tokens=tokens, images=images), None if price is None else images * price


def _count(value: object) -> int:
    return value if isinstance(value, int) and value >= 0 else 0
