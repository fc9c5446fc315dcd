"""What adds an optional part of the program to the Python it runs in."""

from __future__ import annotations

import importlib.metadata
import re
import sys


def install_command(extra: str) -> str:
    """The command that installs what an extra (`ml`, `raw`) needs, by the requirements of this installation.

    It names those packages and not the program, which may have come from a folder or an installer of its own.
    """
    marker = re.compile(rf"""extra\s*==\s*['"]{extra}['"]""")
    wanted = [r.split(";")[0].strip() for r in importlib.metadata.requires("ggt-studio") or () if marker.search(r)]
    python = f'"{sys.executable}"' if " " in sys.executable else sys.executable
    return f"{python} -m pip install " + " ".join(f'"{requirement}"' for requirement in wanted)
