"""Memory of the window's process with the review page open on a project of 200,000 patches."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from bench.report import Figure
from fakes.large_project import make_large_project

COUNT = 200_000

WINDOW = """
import asyncio, os, resource, sys
from pathlib import Path
import qasync
from PySide6.QtWidgets import QApplication
from ggt_studio.settings import Settings
from ggt_studio.ui.main_window import MainWindow
from ggt_studio.ui.theme import apply_theme
app = QApplication([])
app.setQuitOnLastWindowClosed(False)
apply_theme(app, "dark")
loop = qasync.QEventLoop(app)
async def main():
    window = MainWindow(Settings())
    window.show()
    window.open_project(Path(sys.argv[1]))
    await asyncio.sleep(3)
    for page in ("generate", "review", "dataset", "sources", "review"):
        window.show_page(page)
        await asyncio.sleep(2.5)
    heavy = {"torch", "pyiqa", "diffusers", "cv2", "skimage"} & set(sys.modules)
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, *heavy)
    window.close()
    await window.closed
asyncio.set_event_loop(loop)
with loop:
    loop.run_until_complete(main())
"""


def measure(count: int = COUNT) -> Figure:
    """The peak over a visit to every page, in MB."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        make_large_project(Path(folder) / "p", count)
        environment = {**os.environ, "GGT_STUDIO_HOME": str(Path(folder) / "home")}
        environment.setdefault("QT_QPA_PLATFORM", "offscreen")
        result = subprocess.run(
            [sys.executable, "-c", WINDOW, str(Path(folder) / "p")],
            env=environment,
            check=True,
            capture_output=True,
            text=True,
        )
    megabytes, *heavy = result.stdout.split()
    if heavy:
        raise RuntimeError(f"imported in the window's process: {heavy}")
    return Figure(f"window on {count:,} patches: peak memory", float(megabytes), 400, at_least=False, unit="MB")
