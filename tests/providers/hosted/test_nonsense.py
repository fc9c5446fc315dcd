"""Answers that no vendor should give, and bytes that are no image: told in words, never a crash."""

from __future__ import annotations

import io
from collections.abc import Callable

import pytest
from PIL import Image

from fakes.http_server import HttpServer, Request, Response
from fakes.projects import png
from fakes.vendor_server import VendorServer
from ggt_studio.core.words import Outcome
from ggt_studio.providers.base import GenerateRequest, ProviderError
from ggt_studio.providers.catalogue import load_catalogue
from ggt_studio.providers.hosted.received import from_base64, media_type_of
from providers.hosted.conftest import MODELS, Hosted

Make = Callable[..., GenerateRequest]

NONSENSE = [
    b"",
    b"null",
    b"[]",
    b'"text"',
    b"{}",
    b"[[[[",
    b'{"candidates": 5, "data": 5}',
    b'{"candidates": [null], "data": [null]}',
    b'{"candidates": [{"content": {"parts": [{"inlineData": {"mimeType": "image/png", "data": "%%%"}}]}}]}',
    b'{"data": [{"b64_json": "%%%"}], "created": 1}',
    b'{"data": [{"b64_json": 7}], "created": 1}',
    b'{"code": 0, "data": {"task_id": 4, "task_status": "sleeping"}}',
    b'{"code": 0, "data": {"task_id": 4, "task_status": "succeed", "task_result": {"images": [7]}}}',
    b'{"code": "zero", "data": []}',
    b"\xff\xfe\x00{",
]


@pytest.mark.parametrize("vendor", MODELS)
async def test_whatever_json_comes_becomes_an_outcome(
    vendor: str, hosted_with: Callable[..., Hosted], request_of: Make
) -> None:
    body = b""

    async def answer(_: Request) -> Response:
        return Response(200, body)

    with HttpServer(answer) as server:
        environment = VendorServer.environment(server)  # type: ignore[arg-type]
        generator = hosted_with(environment).generator(MODELS[vendor])
        for body in NONSENSE:
            with pytest.raises(ProviderError) as caught:
                await generator.generate(request_of())
            assert caught.value.outcome in (Outcome.MALFORMED, Outcome.NO_IMAGE), body
            assert caught.value.again_after_s is None, "it may have been charged"


@pytest.mark.parametrize("vendor", MODELS)
async def test_an_address_that_is_none_is_named(
    vendor: str, hosted_with: Callable[..., Hosted], request_of: Make
) -> None:
    service = load_catalogue().services[vendor]
    keys = dict.fromkeys(service.key_variables, "a-key-of-at-least-32-bytes-in-length")
    for address in ("example.org/v1", "ftp://127.0.0.1/", "http://"):
        hosted = hosted_with({**keys, service.address_variables[0]: address})
        with pytest.raises(ProviderError, match=f"address of {service.label}") as caught:
            await hosted.generator(MODELS[vendor]).generate(request_of())
        assert (caught.value.outcome, caught.value.cost_usd) == (Outcome.BAD_KEY, 0.0)


def encoded(kind: str) -> bytes:
    buffer = io.BytesIO()
    with Image.open(io.BytesIO(png(3))) as image:
        image.save(buffer, kind)
    return buffer.getvalue()


def test_whole_images_are_known_by_their_bytes_whatever_they_are_called() -> None:
    service = load_catalogue().services["ark"]
    for kind, media_type in (("PNG", "image/png"), ("JPEG", "image/jpeg"), ("WEBP", "image/webp")):
        for declared in ("image/png", "", "application/octet-stream", "binary/octet-stream"):
            assert media_type_of(service, encoded(kind), declared) == media_type


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF", "TIFF"])
def test_what_is_not_whole_or_of_another_kind_is_refused_with_its_price(kind: str) -> None:
    service = load_catalogue().services["ark"]
    data = encoded(kind)
    with pytest.raises(ProviderError, match="cannot be read") as caught:
        media_type_of(service, data if kind in ("GIF", "TIFF") else data[: len(data) * 2 // 3], "image/png", 0.03)
    assert (caught.value.outcome, caught.value.cost_usd) == (Outcome.MALFORMED, 0.03)


def test_a_damaged_png_and_a_page_called_html_are_refused() -> None:
    service = load_catalogue().services["ark"]
    damaged = bytearray(encoded("PNG"))
    damaged[len(damaged) // 2] ^= 0xFF
    for data, declared in ((bytes(damaged), "image/png"), (encoded("PNG"), "text/html; charset=utf-8")):
        with pytest.raises(ProviderError):
            media_type_of(service, data, declared)
    with pytest.raises(ProviderError, match="base64"):
        from_base64(service, "not base64!")
