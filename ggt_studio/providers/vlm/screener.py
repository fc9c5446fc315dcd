"""Screening by eye: a vision language model says whether an LQ patch is worth restoring, and grades it (paper section 3.1)."""

from __future__ import annotations

import tomllib
from importlib import resources
from typing import Any

from ggt_studio.core.words import Category, Outcome, QualityLevel, Screening
from ggt_studio.providers.base import ProviderError, ProviderInfo, ScreenedPatch, ScreenRequest
from ggt_studio.providers.catalogue import Model
from ggt_studio.providers.vlm.chat import MAX_TOKENS, Chat, booked, picture
from ggt_studio.providers.vlm.reading import Unreadable, read_screening

SCREENING_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "reason": {"type": "string"},
        "verdict": {"type": "string", "enum": [verdict.value for verdict in Screening]},
        "quality": {"type": "string", "enum": [level.value for level in QualityLevel]},
    },
    "required": ["reason", "verdict", "quality"],
    "additionalProperties": False,
}


def screening_instruction() -> str:
    """What screeners are told, with places for the category and its degradation."""
    return str(_file()["instruction"]).strip()


def degradation_of(category: Category) -> str:
    """What has to be seen in a photo of a category."""
    return str(_file()["degradation"][category])


def _file() -> dict[str, Any]:
    text = resources.files("ggt_studio.resources").joinpath("judge", "screening.toml").read_text("utf-8")
    return tomllib.loads(text)


class VlmScreener:
    """One model as a screener."""

    def __init__(self, info: ProviderInfo, model: Model, chat: Chat) -> None:
        self.info = info
        self._model, self._chat = model, chat

    async def screen(self, request: ScreenRequest) -> ScreenedPatch:
        """Show the patch and read what the model says of it."""
        instruction = self.info.instruction.replace("{category}", request.category.value.replace("-", " ")).replace(
            "{degradation}", degradation_of(request.category)
        )
        parts = ["The photo:", await picture(request.lq_path, self._model)]
        reply = await self._chat.ask(instruction, parts, SCREENING_SCHEMA, MAX_TOKENS)
        cost = booked(reply, self.info.price_usd)
        try:
            verdict, level, reason = read_screening(reply.text)
        except Unreadable as error:
            raise ProviderError(
                Outcome.MALFORMED,
                f"The reply of {self.info.label} is no screening: {error}.",
                **cost,
                raw=reply.text,
                ask_again=True,
            ) from error
        return ScreenedPatch(verdict, level, reason, reply.text, **cost)
