"""A small HTTP/1.1 server on 127.0.0.1 with an event loop of its own: many connections at once, and faults on request."""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

Headers = dict[str, str]


@dataclass(frozen=True)
class Request:
    """One request as it came; header names are in lower case."""

    method: str
    path: str
    query: dict[str, list[str]]
    headers: Headers
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)

    def form(self) -> dict[str, bytes]:
        """The fields of a multipart form; files like fields."""
        boundary = self.headers["content-type"].partition("boundary=")[2].strip('"').encode()
        fields = {}
        for part in self.body.split(b"--" + boundary)[1:-1]:
            head, _, value = part.partition(b"\r\n\r\n")
            name = head.partition(b'name="')[2].partition(b'"')[0].decode()
            fields[name] = value.removesuffix(b"\r\n")
        return fields


@dataclass(frozen=True)
class Response:
    """An answer. `hang` never gives it; `half` sends half of the body and cuts the connection."""

    status: int = 200
    body: bytes = b""
    media_type: str = "application/json"
    headers: Headers = field(default_factory=dict)
    hang: bool = False
    half: bool = False


def as_json(value: object, status: int = 200, **changes: Any) -> Response:
    return Response(status, json.dumps(value).encode(), **changes)


Handler = Callable[[Request], Awaitable[Response]]


class HttpServer:
    """Serves `handler` from a thread; use as a context manager. `base` is its address, `requests` is what came."""

    def __init__(self, handler: Handler, port: int = 0) -> None:
        self.requests: list[Request] = []
        self.open_connections = self.most_connections = 0
        self._handler, self._port = handler, port
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="fake-http", daemon=True)
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def port(self) -> int:
        assert self._server is not None
        return self._server.sockets[0].getsockname()[1]

    def __enter__(self) -> HttpServer:
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._start(), self._loop).result(10)
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    async def _start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self._port, backlog=256, limit=2**20)

    async def _stop(self) -> None:
        assert self._server is not None
        self._server.close()
        for task in self._connections:
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        self.open_connections += 1
        self.most_connections = max(self.most_connections, self.open_connections)
        try:
            with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
                while await self._one(reader, writer):
                    pass
        finally:
            self.open_connections -= 1
            self._connections.discard(task)
            writer.close()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Answer one request; whether the connection stays open."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        method, target, _ = head[0].split(" ", 2)
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:]) if name}
        if headers.get("expect") == "100-continue":
            writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        parts = urlsplit(target)
        request = Request(method, unquote(parts.path), parse_qs(parts.query), headers, body)
        self.requests.append(request)
        response = await self._answered(request, reader)
        if response is None:
            return False
        length = len(response.body)
        lines = [f"HTTP/1.1 {response.status} X", f"content-type: {response.media_type}", f"content-length: {length}"]
        lines += [f"{name}: {value}" for name, value in response.headers.items()]
        writer.write("\r\n".join([*lines, "", ""]).encode("latin-1"))
        writer.write(response.body[: length // 2] if response.half else response.body)
        await writer.drain()
        return not response.half

    async def _answered(self, request: Request, reader: asyncio.StreamReader) -> Response | None:
        """The handler's answer; None where it hangs, or the client goes away before it has come."""
        answering = asyncio.ensure_future(self._handler(request))
        gone = asyncio.ensure_future(reader.read(1))
        try:
            await asyncio.wait({answering, gone}, return_when=asyncio.FIRST_COMPLETED)
            if answering.done() and not answering.result().hang:
                return answering.result()
            await gone
            return None
        finally:
            for waiting in (answering, gone):
                waiting.cancel()
                with contextlib.suppress(asyncio.CancelledError, ConnectionError):
                    await waiting
