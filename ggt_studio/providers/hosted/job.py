"""A generation as it goes to a hosted model: the picture to send and how it lies in it, and the size to ask for."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from ggt_studio.core.canvas import Canvas, plan_canvas, render
from ggt_studio.core.images import encode_png
from ggt_studio.core.words import Outcome
from ggt_studio.providers.base import GenerateRequest, ProviderError, Usage
from ggt_studio.providers.catalogue import Model


@dataclass(frozen=True, slots=True)
class Job:
    """What is sent: a PNG of `canvas`, the prompt, and options under the service's names.

    `width` and `height` in px are those of the image asked for. `seed` is set where the model takes one.
    """

    prompt: str
    png: bytes
    canvas: Canvas
    width: int
    height: int
    seed: int | None
    options: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Received:
    """What came: the exact bytes, the media type that the service declared, what it reported and what that costs."""

    data: bytes
    media_type: str
    usage: Usage | None = None
    cost_usd: float | None = None


def prepare(model: Model, request: GenerateRequest) -> Job:
    """The job of a request; reads the patch and encodes what is sent, so call it off the event loop.

    Raises ProviderError `malformed`, which cost nothing, where the model takes no such prompt.
    """
    if model.prompt_limit and len(request.prompt) > model.prompt_limit:
        raise ProviderError(
            Outcome.MALFORMED,
            f"{model.label} takes prompts up to {model.prompt_limit} characters; this one has {len(request.prompt)}. Nothing was "
            "sent. Choose a shorter prompt strategy.",
            cost_usd=0.0,
        )
    canvas = plan_canvas(request.width, request.height, model.sizes.rule)
    width, height = canvas.sent_width, canvas.sent_height
    if model.sizes.asked is not None:
        asked = plan_canvas(width, height, model.sizes.asked.rule)
        width, height = asked.sent_width, asked.sent_height
    seed = request.seed % 2**31 if "seed" in model.capabilities else None
    options = {**model.options, **request.options}
    return Job(request.prompt, _png(request.lq_path, canvas), canvas, width, height, seed, options)


def _png(path: Path, canvas: Canvas) -> bytes:
    try:
        data = path.read_bytes()
        with Image.open(io.BytesIO(data)) as image:
            if _is_patch(canvas) and image.format == "PNG" and image.mode == "RGB":
                return data
            pixels = np.asarray(image.convert("RGB"))
    except (OSError, ValueError, SyntaxError) as error:
        message = f"The patch cannot be read from {path}: {error}. Nothing was sent."
        raise ProviderError(Outcome.MALFORMED, message, cost_usd=0.0) from error
    return encode_png(render(pixels, canvas))


def _is_patch(canvas: Canvas) -> bool:
    """Whether what is sent is the patch and nothing else, pixel by pixel."""
    return canvas.padding == 0.0 and (canvas.width, canvas.height) == (canvas.patch_width, canvas.patch_height)
