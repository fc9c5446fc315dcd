"""The main window: start page, rail of pages, banners; opens and closes projects."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QSize, Qt, QTimer
from PySide6.QtGui import QAction, QCloseEvent, QKeyEvent, QKeySequence
from PySide6.QtWidgets import QHBoxLayout, QMainWindow, QPushButton, QStackedWidget, QToolButton, QVBoxLayout, QWidget

from ggt_studio.core.errors import ProjectLocked, describe
from ggt_studio.core.words import State
from ggt_studio.settings import Settings, save, settings_file
from ggt_studio.ui.bridge import Tasks
from ggt_studio.ui.format import count
from ggt_studio.ui.opening import open_session, page_shown_last, where_it_stood
from ggt_studio.ui.pages.start import StartPage
from ggt_studio.ui.widgets.banner_stack import BannerStack
from ggt_studio.ui.widgets.common import Severity
from ggt_studio.ui.widgets.rail import Rail
from ggt_studio.ui.window_state import keep_geometry, restore_geometry

if TYPE_CHECKING:
    from ggt_studio.providers.keys import Keys
    from ggt_studio.store.status import Status
    from ggt_studio.ui.pages.base import AnyPage
    from ggt_studio.ui.pages.restore import RestorePage
    from ggt_studio.ui.state.workspace import Workspace

PAGES = ("sources", "generate", "review", "dataset", "train", "restore", "settings")


class MainWindow(QMainWindow):
    """The one window. `closed` is done when everything has been stopped and recorded."""

    def __init__(self, settings: Settings) -> None:
        super().__init__()
        self.settings = settings
        self._loop = asyncio.get_running_loop()
        self.closed: asyncio.Future[None] = self._loop.create_future()
        self.tasks = Tasks(self.show_error)
        self.workspace: Workspace | None = None
        self._pages: dict[str, AnyPage] = {}
        self._restore: RestorePage | None = None
        self._current = ""
        self._opening = False
        self._putting_away: asyncio.Task[None] | None = None
        self._shutting_down: asyncio.Task[None] | None = None

        self.setWindowTitle("GGT Studio")
        self.setMinimumSize(QSize(880, 560))
        self.rail = Rail(self)
        self.rail.chosen.connect(self.show_page)
        self.rail.close_asked.connect(self.close_project)
        self.rail.hide()
        self.banners = BannerStack()
        self._stack = QStackedWidget()
        self.start_page = StartPage(settings)
        self.start_page.open_requested.connect(self.open_project)
        self.start_page.create_requested.connect(lambda folder: self.open_project(folder, create=True))
        self.start_page.import_requested.connect(
            lambda folder, photos: self.open_project(folder, create=True, photos=photos)
        )
        self.start_page.demo_requested.connect(self.open_demo)
        self.start_page.restore_requested.connect(lambda: self.show_page("restore"))
        self.start_page.settings_changed.connect(self.remember)
        self._stack.addWidget(self.start_page)
        main, across = QVBoxLayout(), QHBoxLayout()
        for layout in (main, across):
            layout.setContentsMargins(0, 0, 0, 0)
            layout.setSpacing(0)
        main.addWidget(self.banners)
        main.addWidget(self._stack, 1)
        across.addWidget(self.rail)
        across.addLayout(main, 1)
        body = QWidget()
        body.setLayout(across)
        self.setCentralWidget(body)
        restore_geometry(self, QSize(1360, 860))
        self._add_shortcuts()

    @cached_property
    def _keys(self) -> Keys:
        """What a person typed serves until the program ends, in every project and in Restore."""
        from ggt_studio.providers.keys import Keys

        return Keys()

    # --- projects -----------------------------------------------------------------------------------------------

    def open_project(
        self,
        folder: Path,
        *,
        create: bool = False,
        read_only: bool = False,
        autorun: bool = False,
        photos: Sequence[Path] = (),
    ) -> None:
        """Open (or make) a project and show it; a problem is told in a banner.

        `autorun` starts a run, `photos` offers to import these. Does nothing while another project is being opened.
        """
        self._begin_opening(self._open(folder, create=create, read_only=read_only, autorun=autorun, photos=photos))

    def open_demo(self) -> None:
        """Make the demo project if need be, and open it."""
        self._begin_opening(self._open_demo())

    def _begin_opening(self, work: Coroutine[Any, Any, None]) -> None:
        if self._opening or self._shutting_down:
            work.close()
            return
        self._opening = True
        self.tasks.spawn(work).add_done_callback(self._opened)

    def _opened(self, _: object) -> None:
        self._opening = False
        self.start_page.set_busy("")
        if self.workspace is None:
            self.start_page.set_settings(self.settings)

    async def _open(
        self,
        folder: Path,
        *,
        create: bool = False,
        read_only: bool = False,
        autorun: bool = False,
        photos: Sequence[Path] = (),
    ) -> None:
        self.banners.clear()
        await self._close_project()
        self.start_page.set_busy(self.tr("Opening {0} …").format(folder.name))
        # Late, and after the start page has painted what is going on.
        await asyncio.sleep(0)
        from ggt_studio.ui.state.workspace import Workspace

        try:
            session = await open_session(folder, self.settings, read_only=read_only, create=create, keys=self._keys)
        except ProjectLocked as error:
            self.banners.tell(
                Severity.WARNING,
                str(error),
                self.tr("Look at it read-only"),
                lambda: self.open_project(folder, read_only=True),
            )
            return
        workspace = self.workspace = Workspace(session, Tasks(self.show_error))
        self.rail.set_badge("review", "")
        workspace.failed.connect(self.show_message)
        workspace.status_changed.connect(self._show_waiting)
        self.remember(self.settings.with_recent(session.store.folder.resolve()))
        self._show_title(session.store.folder.resolve().name, read_only)
        if read_only:
            self.banners.tell(
                Severity.INFO, self.tr("This project is open read-only. Nothing in it can be changed here.")
            )
        for plugin, problem in session.registry.problems.items():
            self.banners.tell(Severity.WARNING, self.tr("The plugin {0} was skipped: {1}").format(plugin, problem))
        page, told = await page_shown_last(workspace), await where_it_stood(workspace)
        self.rail.show()
        self.show_page("generate" if autorun else "sources" if photos or page not in PAGES else page)
        if autorun:
            QTimer.singleShot(300, self._pages["generate"].start)  # type: ignore[attr-defined]
        if photos:
            self._pages["sources"].offer_import(photos)  # type: ignore[attr-defined]
        elif told and not (autorun or read_only or self._current == "generate"):
            self.banners.tell(Severity.INFO, told, self.tr("Continue"), self._continue_run)
            # Whoever goes on from the page itself has no use for it any more.
            workspace.work_changed.connect(lambda: self.banners.withdraw(told) if workspace.running else None)

    def _continue_run(self) -> None:
        self.show_page("generate")
        self._pages["generate"].start()  # type: ignore[attr-defined]

    async def _open_demo(self) -> None:
        self.start_page.set_busy(self.tr("Making the demo photos …"))
        await asyncio.sleep(0)
        from ggt_studio.pipeline.demo import prepare_demo
        from ggt_studio.settings import data_folder

        await self._open(await prepare_demo(data_folder() / "demo", self.settings))

    def close_project(self) -> None:
        """Close the project and go back to the start page."""
        self.banners.clear()
        self.tasks.spawn(self._close_project())

    async def _close_project(self) -> None:
        """Close the open project, or wait for its closing; that goes on when nobody waits, because it frees the lock."""
        if self._putting_away is None and self.workspace is not None:
            self._putting_away = self._loop.create_task(self._put_away(self.workspace))
        if self._putting_away is not None:
            await asyncio.shield(self._putting_away)

    async def _put_away(self, workspace: Workspace) -> None:
        self.workspace = None
        try:
            try:
                await self._leave_page(workspace)
            finally:
                self.rail.hide()
                self._stack.setCurrentWidget(self.start_page)
                self.start_page.set_busy(self.tr("Closing {0} …").format(workspace.folder.name))
                await workspace.close()
        finally:
            self._putting_away = None
            for page in self._pages.values():
                if page is not self._restore:
                    self._stack.removeWidget(page)
                    page.deleteLater()
            self._pages, self._current = {}, ""
            self.start_page.set_busy("")
            self.start_page.set_settings(self.settings)
            self.setWindowTitle("GGT Studio")

    async def _leave_page(self, workspace: Workspace) -> None:
        current = self._current
        if page := self._pages.get(current):
            page.deactivated()
        if not workspace.read_only and current:
            await workspace.query(lambda project: project.set_meta("window.page", current))

    def _show_title(self, name: str, read_only: bool) -> None:
        self.setWindowTitle(f"{self.tr('{0} (read-only)').format(name) if read_only else name} - GGT Studio")

    def _show_waiting(self, status: Status) -> None:
        waiting = status.count(state=State.WAITING)
        self.rail.set_badge("review", count(waiting) if waiting else "")

    # --- pages --------------------------------------------------------------------------------------------------

    def show_page(self, name: str) -> None:
        """Bring a page to the front; it is made when it is first asked for. Without a project there is only `restore`."""
        if name == self._current or (self.workspace is None and name != "restore"):
            return
        if page := self._pages.get(self._current):
            page.deactivated()
        if name not in self._pages:
            page = self._pages[name] = self._make_page(name)
            self._stack.addWidget(page)
        if self._restore is not None:
            self._restore.set_alone(self.workspace is None)
            self._restore.restoring.offer_runs(self.workspace.folder if self.workspace is not None else None)
        self._current = name
        self.rail.set_current(name)
        self._stack.setCurrentWidget(self._pages[name])
        self._pages[name].activated()
        self._pages[name].setFocus()

    def _make_page(self, name: str) -> AnyPage:
        if name == "restore":
            return self._restore_page()
        from ggt_studio.ui.pages.factory import make_page

        assert self.workspace is not None
        # What photos are restored with is the restore page's own to change.
        page = make_page(
            name,
            self.workspace,
            self.settings,
            lambda settings: self.remember(replace(settings, restoring=self.settings.restoring)),
        )
        page.page_requested.connect(self.show_page)
        if name == "train":
            page.restorer_chosen.connect(self._restore_with)  # type: ignore[attr-defined]
        return page

    def _restore_with(self, checkpoint: str) -> None:
        self._restore_page().restoring.choose_model(checkpoint)
        self.show_page("restore")

    def _restore_page(self) -> RestorePage:
        """The page that restores photos: it needs no project, and what it does goes on when one is closed."""
        if self._restore is None:
            from ggt_studio.ui.pages.restore import RestorePage
            from ggt_studio.ui.state.restoring import Restoring

            self._restore = RestorePage(Restoring(self.tasks, self.settings, self._keys), self.settings)
            self._restore.choice_kept.connect(lambda kept: self.remember(replace(self.settings, restoring=kept)))
            self._restore.closed.connect(self._leave_restoring)
            self._restore.page_requested.connect(self.show_page)
        return self._restore

    def _leave_restoring(self) -> None:
        self._pages, self._current = {}, ""
        self._stack.setCurrentWidget(self.start_page)

    # --- messages -----------------------------------------------------------------------------------------------

    def show_error(self, error: Exception) -> None:
        """Tell a person what went wrong."""
        self.show_message(describe(error))

    def show_message(self, message: str) -> None:
        """Tell a person, in a banner that stays until it is dismissed."""
        self.banners.tell(Severity.ERROR, message)

    # --- settings and closing -------------------------------------------------------------------------------------

    def remember(self, settings: Settings) -> None:
        """Keep new preferences."""
        self.settings = settings
        try:
            save(settings)
        except OSError as error:
            self.show_message(
                self.tr("Your settings cannot be kept in {0}: {1}.").format(settings_file(), error.strerror or error)
            )
        if self.workspace is not None:
            self.workspace.session.settings = settings
        if self._restore is not None:
            self._restore.restoring.use(settings)

    def closeEvent(self, event: QCloseEvent) -> None:
        """Stop all work first; the window closes when that is recorded."""
        if self.closed.done():
            event.accept()
            return
        event.ignore()
        if self._shutting_down is None:
            self.setEnabled(False)
            keep_geometry(self)
            self._shutting_down = self._loop.create_task(self._shut_down())

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Enter presses the button that has the focus, as Space does, where nothing else took it."""
        button = self.focusWidget()
        enter = event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and not event.isAutoRepeat()
        plain = not event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier
        if enter and plain and isinstance(button, QPushButton | QToolButton):
            button.click()
        else:
            super().keyPressEvent(event)

    async def _shut_down(self) -> None:
        try:
            if self._restore is not None:
                self._restore.restoring.close()
            # A project that is being opened is closed by its own task, or it is there by now and closed below.
            await self.tasks.close()
            await self._close_project()
        finally:
            self.closed.set_result(None)
            self.close()

    def _add_shortcuts(self) -> None:
        for number, name in enumerate(PAGES, 1):
            self._shortcut(f"Ctrl+{number}", lambda _=False, name=name: self.show_page(name))
        self._shortcut("Ctrl+W", lambda: self.close_project() if self.workspace is not None else None)
        self._shortcut(QKeySequence.StandardKey.Quit, self.close)

    def _shortcut(self, keys: str | QKeySequence.StandardKey, action: object) -> None:
        entry = QAction(self)
        entry.setShortcut(QKeySequence(keys))
        entry.triggered.connect(action)
        self.addAction(entry)
