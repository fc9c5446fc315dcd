"""First paint of the window against a bare PySide6 window: seconds of the whole process, from start to the first painted frame."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time

from bench.report import Figure

ROUNDS = 7

BARE = """
import os, sys
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication, QLabel, QMainWindow
class Window(QMainWindow):
    def paintEvent(self, event):
        super().paintEvent(event)
        QTimer.singleShot(0, lambda: os._exit(0))
app = QApplication(sys.argv)
window = Window()
window.setCentralWidget(QLabel("bare"))
window.resize(1360, 860)
window.show()
app.exec()
"""

STUDIO = """
import os, sys
from PySide6.QtCore import QTimer
from ggt_studio.ui import main_window
class Window(main_window.MainWindow):
    def paintEvent(self, event):
        super().paintEvent(event)
        heavy = {"torch", "pyiqa", "diffusers", "cv2", "skimage"} & set(sys.modules)
        QTimer.singleShot(0, lambda: os._exit(3 if heavy else 0))
main_window.MainWindow = Window
from ggt_studio.app import run_window
run_window(None)
"""


def measure() -> Figure:
    """The median of the ratios of neighbouring runs."""
    with tempfile.TemporaryDirectory(prefix="bench-") as home:
        environment = {**os.environ, "GGT_STUDIO_HOME": home}
        environment.setdefault("QT_QPA_PLATFORM", "offscreen")
        _seconds(BARE, environment), _seconds(STUDIO, environment)
        ratios = [_seconds(STUDIO, environment) / _seconds(BARE, environment) for _ in range(ROUNDS)]
    return Figure("first paint: times a bare PySide6 window", statistics.median(ratios), 4.0, at_least=False)


def _seconds(code: str, environment: dict[str, str]) -> float:
    began = time.perf_counter()
    result = subprocess.run([sys.executable, "-c", code], env=environment, check=False, capture_output=True, text=True)
    if result.returncode != 0:
        raise RuntimeError(result.stderr or "a heavy module was imported before the first paint")
    return time.perf_counter() - began
