"""Generations that a service takes as tasks: submitted with one request that costs, fetched as often as that needs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from ggt_studio.core.canvas import plan_canvas
from ggt_studio.core.words import CostBasis
from ggt_studio.providers.base import GeneratedImage, GenerateRequest, ProviderError
from ggt_studio.providers.catalogue import Model, Service
from ggt_studio.providers.hooks import Services
from ggt_studio.providers.hosted.clients import TOTAL_TIMEOUT_S, Clients
from ggt_studio.providers.hosted.generator import counted, image_of
from ggt_studio.providers.hosted.job import Job, Received, prepare
from ggt_studio.providers.tasking import UNFETCHED


@dataclass(frozen=True, slots=True)
class TaskAdapter:
    """How a service is spoken to: `submit` returns the name of the task, `fetch` takes it and the options of the request."""

    submit: Callable[[Clients, Service, Model, Job], Coroutine[Any, Any, str]]
    fetch: Callable[[Clients, Service, Model, dict[str, Any], str], Coroutine[Any, Any, Received]]


class HostedTasks:
    """The tasks of one model; see `providers.tasking.Tasks`. Each step takes `timeout_s` at most."""

    def __init__(
        self, model: Model, services: Services, adapter: TaskAdapter, timeout_s: float = TOTAL_TIMEOUT_S
    ) -> None:
        self._model, self._adapter, self._timeout_s = model, adapter, timeout_s
        self._service = services.catalogue.service_of(model)
        self._clients = services.clients

    async def submit(self, request: GenerateRequest) -> str:
        """Submit the patch. Cancelling closes the connection; whether the task was taken is then not known."""
        job = await asyncio.to_thread(prepare, self._model, request)
        call = self._adapter.submit(self._clients, self._service, self._model, job)
        return await self._answered(call)

    async def fetch(self, request: GenerateRequest, task: str) -> GeneratedImage:
        """Wait for the task's image."""
        options = {**self._model.options, **request.options}
        call = self._adapter.fetch(self._clients, self._service, self._model, options, task)
        try:
            received = await self._answered(call)
        except ProviderError as error:
            if error.outcome not in UNFETCHED:
                raise
            # It says nothing of the task. Nor is the call to be made again by itself: it was taken.
            words = f"{error} The task is on record: a retry fetches its image without paying again."
            # What it cost is known when the image, or the end of the task, is fetched.
            basis = CostBasis.ESTIMATE if error.cost_usd is None else error.cost_basis
            raise ProviderError(error.outcome, words, cost_usd=error.cost_usd, cost_basis=basis) from error
        canvas = plan_canvas(request.width, request.height, self._model.sizes.rule)
        return await asyncio.to_thread(image_of, self._service, self._model, options, received, canvas)

    async def _answered(self, call: Coroutine[Any, Any, Any]) -> Any:
        try:
            return await self._clients.answer(call, self._service, self._timeout_s)
        except ProviderError as error:
            error.cost_basis = counted(self._model)
            raise
