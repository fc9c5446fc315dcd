"""Batches as Google and OpenAI take them: files uploaded, jobs that are listed by name, results as files; items run as single calls do.

A job runs when it is looked at, unless `hold_batches` is set. With `batch_done` only so many of its items are got to before it
expires, or is found cancelled.
"""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass, field
from typing import Any

from fakes import google_server, openai_server
from fakes.http_server import Request, Response, as_json
from fakes.vendor_script import KEY, UNCHARGED, Fault, Script

_RPC = {400: 3, 401: 16, 403: 7, 404: 5, 429: 8, 500: 13, 503: 14, 504: 4}


@dataclass
class Job:
    """A batch: `state` is pending, over, expired or cancelled, and failed."""

    id: str
    name: str
    model: str
    file: str
    state: str = "pending"
    cancelling: bool = False
    results: dict[str, str] = field(default_factory=dict)
    done: int = 0
    message: str = ""


@dataclass
class Batches:
    """Files and jobs of all vendors."""

    files: dict[str, bytes] = field(default_factory=dict)
    uploads: dict[str, bytes] = field(default_factory=dict)
    google: dict[str, Job] = field(default_factory=dict)
    openai: dict[str, Job] = field(default_factory=dict)
    _numbers: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def number(self) -> int:
        with self._lock:
            self._numbers += 1
            return self._numbers


async def answer(script: Script, batches: Batches, request: Request) -> Response | None:
    """The answer to a request about batches or files; None for any other."""
    path = request.path
    if path.startswith(("/upload/", "/v1beta/files", "/v1beta/batches")) or path.endswith(":batchGenerateContent"):
        if request.headers.get("x-goog-api-key") != KEY and "/session/" not in path:
            return google_server._REFUSALS[Fault.BAD_KEY](script, request)
        return await _google(script, batches, request)
    if path.startswith(("/v1/files", "/v1/batches")):
        if request.headers.get("authorization") != f"Bearer {KEY}":
            return openai_server._REFUSALS[Fault.BAD_KEY](script, request)
        return await _openai(script, batches, request)
    return None


def _fault(faults: Any) -> Fault | None:
    return faults.popleft() if faults else None


# ---- Google


async def _google(script: Script, batches: Batches, request: Request) -> Response:
    path = request.path
    if path == "/upload/v1beta/files":
        return _google_upload_begins(script, batches, request)
    if path.startswith("/upload/session/"):
        return _google_upload(batches, request)
    if path.endswith(":batchGenerateContent"):
        return _google_order(script, batches, request)
    if path == "/v1beta/batches":
        assert int(request.query["pageSize"][0]) <= 1000
        return as_json({"operations": [_operation(job) for job in reversed(batches.google.values())]})
    if path.startswith("/v1beta/batches/"):
        return await _google_job(script, batches, request)
    name = path.removeprefix("/v1beta/").removesuffix(":download")
    if name not in batches.files:
        said = f"You do not have permission to access the File {name} or it may not exist."
        return google_server.error(403, "PERMISSION_DENIED", said)
    if not path.endswith(":download"):
        return as_json({"name": name})
    whole = Response(200, batches.files[name], "application/octet-stream")
    return script.broken(_fault(script.download_faults), whole)


def _google_upload_begins(script: Script, batches: Batches, request: Request) -> Response:
    fault = _fault(script.upload_faults)
    if fault is Fault.HANG:
        return Response(hang=True)
    if fault:
        return google_server._REFUSALS[fault](script, request)
    assert request.headers["x-goog-upload-protocol"] == "resumable"
    upload = f"{batches.number()}"
    batches.uploads[upload] = b""
    base = f"http://{request.headers['host']}"
    headers = {"x-goog-upload-url": f"{base}/upload/session/{upload}", "x-goog-upload-status": "active"}
    return as_json({}, headers=headers)


def _google_upload(batches: Batches, request: Request) -> Response:
    upload = request.path.rpartition("/")[2]
    assert int(request.headers["x-goog-upload-offset"]) == len(batches.uploads[upload])
    batches.uploads[upload] += request.body
    if "finalize" not in request.headers["x-goog-upload-command"]:
        return as_json({}, headers={"x-goog-upload-status": "active"})
    name = f"files/f{upload}"
    batches.files[name] = batches.uploads.pop(upload)
    return as_json({"file": {"name": name}}, headers={"x-goog-upload-status": "final"})


def _google_order(script: Script, batches: Batches, request: Request) -> Response:
    fault = _fault(script.order_faults)
    if fault in UNCHARGED and fault is not None:
        return google_server._REFUSALS[fault](script, request)
    ordered = request.json()["batch"]
    file = ordered["inputConfig"]["fileName"]
    assert file in batches.files, "a file that is there"
    model = request.path.removeprefix("/v1beta/models/").partition(":")[0]
    job = Job(f"batches/b{batches.number()}", ordered["displayName"], model, file)
    batches.google[job.id] = job
    return script.broken(fault, as_json(_operation(job)))


async def _google_job(script: Script, batches: Batches, request: Request) -> Response:
    name, _, verb = request.path.removeprefix("/v1beta/").partition(":")
    job = batches.google.get(name)
    if job is None:
        return google_server.error(404, "NOT_FOUND", "Requested entity was not found.")
    if verb == "cancel":
        job.cancelling = True
        return as_json({})
    if job.state == "pending" and not script.hold_batches:
        lines = [json.loads(line) for line in batches.files[job.file].splitlines()]
        rows = [await _google_row(script, job, line) for line in lines[: script.batch_done]]
        job.done, job.state = len(rows), _ended(script, job)
        if job.state in ("over", "cancelled") and rows:
            job.results["ok"] = f"files/r{batches.number()}"
            batches.files[job.results["ok"]] = _jsonl(rows)
    return as_json(_operation(job))


async def _google_row(script: Script, job: Job, line: dict[str, Any]) -> dict[str, Any]:
    path = f"/v1beta/models/{job.model}:generateContent"
    body = json.dumps(line["request"]).encode()
    answered = await google_server.answer(script, Request("POST", path, {}, {"x-goog-api-key": KEY}, body))
    assert answered is not None, "a request for an image"
    if answered.status == 200:
        return {"key": line["key"], "response": json.loads(answered.body)}
    error = json.loads(answered.body)["error"]
    return {"key": line["key"], "error": {**error, "code": _RPC[error["code"]]}}


def _operation(job: Job) -> dict[str, Any]:
    state = {"pending": "RUNNING", "over": "SUCCEEDED"}.get(job.state, job.state.upper())
    metadata: dict[str, Any] = {
        "displayName": job.name,
        "state": f"BATCH_STATE_{state}",
        "model": f"models/{job.model}",
    }
    if "ok" in job.results:
        metadata["output"] = {"responsesFile": job.results["ok"]}
    return {"name": job.id, "metadata": metadata, "done": job.state != "pending"}


# ---- OpenAI


async def _openai(script: Script, batches: Batches, request: Request) -> Response:
    path = request.path
    if path == "/v1/files":
        return _openai_upload(script, batches, request)
    if path.startswith("/v1/files/"):
        file = path.removeprefix("/v1/files/").removesuffix("/content")
        if file not in batches.files:
            return openai_server.error(404, f"No such File object: {file}", None)
        if not path.endswith("/content"):
            about = {"bytes": 1, "created_at": 1, "filename": "x", "purpose": "batch", "status": "processed"}
            return as_json({"id": file, "object": "file", **about})
        whole = Response(200, batches.files[file], "application/octet-stream")
        return script.broken(_fault(script.download_faults), whole)
    if path == "/v1/batches" and request.method == "POST":
        return _openai_order(script, batches, request)
    if path == "/v1/batches":
        listed = [_batch(job, script) for job in reversed(batches.openai.values())]
        return as_json({"object": "list", "data": listed, "has_more": False})
    return await _openai_job(script, batches, request)


def _openai_upload(script: Script, batches: Batches, request: Request) -> Response:
    fault = _fault(script.upload_faults)
    if fault is Fault.HANG:
        return Response(hang=True)
    if fault:
        return openai_server._REFUSALS[fault](script, request)
    form = request.form()
    assert form["purpose"] == b"batch"
    file = f"file-{batches.number()}"
    batches.files[file] = form["file"]
    size = len(form["file"])
    return as_json(
        {
            "id": file,
            "object": "file",
            "bytes": size,
            "created_at": 1,
            "filename": "x",
            "purpose": "batch",
            "status": "x",
        }
    )


def _openai_order(script: Script, batches: Batches, request: Request) -> Response:
    fault = _fault(script.order_faults)
    if fault in UNCHARGED and fault is not None:
        return openai_server._REFUSALS[fault](script, request)
    ordered = request.json()
    assert ordered["endpoint"] == "/v1/images/edits"
    assert ordered["completion_window"] == "24h"
    name = ordered["metadata"]["ggt_studio_batch"]
    job = Job(f"batch_{batches.number()}", name, "", ordered["input_file_id"])
    batches.openai[job.id] = job
    return script.broken(fault, as_json(_batch(job, script)))


async def _openai_job(script: Script, batches: Batches, request: Request) -> Response:
    name, _, verb = request.path.removeprefix("/v1/batches/").partition("/")
    job = batches.openai.get(name)
    if job is None:
        return openai_server.error(404, f"No batch found with id '{name}'.", None)
    if verb == "cancel":
        job.cancelling = True
        return as_json(_batch(job, script))
    if job.state == "pending" and not script.hold_batches:
        lines = [json.loads(line) for line in batches.files[job.file].splitlines()]
        rows = [await _openai_row(script, line) for line in lines[: script.batch_done]]
        job.done, job.state = len(rows), _ended(script, job)
        code = "batch_cancelled" if job.state == "cancelled" else "batch_expired"
        late = [
            {"custom_id": line["custom_id"], "response": None, "error": {"code": code, "message": "Not executed."}}
            for line in lines[len(rows) :]
        ]
        good = [row for row in rows if row["response"]["status_code"] == 200]
        bad = [row for row in rows if row["response"]["status_code"] != 200]
        for kind, part in (("ok", good), ("bad", bad + late)):
            if part:
                job.results[kind] = f"file-{batches.number()}"
                batches.files[job.results[kind]] = _jsonl(part)
    return as_json(_batch(job, script))


async def _openai_row(script: Script, line: dict[str, Any]) -> dict[str, Any]:
    assert (line["method"], line["url"]) == ("POST", "/v1/images/edits")
    headers = {"authorization": f"Bearer {KEY}", "content-type": "application/json"}
    answered = await openai_server.answer(
        script, Request("POST", line["url"], {}, headers, json.dumps(line["body"]).encode())
    )
    assert answered is not None
    try:
        body = json.loads(answered.body)
    except ValueError:
        body = None
    response = {"status_code": answered.status, "request_id": "req_fake", "body": body}
    return {"id": "batch_req", "custom_id": line["custom_id"], "response": response, "error": None}


def _batch(job: Job, script: Script) -> dict[str, Any]:
    status = {"pending": "cancelling" if job.cancelling else "in_progress", "over": "completed"}.get(
        job.state, job.state
    )
    return {
        "id": job.id,
        "object": "batch",
        "endpoint": "/v1/images/edits",
        "completion_window": "24h",
        "created_at": 1,
        "input_file_id": job.file,
        "status": status,
        "metadata": {"ggt_studio_batch": job.name},
        "output_file_id": job.results.get("ok"),
        "error_file_id": job.results.get("bad"),
        "request_counts": {"total": 0, "completed": job.done, "failed": 0},
        "errors": {"object": "list", "data": [{"message": job.message}]} if job.message else None,
    }


def _ended(script: Script, job: Job) -> str:
    if job.cancelling:
        return "cancelled"
    return "over" if script.batch_done is None else "expired"


def _jsonl(rows: list[dict[str, Any]]) -> bytes:
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)
