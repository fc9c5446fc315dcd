"""The vendors' clients, one per service, and the thread in which their calls run; made on first use, closed with the session."""

from __future__ import annotations

import asyncio
import contextlib
import sys
import threading
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

from ggt_studio.core.words import Outcome
from ggt_studio.providers.base import ProviderError
from ggt_studio.providers.catalogue import Place, Service, place_of
from ggt_studio.providers.hosted.faults import answer_of
from ggt_studio.providers.keys import Keys

if TYPE_CHECKING:
    import httpx2
    from google import genai
    from openai import AsyncOpenAI

T = TypeVar("T")

CONNECT_TIMEOUT_S = 10.0
TOTAL_TIMEOUT_S = 300.0

# Open connections that are kept for the next call; that many calls in flight never wait for a new one.
_KEPT_CONNECTIONS = 128
_CLOSE_WITHIN_S = 5.0
# A server of one's own may want no key; the vendors' clients insist on one.
_NO_KEY = "none"


@dataclass(slots=True)
class _Open:
    """The clients of one service as it stands: another address or another key needs others."""

    address: str
    secrets: tuple[str, ...] = field(repr=False)
    http: httpx2.AsyncClient
    google: genai.Client | None = None
    openai: AsyncOpenAI | None = None


class Clients:
    """Makes and keeps clients, and awaits their calls. All send through one connection pool per service and repeat nothing.

    Calls run in an event loop of their own, in a thread: taking megabytes of JSON apart, which the vendors' clients do, would
    hold up a window's loop. Clients may be got from any loop; they are imported and made in threads. Methods raise
    ProviderError `bad_key` where the service has no key. `close` ends everything.
    """

    def __init__(self, keys: Keys) -> None:
        self._keys = keys
        self._open: dict[str, _Open] = {}
        self._superseded: list[_Open] = []
        self._asked: set[str] = set()
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    async def google(self, service: Service) -> genai.Client:
        """The google-genai client of a service; its calls are made through `.aio`, inside `answer`."""
        opened = await self._get(service)
        if opened.google is None:
            await asyncio.to_thread(self._make_google, opened)
        assert opened.google is not None
        return opened.google

    async def openai(self, service: Service) -> AsyncOpenAI:
        """The openai client of a service; its calls are made inside `answer`."""
        opened = await self._get(service)
        if opened.openai is None:
            await asyncio.to_thread(self._make_openai, opened, service)
        assert opened.openai is not None
        return opened.openai

    async def http(self, service: Service) -> tuple[httpx2.AsyncClient, tuple[str, ...]]:
        """A bare HTTP client whose base URL is the service's address, for calls inside `answer`; and the secrets to sign with."""
        opened = await self._get(service)
        return opened.http, opened.secrets

    async def answer(self, call: Coroutine[Any, Any, T], service: Service, timeout_s: float = TOTAL_TIMEOUT_S) -> T:
        """Await a call to a service in the network's thread, for `timeout_s` at most. Raises ProviderError: see `faults`.

        Cancelling returns at once and cancels the call, which closes its connection.
        """
        try:
            secrets = (await self._get(service)).secrets
            loop = self._network()
        except BaseException:
            call.close()
            raise
        answering = asyncio.run_coroutine_threadsafe(answer_of(call, service, secrets, timeout_s), loop)
        return await asyncio.wrap_future(answering)

    def close(self) -> None:
        """Cancel what is under way and close all connections."""
        with self._lock:
            loop, thread = self._loop, self._thread
            self._loop = self._thread = None
        if loop is None or thread is None:
            return
        with contextlib.suppress(TimeoutError):
            asyncio.run_coroutine_threadsafe(self._aclose(), loop).result(_CLOSE_WITHIN_S)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(_CLOSE_WITHIN_S)

    async def _aclose(self) -> None:
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        every = [*self._open.values(), *self._superseded]
        self._open, self._superseded = {}, []
        for opened in every:
            await opened.http.aclose()

    def _network(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                self._thread = threading.Thread(target=_run, args=(self._loop,), name="network", daemon=True)
                self._thread.start()
            return self._loop

    async def _get(self, service: Service) -> _Open:
        if service.id in self._asked:
            opened = self._open.get(service.id)
            if opened is not None and (opened.address, opened.secrets) == self._settled(service):
                return opened
        # The keyring may ask the person before it gives a key for the first time.
        return await asyncio.to_thread(self._reopen, service)

    def _settled(self, service: Service) -> tuple[str, tuple[str, ...]]:
        return self._keys.address(service), self._keys.require(service)

    def _reopen(self, service: Service) -> _Open:
        with self._lock:
            address, secrets = self._settled(service)
            self._asked.add(service.id)
            opened = self._open.get(service.id)
            if opened is None or (opened.address, opened.secrets) != (address, secrets):
                _require_address(service, address)
                _require_sendable(service, secrets)
                if opened is not None:
                    # Calls under way go on with the connections that they began with.
                    self._superseded.append(opened)
                self._open[service.id] = opened = _Open(address, secrets, _connected(service, address))
            return opened

    def _make_google(self, opened: _Open) -> None:
        with self._lock:
            opened.google = opened.google or _google(opened)

    def _make_openai(self, opened: _Open, service: Service) -> None:
        with self._lock:
            opened.openai = opened.openai or _openai(opened, service)


def _run(loop: asyncio.AbstractEventLoop) -> None:
    asyncio.set_event_loop(loop)
    try:
        loop.run_forever()
    finally:
        loop.run_until_complete(loop.shutdown_default_executor())
        loop.close()


def _require_address(service: Service, address: str) -> None:
    parts = urlsplit(address)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        where = " or ".join((*service.address_variables, "your models.toml"))
        raise ProviderError(
            Outcome.BAD_KEY,
            f"The address of {service.label} is no web address. Correct it in {where}: it begins with http:// or https://.",
            cost_usd=0.0,
        )


def _require_sendable(service: Service, secrets: tuple[str, ...]) -> None:
    """A key goes into an HTTP header; one that cannot is refused here, where no library quotes it."""
    if not all(secret.isascii() and secret.isprintable() for secret in secrets):
        raise ProviderError(
            Outcome.BAD_KEY,
            f"The key for {service.label} holds characters that no key has, perhaps from copying. Enter it again in Settings.",
            cost_usd=0.0,
        )


def _connected(service: Service, address: str) -> httpx2.AsyncClient:
    """The HTTP client of an address. Raises ProviderError where the proxies and certificates that the environment names cannot
    be used."""
    try:
        return _http(address)
    except ImportError:
        why = f"a SOCKS proxy is set, for which {sys.executable} -m pip install socksio is needed first"
    except ValueError:
        why = "a proxy is set whose address is none; look at HTTPS_PROXY, HTTP_PROXY and ALL_PROXY"
    except OSError:
        why = "the certificates that SSL_CERT_FILE or SSL_CERT_DIR names cannot be read"
    raise ProviderError(Outcome.NETWORK, f"No connection to {service.label} can be made: {why}.", cost_usd=0.0)


def _http(address: str) -> httpx2.AsyncClient:
    import httpx2

    timeout = httpx2.Timeout(TOTAL_TIMEOUT_S, connect=CONNECT_TIMEOUT_S)

    async def limit(request: httpx2.Request) -> None:
        # The vendors' clients set one time for everything, or none at all.
        request.extensions["timeout"] = timeout.as_dict()

    return httpx2.AsyncClient(
        base_url=address,
        timeout=timeout,
        limits=httpx2.Limits(max_connections=None, max_keepalive_connections=_KEPT_CONNECTIONS),
        # A redirect would carry photos, and some vendors' keys, to a host that nobody chose.
        follow_redirects=False,
        event_hooks={"request": [limit]},
        # A proxy of the environment leads away from this machine.
        trust_env=place_of(address) is not Place.MACHINE,
    )


def _google(opened: _Open) -> genai.Client:
    from google import genai
    from google.genai import types

    return genai.Client(
        vertexai=False,
        api_key=opened.secrets[0] if opened.secrets else _NO_KEY,
        http_options=types.HttpOptions(
            base_url=opened.address,
            api_version="v1beta",
            httpx_async_client=opened.http,
        ),
    )


def _openai(opened: _Open, service: Service) -> AsyncOpenAI:
    from openai import AsyncOpenAI

    client = AsyncOpenAI(
        api_key=opened.secrets[0] if opened.secrets else _NO_KEY,
        base_url=opened.address,
        max_retries=0,
        http_client=opened.http,
    )
    if service.protocol != "openai":
        # The environment's belong to OpenAI and to nobody else.
        client.organization = client.project = None
    return client
