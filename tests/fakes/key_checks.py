"""What the vendors answer for free to those who only want to know whether a key is good: lists of models, an account's packs."""

from __future__ import annotations

from collections.abc import Callable

from fakes import ark_server, google_server, kling_server, openai_server
from fakes.http_server import Request, Response, as_json
from fakes.vendor_script import KEY, Fault, Script

SERVED = ("lab-vlm", "lab-small")
GOOGLE = ("gemini-3.1-flash-image", "gemini-3.1-pro-preview")
OPENAI = ("gpt-image-1.5", "gpt-image-2", "gpt-5.4-pro", "gpt-5.4-mini")


async def answer(script: Script, request: Request) -> Response | None:
    """The answer to a question about a key; None where the request is another one."""
    if request.method != "GET" or request.path not in _KINDS:
        return None
    refusals, is_good, good = _KINDS[request.path]
    fault = await script.next()
    if not is_good(request):
        fault = Fault.BAD_KEY
    if fault in refusals:
        return refusals[fault](script, request)
    return script.broken(fault, as_json(good(request)))


def _listed(ids: tuple[str, ...]) -> dict[str, object]:
    return {"object": "list", "data": [{"id": each, "object": "model"} for each in ids]}


def _google(request: Request) -> dict[str, object]:
    assert int(request.query["pageSize"][0]) <= 1000
    return {"models": [{"name": f"models/{each}", "version": "1"} for each in GOOGLE]}


def _packs(request: Request) -> dict[str, object]:
    assert int(request.query["start_time"][0]) < int(request.query["end_time"][0])
    return {"code": 0, "message": "SUCCEED", "data": {"code": 0, "msg": "", "resource_pack_subscribe_infos": []}}


def _bearer(request: Request) -> bool:
    return request.headers.get("authorization") == f"Bearer {KEY}"


def _anybody(request: Request) -> bool:
    assert "x-goog-api-key" not in request.headers
    return True


Refusals = dict[Fault | None, Callable[[Script, Request], Response]]
_KINDS: dict[str, tuple[Refusals, Callable[[Request], bool], Callable[[Request], dict[str, object]]]] = {
    "/v1beta/models": (
        google_server._REFUSALS,
        lambda request: request.headers.get("x-goog-api-key") == KEY,
        _google,
    ),
    "/v1/models": (openai_server._REFUSALS, _bearer, lambda _: _listed(OPENAI)),
    "/api/v3/models": (ark_server._REFUSALS, _bearer, lambda _: _listed(("seedream-5-0-260128",))),
    "/account/costs": (kling_server._REFUSALS, kling_server._signed, _packs),
    "/lab/v1/models": (openai_server._REFUSALS, _anybody, lambda _: _listed(SERVED)),
}
