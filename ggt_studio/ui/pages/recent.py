"""The list of recent projects: where they are, when they were last worked on, and which of them are gone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from PySide6.QtCore import QCoreApplication, QDate, QLocale, QObject, QRect, QSize, Qt, QThreadPool, QTime, Signal
from PySide6.QtGui import QImage, QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QSizePolicy, QVBoxLayout, QWidget
from shiboken6 import isValid

from ggt_studio.ui import theme
from ggt_studio.ui.theme import SPACE_4, SPACE_8, SPACE_12, Text
from ggt_studio.ui.widgets.common import ElidedLabel, PathLabel, quiet_button

PROJECT_FILE = "project.ggt"
"""As `store.project.DATABASE`, which is not imported here: it would load SQLite before the window's first paint."""
COVER = 48


@dataclass(frozen=True, slots=True)
class Found:
    """What the disk says of a recent project: `problem` is empty when it is there, `used_at` seconds since 1970."""

    folder: str
    problem: str = ""
    used_at: float = 0.0
    cover: QImage | None = None


def is_project(folder: Path) -> bool:
    """Whether a project lies in the folder."""
    return (folder / PROJECT_FILE).is_file()


def inspect(folder: str) -> Found:
    """Look at a project on disk without opening it. May take long on a drive that sleeps: not for the window's thread."""
    path = Path(folder)
    try:
        if not path.is_dir():
            return Found(folder, "missing")
        stats = [file.stat() for name in (PROJECT_FILE, f"{PROJECT_FILE}-wal") if (file := path / name).is_file()]
    except OSError:
        return Found(folder, "unreadable")
    if not stats:
        return Found(folder, "empty")
    return Found(folder, "", max(stat.st_mtime for stat in stats), _cover(path))


def _cover(project: Path) -> QImage | None:
    """The first thumbnail that the project has made of its patches; None when there is none yet."""
    try:
        file = next((project / "cache" / "thumbnails").glob("*/*.jpg"), None)
    except OSError:
        return None
    image = QImage(str(file)) if file is not None else QImage()
    return None if image.isNull() else image


class RecentProjects(QWidget):
    """One row per project, newest first. `opened` and `removed` carry a folder."""

    opened = Signal(Path)
    removed = Signal(Path)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName(self.tr("Recent projects"))
        self.rows: dict[str, RecentRow] = {}
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._layout.setSpacing(SPACE_4)
        self._inspector = _Inspector()
        self._inspector.found.connect(self._show_found)

    def show_folders(self, folders: Sequence[str]) -> None:
        """Show these; what the disk says of them comes a moment later."""
        if list(folders) != list(self.rows):
            for row in self.rows.values():
                self._layout.removeWidget(row)
                row.hide()
                row.deleteLater()
            self.rows = {}
            for folder in folders:
                row = self.rows[folder] = RecentRow(folder)
                row.open_button.clicked.connect(lambda _=False, folder=folder: self._open(folder))
                row.remove_button.clicked.connect(lambda _=False, folder=folder: self.removed.emit(Path(folder)))
                self._layout.addWidget(row)
        self._inspector.start(folders)

    def _open(self, folder: str) -> None:
        if self.rows[folder].problem:
            # Its drive may have come back.
            self._inspector.start((folder,))
        else:
            self.opened.emit(Path(folder))

    def _show_found(self, found: Found) -> None:
        if row := self.rows.get(found.folder):
            row.show_found(found)


class _Inspector(QObject):
    """Looks at folders off the window's thread. Without a Qt parent: a look under way keeps it alive."""

    found = Signal(object)

    def start(self, folders: Sequence[str]) -> None:
        QThreadPool.globalInstance().start(lambda folders=tuple(folders): self._inspect(folders))

    def _inspect(self, folders: tuple[str, ...]) -> None:
        for folder in folders:
            answer = inspect(folder)
            if not isValid(self):  # the application may have ended meanwhile
                return
            self.found.emit(answer)


class RecentRow(QWidget):
    """A project: a button as wide as the list, and another that takes it off the list."""

    def __init__(self, folder: str) -> None:
        super().__init__()
        path = Path(folder)
        self.name = ElidedLabel(path.name or folder)
        self.name.setFont(theme.font(strong=True))
        self.path = PathLabel(str(path.parent))
        theme.set_text(self.path, Text.SMALL, muted=True)
        self.when = QLabel()
        theme.set_text(self.when, Text.SMALL, muted=True)
        self.cover = _Cover()
        self.problem = ""
        self.open_button = QPushButton()
        # The style sheet's least height is that of a line of text, and would win over any other.
        self.open_button.setStyleSheet(f"QPushButton {{ min-height: {COVER + SPACE_8}px; padding: 0; }}")
        self.open_button.setProperty("quiet", True)
        self.open_button.setAccessibleName(self.tr("Open {0}").format(path.name or folder))
        self.open_button.setAccessibleDescription(folder)
        self.open_button.setToolTip(folder)
        self.open_button.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        words = QVBoxLayout()
        words.setSpacing(2)
        words.addStretch(1)
        words.addWidget(self.name)
        words.addWidget(self.path)
        words.addStretch(1)
        inside = QHBoxLayout(self.open_button)
        inside.setContentsMargins(SPACE_8, 0, SPACE_12, 0)
        inside.setSpacing(SPACE_12)
        inside.addWidget(self.cover)
        inside.addLayout(words, 1)
        inside.addWidget(self.when)
        for part in (self.cover, self.name, self.path, self.when):
            part.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.remove_button = quiet_button("mdi6.close", self.tr("Take {0} off this list").format(path.name or folder))
        self.remove_button.setToolTip(self.tr("Take it off this list. Nothing is deleted."))
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(SPACE_4)
        layout.addWidget(self.open_button, 1)
        layout.addWidget(self.remove_button)

    def show_found(self, found: Found) -> None:
        """Say when it was last worked on, or why it cannot be opened."""
        reason = {
            "": "",
            "missing": self.tr("The folder is not there. It was moved or deleted, or its drive is not connected."),
            "empty": self.tr("There is no project in this folder any more."),
            "unreadable": self.tr("The folder cannot be read with your rights."),
        }[found.problem]
        self.problem = found.problem
        theme.set_text(self.name, Text.BODY, muted=bool(reason))
        self.name.setFont(theme.font(strong=True))
        self.open_button.setToolTip(f"{found.folder}\n{reason}" if reason else found.folder)
        self.open_button.setAccessibleDescription(reason or found.folder)
        self.path.setText(reason or str(Path(found.folder).parent))
        self.when.setText(day_words(datetime.fromtimestamp(found.used_at)) if not reason else "")  # noqa: DTZ006 - local
        self.cover.show_image(found.cover, bool(reason))


def day_words(when: datetime, now: datetime | None = None) -> str:
    """A local time as people say it: `today 14:05`, `yesterday`, `12 March`, with the year where it is another."""
    now = now or datetime.now()  # noqa: DTZ005 - what the clock on the wall says
    days = (now.date() - when.date()).days
    if days == 0:
        today = QCoreApplication.translate("RecentProjects", "today {0}")
        return today.format(QLocale().toString(QTime(when.hour, when.minute), QLocale.FormatType.ShortFormat))
    if days == 1:
        return QCoreApplication.translate("RecentProjects", "yesterday")
    return QLocale().toString(
        QDate(when.year, when.month, when.day), "d MMMM" if when.year == now.year else "d MMMM yyyy"
    )


class _Cover(QWidget):
    """A photo of the project, or a quiet picture in its place."""

    def __init__(self) -> None:
        super().__init__()
        self.setFixedSize(COVER, COVER)
        self._image: QImage | None = None
        self._missing = False

    def show_image(self, image: QImage | None, missing: bool) -> None:
        self._image, self._missing = image, missing
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(COVER, COVER)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
        if self._image is not None:
            side = min(self._image.width(), self._image.height())
            square = QRect(0, 0, side, side)
            square.moveCenter(self._image.rect().center())
            painter.drawImage(self.rect(), self._image, square)
        else:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(theme.tokens().colour("panel"))
            painter.drawRoundedRect(self.rect(), theme.RADIUS, theme.RADIUS)
            name = "mdi6.folder-alert-outline" if self._missing else "mdi6.folder-image"
            theme.icon(name, "muted").paint(painter, self.rect().adjusted(12, 12, -12, -12))
        painter.end()
