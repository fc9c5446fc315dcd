"""Batches of the OpenAI API: a JSONL file of `POST /v1/images/edits` with data URLs, found again by the name in its metadata.

Facts as OpenAI's API reference says: up to 50,000 requests and 200 MB per file; what is not done within 24 hours expires, and
what is done by then is charged and can be collected.
"""

from __future__ import annotations

import base64
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from ggt_studio.providers.batching import BatchLimits, BatchState, Phase, TakenBack
from ggt_studio.providers.catalogue import Model, Service
from ggt_studio.providers.hosted.clients import Clients
from ggt_studio.providers.hosted.faults import quoted, refused, unreadable
from ggt_studio.providers.hosted.job import Job, Received
from ggt_studio.providers.hosted.openai_images import received_of

if TYPE_CHECKING:
    from openai.types import Batch

_ENDPOINT: Literal["/v1/images/edits"] = "/v1/images/edits"
_NAME = "ggt_studio_batch"
_PAGE = 100
# The vendor keeps photos and results for so long, which is the longest that it offers.
_KEPT_S = 30 * 24 * 3600

_PHASES = {
    "validating": Phase.WAITING,
    "in_progress": Phase.RUNNING,
    "finalizing": Phase.RUNNING,
    "cancelling": Phase.CANCELLING,
    "completed": Phase.ENDED,
    "failed": Phase.FAILED,
    "expired": Phase.EXPIRED,
    "cancelled": Phase.CANCELLED,
}
_NOT_DONE = ("batch_expired", "batch_cancelled")


class OpenAIDialect:
    """Speaks to the OpenAI API of batches; see `batch.Dialect`."""

    limits = BatchLimits(items=50_000, bytes=200_000_000)

    def line(self, model: Model, key: str, job: Job) -> dict[str, Any]:
        """A request under a custom id; the JSON form of an edit, as files of a batch hold no multipart form."""
        url = f"data:image/png;base64,{base64.b64encode(job.png).decode()}"
        body = {
            "model": model.model,
            "images": [{"image_url": url}],
            "prompt": job.prompt,
            "size": f"{job.width}x{job.height}",
            "n": 1,
            **job.options,
        }
        return {"custom_id": key, "method": "POST", "url": _ENDPOINT, "body": body}

    async def upload(self, clients: Clients, service: Service, path: Path, name: str) -> str:
        """Upload the file of a batch."""
        client = await clients.openai(service)
        uploaded = await client.files.create(
            file=path, purpose="batch", expires_after={"anchor": "created_at", "seconds": _KEPT_S}
        )
        return uploaded.id

    async def create(self, clients: Clients, service: Service, model: Model, file: str, name: str) -> str:
        """Order the batch."""
        client = await clients.openai(service)
        batch = await client.batches.create(
            input_file_id=file,
            endpoint=_ENDPOINT,
            completion_window="24h",
            metadata={_NAME: name},
            output_expires_after={"anchor": "created_at", "seconds": _KEPT_S},
        )
        if not getattr(batch, "id", None):
            raise unreadable(service, "a batch without an id")
        return batch.id

    async def find(self, clients: Clients, service: Service, name: str) -> str | None:
        """Look for our name, newest first as OpenAI lists them."""
        client = await clients.openai(service)
        async for batch in client.batches.list(limit=_PAGE):
            if (batch.metadata or {}).get(_NAME) == name:
                return batch.id
        return None

    async def look_at_file(self, clients: Clients, service: Service, file: str) -> None:
        """Ask after an uploaded file."""
        client = await clients.openai(service)
        await client.files.retrieve(file)

    async def state(self, clients: Clients, service: Service, vendor_name: str) -> BatchState:
        """How far a batch is."""
        batch = await self._batch(clients, service, vendor_name)
        said = "; ".join(
            error.message for error in (batch.errors.data if batch.errors else None) or () if error.message
        )
        counts = batch.request_counts
        done = counts.completed + counts.failed if counts else None
        return BatchState(_PHASES.get(batch.status, Phase.RUNNING), done, quoted(said).removeprefix(": "))

    async def cancel(self, clients: Clients, service: Service, vendor_name: str) -> None:
        """Ask for a batch's end."""
        client = await clients.openai(service)
        await client.batches.cancel(vendor_name)

    async def download(self, clients: Clients, service: Service, vendor_name: str, folder: Path) -> list[Path]:
        """The file of results and that of errors, where there are such."""
        batch = await self._batch(clients, service, vendor_name)
        client = await clients.openai(service)
        paths = []
        for file in filter(None, (batch.output_file_id, batch.error_file_id)):
            path = folder / f"{vendor_name}.{file}.jsonl"
            async with client.files.with_streaming_response.content(file) as response:
                await response.stream_to_file(path)
            paths.append(path)
        return paths

    def key(self, row: dict[str, Any]) -> str:
        """The custom id of a result."""
        return str(row.get("custom_id") or "")

    def received(self, service: Service, model: Model, row: dict[str, Any]) -> Received:
        """The image of a result; its own error says that it was not got to, an HTTP status that it was refused."""
        response = row.get("response")
        if not isinstance(response, dict):
            error = row.get("error")
            said = error if isinstance(error, dict) else {}
            if said.get("code") in _NOT_DONE:
                raise TakenBack(f"{service.label} did not get to it{quoted(str(said.get('message') or ''))}.")
            if said:
                raise refused(service, 400, {"error": said}, {})
            raise unreadable(service, "a result without an answer")
        status, body = response.get("status_code"), response.get("body")
        if isinstance(status, int) and (status == 429 or status >= 500):
            raise TakenBack(f"{service.label} did not get to it (HTTP {status}).")
        if status != 200 or not isinstance(body, dict):
            raise refused(service, status if isinstance(status, int) else 400, body, {})
        from openai.types import ImagesResponse
        from pydantic import ValidationError

        try:
            answer = ImagesResponse.model_validate(body)
        except ValidationError:
            raise unreadable(service, "a result that is no answer") from None
        return received_of(service, model, answer)

    def is_unknown(self, error: Exception) -> bool:
        """Whether it is OpenAI's 404."""
        import openai

        return isinstance(error, openai.NotFoundError)

    async def _batch(self, clients: Clients, service: Service, vendor_name: str) -> Batch:
        client = await clients.openai(service)
        return await client.batches.retrieve(vendor_name)
