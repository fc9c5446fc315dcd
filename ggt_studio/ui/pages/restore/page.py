"""The restore page: photos in, a model, restored photos out; looked at side by side, before and after."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt, QTimer, QUrl, Signal
from PySide6.QtGui import QDesktopServices, QDragEnterEvent, QDropEvent, QKeySequence, QResizeEvent, QShortcut
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
from ggt_studio.pipeline.restoring import RestoreChoice, RestoreItem, Standing
from ggt_studio.settings import Settings
from ggt_studio.ui import theme
from ggt_studio.ui.format import counted
from ggt_studio.ui.pages.base import AnyPage
from ggt_studio.ui.pages.drops import dropped_paths
from ggt_studio.ui.pages.restore.panel import RestorePanel, model_kept
from ggt_studio.ui.pages.restore.photo_list import PhotoList
from ggt_studio.ui.pages.restore.words import detail_words, tr
from ggt_studio.ui.state.restoring import Look, Restoring
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
from ggt_studio.ui.widgets.compare.view import CompareView

_LIST_WIDTH, _NARROW_LIST_WIDTH, _PANEL_WIDTH = 208, 144, 288
_NARROW = 900
_PART = 512
"""The side of the part that is restored to be looked at, in px."""


class RestorePage(AnyPage):
    """`choice_kept` carries what is to be remembered of the choices; `closed` when a person goes back to the start page."""

    title = "Restore"
    icon_name = "mdi6.image-auto-adjust"
    choice_kept = Signal(dict)
    closed = Signal()

    def __init__(self, restoring: Restoring, settings: Settings, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.restoring, self._kept = restoring, settings.restoring
        self._shown: tuple[Path, Path | None] | None = None
        self._look: Look | None = None
        self.setAcceptDrops(True)
        self._build()
        self._keep_timer = QTimer(self, singleShot=True, interval=400)
        self._keep_timer.timeout.connect(self._keep)
        restoring.changed.connect(self._show_all)
        restoring.model_changed.connect(self._model_changed)
        restoring.looked.connect(self._take_look)
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
        self.banner = Banner()
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
        layout.addWidget(self.banner)
        layout.addWidget(self.strip)
        layout.addWidget(self._stack, 1)

    def _build_body(self) -> QWidget:
        self.photos = PhotoList()
        self.photos.setFixedWidth(_LIST_WIDTH)
        self.photos.chosen.connect(lambda _: self._show_photo())
        self.compare = CompareView(names=(tr("Photo"), tr("Restored")))
        self.compare.listen_to(self.photos)
        self.look = QPushButton(tr("Preview this part"))
        self.look.setToolTip(tr("Restore {0} px around the middle of what you see (P)").format(_PART))
        self.look.clicked.connect(self.look_closer)
        self.whole = QPushButton(tr("Whole photo"))
        self.whole.clicked.connect(self._leave_look)
        QShortcut(QKeySequence("P"), self).activated.connect(self.look.click)
        self.detail = QLabel()
        self.detail.setWordWrap(True)
        self.detail.setTextFormat(Qt.TextFormat.PlainText)
        theme.set_text(self.detail, Text.SMALL, muted=True)
        self.open_folder = QPushButton(tr("Show in folder"))
        self.open_folder.clicked.connect(self._open_folder)
        below = QHBoxLayout()
        below.setSpacing(SPACE_8)
        below.addWidget(self.detail, 1)
        for button in (self.open_folder, self.whole, self.look):
            below.addWidget(button)
        middle = QVBoxLayout()
        middle.setSpacing(SPACE_8)
        middle.addWidget(self.compare, 1)
        middle.addLayout(below)
        self.panel = RestorePanel(self.restoring)
        self.panel.changed.connect(self._choice_changed)
        self.panel.model.chosen.connect(self.restoring.choose_model)
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
        across.addLayout(middle, 1)
        across.addWidget(self._side)
        return body

    def resizeEvent(self, event: QResizeEvent) -> None:
        """The list gives up its room first where there is little."""
        self.photos.setFixedWidth(_LIST_WIDTH if event.size().width() >= _NARROW else _NARROW_LIST_WIDTH)
        super().resizeEvent(event)

    # --- the page's life ------------------------------------------------------------------------------------------

    def set_alone(self, alone: bool) -> None:
        """Whether no project is open, and the start page lies behind."""
        self.back.setVisible(alone)

    def activated(self) -> None:
        """Show what is so by now."""
        self._show_all()

    def _choice_changed(self) -> None:
        self._keep_timer.start()
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
        self._show_all()

    # --- photos ---------------------------------------------------------------------------------------------------

    def add(self, paths: list[Path]) -> None:
        """Let photos and folders wait."""
        self.banner.hide()
        self.restoring.add(paths)

    def _ask_for_photos(self) -> None:
        suffixes = " ".join(f"*{suffix}" for suffix in sorted(PHOTO_SUFFIXES))
        dialog = QFileDialog(
            self, tr("Photos to restore"), str(Path.home()), tr("Photos ({0});;All files (*)").format(suffixes)
        )
        dialog.setFileMode(QFileDialog.FileMode.ExistingFiles)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.filesSelected.connect(lambda names: self.add([Path(name) for name in names]))
        dialog.open()

    def _ask_for_folder(self) -> None:
        dialog = QFileDialog(self, tr("A folder of photos to restore"), str(Path.home()))
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(lambda name: self.add([Path(name)]))
        dialog.open()

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
            self.restoring.start(choice)

    def _choice(self) -> RestoreChoice | None:
        """What is chosen; None, and told, where it is gone."""
        self.banner.hide()
        panel = self.panel
        try:
            return self.restoring.choice(
                panel.output(),
                panel.settings(),
                panel.category.currentData(),
                overwrite=panel.files.overwrite.isChecked(),
            )
        except StudioError as error:
            self.banner.tell_error(error)
            return None

    def look_closer(self) -> None:
        """Restore the part around the middle of what is seen, to look at it."""
        item, size = self.photos.current, self._photo_size
        if item is None or size is None or not self.look.isEnabled() or (choice := self._choice()) is None:
            return
        width, height = size
        camera = self.compare.canvas.camera
        x, y = (0.5, 0.5) if camera.fitted else (camera.x, camera.y)
        left = round(min(max(x * width - _PART / 2, 0), max(width - _PART, 0)))
        top = round(min(max(y * height - _PART / 2, 0), max(height - _PART, 0)))
        part = (top, left, min(_PART, height), min(_PART, width))
        self.restoring.look_at(item, choice, part)

    @property
    def _photo_size(self) -> tuple[int, int] | None:
        """Width and height of the whole photo that is shown, where it is."""
        look = self._look
        if look is None or look.photo is None or look.part is not None:
            return None
        return look.photo.width(), look.photo.height()

    def _leave_look(self) -> None:
        self._shown = None
        self._show_photo()

    def _open_folder(self) -> None:
        item = self.photos.current
        folder = item.out.parent if item is not None and item.out is not None else self.restoring.queue.folder
        QDesktopServices.openUrl(QUrl.fromLocalFile(str(folder)))

    # --- showing --------------------------------------------------------------------------------------------------

    def _show_photo(self) -> None:
        item = self.photos.current
        if item is None:
            return
        wanted = (item.path, item.out)
        if wanted != self._shown:
            if self._shown is None or self._shown[0] != item.path:
                self.compare.show_loading()
            self._shown = wanted
            self.restoring.show(item)
        self._show_detail(item)

    def _show_detail(self, item: RestoreItem) -> None:
        look = self._look
        if look is not None and look.part is not None and look.path == item.path:
            top, left, height, width = look.part
            told = tr("A look at {0} × {1} px from {2}, {3}; took {4:.1f} s.")
            self.detail.setText(told.format(width, height, left, top, look.seconds))
        else:
            self.detail.setText(detail_words(item))
        self.whole.setVisible(look is not None and look.part is not None)
        self.open_folder.setVisible(item.out is not None)

    def _take_look(self, look: Look) -> None:
        item = self.photos.current
        if item is None or look.path != item.path:
            return
        self._look = look
        if look.photo is None:
            self.compare.show_broken(look.problem)
        else:
            waiting = tr("Not restored yet") if not look.problem else look.problem
            self.compare.set_images(look.photo, look.restored, hq_note=waiting)
        self._show_detail(item)
        self._show_buttons()

    def _show_all(self) -> None:
        restoring, queue = self.restoring, self.restoring.queue
        self._stack.setCurrentIndex(1 if queue.items else 0)
        self.photos.show_items(queue.items)
        self._show_photo()
        self.panel.show_folder(queue.folder)
        self.panel.set_frozen(restoring.running)
        self.strip.setVisible(restoring.running)
        if restoring.running:
            self._show_progress()
        self.sentence.setText(self._sentence())
        self._show_buttons()

    def _show_progress(self) -> None:
        queue = self.restoring.queue
        over = sum(item.standing not in (Standing.WAITING, Standing.RUNNING) for item in queue.items)
        now = next((item for item in queue.items if item.standing is Standing.RUNNING), None)
        self.strip.set_paused(queue.paused)
        doing = f"{now.path.name} {now.share:.0%}" if now is not None else tr("Beginning …")
        self.strip.set_progress(Progress(over, len(queue.items), None, queue.eta_s, doing=doing))

    def _show_buttons(self) -> None:
        restoring, items = self.restoring, self.restoring.queue.items
        waiting = restoring.queue.count(Standing.WAITING)
        self.primary.setVisible(bool(items) and not restoring.running)
        self.primary.setEnabled(not self._reason())
        if waiting:
            self.primary.setText(counted(waiting, tr("Restore 1 photo"), tr("Restore {0} photos")))
        else:
            self.primary.setText(tr("Restore again"))
        self.clear.setVisible(bool(items))
        self.add_folder.setVisible(True)
        self.add_button.setVisible(bool(items))
        for button in (self.clear, self.add_folder, self.add_button):
            button.setEnabled(not restoring.running)
        self.look.setText(tr("Restoring this part …") if restoring.looking else tr("Preview this part"))
        ready = not (self._lack() or restoring.running or restoring.looking)
        self.look.setEnabled(ready and self._photo_size is not None)

    def _reason(self) -> str:
        """Why nothing can be restored now; empty when it can."""
        if lack := self._lack():
            return lack
        return "" if any(item.takeable for item in self.restoring.queue.items) else tr("None of these can be read.")

    def _lack(self) -> str:
        """Why the model cannot be used now; empty when it can."""
        restoring = self.restoring
        if restoring.problem:
            return tr("This restorer cannot be used.")
        return tr("Reading the restorer …") if restoring.is_checkpoint and not restoring.about else ""

    def _sentence(self) -> str:
        queue = self.restoring.queue
        if not queue.items:
            return tr(
                "Photos in, restored ones out: seen side by side, with all that they have, in a folder of their own."
            )
        if not self.restoring.running and (reason := self._reason()):
            return reason
        parts = []
        for standing, one, many in (
            (Standing.WAITING, tr("1 waits"), tr("{0} wait")),
            (Standing.RESTORED, tr("1 restored"), tr("{0} restored")),
            (Standing.SKIPPED, tr("1 done before"), tr("{0} done before")),
            (Standing.FAILED, tr("1 not restored"), tr("{0} not restored")),
        ):
            if number := queue.count(standing):
                parts.append(counted(number, one, many))
        return " · ".join(parts)
