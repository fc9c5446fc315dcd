"""Fixtures for tests of the window: coroutines run on Qt's own event loop, as they do in the program."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest
import pytest_asyncio
import qasync
from PySide6.QtCore import QEvent
from PySide6.QtWidgets import QApplication

from fakes.hands import until
from ggt_studio.pipeline.session import Session
from ggt_studio.settings import Settings, load
from ggt_studio.ui import theme
from ggt_studio.ui.bridge import Tasks
from ggt_studio.ui.collecting import Collector
from ggt_studio.ui.main_window import MainWindow
from ggt_studio.ui.state.workspace import Workspace

OpenWindow = Callable[..., Awaitable[MainWindow]]
OpenWorkspace = Callable[..., Awaitable[Workspace]]


class _AlwaysRunning(qasync.QEventLoop):
    """In the program the loop runs from the first event to the last. pytest-qt has Qt's events handled between the phases of
    a test too, where no loop runs: what is called back there finds this one, as it would in the program."""

    def call_later(self, delay, callback, *args, context=None):
        def call(*args) -> None:
            if asyncio._get_running_loop() is not None:
                callback(*args)
                return
            asyncio._set_running_loop(self)
            try:
                callback(*args)
            finally:
                asyncio._set_running_loop(None)

        return super().call_later(delay, call, *args, context=context)


def _qt_loop() -> asyncio.AbstractEventLoop:
    app = QApplication.instance() or QApplication([])
    return _AlwaysRunning(app, already_running=False)


def pytest_asyncio_loop_factories(config: pytest.Config, item: pytest.Item) -> Mapping[str, Callable[[], object]]:
    return {"qt": _qt_loop}


@pytest.fixture(scope="session", autouse=True)
def collector(qapp: QApplication) -> Iterator[None]:
    """As in the program, no other thread may destroy widgets."""
    running = Collector()
    yield
    running.stop()


@pytest.fixture(autouse=True)
def own_application(qapp: QApplication) -> Iterator[None]:
    """The dark theme to begin with, and no widget of an earlier test: a style sheet is worked out for each that is alive."""
    theme.apply_theme(qapp, "dark")
    yield
    for widget in qapp.topLevelWidgets():
        widget.deleteLater()
    qapp.sendPostedEvents(None, QEvent.Type.DeferredDelete)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A place for settings and presets of this test alone."""
    folder = tmp_path / "home"
    monkeypatch.setenv("GGT_STUDIO_HOME", str(folder))
    return folder


@pytest_asyncio.fixture
async def open_workspace(qapp: QApplication) -> AsyncIterator[OpenWorkspace]:
    """Open a project folder as the window does; everything is stopped and closed afterwards.

    What a task of the window raised, and no test expected in `workspace.errors`, fails the test.
    """
    opened: list[Workspace] = []
    errors: list[Exception] = []

    async def make(folder: Path, *, read_only: bool = False) -> Workspace:
        session = Session(folder, Settings(worker_processes=1), read_only=read_only)
        workspace = Workspace(session, Tasks(errors.append))
        opened.append(workspace)
        await until(lambda: workspace.status is not None)
        return workspace

    yield make
    for workspace in opened:
        await workspace.close()
    assert not errors


@pytest_asyncio.fixture
async def open_window(qapp) -> AsyncIterator[OpenWindow]:
    """Show a window, on a project where given; it is closed afterwards, with all that it began."""
    windows: list[MainWindow] = []
    quits = qapp.quitOnLastWindowClosed()
    qapp.setQuitOnLastWindowClosed(False)  # as the program does

    async def make(project: Path | None = None, settings: Settings | None = None) -> MainWindow:
        window = MainWindow(replace(settings or load(), worker_processes=1))
        windows.append(window)
        window.show()
        window.activateWindow()
        await until(window.isActiveWindow)
        if project is not None:
            window.open_project(project)
            await until(lambda: window.rail.current)
        return window

    yield make
    for window in windows:
        if not window.closed.done():
            window.close()
            await window.closed
    qapp.setQuitOnLastWindowClosed(quits)
