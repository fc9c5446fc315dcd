"""The dataset page: see what an export would hold, and export it."""

from __future__ import annotations

import asyncio
import json

from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QKeySequence, QResizeEvent, QShortcut
from PySide6.QtWidgets import QBoxLayout, QHBoxLayout, QLabel, QScrollArea, QStackedWidget, QVBoxLayout, QWidget

from ggt_studio.core.words import Stage, State
from ggt_studio.dataset.export import ExportReport
from ggt_studio.dataset.exported import exports_folder, find_exports
from ggt_studio.dataset.include import Include
from ggt_studio.dataset.preview import Member, SplitPreview, preview, selected
from ggt_studio.pipeline.exporting import ExportChoice
from ggt_studio.ui import theme
from ggt_studio.ui.format import counted
from ggt_studio.ui.pages.base import Page
from ggt_studio.ui.pages.dataset.choices import ExportChoices
from ggt_studio.ui.pages.dataset.counting import read_members
from ggt_studio.ui.pages.dataset.exports_list import ExportsList, ResultCard
from ggt_studio.ui.pages.dataset.preview_panel import PreviewPanel
from ggt_studio.ui.state.workspace import Workspace
from ggt_studio.ui.theme import SPACE_4, SPACE_16, SPACE_24, SPACE_32, Text
from ggt_studio.ui.widgets.common import (
    Banner,
    EmptyState,
    PageTitle,
    PrimaryButton,
    Progress,
    ProgressStrip,
    Severity,
    Toast,
)

_META = "dataset.choice"
_SIDE_BY_SIDE = 760
_PANEL_WIDTH, _CHOICES_WIDTH = 320, 720
_MEMBERS_MS, _MEMBERS_RUNNING_MS, _PREVIEW_MS = 300, 5000, 120


class DatasetPage(Page):
    """Choose which pairs, how and where to; export; load."""

    title = "Dataset"
    icon_name = "mdi6.database-export-outline"

    def __init__(self, workspace: Workspace, parent: QWidget | None = None) -> None:
        super().__init__(workspace, parent)
        self._members: list[Member] | None = None
        self._preview: SplitPreview | None = None
        self._asked = 0
        self._reader: asyncio.Future[list[Member]] | None = None
        self._stopping = False
        self._hint_wanted = True
        self._build()
        self._members_timer = QTimer(self, singleShot=True)
        self._members_timer.timeout.connect(self._read_members)
        self._preview_timer = QTimer(self, singleShot=True, interval=_PREVIEW_MS)
        self._preview_timer.timeout.connect(self._make_preview)
        workspace.status_changed.connect(lambda _: self._read_soon())
        workspace.patches_changed.connect(self._read_soon)
        workspace.work_changed.connect(self._show_all)
        workspace.export_done.connect(self._export_done)
        workspace.ask(lambda project: project.meta(_META), self._recall)
        self._show_all()

    # --- building --------------------------------------------------------------------------------------------------

    def _build(self) -> None:
        self.sentence = QLabel()
        self.sentence.setWordWrap(True)
        theme.set_text(self.sentence, Text.BODY, muted=True)
        self.primary = PrimaryButton(self.tr("Export"), "mdi6.export")
        self.primary.clicked.connect(self._export)
        self.setFocusProxy(self.primary)
        QShortcut(QKeySequence("Ctrl+Return"), self).activated.connect(self.primary.click)
        heading = QHBoxLayout()
        heading.addWidget(PageTitle(self.tr("Dataset")), 1)
        heading.addWidget(self.primary)
        header = QVBoxLayout()
        header.setSpacing(SPACE_4)
        header.addLayout(heading)
        header.addWidget(self.sentence)
        self.strip = ProgressStrip()
        self.strip.pause_button.hide()
        self.strip.stop.connect(self._stop)
        self.banner = Banner()
        self.banner.triggered.connect(lambda: self.page_requested.emit("review"))
        self.banner.dismissed.connect(self._hint_dismissed)
        self.result = ResultCard()
        self.exports = ExportsList()
        self.toast = Toast(self)
        for part in (self.result, self.exports):
            part.told.connect(self._tell)
        top = QVBoxLayout()
        top.setContentsMargins(0, 0, SPACE_16, 0)
        top.setSpacing(SPACE_16)
        top.addLayout(header)
        for widget in (self.banner, self.strip, self.result):
            top.addWidget(widget)
        self.empty = EmptyState("mdi6.database-export-outline", "")
        self.empty.triggered.connect(lambda: self.page_requested.emit("generate"))
        self._stack = QStackedWidget()
        self._stack.addWidget(self.empty)
        self._stack.addWidget(self._build_body())
        layout = QVBoxLayout(self)
        layout.setContentsMargins(SPACE_16, SPACE_16, 0, 0)
        layout.setSpacing(SPACE_16)
        layout.addLayout(top)
        layout.addWidget(self._stack, 1)

    def _build_body(self) -> QScrollArea:
        folder = self.workspace.folder
        self.choices = ExportChoices(exports_folder(folder), folder.name)
        self.choices.changed.connect(self._choice_changed)
        self.preview = PreviewPanel()
        self._columns = QBoxLayout(QBoxLayout.Direction.LeftToRight)
        self._columns.setSpacing(SPACE_32)
        self.choices.setMaximumWidth(_CHOICES_WIDTH)
        left = QHBoxLayout()
        left.addWidget(self.choices, 100)
        left.addStretch(1)
        self._columns.addLayout(left, 3)
        self._columns.addWidget(self.preview, 1)
        content = QWidget()
        inside = QVBoxLayout(content)
        inside.setContentsMargins(0, 0, SPACE_16, SPACE_24)
        inside.setSpacing(SPACE_16)
        inside.addLayout(self._columns)
        inside.addWidget(self.exports)
        inside.addStretch(1)
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        scroll.setWidget(content)
        return scroll

    def resizeEvent(self, event: QResizeEvent) -> None:
        """The preview goes below the choices where there is no room beside them."""
        beside = event.size().width() >= _SIDE_BY_SIDE
        self._columns.setDirection(QBoxLayout.Direction.LeftToRight if beside else QBoxLayout.Direction.TopToBottom)
        self.preview.setMinimumWidth(_PANEL_WIDTH if beside else 0)
        self.preview.setMaximumWidth(_PANEL_WIDTH if beside else 16_777_215)
        super().resizeEvent(event)

    # --- the page's life ---------------------------------------------------------------------------------------------

    def activated(self) -> None:
        """Read what may have changed meanwhile."""
        self._read_soon()
        self._list_exports()
        self._show_all()

    def _recall(self, remembered: str) -> None:
        try:
            found = json.loads(remembered) if remembered else {}
        except ValueError:
            found = {}
        if isinstance(found, dict):
            self.choices.recall(found)
        self._preview_timer.start()
        self._show_all()

    def _choice_changed(self) -> None:
        if not self.workspace.read_only:
            remembered = json.dumps(self.choices.to_remember())
            self.workspace.ask(lambda project: project.set_meta(_META, remembered), lambda _: None)
        self._preview_timer.start()
        self._show_all()

    def _list_exports(self) -> None:
        folder = self.workspace.folder / "exports"
        self.workspace.tasks.spawn(asyncio.to_thread(find_exports, folder), self.exports.show_exports)

    # --- exporting ---------------------------------------------------------------------------------------------------

    def _export(self) -> None:
        self.banner.hide()
        self.result.hide()
        self._stopping = False
        choice = self.choices.choice
        self.workspace.start_export(
            ExportChoice(choice.dest.expanduser(), choice.layout, choice.include, choice.test_count, choice.seed)
        )

    def _stop(self) -> None:
        self._stopping = True
        self.workspace.stop_export()

    def _export_done(self, report: ExportReport) -> None:
        self._stopping = False
        self.result.show_report(report)
        self.choices.propose_folder()
        self._list_exports()
        self._show_all()

    def _hint_dismissed(self) -> None:
        if self.banner.severity is Severity.INFO:
            self._hint_wanted = False

    def _tell(self, words: str, is_problem: bool) -> None:
        if is_problem:
            self.banner.tell(Severity.ERROR, words)
        else:
            self.toast.tell(words)

    # --- counting ----------------------------------------------------------------------------------------------------

    def _read_soon(self) -> None:
        self._show_all()
        if not self._members_timer.isActive():
            self._members_timer.start(_MEMBERS_RUNNING_MS if self.workspace.running else _MEMBERS_MS)

    def _read_members(self) -> None:
        if self.isVisible() and (self._reader is None or self._reader.done()):
            self._reader = self.workspace.tasks.spawn(read_members(self.workspace), self._take_members)

    def _take_members(self, found: list[Member]) -> None:
        self._members = found
        self.choices.show_counts({include: len(selected(found, include)) for include in Include})
        self._make_preview()

    def _make_preview(self) -> None:
        if self._members is None:
            return
        choice, found = self.choices.choice, self._members
        self._asked += 1
        asked = self._asked
        work = asyncio.to_thread(preview, found, choice.include, choice.test_count, choice.seed)
        self.workspace.tasks.spawn(work, lambda made: self._take_preview(made, asked))

    def _take_preview(self, made: SplitPreview, asked: int) -> None:
        if asked == self._asked:
            self._preview = made
            self.preview.show_preview(made)
            self._show_all()

    # --- showing -----------------------------------------------------------------------------------------------------

    def _show_all(self) -> None:
        status, exporting = self.workspace.status, self.workspace.exporting
        nothing = status is not None and not status.count(stage_at_least=Stage.GENERATED) and not self._members
        if nothing:
            self.empty.set(
                "mdi6.database-export-outline",
                self.tr("Nothing to export yet"),
                self.tr(
                    "Run a recipe over your patches first. Pairs that you then accept in Review can be exported here."
                ),
                self.tr("Go to Generate"),
            )
        self._stack.setCurrentIndex(0 if nothing else 1)
        self.primary.setVisible(not nothing and exporting is None)
        self.strip.setVisible(exporting is not None)
        self.choices.setEnabled(exporting is None)
        if exporting is not None:
            words = (
                self.tr("Stopping …")
                if self._stopping
                else self.tr("Exporting to {0}").format(self.choices.choice.dest)
            )
            self.strip.set_progress(Progress(exporting.done, exporting.total, doing=words))
        reason = self._reason()
        self.primary.setEnabled(not reason)
        pairs = self._preview.pairs if self._preview else 0
        shown = reason or counted(pairs, self.tr("1 pair is ready."), self.tr("{0} pairs are ready."))
        if exporting is None and self._stopping:
            shown = self.tr("The export was stopped; nothing of it was left behind.")
        self.sentence.setText(shown)
        self.sentence.setVisible(not nothing and exporting is None)
        self._show_hint()

    def _reason(self) -> str:
        """Why nothing can be exported now; empty when it can."""
        made = self._preview
        if made is None:
            return self.tr("Counting the pairs …")
        if not made.pairs:
            return self.tr("No pair is in this selection.")
        return made.problem or self.choices.problem

    def _show_hint(self) -> None:
        """Nothing verified yet: say where pairs become that."""
        status = self.workspace.status
        wanted = self.choices.include.value == Include.VERIFIED.value
        wanted = wanted and self._hint_wanted and self._preview is not None and not self._preview.pairs
        if status is None or not wanted:
            if self.banner.severity is Severity.INFO:
                self.banner.hide()
            return
        waiting = status.count(state=State.WAITING)
        if not waiting:
            words, action = self.tr("No pair is verified yet, and none waits for you."), ""
        else:
            pairs = counted(waiting, self.tr("1 waits"), self.tr("{0} wait"))
            words = self.tr("No pair is verified yet: {0} for you in Review.").format(pairs)
            action = self.tr("Review")
        if self.banner.isHidden() or self.banner.severity is Severity.INFO:
            self.banner.tell(Severity.INFO, words, action)
