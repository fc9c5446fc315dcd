"""Images edited by OpenAI's GPT Image models, through the `images.edit` endpoint."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ggt_studio.providers.base import Usage
from ggt_studio.providers.catalogue import Model, Price, Service
from ggt_studio.providers.hosted.clients import Clients
from ggt_studio.providers.hosted.faults import unreadable, without_image
from ggt_studio.providers.hosted.job import Job, Received
from ggt_studio.providers.hosted.received import from_base64

if TYPE_CHECKING:
    from openai.types import ImagesResponse


async def edit(clients: Clients, service: Service, model: Model, job: Job) -> Received:
    """Edit an image with one call. Raises ProviderError, and what openai and httpx2 raise."""
    client = await clients.openai(service)
    from openai.types import ImagesResponse

    # What a model takes besides is data of the catalogue: GPT Image 2 refuses `input_fidelity`, which 1.5 wants.
    response = await client.images.edit(
        image=("patch.png", job.png, "image/png"),
        prompt=job.prompt,
        model=model.model,
        size=f"{job.width}x{job.height}",
        n=1,
        extra_body=job.options,
    )
    # The client hands through what has another media type than JSON.
    if not isinstance(response, ImagesResponse):
        raise unreadable(service, "no JSON")
    return received_of(service, model, response)


def received_of(service: Service, model: Model, response: ImagesResponse) -> Received:
    """The image of an answer and what it costs at the model's prices. Raises ProviderError where there is none."""
    usage, cost = _usage_of(response, model.price)
    image = response.data[0] if response.data else None
    if image is None or not image.b64_json:
        error = without_image(service, (image.revised_prompt if image else "") or "", cost_usd=cost)
        error.usage = usage
        raise error
    data = from_base64(service, image.b64_json, cost)
    return Received(data, f"image/{response.output_format or 'png'}", usage, cost)


def _usage_of(response: ImagesResponse, price: Price) -> tuple[Usage | None, float | None]:
    reported = response.usage
    if reported is None:
        return None, None
    read, written = reported.input_tokens_details, reported.output_tokens_details
    images_read = read.image_tokens if read else 0
    made = written.image_tokens if written else reported.output_tokens
    cost = price.of_tokens(
        text_read=reported.input_tokens - images_read,
        images_read=images_read,
        text_written=reported.output_tokens - made,
        images_made=made,
    )
    return Usage(reported.input_tokens, reported.output_tokens - made, made, int(made > 0)), cost
