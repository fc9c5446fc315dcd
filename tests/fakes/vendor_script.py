"""What the fake vendors have in common: a script of faults, a quota, a bill, and an image made of the one that was sent."""

from __future__ import annotations

import asyncio
import hashlib
import io
import threading
import time
from collections import Counter, deque
from dataclasses import dataclass, field
from enum import StrEnum

from PIL import Image, ImageFilter

from fakes.http_server import Response

KEY = "canary-key-5f1d0c"
SECRET = "canary-secret-77aa21-of-at-least-32-bytes"


class Fault(StrEnum):
    """What can go wrong with one request, whoever the vendor is."""

    BAD_KEY = "bad_key"
    RATE = "rate"
    BILLING = "billing"
    SERVER = "server"
    UNAVAILABLE = "unavailable"
    GATEWAY = "gateway"
    BAD_REQUEST = "bad_request"
    UNKNOWN_MODEL = "unknown_model"
    REDIRECT = "redirect"
    BLOCKED_PROMPT = "blocked_prompt"
    BLOCKED_IMAGE = "blocked_image"
    # From here on the work was done, and is on the bill.
    HANG = "hang"
    HALF = "half"
    WRONG_TYPE = "wrong_type"
    BROKEN_JSON = "broken_json"
    NO_IMAGE = "no_image"
    UNDECODABLE = "undecodable"
    TRUNCATED = "truncated"
    OTHER_SIZE = "other_size"
    OTHER_ASPECT = "other_aspect"


UNCHARGED = frozenset(list(Fault)[: list(Fault).index(Fault.HANG)])


@dataclass(frozen=True)
class Charge:
    """One line of the bill: the model, the SHA-256 of the image sent and of the prompt, and the seed where there is one."""

    model: str
    image: str
    prompt: str
    seed: int | None = None


@dataclass
class Script:
    """What the next requests meet: one of `faults` each, then `always`. `retry_after_s` is told where a fault has a delay.

    More than `quota` requests within `window_s` are rejected and counted in `rejected`. With `echo` the image sent comes back
    as it is, which costs the server no time. Batches are held, or got to in part (`batch_done`); uploading, ordering and
    downloading them meets faults of their own. Everything here may be read and changed from any thread.
    """

    faults: deque[Fault | None] = field(default_factory=deque)
    always: Fault | None = None
    latency_s: float = 0.0
    retry_after_s: float | None = None
    quota: int = 0
    window_s: float = 60.0
    echo: bool = False
    quote_key: bool = False
    hold_batches: bool = False
    batch_done: int | None = None
    upload_faults: deque[Fault | None] = field(default_factory=deque)
    order_faults: deque[Fault | None] = field(default_factory=deque)
    download_faults: deque[Fault | None] = field(default_factory=deque)
    bill: list[Charge] = field(default_factory=list)
    rejected: int = 0
    _seen: deque[float] = field(default_factory=deque)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    async def next(self) -> Fault | None:
        """What this request meets, after the latency."""
        with self._lock:
            fault = self.faults.popleft() if self.faults else self.always
            now = time.monotonic()
            while self._seen and self._seen[0] <= now - self.window_s:
                self._seen.popleft()
            if self.quota and len(self._seen) >= self.quota:
                self.rejected += 1
                return Fault.RATE
            self._seen.append(now)
        if fault not in UNCHARGED or fault is None:
            await asyncio.sleep(self.latency_s)
        return fault

    def charge(self, model: str, image: bytes, prompt: str, seed: int | None = None) -> None:
        with self._lock:
            self.bill.append(Charge(model, _sha256(image), _sha256(prompt.encode()), seed))

    @property
    def bills(self) -> Counter[str]:
        """How many requests were charged, by model."""
        return Counter(charge.model for charge in self.bill)

    def broken(self, fault: Fault | None, response: Response) -> Response:
        """A good answer as the fault leaves it on its way."""
        match fault:
            case Fault.HANG:
                return Response(hang=True)
            case Fault.HALF:
                return Response(200, response.body, response.media_type, response.headers, half=True)
            case Fault.BROKEN_JSON:
                return Response(200, response.body[:-20], response.media_type)
            case Fault.WRONG_TYPE:
                return Response(200, b"<html><body>Please sign in</body></html>", "text/html")
            case _:
                return response

    async def image(self, png: bytes, width: int, height: int, fault: Fault | None) -> bytes:
        """The image that a vendor makes of a PNG: sharpened and of the size asked for, unless the fault says otherwise."""
        if fault is Fault.UNDECODABLE:
            return b"GIF89a and so on"
        if self.echo:
            return png
        if fault is Fault.OTHER_SIZE:
            width, height = width * 3 // 4, height * 3 // 4
        if fault is Fault.OTHER_ASPECT:
            height = height * 3 // 4
        made = await asyncio.to_thread(sharpened, png, width, height)
        return made[: len(made) // 2] if fault is Fault.TRUNCATED else made


def sharpened(png: bytes, width: int, height: int) -> bytes:
    """The image, unsharp masked, at `width` x `height` px, as PNG."""
    with Image.open(io.BytesIO(png)) as image:
        made = image.convert("RGB").filter(ImageFilter.UnsharpMask(1, 40, 2)).resize((width, height), Image.LANCZOS)
    buffer = io.BytesIO()
    made.save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
