"""Batches of the Gemini API: a JSONL file of `GenerateContentRequest`s by key, found again by its display name.

As Google's Batch API guide and the google-genai client say: a file of up to 2 GB with a request per line, meant to be done within a
day. Not confirmed: that a job expires after two days, without results, and that files of ours are deleted after two days, too.
"""

from __future__ import annotations

import base64
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ggt_studio.providers.batching import BatchLimits, BatchState, Phase, TakenBack
from ggt_studio.providers.catalogue import Model, Service
from ggt_studio.providers.hosted.clients import Clients
from ggt_studio.providers.hosted.faults import quoted, refused, unreadable
from ggt_studio.providers.hosted.google_images import config_of, received_of
from ggt_studio.providers.hosted.job import Job, Received

if TYPE_CHECKING:
    from google.genai import types

# Those settings of a request that do not stand in its `generationConfig`.
_BESIDE = ("safetySettings", "systemInstruction", "tools", "toolConfig", "cachedContent", "serviceTier")
_PAGE = 100

_PHASES = {
    "JOB_STATE_QUEUED": Phase.WAITING,
    "JOB_STATE_PENDING": Phase.WAITING,
    "JOB_STATE_CANCELLING": Phase.CANCELLING,
    "JOB_STATE_SUCCEEDED": Phase.ENDED,
    "JOB_STATE_PARTIALLY_SUCCEEDED": Phase.ENDED,
    "JOB_STATE_FAILED": Phase.FAILED,
    "JOB_STATE_CANCELLED": Phase.CANCELLED,
    "JOB_STATE_EXPIRED": Phase.EXPIRED,
}
# google.rpc.Code of rows: those of requests that were not got to, and HTTP's word for the others.
_NOT_DONE = {1, 4, 8, 10, 13, 14}
_STATUS = {3: 400, 5: 404, 7: 403, 9: 400, 16: 401}


class GoogleDialect:
    """Speaks to the Gemini API of batches; see `batch.Dialect`."""

    # A quarter of what is allowed: a transfer that breaks off begins anew.
    limits = BatchLimits(items=50_000, bytes=500_000_000)

    def line(self, model: Model, key: str, job: Job) -> dict[str, Any]:
        """A keyed `GenerateContentRequest`, the same that is asked interactively."""
        settings = config_of(model, job).model_dump(mode="json", by_alias=True, exclude_none=True)
        beside = {name: settings.pop(name) for name in _BESIDE if name in settings}
        image = {"inlineData": {"mimeType": "image/png", "data": base64.b64encode(job.png).decode()}}
        contents = [{"role": "user", "parts": [image, {"text": job.prompt}]}]
        return {"key": key, "request": {"contents": contents, "generationConfig": settings, **beside}}

    async def upload(self, clients: Clients, service: Service, path: Path, name: str) -> str:
        """Upload the file of a batch."""
        client = await clients.google(service)
        uploaded = await client.aio.files.upload(file=path, config={"display_name": name, "mime_type": "jsonl"})
        if not uploaded.name:
            raise unreadable(service, "a file without a name", cost_usd=0.0)
        return uploaded.name

    async def create(self, clients: Clients, service: Service, model: Model, file: str, name: str) -> str:
        """Order the batch."""
        client = await clients.google(service)
        job = await client.aio.batches.create(model=model.model, src=file, config={"display_name": name})
        if not job.name:
            raise unreadable(service, "a batch without a name")
        return job.name

    async def find(self, clients: Clients, service: Service, name: str) -> str | None:
        """Look for our display name, newest first as Google lists them."""
        client = await clients.google(service)
        async for job in await client.aio.batches.list(config={"page_size": _PAGE}):
            if job.display_name == name and job.name:
                return job.name
        return None

    async def look_at_file(self, clients: Clients, service: Service, file: str) -> None:
        """Ask after an uploaded file."""
        client = await clients.google(service)
        await client.aio.files.get(name=file)

    async def state(self, clients: Clients, service: Service, vendor_name: str) -> BatchState:
        """How far a batch is."""
        job = await self._job(clients, service, vendor_name)
        phase = _PHASES.get(job.state.value if job.state else "", Phase.RUNNING)
        message = (job.error.message or "") if job.error else ""
        return BatchState(phase, message=quoted(message).removeprefix(": "))

    async def cancel(self, clients: Clients, service: Service, vendor_name: str) -> None:
        """Ask for a batch's end."""
        client = await clients.google(service)
        await client.aio.batches.cancel(name=vendor_name)

    async def download(self, clients: Clients, service: Service, vendor_name: str, folder: Path) -> list[Path]:
        """The results file, where there is one."""
        job = await self._job(clients, service, vendor_name)
        if job.dest is None or not job.dest.file_name:
            return []
        client = await clients.google(service)
        path = folder / f"{vendor_name.rpartition('/')[2]}.results.jsonl"
        await client.aio.files.download(file=job.dest.file_name, destination=path)
        return [path]

    def key(self, row: dict[str, Any]) -> str:
        """The key of a result."""
        return str(row.get("key") or "")

    def received(self, service: Service, model: Model, row: dict[str, Any]) -> Received:
        """The image of a result; errors are `google.rpc.Status`."""
        if isinstance(error := row.get("error"), dict):
            code, said = error.get("code"), str(error.get("message") or "")
            if code in _NOT_DONE or code in (429, 499) or (isinstance(code, int) and code >= 500):
                raise TakenBack(f"{service.label} did not get to it{quoted(said)}.")
            status = code if isinstance(code, int) and code >= 400 else _STATUS.get(code or 0, 400)
            raise refused(service, status, {"error": error}, {})
        from google.genai import types
        from pydantic import ValidationError

        try:
            response = types.GenerateContentResponse.model_validate(row.get("response"))
        except ValidationError:
            raise unreadable(service, "a result that is no answer") from None
        return received_of(service, model, response)

    def is_unknown(self, error: Exception) -> bool:
        """Whether it is Google's NOT_FOUND, or the word for a file of somebody else, which may as well not exist."""
        from google.genai import errors

        if not isinstance(error, errors.APIError):
            return False
        return error.code == 404 or (error.code == 403 and "may not exist" in str(error.message))

    async def _job(self, clients: Clients, service: Service, vendor_name: str) -> types.BatchJob:
        client = await clients.google(service)
        return await client.aio.batches.get(name=vendor_name)
