"""The catalogue's vision language models as prompt strategies, judges and screeners, offered through the hooks."""

from __future__ import annotations

from collections.abc import Iterator

from ggt_studio.providers.base import Judge, PromptWriter, Screener
from ggt_studio.providers.catalogue import Model, Role, Service
from ggt_studio.providers.hooks import Services, hookimpl
from ggt_studio.providers.vlm.chat import CHAT_PROTOCOLS, Chat, open_chat
from ggt_studio.providers.vlm.describing import info_of
from ggt_studio.providers.vlm.judge import VlmJudge, judge_instruction
from ggt_studio.providers.vlm.screener import VlmScreener, screening_instruction
from ggt_studio.providers.vlm.writer import AdaptivePrompts


@hookimpl
def prompt_writers(services: Services) -> list[PromptWriter]:
    """An adaptive strategy for each model that may write prompts."""
    does = "Looks at each photo and writes an instruction for it."
    return [
        AdaptivePrompts(info_of(model, service, services.keys, images=1, does=does), model, chat)
        for model, service, chat in _chats(services, "prompts")
    ]


@hookimpl
def judges(services: Services) -> list[Judge]:
    """A judge for each model that may judge."""
    does, told = "Looks at each pair and scores it in five aspects, with reasons.", judge_instruction()
    return [
        VlmJudge(info_of(model, service, services.keys, images=2, does=does, instruction=told), model, chat)
        for model, service, chat in _chats(services, "judge")
    ]


@hookimpl
def screeners(services: Services) -> list[Screener]:
    """A screener for each model that may judge."""
    does, told = "Looks at each patch and says whether it is worth restoring.", screening_instruction()
    return [
        VlmScreener(info_of(model, service, services.keys, images=1, does=does, instruction=told), model, chat)
        for model, service, chat in _chats(services, "judge")
    ]


def _chats(services: Services, role: Role) -> Iterator[tuple[Model, Service, Chat]]:
    for model in services.catalogue.models.values():
        service = services.catalogue.service_of(model)
        if role in model.roles and service.protocol in CHAT_PROTOCOLS:
            yield model, service, open_chat(model, service, services.clients)
