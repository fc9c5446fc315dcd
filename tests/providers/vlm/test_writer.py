"""Adaptive strategies write an instruction for each photo, through the vendors' clients."""

from __future__ import annotations

from pathlib import Path

import pytest

from fakes.chat_server import ChatServer, Refuses, Says
from fakes.vlm import photo
from ggt_studio.core.errors import StudioError
from ggt_studio.core.words import Category, Outcome
from ggt_studio.providers.base import PromptRequest, ProviderError
from ggt_studio.providers.hooks import Services
from ggt_studio.providers.presets import reread
from ggt_studio.providers.registry import build_registry
from ggt_studio.providers.vlm.writer import AdaptivePrompts

INSTRUCTION = "Remove the rain streaks over the red bus and recover its lettering as it is."


def writer_of(services: Services, strategy: str) -> AdaptivePrompts:
    writer = build_registry(services).prompt_writer(strategy)
    assert isinstance(writer, AdaptivePrompts)
    return writer


@pytest.mark.parametrize("strategy", ["gemini", "gemini-flash", "gpt", "gpt-mini", "mine"])
async def test_the_model_sees_the_photo_and_the_meta_prompt_of_its_category(
    services: Services, server: ChatServer, tmp_path: Path, strategy: str
) -> None:
    server.script = lambda _: Says(f'Here is the prompt:\n"{INSTRUCTION}"')
    writer = writer_of(services, strategy)
    path = photo(tmp_path, size=96)
    written = await writer.write(PromptRequest(path, Category.RAIN))
    assert written.text == INSTRUCTION
    (asked,) = server.asked
    assert asked.instruction == writer.preset_texts()[Category.RAIN]
    assert asked.images == [path.read_bytes()]
    assert asked.schema is None, "an instruction is plain text"
    known = services.catalogue.models[strategy].price.known
    assert (written.cost_usd > 0) == known


@pytest.mark.parametrize("reply", ["", "OK.", "Here is the prompt:", INSTRUCTION * 100])
async def test_what_is_no_instruction_may_be_asked_again_and_is_kept(
    services: Services, server: ChatServer, tmp_path: Path, reply: str
) -> None:
    server.script = lambda _: Says(reply)
    with pytest.raises(ProviderError) as caught:
        await writer_of(services, "gemini").write(PromptRequest(photo(tmp_path), Category.HAZE))
    error = caught.value
    assert (error.outcome, error.ask_again, error.raw) == (Outcome.MALFORMED, True, reply)
    assert (error.cost_usd or 0) > 0


@pytest.mark.parametrize("answer", [Refuses(), Says("I'm sorry, but I can't help with this photo.")])
async def test_a_refusal_is_a_safety_block(
    services: Services, server: ChatServer, tmp_path: Path, answer: Says | Refuses
) -> None:
    server.script = lambda _: answer
    with pytest.raises(ProviderError) as caught:
        await writer_of(services, "gpt-mini").write(PromptRequest(photo(tmp_path), Category.HAZE))
    assert caught.value.outcome is Outcome.SAFETY_BLOCK
    assert (caught.value.cost_usd or 0) > 0, "the words were paid for"


async def test_edited_meta_prompts_are_taken_up_and_broken_ones_say_so(
    services: Services, server: ChatServer, tmp_path: Path
) -> None:
    registry = build_registry(services)
    writer = registry.prompt_writer("gemini")
    assert isinstance(writer, AdaptivePrompts)
    path = writer.own_copy()
    assert writer.is_own
    path.write_text(path.read_text("utf-8").replace("Fidelity comes first", "Mine comes first"), "utf-8")
    reread(registry.prompt_writers)
    assert "Mine comes first" in writer.preset_texts()[Category.SNOW]
    path.write_text("version = ", "utf-8")
    reread(registry.prompt_writers)
    with pytest.raises(StudioError, match=r"adaptive\.toml"):
        writer.preset_texts()
    assert "adaptive.toml" in writer.info.description
    with pytest.raises(ProviderError, match="cannot be read"):
        await writer.write(PromptRequest(photo(tmp_path), Category.HAZE))
    assert server.asked == [], "nothing was sent"
