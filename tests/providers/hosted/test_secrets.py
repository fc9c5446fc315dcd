"""A canary: no key ever appears in an error, a traceback, a representation or a log, whatever goes wrong."""

from __future__ import annotations

import asyncio
import logging
import traceback
from collections.abc import Callable

import pytest

from fakes.vendor_script import KEY, SECRET, Fault
from fakes.vendor_server import VendorServer
from ggt_studio.core.words import Outcome
from ggt_studio.providers.base import GenerateRequest, ProviderError
from providers.hosted.conftest import MODELS, Hosted

Make = Callable[..., GenerateRequest]
TELLING = [
    Fault.BAD_KEY,
    Fault.RATE,
    Fault.SERVER,
    Fault.REDIRECT,
    Fault.HALF,
    Fault.WRONG_TYPE,
    Fault.BROKEN_JSON,
    None,
]


def assert_silent(text: str) -> None:
    assert KEY not in text
    assert SECRET not in text
    assert "eyJ" not in text, "nor a signed token"


@pytest.mark.parametrize("vendor", MODELS)
@pytest.mark.parametrize("fault", TELLING)
async def test_a_key_never_shows(
    vendor: str,
    fault: Fault | None,
    hosted: Hosted,
    vendors: VendorServer,
    request_of: Make,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level(logging.DEBUG)
    for name in logging.root.manager.loggerDict:
        caplog.set_level(logging.DEBUG, logger=name)
    vendors.script.always, vendors.script.quote_key = fault, True
    generator = hosted.generator(MODELS[vendor])
    result = (await asyncio.gather(generator.generate(request_of()), return_exceptions=True))[0]
    if fault is not None:
        assert isinstance(result, ProviderError)
        assert_silent("".join(traceback.format_exception(result)) + repr(result) + repr(vars(result)))
        assert (result.__cause__, result.__context__) == (None, None), "no request, which holds a key, is kept"
    assert_silent(caplog.text)
    assert_silent("".join(str(capfd.readouterr())))
    services = hosted.services
    assert_silent(repr(services) + repr(generator) + repr(vars(generator)) + repr(vars(services.clients)))
    assert KEY in str([request.headers for request in vendors.requests]) or vendor == "kling", "it was sent, of course"


@pytest.mark.parametrize("vendor", MODELS)
async def test_a_key_that_no_header_can_hold_is_refused_unquoted(
    vendor: str,
    hosted_with: Callable[..., Hosted],
    vendors: VendorServer,
    request_of: Make,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    environment = {name: value.replace("canary", "canary\n\u2026") for name, value in vendors.environment().items()}
    with pytest.raises(ProviderError, match="characters that no key has") as caught:
        await hosted_with(environment).generator(MODELS[vendor]).generate(request_of())
    assert caught.value.outcome is Outcome.BAD_KEY
    text = "".join(traceback.format_exception(caught.value)) + caplog.text
    assert "canary" not in text
    assert vendors.requests == []


@pytest.mark.parametrize("vendor", MODELS)
async def test_without_a_key_it_says_how_to_give_one(
    vendor: str, hosted_with: Callable[..., Hosted], vendors: VendorServer, request_of: Make
) -> None:
    environment = {name: value for name, value in vendors.environment().items() if "KEY" not in name}
    hosted = hosted_with(environment)
    generator = hosted.generator(MODELS[vendor])
    service = hosted.services.catalogue.services[vendor]
    with pytest.raises(ProviderError) as caught:
        await generator.generate(request_of())
    assert caught.value.outcome is Outcome.BAD_KEY
    assert "Settings" in str(caught.value)
    assert service.key_variables[0] in str(caught.value)
    assert (generator.info.key_service, vendors.requests) == (vendor, [])
