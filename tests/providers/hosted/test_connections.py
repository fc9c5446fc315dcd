"""Connections: shared, many at once, closed when a call is cancelled and when the session ends; and where photos go."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace

import pytest

from fakes.vendor_script import Fault
from fakes.vendor_server import VendorServer
from ggt_studio.core.words import Outcome
from ggt_studio.providers.base import GenerateRequest, ProviderError
from ggt_studio.providers.catalogue import Model, Service, load_catalogue
from ggt_studio.providers.hosted.generator import described, where_photos_go
from ggt_studio.providers.registry import build_registry
from providers.hosted.conftest import MODELS, Hosted

Make = Callable[..., GenerateRequest]


async def eventually(condition: Callable[[], bool], within_s: float = 5.0) -> bool:
    end = time.monotonic() + within_s
    while not condition():
        if time.monotonic() > end:
            return False
        await asyncio.sleep(0.01)
    return True


@pytest.mark.parametrize("vendor", MODELS)
async def test_cancelling_ends_the_call_at_once_and_closes_its_connection(
    vendor: str, hosted: Hosted, vendors: VendorServer, request_of: Make
) -> None:
    vendors.script.always = Fault.HANG
    call = asyncio.create_task(hosted.generator(MODELS[vendor]).generate(request_of()))
    assert await eventually(lambda: len(vendors.requests) == 1, 20)
    began = time.monotonic()
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert time.monotonic() - began < 1.0
    assert await eventually(lambda: vendors.open_connections == 0)


@pytest.mark.parametrize("vendor", MODELS)
async def test_a_refused_connection_cost_nothing_and_may_be_tried_again(
    vendor: str, hosted_with: Callable[..., Hosted], vendors: VendorServer, request_of: Make
) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        there = f"127.0.0.1:{nobody.getsockname()[1]}"
        here = f"127.0.0.1:{vendors.port}"
        environment = {name: value.replace(here, there) for name, value in vendors.environment().items()}
        with pytest.raises(ProviderError, match=r"no connection.*127\.0\.0\.1.*Nothing was sent") as caught:
            await hosted_with(environment).generator(MODELS[vendor]).generate(request_of())
    assert (caught.value.outcome, caught.value.again_after_s, caught.value.cost_usd) == (Outcome.NETWORK, 0.0, 0.0)


async def test_64_calls_run_at_once(hosted: Hosted, vendors: VendorServer, request_of: Make) -> None:
    vendors.script.echo, vendors.script.latency_s = True, 1.0
    generator, request = hosted.generator("seedream-5.0"), request_of()
    await generator.generate(request)
    await asyncio.gather(*(generator.generate(request) for _ in range(64)))
    assert vendors.most_connections == 64
    assert vendors.script.bills.total() == 65
    await asyncio.gather(*(generator.generate(request) for _ in range(64)))
    assert vendors.most_connections == 64, "connections are used again"


async def test_models_of_one_service_share_a_client_and_another_key_gets_its_own(
    hosted: Hosted, vendors: VendorServer
) -> None:
    services = hosted.services
    google = services.catalogue.services["google"]
    first, second = await asyncio.gather(services.clients.google(google), services.clients.google(google))
    assert first is second
    services.keys.give(google, ("another",), keep=False)
    assert await services.clients.google(google) is not first


async def test_closing_closes_all_connections(hosted: Hosted, vendors: VendorServer, request_of: Make) -> None:
    for vendor in MODELS:
        await hosted.generator(MODELS[vendor]).generate(request_of())
    assert vendors.open_connections > 0
    hosted.services.clients.close()
    assert await eventually(lambda: vendors.open_connections == 0)


async def test_a_slow_start_of_a_vendor_s_client_does_not_hold_up_the_event_loop() -> None:
    """In a fresh process, in which nothing is imported yet."""
    code = """
import asyncio, sys, time
from fakes.vendor_server import VendorServer
from ggt_studio.providers.catalogue import load_catalogue
from ggt_studio.providers.hosted.clients import Clients
from ggt_studio.providers.keys import Keys

async def main():
    gaps, ended = [], asyncio.Event()
    async def beat():
        while not ended.is_set():
            began = time.perf_counter()
            await asyncio.sleep(0.001)
            gaps.append(time.perf_counter() - began)
    with VendorServer() as server:
        clients = Clients(Keys(server.environment()))
        services = load_catalogue().services
        beating = asyncio.create_task(beat())
        began = time.perf_counter()
        await clients.google(services["google"])
        await clients.openai(services["openai"])
        took = time.perf_counter() - began
        ended.set()
        await beating
        clients.close()
    print(max(gaps) / took)

asyncio.run(main())
"""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", code, stdout=subprocess.PIPE, env={"PYTHONPATH": ":".join(sys.path)}
    )
    told, _ = await process.communicate()
    assert float(told) < 0.5, "the loop goes on while clients are imported"


@pytest.mark.parametrize(
    ("address", "where"),
    [
        ("https://generativelanguage.googleapis.com", "Google Gemini API"),
        ("https://proxy.example.org:8443/v1?key=x", "Google Gemini API by way of proxy.example.org:8443"),
        ("http://user:secret@10.0.0.7:8000", "Google Gemini API by way of 10.0.0.7:8000"),
        ("http://127.0.0.1:8000", "Google Gemini API by way of 127.0.0.1:8000"),
    ],
)
def test_where_photos_go_is_said_by_the_address_that_is_really_asked(address: str, where: str) -> None:
    service = load_catalogue().services["google"]
    assert where_photos_go(service, address) == where


@pytest.mark.parametrize(
    ("address", "where"),
    [
        ("http://gpu-server:8000", "gpu-server:8000 in your network"),
        ("http://127.0.0.1:8000", ""),
        ("http://localhost:8000", ""),
        ("http://[::1]:8000", ""),
    ],
)
def test_photos_stay_near_by_only_where_no_vendor_stands_behind_the_address(address: str, where: str) -> None:
    service = Service(id="mine", label="Mine", protocol="google", base_url=address)
    assert where_photos_go(service, address) == where


def test_an_unknown_price_is_not_free_unless_nobody_can_ask_for_money() -> None:
    catalogue = load_catalogue()
    model = catalogue.models["nano-banana-2"]
    service = catalogue.services["google"]
    known = described(model, service, service.base_url)
    assert (known.paid, known.price_known, known.price_usd) == (True, True, 0.067)
    without = model.model_validate({**model.model_dump(), "price": {}})
    unknown = described(without, service, service.base_url)
    assert (unknown.paid, unknown.price_known, unknown.price_usd) == (True, False, 0.0)
    behind = described(without, service, "http://127.0.0.1:8000")
    assert (behind.paid, behind.price_known) == (True, False), "a vendor's model behind a proxy near by is paid for"
    mine = Service(id="mine", label="Mine", protocol="google", base_url="http://127.0.0.1:8000")
    home = described(without, mine, mine.base_url)
    assert (home.paid, home.price_known, home.leaves_machine, home.key_service) == (False, True, "", "")
    asking = described(model, mine, mine.base_url)
    assert asking.paid, "a proxy on this machine with a price hands it on"


async def test_all_hosted_generators_are_offered_without_any_key(hosted_with: Callable[..., Hosted]) -> None:
    registry = build_registry(hosted_with({}).services)
    hosted = {i for i, g in registry.generators.items() if g.info.key_service}
    assert hosted >= set(MODELS.values()) | {"nano-banana-2.1", "nano-banana-pro", "gpt-image-1.5"}
    for generator in (registry.generators[i] for i in hosted):
        assert generator.info.leaves_machine
        assert generator.info.paid
        assert generator.info.model


async def test_nothing_of_the_vendors_is_imported_until_a_model_is_asked() -> None:
    code = (
        "import sys, ggt_studio.providers.registry; "
        "print([m for m in ('google.genai', 'openai', 'httpx2', 'keyring', 'jwt', 'anyio') if m in sys.modules])"
    )
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", code, stdout=subprocess.PIPE)
    assert (await process.communicate())[0].strip() == b"[]"


async def test_a_person_s_own_service_of_a_vendor_s_protocol_is_offered(
    hosted_with: Callable[..., Hosted], vendors: VendorServer, request_of: Make
) -> None:
    catalogue = load_catalogue()
    mine = Service(id="mine", label="My server", protocol="google", base_url=vendors.base, key_variables=("MY_KEY",))
    model = replace_model(catalogue.models["nano-banana-2"], id="my-model", service="mine", price={})
    own = replace(
        catalogue, services={**catalogue.services, "mine": mine}, models={**catalogue.models, "my-model": model}
    )
    key = vendors.environment()["GEMINI_API_KEY"]
    hosted = hosted_with({"MY_KEY": key}, own)
    generator = build_registry(hosted.services).generator("my-model")
    image = await generator.generate(request_of())
    assert (image.cost_usd, generator.info.paid, generator.info.leaves_machine) == (0.0, False, "")


@pytest.mark.parametrize("protocol", ["google", "openai", "ark", "kling"])
async def test_a_server_of_one_s_own_is_asked_without_a_key(
    protocol: str, hosted_with: Callable[..., Hosted], vendors: VendorServer, request_of: Make
) -> None:
    vendors.script.always = Fault.SERVER
    paths = {"openai": "/v1", "ark": "/api/v3"}
    mine = Service(
        id="mine", label="Mine", protocol=protocol, base_url=vendors.base + paths.get(protocol, ""), secrets=0
    )
    catalogue = load_catalogue()
    model = replace_model(catalogue.models[MODELS[protocol]], id="my-model", service="mine")
    own = replace(catalogue, services={"mine": mine}, models={"my-model": model})
    with pytest.raises(ProviderError) as caught:
        await hosted_with({}, own).generator("my-model").generate(request_of())
    assert caught.value.outcome in (Outcome.NETWORK, Outcome.BAD_KEY)
    assert len(vendors.requests) == 1, "it was asked"


async def test_a_proxy_of_the_environment_is_not_asked_for_this_machine(
    hosted_with: Callable[..., Hosted], vendors: VendorServer, request_of: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    image = await hosted_with(vendors.environment()).generator("seedream-5.0").generate(request_of())
    assert image.data


def replace_model(model: Model, **changes: object) -> Model:
    return model.model_validate({**model.model_dump(), **changes})
