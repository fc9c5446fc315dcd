"""What a service says when it refuses: its codes and words, out of the vendors' several forms of an error."""

from __future__ import annotations

import email.utils
import json
import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ggt_studio.core.words import Outcome


@dataclass(frozen=True, slots=True)
class Refusal:
    """A refused call. `again`: the server certainly did nothing and charged nothing, and may take the same call later."""

    status: int
    outcome: Outcome
    again: bool
    message: str
    codes: tuple[str, ...]


# Codes and words as they stand in the vendors' references, first match first: (pattern over codes, outcome, again).
_BY_CODE: tuple[tuple[re.Pattern[str], Outcome, bool], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), outcome, again)
    for pattern, outcome, again in (
        # OpenAI: moderation_blocked, content_policy_violation, invalid_prompt. Ark: ...SensitiveContentDetected,
        # ...RiskDetection. Kling: 1300 and 1301.
        (
            r"^(moderation_blocked|content_policy_violation|content_filter|invalid_prompt|130[01])$|SensitiveContent|RiskDetect",
            Outcome.SAFETY_BLOCK,
            False,
        ),
        # OpenAI: insufficient_quota, billing_*. Google: quotas per day. Ark: overdue, limits that a person set. Kling: 1100-1102.
        (
            r"^(insufficient_quota|billing_.*|110[012])$|PerDay|AccountOverdue|SetLimitExceeded|InsufficientBalance",
            Outcome.QUOTA,
            False,
        ),
        # Kling: 1302 and 1303. Ark: RateLimitExceeded..., ServerOverloaded.
        (r"^(rate_limit_exceeded|RESOURCE_EXHAUSTED|130[23])$|RateLimit|ServerOverloaded", Outcome.QUOTA, True),
        # Google: API_KEY_INVALID with HTTP 400. Kling: 1000-1004, 1103, 1304.
        (
            r"^(API_KEY_.*|invalid_api_key|PERMISSION_DENIED|UNAUTHENTICATED|100[0-4]|1103|1304)$|AuthenticationError|AccessDenied",
            Outcome.BAD_KEY,
            False,
        ),
        # Google refuses some places and accounts without billing with HTTP 400.
        (r"^FAILED_PRECONDITION$", Outcome.BAD_KEY, False),
        # Kling: 5000 and 5001; 5002 is a time-out after work was begun. Ark says in HTTP 200, too, that it is in trouble.
        (r"^500[01]$", Outcome.NETWORK, True),
        (r"^(5002|InternalServiceError|ServiceUnavailable)$", Outcome.NETWORK, False),
    )
)


def read_refusal(status: int, body: object) -> Refusal:
    """What an answer of HTTP `status` means. Codes go before the status: Google refuses a bad key with 400."""
    decoded = _decoded(body)
    codes = tuple(dict.fromkeys(_codes(decoded)))
    message = _message(decoded)
    # A server in trouble may quote anything; what it says about itself counts.
    if status < 500:
        for pattern, outcome, again in _BY_CODE:
            if any(pattern.search(code) for code in codes):
                return Refusal(status, outcome, again, message, codes)
    outcome, again = _by_status(status)
    return Refusal(status, outcome, again, message, codes)


def delay_in(body: object, headers: Mapping[str, str]) -> float | None:
    """The seconds after which a server wants to be asked again, from its headers or (Google) the error's details."""
    if (milliseconds := _number(headers.get("retry-after-ms", ""))) is not None:
        return milliseconds / 1000
    if after := headers.get("retry-after", ""):
        if (seconds := _number(after)) is not None:
            return seconds
        if (date := email.utils.parsedate_tz(after)) is not None:
            return max(0.0, email.utils.mktime_tz(date) - time.time())
    for key, value in _walk(_decoded(body)):
        if key == "retryDelay" and isinstance(value, str):
            return _duration(value)
    for kind in ("requests", "tokens"):
        if headers.get(f"x-ratelimit-remaining-{kind}") == "0":
            return _duration(headers.get(f"x-ratelimit-reset-{kind}", ""))
    return None


def _by_status(status: int) -> tuple[Outcome, bool]:
    match status:
        case 401 | 403 | 404:
            # 404: there is no such model for this account, and every other call would end the same.
            return Outcome.BAD_KEY, False
        case 402:
            return Outcome.QUOTA, False
        case 429:
            return Outcome.QUOTA, True
        case 408 | 409:
            return Outcome.NETWORK, True
        case 502 | 504 | 520 | 524:
            # A gateway gave up on an answer, or could not read it: the work may have been done.
            return Outcome.NETWORK, False
        case _ if status >= 500:
            return Outcome.NETWORK, True
        case _:
            return Outcome.MALFORMED, False


def _decoded(body: object) -> Any:
    if isinstance(body, bytes):
        body = body.decode("utf-8", "replace")
    if isinstance(body, str):
        try:
            return json.loads(body)
        except ValueError:
            return {"message": "" if body.lstrip().startswith("<") else body}
    return body


def _codes(decoded: Any) -> Iterator[str]:
    for key, value in _walk(decoded):
        if key in ("code", "type", "status", "reason", "quotaId") and isinstance(value, str | int):
            yield str(value)


def _message(decoded: Any) -> str:
    return next((value for key, value in _walk(decoded) if key == "message" and isinstance(value, str)), "")


def _walk(value: Any) -> Iterator[tuple[str, Any]]:
    """All names and values of a JSON document, outer ones first."""
    if isinstance(value, dict):
        yield from value.items()
        value = list(value.values())
    if isinstance(value, list):
        for part in value:
            yield from _walk(part)


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if 0 <= number < float("inf") else None


def _duration(text: str) -> float | None:
    """Seconds of a duration such as 34.07s, 120ms or 6m0s."""
    parts = re.findall(r"([0-9.]+)(ms|h|m|s)", text)
    units = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
    numbers = [(_number(number), units[unit]) for number, unit in parts]
    return sum(n * unit for n, unit in numbers if n is not None) if numbers else None
