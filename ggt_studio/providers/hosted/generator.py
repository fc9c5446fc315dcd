"""The generator of a hosted model: prepares what is sent, asks through its service's adapter, and looks at what comes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from ggt_studio.core.canvas import Canvas
from ggt_studio.core.words import CostBasis
from ggt_studio.providers.base import GeneratedImage, GenerateRequest, ProviderError, ProviderInfo
from ggt_studio.providers.batching import Batches
from ggt_studio.providers.catalogue import Model, Place, Service, reach_of
from ggt_studio.providers.hooks import Services
from ggt_studio.providers.hosted.clients import TOTAL_TIMEOUT_S, Clients
from ggt_studio.providers.hosted.faults import host_of
from ggt_studio.providers.hosted.job import Job, Received, prepare
from ggt_studio.providers.hosted.received import media_type_of
from ggt_studio.providers.tasking import Tasks

# Tokens that a generation cannot exceed, where they cost besides the image: the longest prompts, an image read at the finest
# resolution that vendors offer, and thinking.
_MOST_OF_TEXT = 8192
_MOST_PER_IMAGE = 8192
_MOST_THOUGHT = 8192
# Those of an ordinary generation, for limits per minute.
_ORDINARY = 4000

Adapter = Callable[[Clients, Service, Model, Job], Coroutine[Any, Any, Received]]
"""Edits one image with exactly one request that can cost."""


class HostedGenerator:
    """Edits patches with a hosted model. One `generate` makes one request that can cost; nothing is repeated here.

    `batches` is how its vendor takes many requests at once, for less; `tasks` how it takes a call first and lets its result be
    fetched later. None where it does not.
    """

    def __init__(
        self,
        model: Model,
        services: Services,
        adapter: Adapter,
        timeout_s: float = TOTAL_TIMEOUT_S,
        batches: Batches | None = None,
        tasks: Tasks | None = None,
    ) -> None:
        self.batches, self.tasks = batches, tasks
        self._model, self._adapter, self._timeout_s = model, adapter, timeout_s
        self._service = services.catalogue.service_of(model)
        self._clients = services.clients
        self.info = described(model, self._service, services.keys.address(self._service))

    async def generate(self, request: GenerateRequest) -> GeneratedImage:
        """Edit the patch. Cancelling closes the connection at once; whether the call is charged is then not known."""
        job = await asyncio.to_thread(prepare, self._model, request)
        call = self._adapter(self._clients, self._service, self._model, job)
        try:
            received = await self._clients.answer(call, self._service, self._timeout_s)
        except ProviderError as error:
            error.cost_basis = counted(self._model)
            raise
        return await asyncio.to_thread(image_of, self._service, self._model, job.options, received, job.canvas)


def counted(model: Model) -> CostBasis:
    """How it is known what a call to a model cost."""
    return CostBasis.TOKENS if model.price.by_tokens else CostBasis.LIST_PRICE


def image_of(
    service: Service, model: Model, options: dict[str, Any], received: Received, canvas: Canvas | None
) -> GeneratedImage:
    """What was received, once it is seen to be an image; reads every byte, so call it off the event loop.

    Raises ProviderError `malformed`, with what it cost all the same.
    """
    cost, basis = received.cost_usd, counted(model)
    if cost is None:
        cost, basis = model.price.of_image(options) or 0.0, CostBasis.LIST_PRICE
    try:
        media_type = media_type_of(service, received.data, received.media_type, cost)
    except ProviderError as error:
        error.cost_basis, error.usage = basis, received.usage
        raise
    return GeneratedImage(
        received.data, media_type, cost_usd=cost, usage=received.usage, cost_basis=basis, canvas=canvas
    )


def described(model: Model, service: Service, address: str) -> ProviderInfo:
    """What a person needs to know of a hosted model before choosing it; `address` is where it is really reached.

    What runs on this machine or in the local network, behind which there is no vendor, and has no price is free.
    """
    at_home = reach_of(service, address) is not Place.ELSEWHERE and not model.price.known
    price = model.price.of_image(model.options)
    return ProviderInfo(
        id=model.id,
        label=model.label,
        description=model.description,
        price_usd=price or 0.0,
        concurrency=model.limits.concurrency,
        paid=not (at_home or model.price.free),
        leaves_machine=where_photos_go(service, address),
        model=model.model,
        price_known=at_home or price is not None,
        key_service=service.id if service.key_variables else "",
        most_usd=None if price is None else price + _besides(model),
        allowance=model.limits.allowance,
        tokens=_ORDINARY,
        quota=model.quota,
    )


def _besides(model: Model) -> float:
    """The most that a call can cost besides its image, in US dollars."""
    price = model.price
    return (
        price.of_tokens(text_read=_MOST_OF_TEXT, images_read=_MOST_PER_IMAGE, text_written=_MOST_THOUGHT) or 0.0
        if price.by_tokens
        else 0.0
    )


def where_photos_go(service: Service, address: str) -> str:
    """Where photos go when a service is asked at `address`, in words; empty where they stay on this machine.

    A vendor's service at an address near by is taken for a proxy, which hands on what it gets.
    """
    match reach_of(service, address):
        case Place.MACHINE:
            return ""
        case Place.NETWORK:
            return f"{host_of(address)} in your network"
        case Place.ELSEWHERE:
            ordinary = host_of(address) == host_of(service.base_url)
            return service.label if ordinary else f"{service.label} by way of {host_of(address) or address}"
