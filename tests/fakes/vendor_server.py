"""All the fake vendors behind one address; `python -m fakes.vendor_server --port N` runs them as a process of their own.

`GET /_state` tells the bill and the rejections; `POST /_script` changes the script by the names of its fields.
"""

from __future__ import annotations

import argparse
import contextlib
import signal
import threading
from collections import deque
from collections.abc import Awaitable, Callable

from fakes import ark_server, batch_server, google_server, key_checks, kling_server, openai_server
from fakes.http_server import HttpServer, Request, Response, as_json
from fakes.vendor_script import KEY, SECRET, Fault, Script

Further = Callable[[Script, Request], Awaitable[Response | None]]


class VendorServer(HttpServer):
    """Speaks Google's, OpenAI's, Ark's and Kling's image protocols; `further` are asked what none of these understands."""

    def __init__(self, *further: Further, port: int = 0) -> None:
        super().__init__(self._vendor, port)
        self.script = Script()
        self.tasks = kling_server.Tasks()
        self.batches = batch_server.Batches()
        self._further = further

    def environment(self) -> dict[str, str]:
        """The variables that lead each vendor's client here, with keys that are good."""
        return {
            "GEMINI_API_KEY": KEY,
            "GOOGLE_GEMINI_BASE_URL": self.base,
            "OPENAI_API_KEY": KEY,
            "OPENAI_BASE_URL": f"{self.base}/v1",
            "ARK_API_KEY": KEY,
            "ARK_BASE_URL": f"{self.base}/api/v3",
            "KLING_ACCESS_KEY": KEY,
            "KLING_SECRET_KEY": SECRET,
            "KLING_BASE_URL": self.base,
        }

    async def _vendor(self, request: Request) -> Response:
        if request.path.startswith("/_"):
            return self._own(request)
        if (response := await batch_server.answer(self.script, self.batches, request)) is not None:
            return response
        for vendor in (
            key_checks.answer,
            google_server.answer,
            openai_server.answer,
            ark_server.answer,
            *self._further,
        ):
            if (response := await vendor(self.script, request)) is not None:
                return response
        response = await kling_server.answer(self.script, self.tasks, request)
        return response or as_json({"error": {"message": f"no such path: {request.path}"}}, 404)

    def _own(self, request: Request) -> Response:
        if request.path == "/_script":
            for name, value in request.json().items():
                match name:
                    case "faults" | "upload_faults" | "order_faults" | "download_faults":
                        value = deque(Fault(fault) if fault else None for fault in value)
                    case "always":
                        value = Fault(value) if value else None
                setattr(self.script, name, value)
        bill = [vars(charge) for charge in self.script.bill]
        return as_json({"bills": self.script.bills, "bill": bill, "rejected": self.script.rejected})


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=0)
    with VendorServer(port=parser.parse_args().port) as server:
        print(server.base, flush=True)
        ended = threading.Event()
        signal.signal(signal.SIGTERM, lambda *_: ended.set())
        with contextlib.suppress(KeyboardInterrupt):
            ended.wait()


if __name__ == "__main__":
    main()
