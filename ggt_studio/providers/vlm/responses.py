"""Chat with OpenAI's models: the Responses API (platform.openai.com/docs/api-reference/responses)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ggt_studio.core.words import Outcome
from ggt_studio.providers.base import ProviderError, Usage
from ggt_studio.providers.catalogue import Model, Service
from ggt_studio.providers.hosted.clients import Clients
from ggt_studio.providers.hosted.faults import blocked, quoted
from ggt_studio.providers.vlm.chat import Part, Reply, cost_of, data_url, nothing_said

if TYPE_CHECKING:
    from openai.types.responses import Response


class ResponsesChat:
    """One OpenAI model. The entry's `options` are further fields of the request, such as `reasoning`; `image_detail` among
    them is the detail in which it looks at images."""

    def __init__(self, model: Model, service: Service, clients: Clients, answer_within_s: float) -> None:
        self._model, self._service, self._clients = model, service, clients
        self._answer_within_s = answer_within_s
        self._options = dict(model.options)
        self._detail = str(self._options.pop("image_detail", "high"))

    async def ask(
        self, instruction: str, parts: Sequence[Part], schema: dict[str, Any] | None, max_tokens: int
    ) -> Reply:
        """See `Chat.ask`."""
        client = await self._clients.openai(self._service)
        content = [
            {"type": "input_text", "text": part}
            if isinstance(part, str)
            else {"type": "input_image", "image_url": data_url(part), "detail": self._detail}
            for part in parts
        ]
        request: dict[str, Any] = {
            "model": self._model.model,
            "instructions": instruction,
            "input": [{"role": "user", "content": content}],
            "max_output_tokens": max_tokens,
            # Photos are not left on the vendor's side for later turns: there are none.
            "store": False,
        }
        if schema is not None and "schema" in self._model.capabilities:
            wanted = {"type": "json_schema", "name": "answer", "schema": schema, "strict": True}
            request["text"] = {"format": wanted}
        call = client.responses.create(**request, **self._options)
        return self._read(await self._clients.answer(call, self._service, self._answer_within_s))

    def _read(self, answer: Response) -> Reply:
        counted = answer.usage
        usage = Usage(input_tokens=counted.input_tokens, output_tokens=counted.output_tokens) if counted else None
        cost = cost_of(usage, self._model.price)
        parts = [part for item in answer.output or [] if item.type == "message" for part in item.content]
        reply = Reply("".join(part.text for part in parts if part.type == "output_text"), usage, cost)
        refusal = next((part.refusal for part in parts if part.type == "refusal"), None)
        if refusal is not None:
            raise blocked(self._service, refusal, cost_usd=cost)
        if answer.status == "incomplete":
            why = answer.incomplete_details.reason if answer.incomplete_details else None
            if why == "content_filter":
                raise blocked(self._service, why, cost_usd=cost)
            raise nothing_said(self._model.label, reply, "was cut off before its answer was whole")
        if answer.status == "failed" or answer.error is not None:
            words = quoted(answer.error.message) if answer.error else ""
            raise ProviderError(Outcome.NETWORK, f"{self._service.label} gave up on the call{words}.", cost_usd=cost)
        if not reply.text.strip():
            raise nothing_said(self._model.label, reply, "gave an empty answer")
        return reply
