"""The window's composition root: the one place that builds application, event loop and main window."""

from __future__ import annotations

import asyncio
import signal
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication

from ggt_studio import __version__
from ggt_studio.ui.theme import apply_theme


def run_window(project: Path | None, *, autorun: bool = False) -> int:
    """Show the window, on `project` where given, until it is closed; returns the exit status.

    `autorun` starts a run as soon as the project is open.
    """
    import qasync

    from ggt_studio.settings import load
    from ggt_studio.ui.collecting import Collector
    from ggt_studio.ui.main_window import MainWindow

    app = QApplication.instance() or QApplication(sys.argv[:1])
    assert isinstance(app, QApplication)
    app.setApplicationName("GGT Studio")
    app.setApplicationVersion(__version__)
    app.setDesktopFileName("ggt-studio")
    # The window decides when the program ends: after its work has been stopped and recorded.
    app.setQuitOnLastWindowClosed(False)
    settings = load()
    apply_theme(app, settings.theme)
    loop = qasync.QEventLoop(app)
    executor = ThreadPoolExecutor(max_workers=8, thread_name_prefix="window")
    loop.set_default_executor(executor)
    # Python runs signal handlers only between its own instructions; a slow heartbeat gives Ctrl-C its chance.
    heartbeat = QTimer(interval=300)
    heartbeat.timeout.connect(lambda: None)
    heartbeat.start()

    async def main() -> None:
        window = MainWindow(settings)
        signal.signal(signal.SIGINT, lambda *_: window.close())
        window.show()
        if project is not None:
            window.open_project(project, autorun=autorun)
        await window.closed

    asyncio.set_event_loop(loop)
    collector = Collector()
    with loop:
        loop.run_until_complete(main())
    collector.stop()
    executor.shutdown(wait=False)
    return 0
