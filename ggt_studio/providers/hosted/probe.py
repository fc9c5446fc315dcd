"""Whether a service is reached and takes a key, found out by a request that costs nothing: one per protocol."""

from __future__ import annotations

import asyncio
import socket
import time
import urllib.request
from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from ggt_studio.core.words import Outcome
from ggt_studio.providers.apart import apart
from ggt_studio.providers.base import ProviderError
from ggt_studio.providers.catalogue import Place, Service, place_of
from ggt_studio.providers.hosted.answers import json_of
from ggt_studio.providers.hosted.clients import Clients
from ggt_studio.providers.hosted.faults import host_of, refusal_error, unreadable
from ggt_studio.providers.hosted.kling_images import signed
from ggt_studio.providers.hosted.refusals import read_refusal
from ggt_studio.providers.keys import Keys

if TYPE_CHECKING:
    import httpx2

WITHIN_S = 10.0
_LISTED = 5
# More models than Google offers; what is on a further page is not said to be missing.
_GOOGLE_PAGE = 1000
# The right to list models, which OpenAI names when a restricted key has not got it.
_OPENAI_RIGHT = "api.model.read"


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """What a test of a key found, in `words` for a person.

    `ok`: the service takes the key (True), it or the way there is not in order (False), or only a paid call would tell (None,
    and no `outcome`). `key_refused`: it is the key itself that is not in order.
    """

    ok: bool | None
    outcome: Outcome | None
    words: str
    key_refused: bool = False


class _Untold(ProviderError):
    """The service was reached, and whether it takes the key cannot be seen for free; the message says why."""

    def __init__(self, message: str) -> None:
        super().__init__(Outcome.OK, message, cost_usd=0.0)


class _NoList(ProviderError):
    """Something answers, which gives no list of models: of the key it says nothing."""


async def probe(
    service: Service, keys: Keys, models: Collection[str] = (), *, within_s: float = WITHIN_S
) -> ProbeResult:
    """Test the key of a service, and whether it serves `models` (ids on the wire). Never a call that can be charged.

    Ends after about `within_s` seconds whatever the network or the keyring does. Cancelling closes the connection.
    """
    if service.protocol == "diffusers":
        return ProbeResult(True, Outcome.OK, f"{service.label} needs no key.")
    address = keys.address(service)
    clients = Clients(keys)
    try:
        async with asyncio.timeout(within_s):
            # The keyring may ask the person before it gives a key for the first time.
            await apart(lambda: keys.require(service), within_s)
            await _look_up(service, address, within_s / 2)
            http, secrets = await clients.http(service)
            asking = _served(service, http, secrets)
            served = await clients.answer(asking, service, within_s)
    except _Untold as why:
        return ProbeResult(None, None, str(why))
    except TimeoutError:
        return ProbeResult(False, Outcome.NETWORK, _silent(service, address))
    except ProviderError as error:
        refused = error.outcome is Outcome.BAD_KEY and not isinstance(error, _NoList)
        return ProbeResult(False, error.outcome, _in_words(service, address, error), refused)
    finally:
        await asyncio.to_thread(clients.close)
    return _accepted(service, address, served, models, with_key=bool(secrets))


async def _look_up(service: Service, address: str, within_s: float) -> None:
    """Raise ProviderError `network` where the name of the host, or of the proxy before it, is not found.

    An HTTP client looks names up in threads that a program waits for at its end, for as long as a network that is not there
    takes to be given up.
    """
    parts = urlsplit(_proxy_of(address) or address)
    host = parts.hostname
    if not host:
        return
    try:
        await apart(lambda: socket.getaddrinfo(host, parts.port or 443), within_s)
    except (OSError, UnicodeError, ValueError, TimeoutError):
        raise ProviderError(
            Outcome.NETWORK,
            f"There is no connection to {service.label}: the name {host} is not found. Look at the network, and at the address "
            "if you set one.",
            cost_usd=0.0,
        ) from None


def _proxy_of(address: str) -> str:
    """The proxy that requests to an address go through by the system's settings; empty: none."""
    parts = urlsplit(address)
    if place_of(address) is Place.MACHINE or urllib.request.proxy_bypass(parts.hostname or ""):
        return ""
    proxies = urllib.request.getproxies()
    proxy = proxies.get(parts.scheme) or proxies.get("all") or ""
    return proxy if "://" in proxy or not proxy else f"http://{proxy}"


async def _served(service: Service, http: httpx2.AsyncClient, secrets: tuple[str, ...]) -> set[str] | None:
    """The ids of the models that a service offers with this key; None where it names none, or not all.

    Raises ProviderError, _Untold, and what httpx2 raises.
    """
    match service.protocol:
        case "google":
            key = {"x-goog-api-key": secrets[0]} if secrets else {}
            response = await http.get("v1beta/models", params={"pageSize": _GOOGLE_PAGE}, headers=key)
            answer = json_of(service, response, secrets)
            names = {name.removeprefix("models/") for name in _ids(service, answer, "models", "name")}
            return None if answer.get("nextPageToken") else names
        case "kling":
            await _ask_kling(service, http, secrets)
            return None
        case _:
            return await _listed(service, http, secrets)


async def _listed(service: Service, http: httpx2.AsyncClient, secrets: tuple[str, ...]) -> set[str]:
    """The list of models as OpenAI, Ark and servers of one's own give it."""
    response = await http.get("models", headers={"Authorization": f"Bearer {secrets[0]}"} if secrets else {})
    if service.protocol == "openai" and response.status_code in (401, 403) and _OPENAI_RIGHT in response.text:
        raise _Untold(
            f"{service.label} knows the key, which is restricted and may not list models. Whether it may make images only a paid "
            "call tells."
        )
    if response.status_code in (404, 405, 501):
        if service.protocol == "ark":
            raise _Untold(f"{service.label} is reached. Whether it takes the key only a paid call tells.")
        host, path = host_of(str(http.base_url)), http.base_url.path.rstrip("/")
        raise _NoList(
            Outcome.BAD_KEY,
            f"Something answers at {host}, but there is no list of models under {path}/models. Look at the address of "
            f"{service.label}: it ends in /v1 for most servers.",
            cost_usd=0.0,
        )
    return _ids(service, json_of(service, response, secrets), "data", "id")


async def _ask_kling(service: Service, http: httpx2.AsyncClient, secrets: tuple[str, ...]) -> None:
    """Ask for the resource packs of the account, of the last day; Kling's reference says that this is free."""
    now_ms = int(time.time() * 1000)
    params = {"start_time": now_ms - 86_400_000, "end_time": now_ms}
    answer = json_of(service, await http.get("account/costs", params=params, headers=signed(secrets)), secrets)
    if answer.get("code") != 0:
        raise refusal_error(service, read_refusal(200, answer), secrets=secrets)


def _ids(service: Service, answer: dict[str, Any], name: str, field: str) -> set[str]:
    entries = answer.get(name)
    if not isinstance(entries, list):
        raise unreadable(service, "no list of models")
    return {str(entry[field]) for entry in entries if isinstance(entry, dict) and field in entry}


def _accepted(
    service: Service, address: str, served: set[str] | None, models: Collection[str], *, with_key: bool
) -> ProbeResult:
    words = f"{service.label} takes the key." if with_key else f"{service.label} answers at {host_of(address)}."
    missing = sorted(set(models) - served) if served is not None else []
    if not missing:
        return ProbeResult(True, Outcome.OK, words)
    if service.protocol == "openai-compatible":
        offered = ", ".join(sorted(served or ())[:_LISTED]) or "none"
        return ProbeResult(
            False,
            Outcome.BAD_KEY,
            f"{words} It does not serve {', '.join(missing)}; the models it names are: {offered}. Start the server with the model, "
            "or correct `model` in your models.toml.",
        )
    # Vendors leave models out of the list that an account may call all the same.
    return ProbeResult(
        True, Outcome.OK, f"{words} Its list of models for this account is without {', '.join(missing)}."
    )


def _in_words(service: Service, address: str, error: ProviderError) -> str:
    """The words of a failure. Where those are of a call that may have been charged, others: this one never is."""
    if error.cost_usd is not None or error.outcome not in (Outcome.NETWORK, Outcome.MALFORMED):
        return str(error)
    if error.outcome is Outcome.NETWORK:
        return _silent(service, address)
    return (
        f"What answers at {host_of(address)} does not speak as {service.label} does. A sign-in page or a proxy may stand between; "
        "look at the address."
    )


def _silent(service: Service, address: str) -> str:
    return (
        f"{service.label} gave no whole answer at {host_of(address)}. Nothing was charged. Look at the network, a proxy and the "
        "address, or try again later."
    )
