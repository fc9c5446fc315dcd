"""Every hosted model through its vendor's real client over real HTTP: what it makes, and every fault told apart."""

from __future__ import annotations

import base64
import hashlib
import io
from collections.abc import Callable
from typing import Any

import pytest
from PIL import Image

from fakes.google_server import MADE, READ
from fakes.http_server import Response, as_json
from fakes.kling_server import said
from fakes.vendor_script import UNCHARGED, Fault
from fakes.vendor_server import VendorServer
from ggt_studio.core.canvas import Canvas, patch_box_in
from ggt_studio.core.words import Outcome
from ggt_studio.providers.base import GenerateRequest, ProviderError
from providers.hosted.conftest import MODELS, Hosted

Make = Callable[..., GenerateRequest]

every_vendor = pytest.mark.parametrize("vendor", MODELS)
every_model = pytest.mark.parametrize(
    "model",
    [
        "nano-banana-2",
        "nano-banana-2.1",
        "nano-banana-pro",
        "gpt-image-1.5",
        "gpt-image-2",
        "seedream-5.0",
        "kling-image-o1",
    ],
)


def billable(vendors: VendorServer) -> int:
    return sum(request.method == "POST" for request in vendors.requests)


@every_model
async def test_a_patch_comes_back_as_the_exact_bytes_with_what_it_cost(
    model: str, hosted: Hosted, vendors: VendorServer, request_of: Make
) -> None:
    generator = hosted.generator(model)
    request = request_of()
    image = await generator.generate(request)
    assert image.media_type == "image/png"
    with Image.open(io.BytesIO(image.data)) as opened:
        opened.load()
    assert image.canvas is not None
    assert (image.canvas.patch_width, image.canvas.patch_height) == (160, 160)
    assert image.usage is not None
    assert image.usage.images == 1
    assert generator.info.price_usd > 0
    assert image.cost_usd == pytest.approx(generator.info.price_usd, rel=0.5)
    assert billable(vendors) == 1
    assert [charge.prompt for charge in vendors.script.bill] == [hashlib.sha256(request.prompt.encode()).hexdigest()]


async def test_google_s_tokens_are_counted_by_what_they_are(hosted: Hosted, request_of: Make) -> None:
    image = await hosted.generator("nano-banana-2").generate(request_of())
    assert image.cost_usd == pytest.approx((READ + 20) * 0.5e-6 + 100 * 3e-6 + MADE * 60e-6)


async def test_openai_s_tokens_are_counted_by_what_they_are(hosted: Hosted, request_of: Make) -> None:
    image = await hosted.generator("gpt-image-2").generate(request_of())
    assert image.cost_usd == pytest.approx(20 * 5e-6 + 600 * 8e-6 + 4160 * 30e-6)


@every_vendor
async def test_a_patch_of_an_allowed_size_is_sent_byte_for_byte(
    vendor: str, hosted: Hosted, vendors: VendorServer, request_of: Make
) -> None:
    request = request_of(480, 480)
    image = await hosted.generator(MODELS[vendor]).generate(request)
    assert image.canvas == Canvas.whole(480, 480) or image.canvas.padding == 0.0
    assert vendors.script.bill[0].image == hashlib.sha256(request.lq_path.read_bytes()).hexdigest()


@every_model
async def test_a_patch_of_an_odd_size_lies_where_its_canvas_says(
    model: str, hosted: Hosted, vendors: VendorServer, request_of: Make
) -> None:
    vendors.script.echo = True
    request = request_of(500, 340)
    image = await hosted.generator(model).generate(request)
    with Image.open(io.BytesIO(image.data)) as sent, Image.open(request.lq_path) as patch:
        left, top, width, height = patch_box_in(image.canvas, *sent.size)
        assert (width, height) == (500, 340)
        assert sent.crop((left, top, left + width, top + height)).tobytes() == patch.tobytes()


@every_vendor
@pytest.mark.parametrize("fault", [Fault.OTHER_SIZE, Fault.OTHER_ASPECT])
async def test_an_image_of_another_size_is_taken_as_it_is(
    vendor: str, fault: Fault, hosted: Hosted, vendors: VendorServer, request_of: Make
) -> None:
    vendors.script.always = fault
    image = await hosted.generator(MODELS[vendor]).generate(request_of())
    with Image.open(io.BytesIO(image.data)) as opened:
        assert opened.size[0] != opened.size[1] if fault is Fault.OTHER_ASPECT else opened.size[0] == opened.size[1]


_FAULTS = {
    Fault.BAD_KEY: (Outcome.BAD_KEY, None, 0.0),
    Fault.BILLING: (Outcome.QUOTA, None, 0.0),
    Fault.SERVER: (Outcome.NETWORK, 0.0, 0.0),
    Fault.UNAVAILABLE: (Outcome.NETWORK, 0.0, 0.0),
    Fault.GATEWAY: (Outcome.NETWORK, None, None),
    Fault.BAD_REQUEST: (Outcome.MALFORMED, None, 0.0),
    Fault.UNKNOWN_MODEL: (Outcome.BAD_KEY, None, 0.0),
    Fault.REDIRECT: (Outcome.MALFORMED, None, 0.0),
    Fault.BLOCKED_PROMPT: (Outcome.SAFETY_BLOCK, None, "any"),
    Fault.BLOCKED_IMAGE: (Outcome.SAFETY_BLOCK, None, "any"),
    Fault.HANG: (Outcome.NETWORK, None, None),
    Fault.HALF: (Outcome.NETWORK, None, None),
    Fault.WRONG_TYPE: (Outcome.MALFORMED, None, "any"),
    Fault.BROKEN_JSON: (Outcome.MALFORMED, None, None),
    Fault.NO_IMAGE: (Outcome.NO_IMAGE, None, "any"),
    Fault.UNDECODABLE: (Outcome.MALFORMED, None, "any"),
    Fault.TRUNCATED: (Outcome.MALFORMED, None, "any"),
}


@every_vendor
@pytest.mark.parametrize("fault", _FAULTS)
async def test_each_fault_is_told_apart_and_says_whether_it_may_have_cost(
    vendor: str, fault: Fault, hosted: Hosted, vendors: VendorServer, request_of: Make
) -> None:
    vendors.script.always = fault
    await hosted.warm()
    generator = hosted.generator(MODELS[vendor], timeout_s=0.5 if fault is Fault.HANG else 30.0)
    with pytest.raises(ProviderError) as caught:
        await generator.generate(request_of())
    outcome, again, cost = _FAULTS[fault]
    assert (caught.value.outcome, caught.value.again_after_s) == (outcome, again)
    if cost != "any":
        assert caught.value.cost_usd == cost
    assert len(str(caught.value)) > 40, "it says what happened and what to do"
    assert hosted.services.catalogue.services[vendor].label in str(caught.value)
    assert billable(vendors) == 1, "exactly one request that can cost"
    charged = sum(vendors.script.bills.values())
    assert charged == (0 if fault in UNCHARGED else 1)
    if caught.value.again_after_s is not None:
        assert charged == 0, "what may be made again has cost nothing"


@every_vendor
@pytest.mark.parametrize(("delay", "again"), [(None, 0.0), (3.5, 3.5)])
async def test_a_rate_limit_tells_the_delay_that_the_server_asks_for(
    vendor: str, delay: float | None, again: float, hosted: Hosted, vendors: VendorServer, request_of: Make
) -> None:
    vendors.script.always, vendors.script.retry_after_s = Fault.RATE, delay
    with pytest.raises(ProviderError) as caught:
        await hosted.generator(MODELS[vendor]).generate(request_of())
    assert (caught.value.outcome, caught.value.again_after_s) == (Outcome.QUOTA, again)


async def test_what_google_s_model_says_instead_of_an_image_is_kept(
    hosted: Hosted, vendors: VendorServer, request_of: Make
) -> None:
    vendors.script.always = Fault.NO_IMAGE
    with pytest.raises(ProviderError, match=r"I can only describe this photo") as caught:
        await hosted.generator("nano-banana-2").generate(request_of())
    assert caught.value.cost_usd is not None
    assert 0 < caught.value.cost_usd < 0.01


@every_model
async def test_options_and_ratio_go_to_the_service_under_its_own_names(
    model: str, hosted: Hosted, vendors: VendorServer, request_of: Make
) -> None:
    await hosted.generator(model).generate(request_of(300, 450))
    sent = next(request for request in vendors.requests if request.method == "POST")
    match model:
        case "nano-banana-2" | "nano-banana-2.1" | "nano-banana-pro":
            config = sent.json()["generationConfig"]
            assert config["imageConfig"] == {"aspectRatio": "2:3", "imageSize": "1K"}
            assert config["seed"] == 7
        case "gpt-image-1.5":
            form = sent.form()
            assert (form["size"], form["quality"], form["input_fidelity"]) == (b"1024x1536", b"high", b"high")
        case "gpt-image-2":
            form = sent.form()
            assert (form["quality"], "input_fidelity" in form) == (b"high", False)
            width, height = map(int, form["size"].split(b"x"))
            assert 655_360 <= width * height < 720_000, "the smallest that is allowed"
        case "seedream-5.0":
            body = sent.json()
            assert (body["watermark"], body["output_format"], "seed" in body) == (False, "png", False)
        case "kling-image-o1":
            body = sent.json()
            assert (body["aspect_ratio"], body["resolution"], body["n"]) == ("2:3", "1k", 1)
            assert base64.b64decode(body["image_list"][0]["image"]).startswith(b"\x89PNG")


async def test_a_prompt_longer_than_the_model_takes_is_not_sent(
    hosted: Hosted, vendors: VendorServer, request_of: Make
) -> None:
    with pytest.raises(ProviderError, match=r"up to 2500 characters; this one has 2501") as caught:
        await hosted.generator("kling-image-o1").generate(request_of(prompt="x" * 2501))
    assert (caught.value.cost_usd, vendors.requests) == (0.0, [])


async def test_a_patch_that_is_gone_is_named(hosted: Hosted, vendors: VendorServer, request_of: Make) -> None:
    request = request_of()
    request.lq_path.unlink()
    with pytest.raises(ProviderError, match=request.lq_path.name):
        await hosted.generator("seedream-5.0").generate(request)
    assert vendors.requests == []


@pytest.mark.parametrize(
    ("body", "code", "outcome"),
    [
        ({}, "OutputImageSensitiveContentDetected", Outcome.SAFETY_BLOCK),
        ({"data": []}, "AccountOverdueError", Outcome.QUOTA),
        ({"data": None}, "RateLimitExceeded.EndpointRPMExceeded", Outcome.QUOTA),
        ({"data": [{}]}, "InternalServiceError", Outcome.NETWORK),
    ],
)
async def test_an_error_in_ark_s_answer_of_http_200_is_the_failure_that_its_code_tells(
    hosted: Hosted,
    request_of: Make,
    monkeypatch: pytest.MonkeyPatch,
    body: dict[str, Any],
    code: str,
    outcome: Outcome,
) -> None:
    async def answer(*_: object) -> Response:
        return as_json({**body, "error": {"code": code, "message": "As it says."}})

    monkeypatch.setattr("fakes.ark_server.answer", answer)
    with pytest.raises(ProviderError, match="As it says") as caught:
        await hosted.generator("seedream-5.0").generate(request_of())
    assert caught.value.outcome is outcome


async def test_options_that_google_s_client_does_not_know_are_named(
    hosted: Hosted, vendors: VendorServer, request_of: Make
) -> None:
    with pytest.raises(ProviderError, match=r"Nano Banana 2 are not understood.*sharpnes") as caught:
        await hosted.generator("nano-banana-2").generate(request_of(options={"sharpnes": 3}))
    assert (caught.value.cost_usd, vendors.requests) == (0.0, [])


async def test_kling_s_task_outlives_passing_faults_while_it_is_asked_after_and_fetched(
    hosted: Hosted, vendors: VendorServer, request_of: Make
) -> None:
    vendors.tasks.polls = 3
    vendors.tasks.poll_faults = [
        said(503, 5001, "maintenance"),
        Response(half=True, body=b"{}" * 8),
        said(429, 1302, "slow"),
    ]
    vendors.tasks.fetch_faults = [Response(502), Response(200, b"\x89PNG" * 99, "image/png", half=True)]
    image = await hosted.generator("kling-image-o1").generate(request_of())
    assert image.data.startswith(b"\x89PNG")
    assert (billable(vendors), vendors.script.bills["kling-image-o1"]) == (1, 1)


async def test_a_fault_after_kling_s_task_was_taken_says_that_it_may_have_cost(
    hosted: Hosted, vendors: VendorServer, request_of: Make
) -> None:
    vendors.tasks.poll_faults = [said(401, 1004, "Authorization has expired")]
    with pytest.raises(ProviderError, match="may have been made and charged") as caught:
        await hosted.generator("kling-image-o1").generate(request_of())
    assert (caught.value.outcome, caught.value.cost_usd) == (Outcome.BAD_KEY, 0.028)


async def test_an_image_of_kling_s_that_is_gone_is_booked_and_no_matter_of_the_key(
    hosted: Hosted, vendors: VendorServer, request_of: Make
) -> None:
    vendors.tasks.fetch_faults = [Response(403, b"<Error>AccessDenied</Error>", "application/xml")]
    with pytest.raises(ProviderError, match=r"HTTP 403.*may have been made and charged") as caught:
        await hosted.generator("kling-image-o1").generate(request_of())
    assert (caught.value.outcome, caught.value.cost_usd) == (Outcome.MALFORMED, 0.028)


async def test_a_result_elsewhere_without_encryption_is_not_fetched(
    hosted: Hosted, vendors: VendorServer, request_of: Make
) -> None:
    vendors.tasks.result_base = f"http://localhost:{vendors.port}"
    with pytest.raises(ProviderError, match="not safe to fetch"):
        await hosted.generator("kling-image-o1").generate(request_of())
