"""Chat with any server that offers chat completions as OpenAI's do: vLLM, Ollama, LM Studio, SGLang, a reseller."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ggt_studio.providers.base import Usage
from ggt_studio.providers.catalogue import Model, Service
from ggt_studio.providers.hosted.clients import Clients
from ggt_studio.providers.hosted.faults import blocked, unreadable
from ggt_studio.providers.vlm.chat import Part, Reply, cost_of, data_url, nothing_said

if TYPE_CHECKING:
    from openai.types.chat import ChatCompletion


class CompletionsChat:
    """One model of such a server. The entry's `options` are further fields of the request's body, such as `temperature`.

    Whether the server keeps answers to a schema is told by the capability `schema` and never tried out.
    """

    def __init__(self, model: Model, service: Service, clients: Clients, answer_within_s: float) -> None:
        self._model, self._service, self._clients = model, service, clients
        self._answer_within_s = answer_within_s

    async def ask(
        self, instruction: str, parts: Sequence[Part], schema: dict[str, Any] | None, max_tokens: int
    ) -> Reply:
        """See `Chat.ask`."""
        client = await self._clients.openai(self._service)
        content = [
            {"type": "text", "text": part}
            if isinstance(part, str)
            else {"type": "image_url", "image_url": {"url": data_url(part)}}
            for part in parts
        ]
        request: dict[str, Any] = {
            "model": self._model.model,
            "messages": [{"role": "system", "content": instruction}, {"role": "user", "content": content}],
            "max_tokens": max_tokens,
        }
        if schema is not None and "schema" in self._model.capabilities:
            wanted = {"name": "answer", "schema": schema, "strict": True}
            request["response_format"] = {"type": "json_schema", "json_schema": wanted}
        call = client.chat.completions.create(**request, extra_body=self._model.options)
        return self._read(await self._clients.answer(call, self._service, self._answer_within_s))

    def _read(self, answer: ChatCompletion) -> Reply:
        counted = answer.usage
        usage = Usage(input_tokens=counted.prompt_tokens, output_tokens=counted.completion_tokens) if counted else None
        cost = cost_of(usage, self._model.price)
        if not answer.choices:
            raise unreadable(self._service, "no choices", cost_usd=cost)
        choice = answer.choices[0]
        reply = Reply(choice.message.content or "", usage, cost)
        if choice.message.refusal:
            raise blocked(self._service, choice.message.refusal, cost_usd=cost)
        if choice.finish_reason == "content_filter":
            raise blocked(self._service, "content_filter", cost_usd=cost)
        if choice.finish_reason == "length":
            raise nothing_said(self._model.label, reply, "was cut off before its answer was whole")
        if not reply.text.strip():
            raise nothing_said(self._model.label, reply, "gave an empty answer")
        return reply
