"""Whether a window can be shown, found out before Qt would end the program over it."""

from __future__ import annotations

import os
import re
import socket
import sys
from pathlib import Path

from ggt_studio.core.errors import StudioError


def has_display() -> bool:
    """Whether a person would see a window."""
    if os.environ.get("QT_QPA_PLATFORM", "").split(":")[0] in ("offscreen", "minimal", "vnc"):
        return False
    if sys.platform in ("win32", "darwin"):
        return True
    return _wayland() or _x11()


def require_display() -> None:
    """Raises StudioError when a window cannot be opened. A platform that paints without a screen may be asked for."""
    if not os.environ.get("QT_QPA_PLATFORM") and not has_display():
        raise StudioError(
            "There is no display to open a window on. Log in to a desktop, or use the commands: `ggt-studio --help`."
        )


def _wayland() -> bool:
    name = os.environ.get("WAYLAND_DISPLAY")
    return bool(name) and (Path(os.environ.get("XDG_RUNTIME_DIR", "/run")) / name).exists()


def _x11() -> bool:
    name = os.environ.get("DISPLAY", "")
    local = re.fullmatch(r"(?:unix)?:(\d+)(?:\.\d+)?", name)
    if local is None:
        # A display over the network: only trying would tell.
        return bool(name)
    path = f"/tmp/.X11-unix/X{local[1]}"  # noqa: S108 - where X servers listen
    for address in (path, f"\0{path}"):
        with socket.socket(socket.AF_UNIX) as client:
            try:
                client.connect(address)
            except OSError:
                continue
            return True
    return False
