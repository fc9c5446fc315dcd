"""One chat over three protocols, through the vendors' clients: what is sent, what is read, and what can go wrong."""

from __future__ import annotations

import io
import json
import time
from pathlib import Path

import pytest
from PIL import Image

from fakes.chat_server import ChatServer, Fails, Hangs, Refuses, Says
from fakes.vlm import photo
from ggt_studio.core.words import Outcome
from ggt_studio.providers.base import ProviderError
from ggt_studio.providers.hooks import Services
from ggt_studio.providers.vlm.chat import Chat, Reply, open_chat, picture

SCHEMA = {
    "type": "object",
    "properties": {"a": {"type": "number"}},
    "required": ["a"],
    "additionalProperties": False,
}
PARTS = ("LQ:", b"\x89PNG\r\n1", "HQ:", b"\xff\xd8\xff2")
EVERY = ("gemini", "gpt-mini", "mine", "mine-schema")
PROTOCOLS = {"gemini": "google", "gpt-mini": "responses", "mine": "completions", "mine-schema": "completions"}


def chat_of(services: Services, model_id: str, answer_within_s: float = 20.0) -> Chat:
    model = services.catalogue.models[model_id]
    return open_chat(model, services.catalogue.service_of(model), services.clients, answer_within_s)


async def ask(services: Services, model_id: str, answer_within_s: float = 20.0) -> Reply:
    return await chat_of(services, model_id, answer_within_s).ask("Be strict.", PARTS, SCHEMA, 777)


async def failure(services: Services, model_id: str, answer_within_s: float = 20.0) -> ProviderError:
    with pytest.raises(ProviderError) as caught:
        await ask(services, model_id, answer_within_s)
    assert "secret-key" not in str(caught.value)
    return caught.value


@pytest.mark.parametrize("model_id", EVERY)
async def test_an_instruction_and_pictures_in_order_go_out_and_text_comes_back(
    services: Services, server: ChatServer, model_id: str
) -> None:
    server.script = lambda _: Says("A fine photo.", read=2000, written=300, thought=100)
    reply = await ask(services, model_id)
    assert reply.text == "A fine photo."
    assert reply.usage is not None
    assert (reply.usage.input_tokens, reply.usage.output_tokens) == (2000, 400)
    (asked,) = server.asked
    assert asked.protocol == PROTOCOLS[model_id]
    assert asked.model == services.catalogue.models[model_id].model
    assert asked.instruction == "Be strict."
    assert asked.parts == PARTS
    assert asked.max_tokens == 777


@pytest.mark.parametrize("model_id", EVERY)
async def test_a_schema_is_sent_where_the_catalogue_says_that_it_is_kept(
    services: Services, server: ChatServer, model_id: str
) -> None:
    await ask(services, model_id)
    kept = "schema" in services.catalogue.models[model_id].capabilities
    assert server.asked[0].schema == (SCHEMA if kept else None)
    await chat_of(services, model_id).ask("Write.", ["The photo:"], None, 50)
    assert server.asked[1].schema is None


async def test_the_cost_is_that_of_the_reported_tokens(services: Services, server: ChatServer) -> None:
    server.script = lambda _: Says("x", read=1_000_000, written=100_000, thought=100_000)
    for model_id in ("gemini", "gpt-mini"):
        price = services.catalogue.models[model_id].price
        expected = price.per_million_input_tokens + 0.2 * price.per_million_output_tokens
        assert (await ask(services, model_id)).cost_usd == pytest.approx(expected)
    assert (await ask(services, "mine")).cost_usd is None, "nobody named a price"


async def test_further_fields_of_the_entry_are_sent(services: Services, server: ChatServer) -> None:
    await ask(services, "mine")
    assert server.asked[0].body["temperature"] == 0.5


async def test_a_server_of_one_s_own_needs_no_key(services: Services, server: ChatServer) -> None:
    services.keys.forget(services.catalogue.services["mine"])
    assert (await ask(services, "mine")).text == "Hello."
    assert "secret-key" not in server.asked[0].headers["authorization"]


async def test_photos_are_not_left_with_the_vendor(services: Services, server: ChatServer) -> None:
    await ask(services, "gpt-mini")
    assert server.asked[0].body["store"] is False


@pytest.mark.parametrize("model_id", EVERY)
@pytest.mark.parametrize("answer", [Refuses("I will not."), Says("half", ends="blocked")])
async def test_a_refusal_and_a_filter_are_safety_blocks(
    services: Services, server: ChatServer, model_id: str, answer: Says | Refuses
) -> None:
    server.script = lambda _: answer
    error = await failure(services, model_id)
    assert error.outcome is Outcome.SAFETY_BLOCK
    assert not error.ask_again


@pytest.mark.parametrize("model_id", EVERY)
@pytest.mark.parametrize(
    ("answer", "raw"), [(Says(""), ""), (Says(" \n"), " \n"), (Says('{"a": 1', ends="cut"), '{"a": 1')]
)
async def test_an_empty_answer_and_one_that_is_cut_off_may_be_asked_again_and_are_kept(
    services: Services, server: ChatServer, model_id: str, answer: Says, raw: str
) -> None:
    server.script = lambda _: answer
    error = await failure(services, model_id)
    assert (error.outcome, error.ask_again, error.raw) == (Outcome.MALFORMED, True, raw)
    if services.catalogue.models[model_id].price.known:
        assert error.cost_usd
        assert error.cost_usd > 0, "it was paid for"


@pytest.mark.parametrize("model_id", EVERY)
async def test_a_server_that_is_busy_says_when_to_come_back(
    services: Services, server: ChatServer, model_id: str
) -> None:
    body = json.dumps({"error": {"code": "rate_limit_exceeded", "message": "Slow down."}}).encode()
    server.script = lambda _: Fails(429, body, (("retry-after", "7"),))
    error = await failure(services, model_id)
    assert (error.outcome, error.again_after_s, error.cost_usd) == (Outcome.QUOTA, 7.0, 0.0)
    assert len(server.asked) == 1, "the clients repeat nothing by themselves"


@pytest.mark.parametrize("model_id", EVERY)
async def test_a_key_that_is_refused_is_told_as_such(services: Services, server: ChatServer, model_id: str) -> None:
    body = json.dumps({"error": {"code": "invalid_api_key", "message": "Incorrect key secret-key"}}).encode()
    server.script = lambda _: Fails(401, body)
    assert (await failure(services, model_id)).outcome is Outcome.BAD_KEY


@pytest.mark.parametrize("model_id", EVERY)
async def test_a_server_that_hangs_is_given_up_and_may_have_charged(
    services: Services, server: ChatServer, model_id: str
) -> None:
    await chat_of(services, model_id).ask("Warm up.", ["x"], None, 10)
    server.script = lambda _: Hangs(30)
    began = time.monotonic()
    error = await failure(services, model_id, answer_within_s=0.3)
    assert time.monotonic() - began < 3
    assert (error.outcome, error.cost_usd, error.again_after_s) == (Outcome.NETWORK, None, None)


@pytest.mark.parametrize("model_id", EVERY)
async def test_an_answer_that_is_no_json_is_malformed(services: Services, server: ChatServer, model_id: str) -> None:
    server.script = lambda _: Fails(200, b"<html>Welcome to the hotel's network</html>")
    assert (await failure(services, model_id)).outcome is Outcome.MALFORMED


async def test_pictures_go_out_as_they_are_unless_the_entry_limits_them(services: Services, tmp_path: Path) -> None:
    path = photo(tmp_path, size=160)
    models = services.catalogue.models
    assert await picture(path, models["gemini"]) == path.read_bytes()
    with Image.open(io.BytesIO(await picture(path, models["mine"]))) as sent:
        assert (sent.size, sent.format) == ((100, 100), "PNG")
    webp = tmp_path / "photo.webp"
    with Image.open(path) as image:
        image.save(webp, lossless=True)
    with Image.open(io.BytesIO(await picture(webp, models["gemini"]))) as sent, Image.open(path) as image:
        assert sent.format == "PNG"
        assert sent.tobytes() == image.convert("RGB").tobytes()
    (tmp_path / "torn.png").write_bytes(b"\x89PNG")
    with pytest.raises(ProviderError, match="no image"):
        await picture(tmp_path / "torn.png", models["gemini"])
