"""The one thing that all work with vision language models rests on: an instruction and pictures in, text out."""

from __future__ import annotations

import asyncio
import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from PIL import Image

from ggt_studio.core.words import CostBasis, Outcome
from ggt_studio.providers.base import ProviderError, Usage
from ggt_studio.providers.catalogue import Model, Price, Service
from ggt_studio.providers.hosted.clients import Clients

MAX_TOKENS = 8192
"""Tokens that an answer may have, thinking included; it bounds what a call can cost."""

ANSWER_WITHIN_S = 240.0
"""Seconds that a model may think about an answer."""

Part = str | bytes
"""Text, or the bytes of a PNG or JPEG image."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What a model said, what it counted, and what that costs in US dollars; None where tokens or prices are not known."""

    text: str
    usage: Usage | None
    cost_usd: float | None


class Chat(Protocol):
    """One model that reads pictures."""

    async def ask(
        self, instruction: str, parts: Sequence[Part], schema: dict[str, Any] | None, max_tokens: int
    ) -> Reply:
        """Ask once. `schema` is the JSON schema of the answer wanted, None for plain text; `max_tokens` includes thinking.

        Raises ProviderError: `safety_block` where the model or its vendor refuses, `malformed` with `ask_again` and the raw
        text where the answer is empty or cut off, and whatever else the call ran into.
        """
        ...


def open_chat(model: Model, service: Service, clients: Clients, answer_within_s: float = ANSWER_WITHIN_S) -> Chat:
    """The chat of a catalogue model, by the protocol of its service. Nothing is imported or sent yet."""
    match service.protocol:
        case "google":
            from ggt_studio.providers.vlm.google import GoogleChat

            return GoogleChat(model, service, clients, answer_within_s)
        case "openai":
            from ggt_studio.providers.vlm.responses import ResponsesChat

            return ResponsesChat(model, service, clients, answer_within_s)
        case "openai-compatible":
            from ggt_studio.providers.vlm.completions import CompletionsChat

            return CompletionsChat(model, service, clients, answer_within_s)
        case _:
            raise ValueError(f"{service.protocol} has no chat")


CHAT_PROTOCOLS = frozenset({"google", "openai", "openai-compatible"})


async def picture(path: Path, model: Model) -> bytes:
    """The bytes to send of an image file: as they are, or downscaled where `sizes.max_side` of the model's entry says so.

    Anything but PNG and JPEG is sent as PNG. Raises ProviderError `malformed` for a file that is no image.
    """
    return await asyncio.to_thread(_picture, path, model.sizes.max_side or 0)


def _picture(path: Path, max_side: int) -> bytes:
    data = path.read_bytes()
    try:
        with Image.open(io.BytesIO(data)) as image:
            factor = max_side / max(image.size) if max_side else 1.0
            if factor >= 1 and image.format in ("PNG", "JPEG"):
                return data
            sent = image.convert("RGB")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise ProviderError(Outcome.MALFORMED, f"{path.name} is no image that can be sent.", cost_usd=0.0) from error
    if factor < 1:
        size = (max(1, round(sent.width * factor)), max(1, round(sent.height * factor)))
        sent = sent.resize(size, Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    sent.save(buffer, "PNG", compress_level=3)
    return buffer.getvalue()


def media_type(data: bytes) -> str:
    """`image/png` or `image/jpeg`, by the first bytes."""
    return "image/png" if data.startswith(b"\x89PNG") else "image/jpeg"


def data_url(data: bytes) -> str:
    """An image as a data URL."""
    return f"data:{media_type(data)};base64,{base64.b64encode(data).decode()}"


def cost_of(usage: Usage | None, price: Price) -> float | None:
    """What a call costs in US dollars by its reported tokens and the catalogue's prices; thinking is paid as output."""
    counted = usage or Usage()
    return price.of_tokens(text_read=counted.input_tokens, text_written=counted.output_tokens)


def booked(reply: Reply, price_usd: float) -> dict[str, Any]:
    """What a reply costs, as the arguments of answers and of ProviderError; `price_usd` where it cannot be counted."""
    counted = reply.cost_usd is not None
    return {
        "cost_usd": reply.cost_usd if counted else price_usd,
        "usage": reply.usage,
        "cost_basis": CostBasis.TOKENS if counted else CostBasis.ESTIMATE,
    }


def nothing_said(label: str, reply: Reply, why: str) -> ProviderError:
    """An answer that is empty or not whole; asking again may give a whole one."""
    return ProviderError(
        Outcome.MALFORMED,
        f"{label} {why}.",
        cost_usd=reply.cost_usd,
        cost_basis=CostBasis.TOKENS,
        usage=reply.usage,
        raw=reply.text,
        ask_again=True,
    )
