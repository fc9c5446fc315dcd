"""The restore page: photos in, a model, restored photos out; looked at side by side, before and after."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QKeySequence, QResizeEvent, QShortcut
from PySide6.QtWidgets import (
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QScrollArea,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from ggt_studio.core.errors import StudioError
from ggt_studio.dataset.discovery import PHOTO_SUFFIXES
from ggt_studio.pipeline.restoring import RestoreChoice, Standing
from ggt_studio.settings import Settings
from ggt_studio.ui import theme
from ggt_studio.ui.format import money
from ggt_studio.ui.pages.base import AnyPage
from ggt_studio.ui.pages.drops import dropped_paths
from ggt_studio.ui.pages.restore.panel import RestorePanel, model_kept
from ggt_studio.ui.pages.restore.parts import show_dialog
from ggt_studio.ui.pages.restore.photo_list import PhotoList
from ggt_studio.ui.pages.restore.photo_view import PhotoView
from ggt_studio.ui.pages.restore.telling import lack_words, primary_words, sentence, spent_words, uncertain_words
from ggt_studio.ui.pages.restore.words import tr
from ggt_studio.ui.state.restoring import Restoring
from ggt_studio.ui.theme import SPACE_4, SPACE_8, SPACE_16, Text
from ggt_studio.ui.widgets.common import (
    Banner,
    EmptyState,
    PageTitle,
    PrimaryButton,
    Progress,
    ProgressStrip,
    Severity,
    quiet_button,
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
        self.back = quiet_button("mdi6.arrow-left", tr("Start page"), text=tr("Start page"))
        self.back.clicked.connect(lambda: self.closed.emit())
        self.add_button = QPushButton(tr("Add photos …"))
        self.add_button.clicked.connect(self._ask_for_photos)
        self.add_folder = QPushButton(tr("Add a folder …"))
        self.add_folder.clicked.connect(self._ask_for_folder)
        self.clear = QPushButton(tr("Clear"))
        self.clear.setToolTip(tr("Take all photos off the list; their files stay"))
        self.clear.clicked.connect(self.restoring.clear)
        self.primary = PrimaryButton(tr("Restore"), "mdi6.image-auto-adjust")
        self.primary.clicked.connect(self.start)
        QShortcut(QKeySequence("Ctrl+Return"), self).activated.connect(self.primary.click)
        self.sentence = QLabel()
        theme.set_text(self.sentence, Text.BODY, muted=True)
        self.sentence.setWordWrap(True)
        buttons = QHBoxLayout()
        buttons.setSpacing(SPACE_8)
        buttons.addWidget(self.back)
        buttons.addWidget(PageTitle(tr("Restore")), 1)
        for button in (self.clear, self.add_folder, self.add_button, self.primary):
            buttons.addWidget(button)
        header = QVBoxLayout()
        header.setSpacing(SPACE_4)
        header.addLayout(buttons)
        header.addWidget(self.sentence)
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
        self.empty.triggered.connect(self._ask_for_photos)
        self._stack = QStackedWidget()
        self._stack.addWidget(self.empty)
        self._stack.addWidget(self._build_body())
        layout = QVBoxLayout(self)
        layout.setContentsMargins(SPACE_16, SPACE_16, SPACE_16, SPACE_16)
        layout.setSpacing(SPACE_16)
        layout.addLayout(header)
        for widget in (self.banner, self.uncertain, self.strip):
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

    def _ask_for_photos(self) -> None:
        suffixes = " ".join(f"*{suffix}" for suffix in sorted(PHOTO_SUFFIXES))
        kinds = tr("Photos ({0});;All files (*)").format(suffixes)
        dialog = QFileDialog(self, tr("Photos to restore"), str(Path.home()), kinds)
        dialog.setFileMode(QFileDialog.FileMode.ExistingFiles)
        dialog.filesSelected.connect(lambda names: self.add([Path(name) for name in names]))
        show_dialog(dialog)

    def _ask_for_folder(self) -> None:
        dialog = QFileDialog(self, tr("A folder of photos to restore"), str(Path.home()))
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.fileSelected.connect(lambda name: self.add([Path(name)]))
        show_dialog(dialog)

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
        if not self._reason() and (choice := self._choice()) is not None:
            self.restoring.start(choice, self.panel.asked.money())

    def repeat_uncertain(self) -> None:
        """Ask again for photos that may have been charged before."""
        if not self._reason() and (choice := self._choice()) is not None:
            self.restoring.repeat_uncertain(choice, self.panel.asked.money().budget_usd)

    def look_closer(self, part: tuple[int, int, int, int]) -> None:
        """Restore a part of the photo that is shown, to look at it."""
        item = self.photos.current
        if item is not None and (choice := self._choice()) is not None:
            self.restoring.look_at(item, choice, part, self.panel.asked.money())

    def _choice(self) -> RestoreChoice | None:
        """What is chosen; None, and told, where it is gone."""
        self.banner.hide()
        panel = self.panel
        category, overwrite = panel.asked.category.currentData(), panel.files.overwrite.isChecked()
        try:
            return self.restoring.choice(panel.output(), panel.settings(), category, overwrite=overwrite)
        except StudioError as error:
            self.banner.tell_error(error)
            return None

    def _count_cost(self) -> None:
        restoring = self.restoring
        if restoring.is_checkpoint or not restoring.running:
            choice = None if restoring.is_checkpoint else self._choice()
            restoring.count_cost(choice)

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
        self.sentence.setText(
            self._reason() if queue.items and not restoring.running and self._reason() else sentence(restoring)
        )
        doubtful = uncertain_words(queue)
        if doubtful and not restoring.running:
            self.uncertain.tell(Severity.WARNING, *doubtful)
        else:
            self.uncertain.hide()
        self._show_buttons()
        counted = (len(queue.items), queue.folder, restoring.running, restoring.looking)
        if counted != self._counted:
            self._counted = counted
            self._count_timer.start()

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
        restoring, items = self.restoring, self.restoring.queue.items
        self.primary.setVisible(bool(items) and not restoring.running)
        self.primary.setEnabled(not self._reason())
        self.primary.setText(primary_words(restoring))
        self.clear.setVisible(bool(items))
        self.add_button.setVisible(bool(items))
        for button in (self.clear, self.add_folder, self.add_button):
            button.setEnabled(not restoring.running)
        item, info = self.photos.current, restoring.info
        to_pay = (
            info is not None
            and info.paid
            and item is not None
            and restoring.bill is not None
            and item.path in restoring.bill.asked
        )
        self.view.show_look(
            ready=not (lack_words(restoring) or restoring.running),
            price=money(info.price_usd) if to_pay and info is not None else "",
        )

    def _reason(self) -> str:
        """Why nothing can be restored now; empty when it can."""
        if lack := lack_words(self.restoring):
            return lack
        return "" if any(item.takeable for item in self.restoring.queue.items) else tr("None of these can be read.")
