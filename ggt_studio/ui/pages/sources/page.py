"""The sources page: header with the import, the patches of the project, those set aside, and what is on record."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QPoint, Qt, QTimer
from PySide6.QtGui import QDragEnterEvent, QDragLeaveEvent, QDropEvent, QKeySequence, QResizeEvent, QShortcut
from PySide6.QtWidgets import QStackedWidget, QVBoxLayout, QWidget

from ggt_studio.core.model import Patch, Photo
from ggt_studio.dataset.importer import ImportOptions, ImportReport
from ggt_studio.store import photos
from ggt_studio.store.patches import Filter, patch
from ggt_studio.store.project import Project
from ggt_studio.store.status import Status
from ggt_studio.ui.pages.base import Page
from ggt_studio.ui.pages.drops import dropped_paths
from ggt_studio.ui.pages.sources.aside import AsideList
from ggt_studio.ui.pages.sources.aside_rows import read_rows
from ggt_studio.ui.pages.sources.browser import PatchBrowser
from ggt_studio.ui.pages.sources.changes import Changes
from ggt_studio.ui.pages.sources.header import Header, set_aside
from ggt_studio.ui.pages.sources.import_panel import ImportPanel, options_from_json, options_to_json
from ggt_studio.ui.pages.sources.import_strip import ImportStrip
from ggt_studio.ui.pages.sources.sampling_panel import SAMPLE_HOLDS, SampleChoice, SamplingPanel
from ggt_studio.ui.pages.sources.screening_panel import ScreeningPanel
from ggt_studio.ui.state.workspace import Workspace
from ggt_studio.ui.theme import SPACE_8, SPACE_16
from ggt_studio.ui.widgets.common import EmptyState, Toast

OPTIONS = "window.import"
RELOAD_MS = 1500
EMPTY, PATCHES, ASIDE = 0, 1, 2


class SourcesPage(Page):
    """Import photos, look at their patches, put categories right, sample."""

    def __init__(self, workspace: Workspace, parent: QWidget | None = None) -> None:
        super().__init__(workspace, parent)
        self.setAcceptDrops(not workspace.read_only)
        self._forbidden = (
            self.tr("This project is open read-only. Close it in the other window, then open it here again.")
            if workspace.read_only
            else ""
        )
        self.header = Header(self._forbidden)
        self.import_panel = ImportPanel()
        self.sampling = SamplingPanel()
        self.screening = ScreeningPanel(workspace, self._forbidden)
        self.strip = ImportStrip()
        self.browser = PatchBrowser(workspace, self._forbidden)
        self.aside = AsideList(self._forbidden)
        self.empty = EmptyState(
            "mdi6.image-plus-outline",
            self.tr("No photos yet"),
            self.tr(
                "Drop a folder of real low-quality photos here. They are cut into patches of 1024 x 1024 px; the photos"
                " stay where they are and are never altered. Folders named rain, haze, snow, low-light or old-photo give"
                " their photos a category."
            )
            if not workspace.read_only
            else self.tr("Nothing was imported into this project."),
        )
        self.toast = Toast(self)
        self.changes = Changes(workspace, self.toast)
        self._reload = QTimer(self, interval=RELOAD_MS)
        self._reload.setSingleShot(True)
        self._reload.timeout.connect(self._reload_now)
        self._stale = False
        self._kept_options = ImportOptions()
        self._lay_out()
        self._connect()
        workspace.ask(lambda project: project.meta(OPTIONS), self._recall_options)
        if workspace.status is not None:
            self._show_status(workspace.status)

    def _lay_out(self) -> None:
        self._stack = QStackedWidget()
        for part in (self.empty, self.browser, self.aside):
            self._stack.addWidget(part)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(SPACE_16, SPACE_16, SPACE_16, SPACE_8)
        layout.setSpacing(SPACE_8)
        for part in (self.header, self.import_panel, self.sampling, self.screening, self.strip):
            layout.addWidget(part)
        layout.addWidget(self._stack, 1)
        self.import_panel.hide()
        self.sampling.hide()
        self.screening.hide()

    def _connect(self) -> None:
        self.header.add_requested.connect(lambda: self.offer_import([]))
        self.header.sampling_toggled.connect(self.sampling.setVisible)
        self.header.screening_toggled.connect(self.screening.setVisible)
        self.screening.release_chosen.connect(self.changes.release)
        self.screening.held_asked.connect(self._show_held)
        self.screening.models_asked.connect(lambda: self.page_requested.emit("settings"))
        self.header.tab_chosen.connect(lambda _: self._choose_view())
        self.import_panel.accepted.connect(self._start_import)
        self.import_panel.cancelled.connect(self._hide_import)
        self.sampling.sample_requested.connect(self._sample)
        self.sampling.release_requested.connect(
            lambda: self.workspace.release(SAMPLE_HOLDS, self.sampling.show_released)
        )
        self.strip.stop_requested.connect(self.workspace.stop_import)
        self.strip.aside_requested.connect(self._show_aside)
        self.browser.patch_chosen.connect(self._show_details)
        self.browser.category_chosen.connect(self.changes.set_category)
        self.browser.hold_chosen.connect(self.changes.hold)
        self.browser.tryout_chosen.connect(self._try_out)
        self.browser.release_chosen.connect(self.changes.release)
        self.browser.remove_chosen.connect(self.changes.remove)
        self.aside.put_back_chosen.connect(self.changes.put_back)
        self.browser.menu_asked.connect(self._show_menu)
        self.workspace.status_changed.connect(self._show_status)
        self.workspace.work_changed.connect(self._show_work)
        self.workspace.patches_changed.connect(self._reload_now)
        self.workspace.patch_changed.connect(lambda _: self._reload_soon())
        self.workspace.import_done.connect(self._imported)
        for key in ("Ctrl+O", "Ctrl+I"):
            QShortcut(QKeySequence(key), self, lambda: self.offer_import([]))

    # --- showing ---------------------------------------------------------------------------------------------------

    def _try_out(self, patch_ids: list[int]) -> None:
        self.workspace.trying.wanted = list(patch_ids)
        self.page_requested.emit("generate")

    def activated(self) -> None:
        """Show what changed while another page was in front."""
        if self._stale or not self.browser.source.ready:
            self._reload_now()
        self.screening.read()
        self._show_work()

    def deactivated(self) -> None:
        """Remember what a person would choose again for the next photos."""
        self._remember_options()

    def _show_status(self, status: Status) -> None:
        self.header.show_status(status)
        self.browser.show_status(status)
        self.sampling.show_status(status, self._forbidden)
        self._choose_view()
        self._reload_soon()

    def _choose_view(self) -> None:
        status = self.workspace.status
        full = status is not None and (status.patches > 0 or set_aside(status) > 0)
        busy = self.workspace.importing is not None
        self.header.set_filled(full)
        view = EMPTY if not full and not busy else ASIDE if self.header.on_aside else PATCHES
        self._stack.setCurrentIndex(view)
        if view == ASIDE:
            self.workspace.ask(read_rows, self.aside.show_rows)

    def _reload_soon(self) -> None:
        if not self.isVisible():
            self._stale = True
        elif not self._reload.isActive():
            self._reload.start()

    def _reload_now(self) -> None:
        if not self.isVisible() and self.browser.source.ready:
            self._stale = True
            return
        self._stale = False
        self.browser.source.reload()
        if self._stack.currentIndex() == ASIDE:
            self.workspace.ask(read_rows, self.aside.show_rows)

    def _show_work(self) -> None:
        progress = self.workspace.importing
        self.strip.show_progress(progress)
        self.header.set_importing(progress is not None)
        self._choose_view()

    def _show_held(self) -> None:
        self.header.tabs.set_value("patches")
        self._choose_view()
        self.browser.show_held()

    def _show_details(self, patch_id: int) -> None:
        def read(project: Project) -> tuple[Patch, Photo, int]:
            found = patch(project, patch_id)
            photo = photos.photo(project, found.photo_id)
            return found, photo, photos.alike(project, photo)

        self.workspace.ask(read, lambda result: self.browser.show_details(*result))

    # --- importing -------------------------------------------------------------------------------------------------

    def offer_import(self, paths: Sequence[Path]) -> None:
        """Open the panel with these photos chosen; without any, a person chooses there."""
        if self.workspace.read_only or self.workspace.importing is not None:
            return
        if paths:
            self.import_panel.set_paths(paths)
        self.import_panel.show()
        self.header.set_offering(True)
        (self.import_panel.go if self.import_panel.paths else self.import_panel.folder_button).setFocus()

    def _hide_import(self) -> None:
        self.import_panel.hide()
        self.import_panel.set_paths([])
        self.header.set_offering(False)
        self.header.add_button.setFocus()

    def _start_import(self, paths: list[Path], options: ImportOptions) -> None:
        self._remember_options()
        self._hide_import()
        self.strip.begin()
        self.workspace.start_import(paths, options)

    def _imported(self, report: ImportReport) -> None:
        self.strip.show_report(report)

    def _recall_options(self, text: str) -> None:
        if text and not self.import_panel.isVisible():
            self._kept_options = options_from_json(text)
            self.import_panel.set_options(self._kept_options)

    def _remember_options(self) -> None:
        options = self.import_panel.options
        if not self.workspace.read_only and options != self._kept_options:
            self._kept_options = options
            text = options_to_json(options)
            self.workspace.ask(lambda project: project.set_meta(OPTIONS, text), lambda _: None)

    def _show_aside(self) -> None:
        self.header.choose_aside()
        self._choose_view()

    # --- changing --------------------------------------------------------------------------------------------------

    def _sample(self, choice: SampleChoice) -> None:
        self.workspace.sample(
            choice.ratio,
            choice.total,
            choice.seed,
            near_duplicates=choice.near_duplicates,
            done=self.sampling.show_sampled,
        )

    def _show_menu(self, place: QPoint) -> None:
        self.browser.bar.menu().popup(place)

    # --- drops and room --------------------------------------------------------------------------------------------

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Files and folders are welcome while nothing is being imported."""
        if self.workspace.importing is None and dropped_paths(event.mimeData()):
            event.acceptProposedAction()
            self.header.set_dragged_over(True)

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:
        """Another time, then."""
        self.header.set_dragged_over(False)

    def dropEvent(self, event: QDropEvent) -> None:
        """Offer to import what was dropped."""
        self.header.set_dragged_over(False)
        event.acceptProposedAction()
        self.offer_import([*self.import_panel.paths, *dropped_paths(event.mimeData())])

    def resizeEvent(self, event: QResizeEvent) -> None:
        """The filters give up their words where room is scarce."""
        super().resizeEvent(event)
        self.browser.set_room(event.size().width() - 2 * SPACE_16)

    @property
    def filter(self) -> Filter:
        """Which patches are shown."""
        return self.browser.filters.filter

    def setFocus(self, reason: Qt.FocusReason = Qt.FocusReason.OtherFocusReason) -> None:
        """The keyboard goes to the patches where there are some."""
        (self.browser.grid if self._stack.currentIndex() == PATCHES else self.header.add_button).setFocus(reason)
