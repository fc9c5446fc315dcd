"""What a test of a key promises: it tells good from bad, says why in words, never costs, never hangs."""

from __future__ import annotations

import asyncio
import socket
import time

import pytest

from fakes.key_checks import OPENAI, SERVED
from fakes.vendor_script import KEY, SECRET, Fault
from fakes.vendor_server import VendorServer
from ggt_studio.core.words import Outcome
from ggt_studio.providers.catalogue import Service, load_catalogue
from ggt_studio.providers.hosted.probe import probe
from ggt_studio.providers.keys import Keys

VENDORS = ("google", "openai", "ark", "kling")


def service(name: str) -> Service:
    return load_catalogue().services[name]


def lab(address: str) -> Service:
    return Service(id="lab", label="Lab server", protocol="openai-compatible", base_url=address)


@pytest.mark.parametrize("vendor", VENDORS)
async def test_a_good_key_is_told_from_a_bad_one_and_nothing_is_charged(vendor: str, vendors: VendorServer) -> None:
    good = await probe(service(vendor), Keys(vendors.environment()))
    assert (good.ok, good.outcome) == (True, Outcome.OK), good.words
    assert "takes the key" in good.words
    vendors.script.quote_key = True
    wrong = {n: f"{v}-not" if "KEY" in n else v for n, v in vendors.environment().items()}
    bad = await probe(service(vendor), Keys(wrong))
    assert (bad.ok, bad.outcome, bad.key_refused) == (False, Outcome.BAD_KEY, True)
    assert "refused the key" in bad.words
    assert f"{KEY}-not" not in bad.words
    assert SECRET not in bad.words
    assert len(vendors.requests) == 2
    assert all(request.method == "GET" and not request.body for request in vendors.requests)
    assert vendors.script.bill == []


@pytest.mark.parametrize("vendor", VENDORS)
async def test_without_a_key_nothing_is_sent_and_it_says_how_to_give_one(vendor: str, vendors: VendorServer) -> None:
    environment = {name: value for name, value in vendors.environment().items() if "KEY" not in name}
    result = await probe(service(vendor), Keys(environment))
    assert (result.ok, result.outcome, vendors.requests) == (False, Outcome.BAD_KEY, [])
    assert service(vendor).key_variables[0] in result.words


@pytest.mark.parametrize("vendor", VENDORS)
@pytest.mark.parametrize(
    ("fault", "outcome"),
    [
        (Fault.RATE, Outcome.QUOTA),
        (Fault.BILLING, Outcome.QUOTA),
        (Fault.SERVER, Outcome.NETWORK),
        (Fault.GATEWAY, Outcome.NETWORK),
        (Fault.HALF, Outcome.NETWORK),
        (Fault.WRONG_TYPE, Outcome.MALFORMED),
        (Fault.REDIRECT, Outcome.MALFORMED),
    ],
)
async def test_each_fault_is_named_and_none_is_said_to_have_cost(
    vendor: str, fault: Fault, outcome: Outcome, vendors: VendorServer
) -> None:
    vendors.script.always = fault
    result = await probe(service(vendor), Keys(vendors.environment()))
    assert (result.ok, result.outcome) == (False, outcome), result.words
    assert "may have been charged" not in result.words
    assert KEY not in result.words
    assert len(vendors.requests) == 1, "it is asked once"


@pytest.mark.parametrize("vendor", VENDORS)
async def test_a_service_that_never_answers_is_given_up_in_time(vendor: str, vendors: VendorServer) -> None:
    vendors.script.always = Fault.HANG
    began = time.monotonic()
    result = await probe(service(vendor), Keys(vendors.environment()), within_s=0.5)
    assert (result.ok, result.outcome) == (False, Outcome.NETWORK)
    assert time.monotonic() - began < 5


async def test_cancelling_closes_the_connection(vendors: VendorServer) -> None:
    vendors.script.always = Fault.HANG
    task = asyncio.create_task(probe(service("google"), Keys(vendors.environment())))
    while not vendors.requests:
        await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    until = time.monotonic() + 5
    while vendors.open_connections and time.monotonic() < until:
        await asyncio.sleep(0.01)
    assert vendors.open_connections == 0


async def test_no_connection_and_no_such_name_are_said_without_delay(monkeypatch: pytest.MonkeyPatch) -> None:
    keys = Keys({"OPENAI_API_KEY": KEY, "OPENAI_BASE_URL": "http://127.0.0.1:1/v1"})
    result = await probe(service("openai"), keys)
    assert (result.ok, result.outcome) == (False, Outcome.NETWORK)
    assert "no connection" in result.words
    # A network that is there and answers nothing: looking up a name takes half a minute.
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: time.sleep(30))
    began = time.monotonic()
    result = await probe(service("openai"), Keys({"OPENAI_API_KEY": KEY}), within_s=0.6)
    assert (result.ok, result.outcome) == (False, Outcome.NETWORK)
    assert "api.openai.com is not found" in result.words
    assert time.monotonic() - began < 5


async def test_a_server_of_one_s_own_must_serve_the_model_that_is_named(vendors: VendorServer) -> None:
    there = lab(f"{vendors.base}/lab/v1")
    result = await probe(there, Keys({}), [SERVED[0]])
    assert (result.ok, result.outcome) == (True, Outcome.OK), result.words
    assert f"127.0.0.1:{vendors.port}" in result.words
    result = await probe(there, Keys({}), ["another", SERVED[0]])
    assert (result.ok, result.outcome, result.key_refused) == (False, Outcome.BAD_KEY, False)
    assert "does not serve another" in result.words
    assert all(name in result.words for name in SERVED)
    result = await probe(lab(vendors.base), Keys({}))
    assert (result.ok, result.key_refused) == (False, False), "nothing is said of a key"
    assert "/v1" in result.words


async def test_a_vendor_s_list_without_a_model_is_told_and_is_no_failure(vendors: VendorServer) -> None:
    result = await probe(service("openai"), Keys(vendors.environment()), [OPENAI[0], "gpt-image-9"])
    assert result.ok
    assert "without gpt-image-9" in result.words


async def test_what_only_a_paid_call_would_tell_is_said_to_be_unknown(vendors: VendorServer) -> None:
    unlisted = replace_address(service("ark"), f"{vendors.base}/none")
    result = await probe(unlisted, Keys({"ARK_API_KEY": KEY}))
    assert (result.ok, result.outcome) == (None, None)
    assert "only a paid call tells" in result.words


async def test_what_runs_here_needs_no_key() -> None:
    assert (await probe(service("local"), Keys({}))).ok


def replace_address(known: Service, address: str) -> Service:
    return known.model_copy(update={"base_url": address})


@pytest.mark.parametrize(
    ("variable", "value", "words"),
    [
        ("ALL_PROXY", "socks5://person:canary@127.0.0.1:1", "SOCKS"),
        ("HTTPS_PROXY", "ftp://person:canary@127.0.0.1:1", "HTTPS_PROXY"),
        ("HTTPS_PROXY", "http://person:canary@127.0.0.1:1", "no connection"),
        ("SSL_CERT_FILE", "/no/such/file.pem", "SSL_CERT_FILE"),
    ],
)
async def test_what_the_environment_sets_for_connections_is_named_where_it_is_in_the_way(
    variable: str, value: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, value)
    # An address in a network that is for documentation alone: what is asked is the proxy.
    keys = Keys({"OPENAI_API_KEY": KEY, "OPENAI_BASE_URL": "https://192.0.2.1/v1"})
    result = await probe(service("openai"), keys, within_s=2)
    assert (result.ok, result.outcome) == (False, Outcome.NETWORK)
    assert words in result.words
    assert "canary" not in result.words
