"""Kling's image tasks as Kuaishou speaks them: signed requests, a task to ask after, a result to fetch."""

from __future__ import annotations

import base64
import itertools
from collections.abc import Callable
from dataclasses import dataclass, field

import jwt

from fakes.google_server import _size as size_of_ratio
from fakes.http_server import Request, Response, as_json
from fakes.vendor_script import KEY, SECRET, Fault, Script

_TASKS = "/v1/images/omni-image"
_RESULTS = "/kling-results/"


@dataclass
class Tasks:
    """The tasks of one server. `polls` is how often a task is asked after before it ends; `poll_faults` are met by these looks."""

    polls: int = 1
    poll_faults: list[Response] = field(default_factory=list)
    fetch_faults: list[Response] = field(default_factory=list)
    result_base: str = ""
    looked: dict[str, int] = field(default_factory=dict)
    faults: dict[str, Fault | None] = field(default_factory=dict)
    results: dict[str, bytes] = field(default_factory=dict)
    ids: itertools.count[int] = field(default_factory=lambda: itertools.count(1))


async def answer(script: Script, tasks: Tasks, request: Request) -> Response | None:
    """The answer to a call; None where the request is not of this API."""
    if request.path.startswith(_RESULTS):
        assert "authorization" not in request.headers, "a result is fetched without the key"
        return _result(script, tasks, request.path.removeprefix(_RESULTS))
    if request.path == _TASKS and request.method == "POST":
        return await _submitted(script, tasks, request)
    if request.path.startswith(_TASKS + "/") and request.method == "GET":
        return _looked(tasks, request, request.path.removeprefix(_TASKS + "/"))
    return None


async def _submitted(script: Script, tasks: Tasks, request: Request) -> Response:
    fault = await script.next()
    if not _signed(request):
        fault = Fault.BAD_KEY
    if fault in _REFUSALS:
        return _REFUSALS[fault](script, request)
    body = request.json()
    image = body["image_list"][0]["image"]
    if image.startswith("data:"):
        return said(400, 1201, "image_list: base64 without a prefix is expected")
    png = base64.b64decode(image)
    task = str(next(tasks.ids))
    if fault is not Fault.BLOCKED_IMAGE:
        script.charge(body["model_name"], png, body["prompt"])
    tasks.faults[task] = fault
    if fault not in (Fault.BLOCKED_IMAGE, Fault.NO_IMAGE):
        tasks.results[task] = await script.image(png, *size_of_ratio(png, body.get("aspect_ratio")), fault)
    response = as_json({"code": 0, "message": "SUCCEED", "data": {"task_id": task, "task_status": "submitted"}})
    return script.broken(fault, response) if fault in (Fault.HANG, Fault.HALF, Fault.BROKEN_JSON) else response


def _looked(tasks: Tasks, request: Request, task: str) -> Response:
    if not _signed(request):
        return said(401, 1002, "Authorization is invalid")
    if tasks.poll_faults:
        return tasks.poll_faults.pop(0)
    tasks.looked[task] = tasks.looked.get(task, 0) + 1
    data: dict[str, object] = {"task_id": task, "task_status": "processing"}
    if tasks.looked[task] > tasks.polls:
        fault = tasks.faults[task]
        if fault is Fault.BLOCKED_IMAGE:
            data |= {"task_status": "failed", "task_status_msg": "Failure to pass the risk control system"}
        elif fault is Fault.NO_IMAGE:
            data |= {"task_status": "succeed", "task_result": {"images": []}}
        else:
            base = tasks.result_base or f"http://{request.headers['host']}"
            url = f"{base}{_RESULTS}{task}"
            data |= {"task_status": "succeed", "task_result": {"images": [{"index": 0, "url": url}]}}
    return as_json({"code": 0, "message": "SUCCEED", "data": data})


def _result(script: Script, tasks: Tasks, task: str) -> Response:
    if tasks.fetch_faults:
        return tasks.fetch_faults.pop(0)
    if tasks.faults[task] is Fault.WRONG_TYPE:
        return script.broken(Fault.WRONG_TYPE, Response())
    return Response(200, tasks.results[task], "image/png")


def _signed(request: Request) -> bool:
    token = request.headers.get("authorization", "").removeprefix("Bearer ")
    try:
        claims = jwt.decode(token, SECRET, algorithms=["HS256"], options={"require": ["iss", "exp", "nbf"]})
    except jwt.PyJWTError:
        return False
    return claims["iss"] == KEY


def said(status: int, code: int, message: str, **headers: str) -> Response:
    """An error of Kling."""
    body = {"code": code, "message": message, "request_id": "fake"}
    return as_json(body, status, headers={name.replace("_", "-"): value for name, value in headers.items()})


def _rate(script: Script, _: Request) -> Response:
    after = {} if script.retry_after_s is None else {"retry_after": str(script.retry_after_s)}
    return said(429, 1303, "parallel task over resource pack limit", **after)


def _bad_key(script: Script, request: Request) -> Response:
    shown = request.headers.get("authorization", "") + KEY if script.quote_key else ""
    return said(401, 1002, f"Authorization is invalid {shown}")


_REFUSALS: dict[Fault | None, Callable[[Script, Request], Response]] = {
    Fault.BAD_KEY: _bad_key,
    Fault.RATE: _rate,
    Fault.BILLING: lambda _s, _r: said(429, 1102, "Account balance not enough"),
    Fault.SERVER: lambda _s, _r: said(500, 5000, "Internal error"),
    Fault.UNAVAILABLE: lambda _s, _r: said(503, 5001, "Service temporarily unavailable"),
    Fault.GATEWAY: lambda _s, _r: said(504, 5002, "Internal time-out"),
    Fault.BAD_REQUEST: lambda _s, _r: said(400, 1201, "aspect_ratio value 'x' is invalid"),
    Fault.UNKNOWN_MODEL: lambda _s, _r: said(404, 1203, "model is not supported"),
    Fault.REDIRECT: lambda _s, _r: Response(302, b"", headers={"location": "http://127.0.0.1:1/elsewhere"}),
    Fault.BLOCKED_PROMPT: lambda _s, _r: said(400, 1301, "The request failed to pass the content security policy"),
}
