"""What can go wrong with a call over a network, told apart: an outcome, words for a person, and whether it may have cost."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Iterable, Mapping
from typing import TypeVar
from urllib.parse import urlsplit

from ggt_studio.core.words import Outcome
from ggt_studio.providers.base import ProviderError
from ggt_studio.providers.catalogue import Service
from ggt_studio.providers.hosted.refusals import Refusal, delay_in, read_refusal

T = TypeVar("T")

_LONGEST_QUOTE = 300
# A signed token (JWT), which an error may quote.
_TOKEN = re.compile(r"eyJ[\w-]+\.[\w-]+\.[\w-]*")


async def answer_of(call: Awaitable[T], service: Service, secrets: tuple[str, ...], timeout_s: float) -> T:
    """Await a call to a service for `timeout_s` at most. Whatever a client raises becomes a ProviderError, whose words hold
    none of the `secrets` and which keeps nothing of the original: requests carry keys. Cancellation goes through."""
    try:
        async with asyncio.timeout(timeout_s):
            return await call
    except ProviderError:
        raise
    except Exception as error:  # noqa: BLE001 - clients raise their own, their transport's and the system's errors
        failure = failure_of(error, service, secrets, timeout_s)
    raise failure


def failure_of(
    error: Exception, service: Service, secrets: Iterable[str] = (), timeout_s: float = 0.0
) -> ProviderError:
    """The ProviderError that says what an exception of a vendor's client, of httpx2 or of asyncio means."""
    import httpx2

    chain = list(_chain(error))
    for cause in chain:
        response = getattr(cause, "response", None)
        if isinstance(response, httpx2.Response):
            body = getattr(cause, "details", None) or getattr(cause, "body", None) or response.content
            return refused(service, response.status_code, body, response.headers, secrets)
    for cause in chain:
        if isinstance(cause, httpx2.ConnectError | httpx2.ConnectTimeout | httpx2.PoolTimeout | httpx2.ProxyError):
            return _unreachable(service, cause)
    for cause in chain:
        if isinstance(cause, TimeoutError | httpx2.TimeoutException):
            within = f" within {timeout_s:.0f} s" if timeout_s else ""
            return ProviderError(
                Outcome.NETWORK,
                f"{service.label} did not answer{within}. The call may have been charged all the same.",
            )
    for cause in chain:
        if isinstance(cause, httpx2.TransportError):
            return ProviderError(
                Outcome.NETWORK,
                f"The connection to {service.label} broke off before the whole answer was here. The call may have been "
                "charged.",
            )
    return unreadable(service, type(error).__name__)


def refused(
    service: Service, status: int, body: object, headers: Mapping[str, str], secrets: Iterable[str] = ()
) -> ProviderError:
    """The ProviderError for an answer of HTTP `status` other than 2xx; `body` is JSON as bytes, text or decoded."""
    refusal = read_refusal(status, body)
    return refusal_error(service, refusal, delay_in(body, headers), secrets)


def refusal_error(
    service: Service, refusal: Refusal, after_s: float | None = None, secrets: Iterable[str] = ()
) -> ProviderError:
    """The ProviderError for what a service said; `after_s` is the delay that it asked for, if it did."""
    said = quoted(refusal.message, secrets)
    again = (after_s or 0.0) if refusal.again else None
    label = service.label
    match refusal.outcome:
        case Outcome.SAFETY_BLOCK:
            return blocked(service, refusal.message or ", ".join(refusal.codes), secrets)
        case Outcome.BAD_KEY if refusal.status == 404:
            message = f"{label} does not know the model or the address{said}. It may have been renamed or ended: look at its id."
        case Outcome.BAD_KEY:
            message = (
                f"{label} refused the key or what it may do{said}. Look at the key in Settings and at the account."
            )
        case Outcome.QUOTA if refusal.again:
            message = f"{label} takes no more calls for now{said}"
            message += f". It asks to wait {after_s:.0f} s." if after_s else ". Fewer calls at once may help."
        case Outcome.QUOTA:
            message = f"The account's quota or credit with {label} is used up{said}. Look at billing and limits there."
        case Outcome.NETWORK if refusal.again:
            message = f"{label} is out of order for the moment (HTTP {refusal.status}){said}. Nothing was charged."
        case Outcome.NETWORK:
            message = f"{label} gave up on the call (HTTP {refusal.status}){said}. It may have been charged."
        case _:
            message = f"{label} did not accept the request (HTTP {refusal.status}){said}."
    certain = refusal.outcome is not Outcome.NETWORK or refusal.again
    return ProviderError(refusal.outcome, message, cost_usd=0.0 if certain else None, again_after_s=again)


def blocked(service: Service, why: str, secrets: Iterable[str] = (), *, cost_usd: float | None = None) -> ProviderError:
    """A safety block: the photo, the prompt or the result met a rule of the vendor."""
    return ProviderError(
        Outcome.SAFETY_BLOCK,
        f"{service.label} blocked this photo, its prompt or the result{quoted(why, secrets)}. Another attempt ends the same "
        "more often than not; another generator may take it.",
        cost_usd=cost_usd,
    )


def without_image(
    service: Service, said: str, secrets: Iterable[str] = (), *, cost_usd: float | None = None
) -> ProviderError:
    """The call was completed and no image came, perhaps only text, which is kept in the message."""
    return ProviderError(
        Outcome.NO_IMAGE,
        f"{service.label} completed the call without an image{quoted(said, secrets)}.",
        cost_usd=cost_usd,
    )


def unreadable(service: Service, why: str, *, cost_usd: float | None = None) -> ProviderError:
    """An answer that is not what the protocol says; it may have been charged."""
    return ProviderError(
        Outcome.MALFORMED,
        f"{service.label} answered with something that cannot be read ({why}). The call may have been charged.",
        cost_usd=cost_usd,
    )


def quoted(text: str, secrets: Iterable[str] = ()) -> str:
    """What a service said, for the end of a clause: `: "..."`, or nothing. Secrets are blotted out, long texts shortened."""
    for secret in secrets:
        text = text.replace(secret, "[key]") if secret else text
    text = _TOKEN.sub("[token]", text)
    text = " ".join(text.split()).rstrip(".")
    if len(text) > _LONGEST_QUOTE:
        text = text[:_LONGEST_QUOTE].rstrip() + " ..."
    return f': "{text}"' if text else ""


def host_of(address: str) -> str:
    """The host of an address with its port, without names, passwords and queries that an address can hold."""
    parts = urlsplit(address)
    host = parts.hostname or ""
    try:
        return f"{host}:{parts.port}" if parts.port else host
    except ValueError:
        return host


def _unreachable(service: Service, cause: BaseException) -> ProviderError:
    request = getattr(cause, "_request", None)
    where = f" at {host_of(str(request.url))}" if request is not None else ""
    return ProviderError(
        Outcome.NETWORK,
        f"There is no connection to {service.label}{where}. Nothing was sent. Look at the network, and at the address if "
        "you set one.",
        cost_usd=0.0,
        again_after_s=0.0,
    )


def _chain(error: BaseException) -> Iterable[BaseException]:
    seen: set[int] = set()
    at: BaseException | None = error
    while at is not None and id(at) not in seen:
        seen.add(id(at))
        yield at
        at = at.__cause__ or at.__context__
