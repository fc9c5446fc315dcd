"""What Qt needs from the system on Linux: which of it is missing, and the command that installs it."""

from __future__ import annotations

import ctypes
import os
import shutil
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

FONT_FOLDERS = ("/usr/share/fonts", "/usr/local/share/fonts", "~/.fonts", "~/.local/share/fonts")
FONT_SUFFIXES = frozenset({".ttf", ".otf", ".ttc", ".pfb"})


class Need(NamedTuple):
    """Something that a package of the system provides: a shared library's soname, or fonts."""

    name: str
    apt: str
    dnf: str
    pacman: str


# Read off the NEEDED entries of PySide6-Essentials' QtCore, QtGui, QtWidgets, QtDBus and the offscreen platform.
ALWAYS = (
    Need("libEGL.so.1", "libegl1", "libglvnd-egl", "libglvnd"),
    Need("libGL.so.1", "libgl1", "libglvnd-glx", "libglvnd"),
    Need("libdbus-1.so.3", "libdbus-1-3", "dbus-libs", "dbus"),
    Need("libfontconfig.so.1", "libfontconfig1", "fontconfig", "fontconfig"),
    Need("libfreetype.so.6", "libfreetype6", "freetype", "freetype2"),
    Need("libglib-2.0.so.0", "libglib2.0-0", "glib2", "glib2"),
    Need("libgthread-2.0.so.0", "libglib2.0-0", "glib2", "glib2"),
    Need("libX11.so.6", "libx11-6", "libX11", "libx11"),
    Need("libstdc++.so.6", "libstdc++6", "libstdc++", "gcc-libs"),
    Need("libxkbcommon.so.0", "libxkbcommon0", "libxkbcommon", "libxkbcommon"),
    Need("libz.so.1", "zlib1g", "zlib", "zlib"),
    Need("libzstd.so.1", "libzstd1", "libzstd", "zstd"),
)

# The same for the xcb platform, which draws windows on an X11 or XWayland display.
WINDOW = (
    Need("libX11-xcb.so.1", "libx11-xcb1", "libX11-xcb", "libx11"),
    Need("libxcb.so.1", "libxcb1", "libxcb", "libxcb"),
    Need("libxcb-cursor.so.0", "libxcb-cursor0", "xcb-util-cursor", "xcb-util-cursor"),
    Need("libxcb-icccm.so.4", "libxcb-icccm4", "xcb-util-wm", "xcb-util-wm"),
    Need("libxcb-image.so.0", "libxcb-image0", "xcb-util-image", "xcb-util-image"),
    Need("libxcb-keysyms.so.1", "libxcb-keysyms1", "xcb-util-keysyms", "xcb-util-keysyms"),
    Need("libxcb-randr.so.0", "libxcb-randr0", "libxcb", "libxcb"),
    Need("libxcb-render.so.0", "libxcb-render0", "libxcb", "libxcb"),
    Need("libxcb-render-util.so.0", "libxcb-render-util0", "xcb-util-renderutil", "xcb-util-renderutil"),
    Need("libxcb-shape.so.0", "libxcb-shape0", "libxcb", "libxcb"),
    Need("libxcb-shm.so.0", "libxcb-shm0", "libxcb", "libxcb"),
    Need("libxcb-sync.so.1", "libxcb-sync1", "libxcb", "libxcb"),
    Need("libxcb-util.so.1", "libxcb-util1", "xcb-util", "xcb-util"),
    Need("libxcb-xfixes.so.0", "libxcb-xfixes0", "libxcb", "libxcb"),
    Need("libxcb-xkb.so.1", "libxcb-xkb1", "libxcb", "libxcb"),
    Need("libxkbcommon-x11.so.0", "libxkbcommon-x11-0", "libxkbcommon-x11", "libxkbcommon-x11"),
)

FONTS = Need("a font", "fonts-dejavu-core", "dejavu-sans-fonts", "ttf-dejavu")

INSTALL = {
    "apt-get": ("sudo apt-get install -y", "apt"),
    "dnf": ("sudo dnf install -y", "dnf"),
    "pacman": ("sudo pacman -S --needed", "pacman"),
}


def loads(soname: str) -> bool:
    """Whether the dynamic loader finds a shared library."""
    try:
        ctypes.CDLL(soname)
    except OSError:
        return False
    return True


def has_fonts(folders: Iterable[str] = FONT_FOLDERS) -> bool:
    """Whether any font file lies in the folders; without one Qt draws empty boxes for text."""
    for folder in folders:
        for _, _, names in os.walk(Path(folder).expanduser()):
            if any(Path(name).suffix.lower() in FONT_SUFFIXES for name in names):
                return True
    return False


def missing(
    display: bool, loads: Callable[[str], bool] = loads, has_fonts: Callable[[], bool] = has_fonts
) -> tuple[Need, ...]:
    """What Qt lacks to run here; with `display` also what windows on a screen need."""
    wanted = ALWAYS + (WINDOW if display else ())
    lacking = tuple(need for need in wanted if not loads(need.name))
    return lacking if has_fonts() else (*lacking, FONTS)


def install_line(needs: Iterable[Need], which: Callable[[str], str | None] = shutil.which) -> str:
    """One line for a person: the command of this system's package manager, else the names of what is missing."""
    for manager, (command, column) in INSTALL.items():
        if which(manager):
            packages = sorted({getattr(need, column) for need in needs})
            return f"Qt needs system packages. Install them and run this again: {command} {' '.join(packages)}"
    names = ", ".join(need.name for need in needs)
    return f"Qt needs what this system lacks: {names}. Install it with the system's package manager and run this again."


def apt_commands(needs: Iterable[Need]) -> tuple[list[str], list[str]]:
    """The two commands that root runs on a Debian-like system to install the needs."""
    packages = sorted({need.apt for need in needs})
    return (["apt-get", "update"], ["apt-get", "install", "-y", "--no-install-recommends", *packages])


def may_install() -> bool:
    """Whether this process may install packages by itself: root on a Debian-like Linux."""
    return sys.platform == "linux" and os.geteuid() == 0 and shutil.which("apt-get") is not None


def missing_now() -> tuple[Need, ...]:
    """What this machine lacks: nothing but on Linux; a window's needs count where there is a display, or root can install."""
    if sys.platform != "linux":
        return ()
    return missing(display=bool(os.environ.get("DISPLAY")) or may_install())
