"""Ark's `images/generations` as ByteDance speaks it: JSON in and out, and everything that can come instead."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable

from fakes.http_server import Request, Response, as_json
from fakes.vendor_script import KEY, Fault, Script

_PREFIX = "data:image/png;base64,"


async def answer(script: Script, request: Request) -> Response | None:
    """The answer to a call; None where the request is not of this API."""
    if request.path not in ("/api/v3/images/generations", "/images/generations"):
        return None
    fault = await script.next()
    if request.headers.get("authorization") != f"Bearer {KEY}":
        fault = Fault.BAD_KEY
    if fault in _REFUSALS:
        return _REFUSALS[fault](script, request)
    body = request.json()
    width, height = map(int, body["size"].split("x"))
    if refused := _wrong(body, width, height):
        return error(400, "InvalidParameter", refused)
    png = base64.b64decode(body["image"].removeprefix(_PREFIX))
    if fault is Fault.BLOCKED_IMAGE:
        return error(400, "OutputImageSensitiveContentDetected", "The output image may contain sensitive information.")
    script.charge(body["model"], png, body["prompt"])
    made = await script.image(png, width, height, fault)
    data = [] if fault is Fault.NO_IMAGE else [{"b64_json": base64.b64encode(made).decode(), "size": body["size"]}]
    usage = {"generated_images": 1, "output_tokens": width * height // 256, "total_tokens": width * height // 256}
    answered = {"model": body["model"], "created": int(time.time()), "data": data, "usage": usage}
    return script.broken(fault, as_json(answered))


def _wrong(body: dict[str, object], width: int, height: int) -> str:
    """What the real service would refuse."""
    if not str(body["image"]).startswith(_PREFIX):
        return "image must be a URL or a data URL."
    if not 3_686_400 <= width * height <= 10_404_496:
        return "image size must be at least 3686400 pixels."
    if body["watermark"] is not False or body["response_format"] != "b64_json":
        return "unexpected watermark or response_format"
    return ""


def error(status: int, code: str, message: str, **headers: str) -> Response:
    """An error of Ark."""
    body = {"error": {"code": code, "message": f"{message} Request id: 021", "param": "", "type": "BadRequest"}}
    return as_json(body, status, headers={name.replace("_", "-"): value for name, value in headers.items()})


def _rate(script: Script, _: Request) -> Response:
    after = {} if script.retry_after_s is None else {"retry_after": str(script.retry_after_s)}
    return error(429, "RateLimitExceeded.EndpointRPMExceeded", "The requests per minute limit is exceeded.", **after)


def _bad_key(script: Script, request: Request) -> Response:
    shown = request.headers.get("authorization", "") if script.quote_key else ""
    return error(401, "AuthenticationError", f"The API key doesn't exist. {shown}")


_REFUSALS: dict[Fault | None, Callable[[Script, Request], Response]] = {
    Fault.BAD_KEY: _bad_key,
    Fault.RATE: _rate,
    Fault.BILLING: lambda _s, _r: error(403, "AccountOverdueError", "Your account has an overdue balance."),
    Fault.SERVER: lambda _s, _r: error(
        500, "InternalServiceError", "The service encountered an unexpected internal error."
    ),
    Fault.UNAVAILABLE: lambda _s, _r: error(503, "ServiceUnavailable", "The service is unavailable."),
    Fault.GATEWAY: lambda _s, _r: Response(504, b"", "text/html"),
    Fault.BAD_REQUEST: lambda _s, _r: error(400, "InvalidParameter", "One or more parameters are not valid."),
    Fault.UNKNOWN_MODEL: lambda _s, _r: error(404, "ModelNotOpen", "Your account has not activated the model."),
    Fault.REDIRECT: lambda _s, _r: Response(302, b"", headers={"location": "http://127.0.0.1:1/elsewhere"}),
    Fault.BLOCKED_PROMPT: lambda _s, _r: error(
        400, "InputTextSensitiveContentDetected", "The input text may contain sensitive information."
    ),
}
