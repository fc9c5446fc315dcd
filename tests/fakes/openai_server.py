"""OpenAI's `images/edits` as OpenAI speaks it: a multipart form in, base64 out, and everything that can come instead."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable

from fakes.http_server import Request, Response, as_json
from fakes.vendor_script import KEY, Fault, Script

READ_TEXT, READ_IMAGE, MADE = 20, 600, 4160
_FIXED = {"1024x1024", "1536x1024", "1024x1536"}


async def answer(script: Script, request: Request) -> Response | None:
    """The answer to a call; None where the request is not of this API."""
    if request.path not in ("/v1/images/edits", "/images/edits"):
        return None
    fault = await script.next()
    if request.headers.get("authorization") != f"Bearer {KEY}":
        fault = Fault.BAD_KEY
    if fault in _REFUSALS:
        return _REFUSALS[fault](script, request)
    form = _form(request)
    model, size = form["model"].decode(), form["size"].decode()
    if refused := _wrong(model, size, form):
        return error(400, refused, "invalid_value")
    script.charge(model, form["image"], form["prompt"].decode())
    width, height = map(int, size.split("x"))
    made = await script.image(form["image"], width, height, fault)
    data = [] if fault is Fault.NO_IMAGE else [{"b64_json": base64.b64encode(made).decode()}]
    answered = {
        "created": int(time.time()),
        "data": data,
        "output_format": "png",
        "quality": form.get("quality", b"auto").decode(),
        "size": size,
        "usage": {
            "input_tokens": READ_TEXT + READ_IMAGE,
            "input_tokens_details": {"text_tokens": READ_TEXT, "image_tokens": READ_IMAGE},
            "output_tokens": MADE,
            "total_tokens": READ_TEXT + READ_IMAGE + MADE,
        },
    }
    return script.broken(fault, as_json(answered, headers={"x-request-id": "req_fake"}))


def _form(request: Request) -> dict[str, bytes]:
    """The fields of an edit, sent as a form or as JSON with its image as a data URL."""
    if "json" not in request.headers.get("content-type", ""):
        return request.form()
    body = request.json()
    (image,) = body.pop("images")
    kind, _, data = image["image_url"].partition(",")
    assert kind == "data:image/png;base64"
    return {"image": base64.b64decode(data), **{name: str(value).encode() for name, value in body.items()}}


def _wrong(model: str, size: str, form: dict[str, bytes]) -> str:
    """What the real service would refuse."""
    if not form["image"].startswith(b"\x89PNG"):
        return "Invalid image file or mode."
    if model == "gpt-image-2":
        width, height = map(int, size.split("x"))
        if "input_fidelity" in form:
            return "Unknown parameter: 'input_fidelity'."
        if width % 16 or height % 16 or not 655_360 <= width * height <= 8_294_400:
            return f"Invalid size '{size}'."
        return ""
    return "" if size in _FIXED else f"Invalid size '{size}'."


def error(status: int, message: str, code: str | None, kind: str = "invalid_request_error", **headers: str) -> Response:
    """An error of the OpenAI API."""
    body = {"error": {"message": message, "type": kind, "param": None, "code": code}}
    return as_json(body, status, headers={name.replace("_", "-"): value for name, value in headers.items()})


def _rate(script: Script, _: Request) -> Response:
    after = {} if script.retry_after_s is None else {"retry_after": str(script.retry_after_s)}
    return error(429, "Rate limit reached for images per minute.", "rate_limit_exceeded", "images", **after)


def _bad_key(script: Script, request: Request) -> Response:
    shown = request.headers.get("authorization", "").removeprefix("Bearer ") if script.quote_key else "sk-...abcd"
    return error(401, f"Incorrect API key provided: {shown}.", "invalid_api_key")


def _blocked(_: Script, __: Request) -> Response:
    message = "Your request was rejected by the safety system. safety_violations=[violence]."
    return error(400, message, "moderation_blocked", "image_generation_user_error")


_REFUSALS: dict[Fault | None, Callable[[Script, Request], Response]] = {
    Fault.BAD_KEY: _bad_key,
    Fault.RATE: _rate,
    Fault.BILLING: lambda _s, _r: error(
        429, "You exceeded your current quota.", "insufficient_quota", "insufficient_quota"
    ),
    Fault.SERVER: lambda _s, _r: error(500, "The server had an error.", None, "server_error"),
    Fault.UNAVAILABLE: lambda _s, _r: Response(503, b"<html>upstream</html>", "text/html"),
    Fault.GATEWAY: lambda _s, _r: Response(504, b"<html>gateway time-out</html>", "text/html"),
    Fault.BAD_REQUEST: lambda _s, _r: error(400, "Invalid value: 'size'.", "invalid_value"),
    Fault.UNKNOWN_MODEL: lambda _s, _r: error(
        404, "The model does not exist or you do not have access to it.", "model_not_found"
    ),
    Fault.REDIRECT: lambda _s, _r: Response(302, b"", headers={"location": "http://127.0.0.1:1/elsewhere"}),
    Fault.BLOCKED_PROMPT: _blocked,
    Fault.BLOCKED_IMAGE: _blocked,
}
