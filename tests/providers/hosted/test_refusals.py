"""What the vendors' several forms of an error mean, and the delays that they ask for."""

from __future__ import annotations

import email.utils
import json
import time

import pytest

from ggt_studio.core.words import Outcome
from ggt_studio.providers.catalogue import load_catalogue
from ggt_studio.providers.hosted.faults import host_of, quoted, refused
from ggt_studio.providers.hosted.refusals import delay_in, read_refusal


def body(**error: object) -> bytes:
    return json.dumps({"error": error}).encode()


@pytest.mark.parametrize(
    ("status", "said", "outcome", "again"),
    [
        (
            400,
            body(code=400, status="INVALID_ARGUMENT", details=[{"reason": "API_KEY_INVALID"}]),
            Outcome.BAD_KEY,
            False,
        ),
        (400, body(code=400, status="FAILED_PRECONDITION", message="User location"), Outcome.BAD_KEY, False),
        (403, body(code=403, status="PERMISSION_DENIED"), Outcome.BAD_KEY, False),
        (
            429,
            body(status="RESOURCE_EXHAUSTED", details=[{"violations": [{"quotaId": "XPerDayY"}]}]),
            Outcome.QUOTA,
            False,
        ),
        (
            429,
            body(status="RESOURCE_EXHAUSTED", details=[{"violations": [{"quotaId": "XPerMinuteY"}]}]),
            Outcome.QUOTA,
            True,
        ),
        (429, body(type="insufficient_quota", code="insufficient_quota"), Outcome.QUOTA, False),
        (400, body(code="billing_hard_limit_reached"), Outcome.QUOTA, False),
        (400, body(code="moderation_blocked", type="image_generation_user_error"), Outcome.SAFETY_BLOCK, False),
        (400, body(code="content_policy_violation"), Outcome.SAFETY_BLOCK, False),
        (400, body(code="InputImageSensitiveContentDetected.PrivacyInformation"), Outcome.SAFETY_BLOCK, False),
        (400, body(code="OutputImageRiskDetection"), Outcome.SAFETY_BLOCK, False),
        (403, body(code="AccountOverdueError"), Outcome.QUOTA, False),
        (429, body(code="SetLimitExceeded"), Outcome.QUOTA, False),
        (429, body(code="ServerOverloaded"), Outcome.QUOTA, True),
        (400, b'{"code": 1301, "message": "policy"}', Outcome.SAFETY_BLOCK, False),
        (429, b'{"code": 1101, "message": "arrears"}', Outcome.QUOTA, False),
        (429, b'{"code": 1302}', Outcome.QUOTA, True),
        (403, b'{"code": 1103}', Outcome.BAD_KEY, False),
        (503, b'{"code": 5001}', Outcome.NETWORK, True),
        (504, b'{"code": 5002}', Outcome.NETWORK, False),
        (401, b"", Outcome.BAD_KEY, False),
        (402, b"<html>", Outcome.QUOTA, False),
        (408, b"", Outcome.NETWORK, True),
        (413, b"too large", Outcome.MALFORMED, False),
        (500, body(message="invalid_api_key was seen by us"), Outcome.NETWORK, True),
        (502, b"<html>", Outcome.NETWORK, False),
        (520, b"<html>", Outcome.NETWORK, False),
        (529, b"", Outcome.NETWORK, True),
    ],
)
def test_a_refusal_is_read_by_its_codes_then_by_its_status(
    status: int, said: bytes, outcome: Outcome, again: bool
) -> None:
    refusal = read_refusal(status, said)
    assert (refusal.outcome, refusal.again) == (outcome, again)


def test_delays_are_read_in_every_form() -> None:
    assert delay_in(b"", {"retry-after": "7"}) == 7.0
    assert delay_in(b"", {"retry-after-ms": "1500", "retry-after": "9"}) == 1.5
    date = email.utils.formatdate(time.time() + 30, usegmt=True)
    assert delay_in(b"", {"retry-after": date}) == pytest.approx(30, abs=2)
    assert delay_in(b"", {"retry-after": email.utils.formatdate(0, usegmt=True)}) == 0.0
    assert delay_in(body(details=[{"@type": "x/RetryInfo", "retryDelay": "34.07s"}]), {}) == pytest.approx(34.07)
    assert delay_in(b"", {"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "1m2.5s"}) == 62.5
    assert delay_in(b"", {"x-ratelimit-remaining-requests": "3", "x-ratelimit-reset-requests": "1m"}) is None
    for nonsense in ("soon", "-3", "nan", "inf", ""):
        assert delay_in(b"not json", {"retry-after": nonsense}) is None


def test_a_long_message_is_shortened_and_a_page_of_html_is_not_quoted() -> None:
    service = load_catalogue().services["ark"]
    long = refused(service, 400, body(message="because " * 500), {})
    assert 300 < len(str(long)) < 450
    page = refused(service, 502, b"<html><body>nginx</body></html>", {})
    assert "html" not in str(page)
    assert "nginx" not in str(page)


def test_secrets_and_tokens_are_blotted_out_of_what_is_quoted() -> None:
    token = "eyJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJhIn0.c2lnbmF0dXJl"
    assert quoted(f"key k-123 and {token} refused.", ["k-123", ""]) == ': "key [key] and [token] refused"'
    assert quoted("  ") == ""


def test_a_host_is_told_without_what_else_an_address_holds() -> None:
    assert host_of("https://user:pass@example.org:8443/v1?key=secret") == "example.org:8443"
    assert host_of("https://example.org:badport/") == "example.org"
