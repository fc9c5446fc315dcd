"""Chat with Gemini models: google-genai's generate_content (ai.google.dev/api/generate-content)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ggt_studio.providers.base import Usage
from ggt_studio.providers.catalogue import Model, Service
from ggt_studio.providers.hosted.clients import Clients
from ggt_studio.providers.hosted.faults import blocked
from ggt_studio.providers.vlm.chat import Part, Reply, cost_of, media_type, nothing_said

if TYPE_CHECKING:
    from google.genai import types

_WHOLE = {"STOP", "FINISH_REASON_UNSPECIFIED", ""}
_BLOCKED = {
    "SAFETY",
    "RECITATION",
    "BLOCKLIST",
    "PROHIBITED_CONTENT",
    "SPII",
    "MODEL_ARMOR",
    "IMAGE_SAFETY",
    "IMAGE_PROHIBITED_CONTENT",
    "IMAGE_RECITATION",
}


class GoogleChat:
    """One Gemini model. The entry's `options` go into `GenerateContentConfig`, such as a thinking level."""

    def __init__(self, model: Model, service: Service, clients: Clients, answer_within_s: float) -> None:
        self._model, self._service, self._clients = model, service, clients
        self._answer_within_s = answer_within_s

    async def ask(
        self, instruction: str, parts: Sequence[Part], schema: dict[str, Any] | None, max_tokens: int
    ) -> Reply:
        """See `Chat.ask`."""
        client = await self._clients.google(self._service)
        from google.genai import types  # imported by now, with the client

        config = types.GenerateContentConfig(
            system_instruction=instruction, max_output_tokens=max_tokens, **self._model.options
        )
        if schema is not None and "schema" in self._model.capabilities:
            config.response_mime_type, config.response_json_schema = "application/json", schema
        contents = types.Content(
            role="user",
            parts=[
                types.Part.from_text(text=part)
                if isinstance(part, str)
                else types.Part.from_bytes(data=part, mime_type=media_type(part))
                for part in parts
            ],
        )
        call = client.aio.models.generate_content(model=self._model.model, contents=contents, config=config)
        return self._read(await self._clients.answer(call, self._service, self._answer_within_s))

    def _read(self, answer: types.GenerateContentResponse) -> Reply:
        usage = _usage(answer.usage_metadata)
        cost = cost_of(usage, self._model.price)
        if answer.prompt_feedback and answer.prompt_feedback.block_reason:
            why = answer.prompt_feedback.block_reason_message or str(answer.prompt_feedback.block_reason.value)
            raise blocked(self._service, why, cost_usd=cost)
        candidate = answer.candidates[0] if answer.candidates else None
        said = candidate.content.parts or [] if candidate and candidate.content else []
        reply = Reply("".join(part.text or "" for part in said if not part.thought), usage, cost)
        reason = str(candidate.finish_reason.value) if candidate and candidate.finish_reason else ""
        if reason in _BLOCKED:
            raise blocked(self._service, (candidate.finish_message if candidate else "") or reason, cost_usd=cost)
        if reason == "MAX_TOKENS":
            raise nothing_said(self._model.label, reply, "was cut off before its answer was whole")
        if reason not in _WHOLE:
            raise nothing_said(self._model.label, reply, f"ended without a proper answer ({reason})")
        if not reply.text.strip():
            raise nothing_said(self._model.label, reply, "gave an empty answer")
        return reply


def _usage(counted: types.GenerateContentResponseUsageMetadata | None) -> Usage | None:
    if counted is None:
        return None
    written = (counted.candidates_token_count or 0) + (counted.thoughts_token_count or 0)
    return Usage(input_tokens=counted.prompt_token_count or 0, output_tokens=written)
