"""Images edited by Google's Gemini models (Nano Banana), through google-genai."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ggt_studio.core.words import Outcome
from ggt_studio.providers.base import ProviderError, Usage
from ggt_studio.providers.catalogue import Model, Price, Service
from ggt_studio.providers.hosted.clients import Clients
from ggt_studio.providers.hosted.faults import blocked, refusal_error, unreadable, without_image
from ggt_studio.providers.hosted.job import Job, Received
from ggt_studio.providers.hosted.refusals import Refusal

if TYPE_CHECKING:
    from google.genai import types

BLOCKING_REASONS = frozenset(
    [
        "SAFETY",
        "IMAGE_SAFETY",
        "PROHIBITED_CONTENT",
        "IMAGE_PROHIBITED_CONTENT",
        "BLOCKLIST",
        "SPII",
        "RECITATION",
        "IMAGE_RECITATION",
        "ESCALATION",
        "MODEL_ARMOR",
        "JAILBREAK",
    ]
)
"""Finish and block reasons of the Gemini API that mean that a rule was met."""


async def edit(clients: Clients, service: Service, model: Model, job: Job) -> Received:
    """Edit an image with one `generateContent` call. Raises ProviderError, and what google-genai and httpx2 raise."""
    client = await clients.google(service)
    from google.genai import types

    response = await client.aio.models.generate_content(
        model=model.model,
        contents=[types.Part.from_bytes(data=job.png, mime_type="image/png"), types.Part.from_text(text=job.prompt)],
        config=config_of(model, job),
    )
    return received_of(service, model, response)


def config_of(model: Model, job: Job) -> types.GenerateContentConfig:
    """The settings of a request. Raises ProviderError where the catalogue's options are not understood."""
    from google.genai import types

    options = dict(job.options)
    image = types.ImageConfig(aspect_ratio=job.canvas.ratio or None, image_size=options.pop("image_size", None))
    return _config(model, {"response_modalities": ["IMAGE"], "image_config": image, "seed": job.seed, **options})


def received_of(service: Service, model: Model, response: types.GenerateContentResponse) -> Received:
    """The image of an answer and what it costs at the model's prices. Raises ProviderError where there is none."""
    usage, cost = usage_of(response, model.price)
    made = [part.inline_data for part in _parts(response) if part.inline_data and not part.thought]
    if not made or not made[-1].data:
        unread = unreadable(service, "an image without bytes", cost_usd=cost)
        error = unread if made else why_nothing(service, response, cost)
        error.usage = usage
        raise error
    return Received(made[-1].data, made[-1].mime_type or "", usage, cost)


def why_nothing(service: Service, response: types.GenerateContentResponse, cost_usd: float | None) -> ProviderError:
    """Why an answer of HTTP 200 holds no result: a block of the prompt or the image, or nothing made."""
    said = " ".join(part.text for part in _parts(response) if part.text and not part.thought)
    if response.prompt_feedback and (reason := response.prompt_feedback.block_reason):
        return blocked(service, response.prompt_feedback.block_reason_message or reason.value, cost_usd=cost_usd)
    candidate = response.candidates[0] if response.candidates else None
    reason = candidate.finish_reason.value if candidate and candidate.finish_reason else ""
    why = (candidate.finish_message if candidate else "") or said or reason
    if reason in BLOCKING_REASONS:
        return blocked(service, why, cost_usd=cost_usd)
    if reason == "PUP_LIMITED_DISABLED":
        return refusal_error(service, Refusal(200, Outcome.BAD_KEY, False, why, (reason,)))
    return without_image(service, why, cost_usd=cost_usd)


def usage_of(response: types.GenerateContentResponse, price: Price) -> tuple[Usage | None, float | None]:
    """The tokens that an answer reports, and what they cost; thinking counts as writing. An image's tokens are taken from the
    details and, without these, are all that were written."""
    reported = response.usage_metadata
    if reported is None:
        return None, None
    written, read = reported.candidates_token_count or 0, reported.prompt_token_count or 0
    thought = reported.thoughts_token_count or 0
    details = reported.candidates_tokens_details
    images = [d.token_count or 0 for d in details or () if d.modality and d.modality.value == "IMAGE"]
    made = sum(images) if details else written
    cost = price.of_tokens(text_read=read, text_written=written - made + thought, images_made=made)
    return Usage(read, written - made + thought, made, int(made > 0)), cost


def _parts(response: types.GenerateContentResponse) -> list[types.Part]:
    content = response.candidates[0].content if response.candidates else None
    return list(content.parts or ()) if content else []


def _config(model: Model, settings: dict[str, Any]) -> types.GenerateContentConfig:
    from google.genai import types
    from pydantic import ValidationError

    try:
        return types.GenerateContentConfig(**settings)
    except ValidationError as error:
        wrong = ", ".join(str(part["loc"][0]) for part in error.errors() if part["loc"])
        message = f"The options of {model.label} are not understood by its service: {wrong}. Correct them in your models.toml."
    raise ProviderError(Outcome.MALFORMED, message, cost_usd=0.0)
