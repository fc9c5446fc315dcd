"""The restore page: photos in, a model, restored photos out; looked at side by side, before and after."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QKeySequence, QResizeEvent, QShortcut
from PySide6.QtWidgets import (
    QHBoxLayout,
    QScrollArea,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from ggt_studio.core.errors import StudioError
from ggt_studio.pipeline.restoring import RestoreChoice, Standing
from ggt_studio.settings import Settings
from ggt_studio.ui.pages.base import AnyPage
from ggt_studio.ui.pages.drops import dropped_paths
from ggt_studio.ui.pages.restore.header import RestoreHeader
from ggt_studio.ui.pages.restore.panel import RestorePanel, model_kept
from ggt_studio.ui.pages.restore.photo_list import PhotoList
from ggt_studio.ui.pages.restore.photo_view import PhotoView
from ggt_studio.ui.pages.restore.telling import (
    lack_words,
    look_price,
    primary_words,
    sentence,
    spent_words,
    uncertain_words,
)
from ggt_studio.ui.pages.restore.words import tr
from ggt_studio.ui.state.restoring import Restoring
from ggt_studio.ui.theme import SPACE_16
from ggt_studio.ui.widgets.common import (
    Banner,
    EmptyState,
    Progress,
    ProgressStrip,
    Severity,
)

_LIST_WIDTH, _NARROW_LIST_WIDTH, _PANEL_WIDTH = 208, 112, 288
_NARROW = 1100


class RestorePage(AnyPage):
    """`choice_kept` carries what is to be remembered of the choices; `closed` when a person goes back to the start page."""

    title = "Restore"
    icon_name = "mdi6.image-auto-adjust"
    choice_kept = Signal(dict)
    closed = Signal()

    def __init__(self, restoring: Restoring, settings: Settings, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.restoring, self._kept = restoring, settings.restoring
        self._counted: object = None
        self._doubts: tuple[str, str] | None = None
        self._alone = True
        self.setAcceptDrops(True)
        self._build()
        self._keep_timer = QTimer(self, singleShot=True, interval=400)
        self._keep_timer.timeout.connect(self._keep)
        self._count_timer = QTimer(self, singleShot=True, interval=200)
        self._count_timer.timeout.connect(self._count_cost)
        restoring.changed.connect(self._show_all)
        restoring.model_changed.connect(self._model_changed)
        restoring.offers.changed.connect(self._show_all)
        restoring.bill_changed.connect(self._show_all)
        restoring.failed.connect(lambda words: self.banner.tell(Severity.ERROR, words))
        self.panel.recall(settings.restoring)
        latest = model_kept(settings.restoring)
        if latest in restoring.generators or Path(latest).is_file():
            restoring.choose_model(latest)
        else:
            self._model_changed()

    # --- building -------------------------------------------------------------------------------------------------

    def _build(self) -> None:
        self.header = RestoreHeader()
        self.header.added.connect(self.add)
        self.back, self.primary, self.sentence = self.header.back, self.header.primary, self.header.sentence
        self.back.clicked.connect(lambda: self.closed.emit())
        self.header.clear.clicked.connect(self.restoring.clear)
        self.primary.clicked.connect(self.start)
        QShortcut(QKeySequence("Ctrl+Return"), self).activated.connect(self.primary.click)
        self.banner, self.uncertain = Banner(), Banner()
        self.uncertain.triggered.connect(self.repeat_uncertain)
        self.strip = ProgressStrip()
        self.strip.pause.connect(lambda: self.restoring.queue.pause())
        self.strip.resume.connect(lambda: self.restoring.queue.resume())
        self.strip.stop.connect(lambda: self.restoring.queue.stop())
        self.empty = EmptyState(
            "mdi6.image-auto-adjust",
            tr("Drop photos or folders here"),
            tr(
                "They are restored into a folder beside them and stay as they are. JPEG, PNG, TIFF, WebP, AVIF, HEIC and RAW are read."
            ),
            tr("Add photos …"),
        )
        self.empty.triggered.connect(self.header.ask_for_photos)
        self._stack = QStackedWidget()
        self._stack.addWidget(self.empty)
        self._stack.addWidget(self._build_body())
        layout = QVBoxLayout(self)
        layout.setContentsMargins(SPACE_16, SPACE_16, SPACE_16, SPACE_16)
        layout.setSpacing(SPACE_16)
        for widget in (self.header, self.banner, self.uncertain, self.strip):
            layout.addWidget(widget)
        layout.addWidget(self._stack, 1)

    def _build_body(self) -> QWidget:
        self.photos = PhotoList()
        self.photos.setFixedWidth(_LIST_WIDTH)
        self.view = PhotoView(self.restoring, self.photos)
        self.photos.chosen.connect(self.view.show_item)
        self.view.look_asked.connect(self.look_closer)
        self.panel = RestorePanel(self.restoring)
        self.panel.changed.connect(self._choice_changed)
        self.panel.model.chosen.connect(self.restoring.choose_model)
        self.panel.model.base_chosen.connect(lambda folder: self.restoring.choose_base(Path(folder)))
        self.panel.model.models_asked.connect(self._go_to_models)
        self.panel.files.folder_chosen.connect(self.restoring.choose_folder)
        self._side = QScrollArea()
        self._side.setWidgetResizable(True)
        self._side.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._side.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._side.setFixedWidth(_PANEL_WIDTH + SPACE_16)
        inside = QWidget()
        room = QVBoxLayout(inside)
        room.setContentsMargins(0, 0, SPACE_16, 0)
        room.addWidget(self.panel)
        self._side.setWidget(inside)
        body = QWidget()
        across = QHBoxLayout(body)
        across.setContentsMargins(0, 0, 0, 0)
        across.setSpacing(SPACE_16)
        across.addWidget(self.photos)
        across.addWidget(self.view, 1)
        across.addWidget(self._side)
        return body

    def resizeEvent(self, event: QResizeEvent) -> None:
        """The list gives up its room first where there is little."""
        self.photos.setFixedWidth(_LIST_WIDTH if event.size().width() >= _NARROW else _NARROW_LIST_WIDTH)
        super().resizeEvent(event)

    # --- the page's life ------------------------------------------------------------------------------------------

    def set_alone(self, alone: bool) -> None:
        """Whether no project is open, and the start page lies behind."""
        self._alone = alone
        self.back.setVisible(alone)

    def activated(self) -> None:
        """Show what is so by now."""
        self.restoring.offers.look()
        self._show_all()

    def _choice_changed(self) -> None:
        self._keep_timer.start()
        self._count_timer.start()
        self._show_all()

    def _keep(self) -> None:
        kept = self.panel.remembered()
        if kept != self._kept:
            self._kept = kept
            self.choice_kept.emit(kept)

    def _model_changed(self) -> None:
        self.panel.show_model()
        if self.restoring.about or not self.restoring.is_checkpoint:
            self._keep_timer.start()
        self.restoring.bill = None
        self._count_timer.start()
        self._show_all()

    def _go_to_models(self) -> None:
        if self._alone:
            words = tr(
                "Models on this machine are got in the settings of a project. Open or make one on the start page."
            )
            self.banner.tell(Severity.INFO, words)
        else:
            self.page_requested.emit("settings")

    # --- photos ---------------------------------------------------------------------------------------------------

    def add(self, paths: list[Path]) -> None:
        """Let photos and folders wait."""
        self.banner.hide()
        self.restoring.add(paths)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Files and folders are welcome, unless photos are being restored."""
        if dropped_paths(event.mimeData()) and not self.restoring.running:
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        """Take what was dropped."""
        event.acceptProposedAction()
        self.add(dropped_paths(event.mimeData()))

    # --- restoring ------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Restore what waits."""
        if not self._reason() and (choice := self._told_choice()) is not None:
            self.restoring.start(choice, self.panel.asked.money())

    def repeat_uncertain(self) -> None:
        """Ask again for photos that may have been charged before."""
        if not self._reason() and (choice := self._told_choice()) is not None:
            self.restoring.repeat_uncertain(choice, self.panel.asked.money().budget_usd)

    def look_closer(self, part: tuple[int, int, int, int]) -> None:
        """Restore a part of the photo that is shown, to look at it."""
        item = self.photos.current
        if item is not None and (choice := self._told_choice()) is not None:
            self.restoring.look_at(item, choice, part, self.panel.asked.money())

    def _told_choice(self) -> RestoreChoice | None:
        """What is chosen, for work that begins now; None, and told, where it is gone."""
        self.banner.hide()
        try:
            return self._choice()
        except StudioError as error:
            self.banner.tell_error(error)
            return None

    def _choice(self) -> RestoreChoice:
        panel = self.panel
        category, overwrite = panel.asked.category.currentData(), panel.files.overwrite.isChecked()
        return self.restoring.choice(panel.output(), panel.settings(), category, overwrite=overwrite)

    def _count_cost(self) -> None:
        if not self.restoring.running:
            self.restoring.count_cost(self._choice() if self.restoring.paid else None)

    # --- showing --------------------------------------------------------------------------------------------------

    def _show_all(self) -> None:
        restoring, queue = self.restoring, self.restoring.queue
        self._stack.setCurrentIndex(1 if queue.items else 0)
        self.photos.show_items(queue.items)
        self.view.show_item(self.photos.current)
        self.panel.show_folder(queue.folder)
        self.panel.set_frozen(restoring.running)
        self.strip.setVisible(restoring.running)
        if restoring.running:
            self._show_progress()
        reason = self._reason() if queue.items and not restoring.running else ""
        self.sentence.setText(reason or sentence(restoring))
        self._show_doubts()
        self._show_buttons()
        counted = (len(queue.items), queue.folder, restoring.running, restoring.looking)
        if counted != self._counted:
            self._counted = counted
            self._count_timer.start()

    def _show_doubts(self) -> None:
        """Once for the same ones: what was dismissed stays so."""
        doubts = None if self.restoring.running else uncertain_words(self.restoring.queue)
        if doubts == self._doubts:
            return
        self._doubts = doubts
        if doubts is None:
            self.uncertain.hide()
        else:
            self.uncertain.tell(Severity.WARNING, *doubts)

    def _show_progress(self) -> None:
        queue = self.restoring.queue
        over = sum(item.standing not in (Standing.WAITING, Standing.RUNNING) for item in queue.items)
        now = [item for item in queue.items if item.standing is Standing.RUNNING]
        self.strip.set_paused(queue.paused)
        doing = ", ".join(f"{item.path.name} {item.share:.0%}" for item in now) or tr("Beginning …")
        self.strip.set_progress(
            Progress(over, len(queue.items), None, queue.eta_s, cost=spent_words(self.restoring), doing=doing)
        )

    def _show_buttons(self) -> None:
        restoring = self.restoring
        self.header.show_for(photos=bool(restoring.queue.items), running=restoring.running)
        self.primary.setEnabled(not self._reason())
        self.primary.setText(primary_words(restoring))
        item = self.photos.current
        price = look_price(restoring, item) if item is not None else ""
        self.view.show_look(ready=not (lack_words(restoring) or restoring.running), price=price)

    def _reason(self) -> str:
        """Why nothing can be restored now; empty when it can."""
        if lack := lack_words(self.restoring):
            return lack
        return "" if any(item.takeable for item in self.restoring.queue.items) else tr("None of these can be read.")
