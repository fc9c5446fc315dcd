"""The start page: go on with a recent project, open one, make one, or try the demo."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import (
    QDragEnterEvent,
    QDragLeaveEvent,
    QDropEvent,
    QKeySequence,
    QPainter,
    QPaintEvent,
    QPen,
    QShortcut,
    QShowEvent,
)
from PySide6.QtWidgets import (
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QScrollArea,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from ggt_studio import __version__
from ggt_studio.settings import Settings
from ggt_studio.ui import theme
from ggt_studio.ui.pages.drops import dropped_paths
from ggt_studio.ui.pages.new_project import NewProjectForm
from ggt_studio.ui.pages.recent import RecentProjects, is_project
from ggt_studio.ui.theme import SPACE_4, SPACE_8, SPACE_16, SPACE_24, SPACE_32, Text
from ggt_studio.ui.widgets.common import EmptyState, PrimaryButton

COLUMN = 720


class StartPage(QWidget):
    """Shown while no project is open. Imports nothing heavy: it is the window's first paint."""

    open_requested = Signal(Path)
    create_requested = Signal(Path)
    demo_requested = Signal()
    restore_requested = Signal()
    """Restore photos without a project."""
    import_requested = Signal(Path, list)
    """Make a project in this folder and offer to import these files and folders into it."""
    settings_changed = Signal(object)
    """New `Settings`: a project was taken off the list."""

    def __init__(self, settings: Settings, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAcceptDrops(True)
        self._settings = settings
        self._dragged_over = False
        self.new_button = PrimaryButton(self.tr("New project …"), "mdi6.plus")
        self.new_button.setToolTip(_with_key(self.tr("Make a new project"), QKeySequence.StandardKey.New))
        self.new_button.clicked.connect(self.offer_new)
        self.open_button = QPushButton(self.tr("Open …"))
        self.open_button.setToolTip(_with_key(self.tr("Open a project from disk"), QKeySequence.StandardKey.Open))
        self.open_button.clicked.connect(self.choose_project)
        self.demo_button = QPushButton(self.tr("Try the demo"))
        self.demo_button.setToolTip(
            self.tr("A project with photos that come with the program; no account, no network.")
        )
        self.demo_button.clicked.connect(self.demo_requested)
        self.restore_button = QPushButton(self.tr("Restore photos"))
        self.restore_button.setToolTip(self.tr("Put photos through a restorer; no project is needed"))
        self.restore_button.clicked.connect(self.restore_requested)
        self.recent = RecentProjects()
        self.recent.opened.connect(self.open_requested)
        self.recent.removed.connect(self._forget)
        self.form = NewProjectForm()
        self.form.accepted.connect(self._create)
        self.form.cancelled.connect(self.hide_form)
        self.busy = _Busy()
        self.empty = EmptyState(
            "mdi6.image-plus-outline",
            self.tr("Start with a folder of real photos"),
            self.tr(
                "Drop a folder of low-quality photos here to make a project of them, or drop a project to open it."
                " Photos stay where they are and are never altered."
            ),
        )
        self._lay_out()
        QShortcut(QKeySequence(QKeySequence.StandardKey.New), self, self.offer_new)
        QShortcut(QKeySequence(QKeySequence.StandardKey.Open), self, self.choose_project)
        self.set_settings(settings)

    def _lay_out(self) -> None:
        title = QLabel("GGT Studio")
        theme.set_text(title, Text.TITLE)
        about = QLabel(self.tr("Make, check and review generative ground truth for image restoration"))
        theme.set_text(about, Text.BODY, muted=True)
        about.setWordWrap(True)
        buttons = QHBoxLayout()
        buttons.setSpacing(SPACE_8)
        buttons.addWidget(title, 1)
        for button in (self.restore_button, self.demo_button, self.open_button, self.new_button):
            buttons.addWidget(button)
        header = QVBoxLayout()
        header.setSpacing(SPACE_4)
        header.addLayout(buttons)
        header.addWidget(about)
        self._heading = QLabel(self.tr("Recent projects"))
        theme.set_text(self._heading, Text.HEADING)
        self._list = QScrollArea()
        self._list.setWidgetResizable(True)
        self._list.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        inside = QWidget()
        rows = QVBoxLayout(inside)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.addWidget(self.recent)
        rows.addStretch(1)
        self._list.setWidget(inside)
        self._list.viewport().setAutoFillBackground(False)
        inside.setAutoFillBackground(False)
        self._body = QStackedWidget()
        self._body.addWidget(self._list)
        self._body.addWidget(self.empty)
        version = QLabel(self.tr("Version {0}").format(__version__))
        theme.set_text(version, Text.SMALL, muted=True)
        column = QWidget()
        column.setMaximumWidth(COLUMN)
        down = QVBoxLayout(column)
        down.setContentsMargins(SPACE_24, SPACE_32, SPACE_24, SPACE_16)
        down.setSpacing(SPACE_16)
        down.addLayout(header)
        down.addWidget(self.busy)
        down.addWidget(self.form)
        down.addSpacing(SPACE_16)
        down.addWidget(self._heading)
        down.addWidget(self._body, 1)
        down.addWidget(version)
        self.form.hide()
        across = QHBoxLayout(self)
        across.setContentsMargins(0, 0, 0, 0)
        across.addStretch(1)
        across.addWidget(column, 100)
        across.addStretch(1)

    def showEvent(self, event: QShowEvent) -> None:
        """The keyboard is where most people go on: at the latest project."""
        super().showEvent(event)
        first = next(iter(self.recent.rows.values()), None)
        (first.open_button if first else self.new_button).setFocus()

    # --- what is shown ---------------------------------------------------------------------------------------------

    def set_settings(self, settings: Settings) -> None:
        """Show the recent projects of these settings, looked up on disk afresh."""
        self._settings = settings
        self.recent.show_folders(settings.recent)
        self._heading.setVisible(bool(settings.recent))
        self._body.setCurrentWidget(self._list if settings.recent else self.empty)

    def set_busy(self, text: str) -> None:
        """Say what is being done while nothing can be chosen; an empty text ends that."""
        self.busy.tell(text)
        for part in (
            *(self.new_button, self.open_button, self.demo_button, self.restore_button),
            *(self.form, self.recent),
        ):
            part.setEnabled(not text)
        self.setAcceptDrops(not text)

    # --- making and opening --------------------------------------------------------------------------------------------

    def offer_new(self, _: bool = False, *, photos: Sequence[Path] = ()) -> None:
        """Show the form that makes a project; with `photos` they are imported next."""
        last = Path(self._settings.recent[0]).parent if self._settings.recent else None
        self.form.show()
        self.new_button.hide()
        self.form.offer(last if last and last.is_dir() else None, photos)

    def hide_form(self) -> None:
        """Put the form away."""
        self.form.hide()
        self.new_button.show()
        self.new_button.setFocus()

    def _create(self, folder: Path, photos: list[Path]) -> None:
        self.hide_form()
        if photos:
            self.import_requested.emit(folder, photos)
        else:
            self.create_requested.emit(folder)

    def choose_project(self) -> None:
        """Let a person pick a project's folder."""
        start = str(Path(self._settings.recent[0]).parent) if self._settings.recent else str(Path.home())
        dialog = QFileDialog(self, self.tr("Open a project: choose its folder"), start)
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(lambda folder: self.open_requested.emit(Path(folder)))
        dialog.open()

    def _forget(self, folder: Path) -> None:
        rest = tuple(path for path in self._settings.recent if Path(path) != folder)
        self.set_settings(replace(self._settings, recent=rest))
        self.settings_changed.emit(self._settings)

    # --- drops -----------------------------------------------------------------------------------------------------

    def take_paths(self, paths: Sequence[Path]) -> None:
        """Open a dropped project; offer to make one of dropped photos."""
        folders = [path.parent if path.is_file() and is_project(path.parent) else path for path in paths]
        project = next((folder for folder in folders if is_project(folder)), None)
        if project is not None:
            self.open_requested.emit(project)
        elif paths:
            self.offer_new(photos=paths)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Files and folders are welcome."""
        if dropped_paths(event.mimeData()):
            event.acceptProposedAction()
            self._show_drag(True)

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:
        """Another time, then."""
        self._show_drag(False)

    def dropEvent(self, event: QDropEvent) -> None:
        """Take what was dropped."""
        self._show_drag(False)
        event.acceptProposedAction()
        self.take_paths(dropped_paths(event.mimeData()))

    def _show_drag(self, over: bool) -> None:
        self._dragged_over = over
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """A frame while something is dragged over the page."""
        if self._dragged_over:
            painter = QPainter(self)
            painter.setPen(QPen(theme.tokens().colour("accent"), 2))
            painter.drawRect(self.rect().adjusted(1, 1, -2, -2))
            painter.end()


class _Busy(QWidget):
    """What is being done, over a bar that runs to and fro."""

    def __init__(self) -> None:
        super().__init__()
        self.label = QLabel()
        self.bar = QProgressBar()
        self.bar.setRange(0, 0)
        self.bar.setTextVisible(False)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(SPACE_4)
        layout.addWidget(self.label)
        layout.addWidget(self.bar)
        self.hide()

    def tell(self, text: str) -> None:
        """Show a text, or hide."""
        self.label.setText(text)
        self.setAccessibleName(text)
        self.setVisible(bool(text))


def _with_key(text: str, key: QKeySequence.StandardKey) -> str:
    return f"{text} ({QKeySequence(key).toString(QKeySequence.SequenceFormat.NativeText)})"
