"""A chat server on 127.0.0.1 that speaks Gemini's generateContent and OpenAI's Responses and Chat Completions, as scripted.

The forms are those of the vendors' public references: ai.google.dev/api/generate-content,
platform.openai.com/docs/api-reference/responses and .../chat.
"""

from __future__ import annotations

import base64
import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Asked:
    """A request as the server saw it, whatever the protocol."""

    protocol: str
    model: str
    instruction: str
    parts: tuple[str | bytes, ...]
    schema: dict[str, Any] | None
    max_tokens: int
    body: dict[str, Any] = field(repr=False)
    headers: dict[str, str] = field(repr=False)

    @property
    def images(self) -> list[bytes]:
        return [part for part in self.parts if isinstance(part, bytes)]


@dataclass(frozen=True)
class Says:
    """An answer in words. `ends`: `whole`, `cut` (by the limit of tokens), `blocked` (by a filter, on the way)."""

    text: str
    read: int = 1000
    written: int = 200
    thought: int = 0
    ends: str = "whole"


@dataclass(frozen=True)
class Refuses:
    """The model will not: OpenAI's refusal; with Gemini the prompt is blocked."""

    words: str = "I can't help with that."


@dataclass(frozen=True)
class Fails:
    """An HTTP answer other than 200, or a broken one with it."""

    status: int
    body: bytes = b"{}"
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Hangs:
    """No answer for so long."""

    seconds: float


Answer = Says | Refuses | Fails | Hangs


class ChatServer:
    """Answers each request with `script(asked)`; `asked` are all requests so far. Use as a context manager."""

    def __init__(self, script: Callable[[Asked], Answer] | None = None) -> None:
        self.script = script or (lambda _: Says("Hello."))
        self.asked: list[Asked] = []
        self._lock = threading.Lock()
        self._over = threading.Event()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                asked = _asked(self.path, body, {k.lower(): v for k, v in self.headers.items()})
                with outer._lock:
                    outer.asked.append(asked)
                    answer = outer.script(asked)
                if isinstance(answer, Hangs):
                    outer._over.wait(answer.seconds)
                    answer = Fails(500)
                if isinstance(answer, Fails):
                    self._send(answer.status, answer.body, answer.headers)
                else:
                    self._send(200, json.dumps(_FORMS[asked.protocol](asked, answer)).encode(), ())

            def _send(self, status: int, body: bytes, headers: tuple[tuple[str, str], ...]) -> None:
                try:
                    self.send_response(status)
                    for name, value in (("content-type", "application/json"), *headers):
                        self.send_header(name, value)
                    self.send_header("content-length", str(len(body)))
                    self.end_headers()
                    self.wfile.write(body)
                except (BrokenPipeError, ConnectionResetError):
                    self.close_connection = True

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, name="chat")

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> ChatServer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def verdict_text(score: float = 95, decision: str = "Accept", **scores: float) -> str:
    """A verdict as a judge writes it; single aspects may have another score."""
    names = (
        "restoration_quality",
        "object_consistency",
        "geometry_alignment",
        "content_reasonableness",
        "colour_consistency",
    )
    aspects = {name: {"reason": f"{name} was looked at", "score": scores.get(name, score)} for name in names}
    return json.dumps({**aspects, "decision": decision})


def screening_text(verdict: str = "usable", quality: str = "low", reason: str = "Streaks over the whole frame.") -> str:
    """A screening as a screener writes it."""
    return json.dumps({"reason": reason, "verdict": verdict, "quality": quality})


def _asked(path: str, body: dict[str, Any], headers: dict[str, str]) -> Asked:
    path = path.partition("?")[0]
    if path.endswith(":generateContent"):
        config = body.get("generationConfig", {})
        return Asked(
            "google",
            path.rsplit("/", 1)[1].partition(":")[0],
            "".join(part.get("text", "") for part in body.get("systemInstruction", {}).get("parts", [])),
            tuple(
                part["text"] if "text" in part else base64.b64decode(part["inlineData"]["data"], altchars=b"-_")
                for content in body["contents"]
                for part in content["parts"]
            ),
            config.get("responseJsonSchema"),
            config["maxOutputTokens"],
            body,
            headers,
        )
    if path.endswith("/responses"):
        form = body.get("text", {}).get("format", {})
        return Asked(
            "responses",
            body["model"],
            body["instructions"],
            tuple(
                part["text"] if part["type"] == "input_text" else _from_url(part["image_url"])
                for part in body["input"][0]["content"]
            ),
            form.get("schema"),
            body["max_output_tokens"],
            body,
            headers,
        )
    assert path.endswith("/chat/completions"), path
    system, user = body["messages"]
    return Asked(
        "completions",
        body["model"],
        system["content"],
        tuple(
            part["text"] if part["type"] == "text" else _from_url(part["image_url"]["url"]) for part in user["content"]
        ),
        body.get("response_format", {}).get("json_schema", {}).get("schema"),
        body["max_tokens"],
        body,
        headers,
    )


def _from_url(url: str) -> bytes:
    head, _, data = url.partition(",")
    assert head in ("data:image/png;base64", "data:image/jpeg;base64"), head
    return base64.b64decode(data)


def _google(asked: Asked, answer: Says | Refuses) -> dict[str, Any]:
    counted = {"promptTokenCount": 1000, "totalTokenCount": 1000}
    if isinstance(answer, Refuses):
        return {"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}, "usageMetadata": counted}
    reason = {"whole": "STOP", "cut": "MAX_TOKENS", "blocked": "SAFETY"}[answer.ends]
    content = {"role": "model", "parts": [{"text": answer.text}] if answer.text else []}
    return {
        "candidates": [{"content": content, "finishReason": reason, "index": 0}],
        "usageMetadata": {
            "promptTokenCount": answer.read,
            "candidatesTokenCount": answer.written,
            "thoughtsTokenCount": answer.thought,
            "totalTokenCount": answer.read + answer.written + answer.thought,
        },
        "modelVersion": asked.model,
        "responseId": "r-1",
    }


def _responses(asked: Asked, answer: Says | Refuses) -> dict[str, Any]:
    if isinstance(answer, Refuses):
        content, ends = [{"type": "refusal", "refusal": answer.words}], "whole"
        read, written, thought = 1000, 20, 0
    else:
        content, ends = [{"type": "output_text", "text": answer.text, "annotations": []}], answer.ends
        read, written, thought = answer.read, answer.written, answer.thought
    why = {"cut": "max_output_tokens", "blocked": "content_filter"}.get(ends)
    return {
        "id": "resp_1",
        "object": "response",
        "created_at": int(time.time()),
        "status": "incomplete" if why else "completed",
        "error": None,
        "incomplete_details": {"reason": why} if why else None,
        "instructions": None,
        "metadata": {},
        "model": asked.model,
        "output": [
            {"type": "reasoning", "id": "rs_1", "summary": []},
            {"type": "message", "id": "msg_1", "role": "assistant", "status": "completed", "content": content},
        ],
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
        "usage": {
            "input_tokens": read,
            "input_tokens_details": {"cached_tokens": 0},
            "output_tokens": written + thought,
            "output_tokens_details": {"reasoning_tokens": thought},
            "total_tokens": read + written + thought,
        },
    }


def _completions(asked: Asked, answer: Says | Refuses) -> dict[str, Any]:
    if isinstance(answer, Refuses):
        message = {"role": "assistant", "content": None, "refusal": answer.words}
        ends, read, written = "whole", 1000, 20
    else:
        message = {"role": "assistant", "content": answer.text, "refusal": None}
        ends, read, written = answer.ends, answer.read, answer.written + answer.thought
    reason = {"whole": "stop", "cut": "length", "blocked": "content_filter"}[ends]
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": int(time.time()),
        "model": asked.model,
        "choices": [{"index": 0, "message": message, "finish_reason": reason, "logprobs": None}],
        "usage": {"prompt_tokens": read, "completion_tokens": written, "total_tokens": read + written},
    }


_FORMS: dict[str, Callable[[Asked, Any], dict[str, Any]]] = {
    "google": _google,
    "responses": _responses,
    "completions": _completions,
}
