"""The Gemini API's `generateContent` as Google speaks it: images edited, and everything that can come instead."""

from __future__ import annotations

import base64
import io
import math
from collections.abc import Callable
from typing import Any

from PIL import Image

from fakes.http_server import Request, Response, as_json
from fakes.vendor_script import KEY, Fault, Script

_TYPE = "type.googleapis.com/google.rpc."
# Tokens of an image read and of one made at 1K.
READ, MADE = 1120, 1120


async def answer(script: Script, request: Request) -> Response | None:
    """The answer to a call of an image model; None where the request is not of this API, or asks for text."""
    model, _, verb = request.path.removeprefix("/v1beta/models/").partition(":")
    if not request.path.startswith("/v1beta/models/") or verb != "generateContent":
        return None
    body = request.json()
    config = body.get("generationConfig", {})
    if "IMAGE" not in config.get("responseModalities", []):
        return None
    fault = await script.next()
    if request.headers.get("x-goog-api-key") != KEY:
        fault = Fault.BAD_KEY
    if fault in _REFUSALS:
        return _REFUSALS[fault](script, request)
    parts = body["contents"][0]["parts"]
    # Google's client writes the URL-safe alphabet, which their service takes like the other.
    png = base64.urlsafe_b64decode(next(p["inlineData"]["data"] for p in parts if "inlineData" in p))
    prompt = next(p["text"] for p in parts if "text" in p)
    usage = {"promptTokenCount": READ + 20, "totalTokenCount": READ + 20}
    if fault is Fault.BLOCKED_PROMPT:
        return as_json({"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}, "usageMetadata": usage})
    if fault is Fault.BLOCKED_IMAGE:
        blocked = {"finishReason": "IMAGE_SAFETY", "index": 0, "finishMessage": "Unable to show the generated image."}
        return as_json({"candidates": [blocked], "usageMetadata": usage})
    script.charge(model, png, prompt, config.get("seed"))
    if fault is Fault.NO_IMAGE:
        said = {
            "content": {"role": "model", "parts": [{"text": "I can only describe this photo."}]},
            "finishReason": "STOP",
        }
        return as_json({"candidates": [said], "usageMetadata": {**usage, "candidatesTokenCount": 7}})
    made = await script.image(png, *_size(png, config.get("imageConfig", {}).get("aspectRatio")), fault)
    thought = {"thought": True, "inlineData": {"mimeType": "image/png", "data": base64.b64encode(png).decode()}}
    result = {"inlineData": {"mimeType": "image/png", "data": base64.b64encode(made).decode()}}
    parts = [result] if script.echo else [thought, result]
    answered = {
        "candidates": [{"content": {"role": "model", "parts": parts}, "finishReason": "STOP", "index": 0}],
        "usageMetadata": {
            **usage,
            "candidatesTokenCount": MADE,
            "candidatesTokensDetails": [{"modality": "IMAGE", "tokenCount": MADE}],
            "thoughtsTokenCount": 100,
            "totalTokenCount": READ + 20 + MADE + 100,
        },
        "modelVersion": model,
    }
    return script.broken(fault, as_json(answered))


def _size(png: bytes, ratio: str | None) -> tuple[int, int]:
    """About a megapixel of the ratio asked for, in steps of 16 px: not quite what the ratio says, as with Google."""
    if ratio is None:
        with Image.open(io.BytesIO(png)) as image:
            width, height = image.size
    else:
        width, height = map(int, ratio.split(":"))
    scale = math.sqrt(1024 * 1024 / (width * height))
    return round(width * scale / 16) * 16, round(height * scale / 16) * 16


def error(status: int, name: str, message: str, *details: dict[str, Any]) -> Response:
    """An error of the Gemini API."""
    return as_json({"error": {"code": status, "message": message, "status": name, "details": list(details)}}, status)


def _rate(script: Script, _: Request) -> Response:
    delay = (
        ()
        if script.retry_after_s is None
        else ({"@type": _TYPE + "RetryInfo", "retryDelay": f"{script.retry_after_s}s"},)
    )
    return error(429, "RESOURCE_EXHAUSTED", "You exceeded your current quota.", _violated("PerMinute"), *delay)


def _violated(period: str) -> dict[str, Any]:
    return {"@type": _TYPE + "QuotaFailure", "violations": [{"quotaId": f"GenerateRequests{period}PerProjectPerModel"}]}


def _bad_key(script: Script, request: Request) -> Response:
    shown = request.headers.get("x-goog-api-key", "") if script.quote_key else ""
    message = f"API key not valid. Please pass a valid API key. {shown}"
    return error(400, "INVALID_ARGUMENT", message, {"@type": _TYPE + "ErrorInfo", "reason": "API_KEY_INVALID"})


_REFUSALS: dict[Fault | None, Callable[[Script, Request], Response]] = {
    Fault.BAD_KEY: _bad_key,
    Fault.RATE: _rate,
    Fault.BILLING: lambda _s, _r: error(
        429,
        "RESOURCE_EXHAUSTED",
        "Quota exceeded.",
        _violated("PerDay"),
        {"@type": _TYPE + "RetryInfo", "retryDelay": "9s"},
    ),
    Fault.SERVER: lambda _s, _r: error(500, "INTERNAL", "An internal error has occurred."),
    Fault.UNAVAILABLE: lambda _s, _r: error(503, "UNAVAILABLE", "The model is overloaded. Please try again later."),
    Fault.GATEWAY: lambda _s, _r: error(504, "DEADLINE_EXCEEDED", "The service was unable to finish in time."),
    Fault.BAD_REQUEST: lambda _s, _r: error(400, "INVALID_ARGUMENT", "Unsupported aspect ratio."),
    Fault.UNKNOWN_MODEL: lambda _s, _r: error(404, "NOT_FOUND", "The model is not found for API version v1beta."),
    Fault.REDIRECT: lambda _s, _r: Response(302, b"", headers={"location": "http://127.0.0.1:1/elsewhere"}),
}
