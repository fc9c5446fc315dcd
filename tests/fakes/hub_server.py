"""A hub on 127.0.0.1 that serves one folder as a model: metadata, files with ranges; it can cut connections and ask for a token."""

from __future__ import annotations

import hashlib
import json
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

REVISION = "0123456789abcdef0123456789abcdef01234567"


@dataclass
class Hub:
    """What the hub serves and how it behaves; `requests` are (method, path, range) as they came.

    `cut_after`: file name -> bytes after which the connection is closed, once. `gated`: files need the token `good-token`.
    `slow_s` is waited before each 64 KiB.
    """

    model: str
    folder: Path
    cut_after: dict[str, int] = field(default_factory=dict)
    gated: bool = False
    damaged: str = ""
    slow_s: float = 0.0
    requests: list[tuple[str, str, str]] = field(default_factory=list)
    url: str = ""

    def files(self) -> dict[str, Path]:
        return {p.relative_to(self.folder).as_posix(): p for p in sorted(self.folder.rglob("*")) if p.is_file()}

    def described(self) -> dict[str, object]:
        siblings = []
        for name, path in self.files().items():
            data = path.read_bytes()
            entry: dict[str, object] = {"rfilename": name, "size": len(data)}
            entry["blobId"] = hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()
            if name.endswith(".safetensors"):
                sha256 = hashlib.sha256(data).hexdigest()
                entry["lfs"] = {"size": len(data), "sha256": sha256, "pointerSize": 134}
            siblings.append(entry)
        return {"id": self.model, "sha": REVISION, "private": False, "siblings": siblings, "tags": [], "downloads": 0}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    hub: Hub

    def do_GET(self) -> None:
        self._answer(with_body=True)

    def do_HEAD(self) -> None:
        self._answer(with_body=False)

    def _answer(self, *, with_body: bool) -> None:
        path = unquote(urlsplit(self.path).path)
        self.hub.requests.append((self.command, path, self.headers.get("Range", "")))
        if re.fullmatch(rf"/api/models/{self.hub.model}(/revision/[^/]+)?", path):
            revision = path.partition("/revision/")[2]
            if revision not in {"", "main", REVISION}:
                self._refuse(404, "RevisionNotFound")
                return
            self._send(json.dumps(self.hub.described()).encode(), "application/json")
            return
        match = re.fullmatch(rf"/{self.hub.model}/resolve/[^/]+/(.*)", path)
        file = self.hub.files().get(match[1]) if match else None
        if match is None:
            self._refuse(404, "RepoNotFound")
        elif file is None:
            self._refuse(404, "EntryNotFound")
        elif (
            self.hub.gated
            and self.headers.get("Authorization") != "Bearer good-token"
            and file.parent != self.hub.folder
        ):
            self._refuse(403, "GatedRepo")
        else:
            self._send_file(match[1], file, with_body=with_body)

    def _refuse(self, status: int, code: str) -> None:
        self.send_response(status)
        self.send_header("X-Error-Code", code)
        self.send_header("X-Error-Message", f"no: {code}")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _send(self, data: bytes, kind: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def _send_file(self, name: str, file: Path, *, with_body: bool) -> None:
        data = file.read_bytes()
        whole = len(data)
        etag = hashlib.sha256(data).hexdigest()
        if name == self.hub.damaged:
            data = data[:-1] + bytes([data[-1] ^ 1])
        begin = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        start = int(begin[1]) if begin else 0
        self.send_response(206 if begin else 200)
        self.send_header("ETag", f'"{etag}"')
        self.send_header("X-Repo-Commit", REVISION)
        self.send_header("Content-Length", str(whole - start))
        if begin:
            self.send_header("Content-Range", f"bytes {start}-{whole - 1}/{whole}")
        self.end_headers()
        if not with_body:
            return
        end = self.hub.cut_after.pop(name, whole)
        for at in range(start, end, 65536):
            time.sleep(self.hub.slow_s)
            self.wfile.write(data[at : min(at + 65536, end)])
            self.wfile.flush()
        self.close_connection = end < whole

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        return


@contextmanager
def serving(hub: Hub) -> Iterator[Hub]:
    """Serve until the end of the block; `hub.url` is the address."""
    handler = type("Handler", (_Handler,), {"hub": hub})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    hub.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
