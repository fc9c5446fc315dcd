"""Whether processes live."""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from pathlib import Path


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    with contextlib.suppress(OSError):
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    return True


async def dies(pid: int, within_s: float = 2.0) -> bool:
    until = time.monotonic() + within_s
    while alive(pid) and time.monotonic() < until:
        await asyncio.sleep(0.01)
    return not alive(pid)
