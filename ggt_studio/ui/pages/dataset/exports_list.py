"""The card of the export just made, and the list of earlier ones."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import Qt, QUrl, Signal
from PySide6.QtGui import QDesktopServices, QGuiApplication
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from ggt_studio.dataset.export import ExportReport
from ggt_studio.dataset.exported import Exported, load_code
from ggt_studio.ui import theme
from ggt_studio.ui.format import count, counted
from ggt_studio.ui.pages.dataset.words import date_words, format_words, tr
from ggt_studio.ui.theme import SPACE_4, SPACE_8, SPACE_12, SPACE_16, Text
from ggt_studio.ui.widgets.common import ElidedLabel, PathLabel, quiet_button


class _Opens(QWidget):
    """Opens folders and copies code; `told` carries what to tell the person, and whether that is a problem."""

    told = Signal(str, bool)

    def open_folder(self, folder: Path) -> None:
        """Show a folder in the desktop's file manager."""
        if not folder.is_dir():
            self.told.emit(tr("{0} is gone. It was moved or deleted.").format(folder), True)
        elif not QDesktopServices.openUrl(QUrl.fromLocalFile(str(folder))):
            self.told.emit(tr("No file manager opens {0} by itself.").format(folder), True)

    def copy_code(self, folder: Path) -> None:
        """Put the code that loads an export onto the clipboard."""
        try:
            code = load_code(folder)
        except OSError:
            self.told.emit(tr("{0} is gone. It was moved or deleted.").format(folder), True)
            return
        QGuiApplication.clipboard().setText(code)
        self.told.emit(tr("Copied: Python code that loads {0}").format(folder.name), False)


class ResultCard(_Opens):
    """What was exported just now, and what to do with it; hidden until there is something."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._folder = Path()
        self._icon = QLabel()
        self.heading = QLabel()
        theme.set_text(self.heading, Text.HEADING)
        self.path = PathLabel()
        theme.set_text(self.path, Text.BODY, muted=True)
        self.open = QPushButton(tr("Open folder"))
        self.open.setIcon(theme.icon("mdi6.folder-open-outline"))
        self.open.clicked.connect(lambda: self.open_folder(self._folder))
        self.copy = QPushButton(tr("Copy load command"))
        self.copy.setIcon(theme.icon("mdi6.content-copy"))
        self.copy.clicked.connect(lambda: self.copy_code(self._folder))
        words = QVBoxLayout()
        words.setSpacing(SPACE_4)
        words.addWidget(self.heading)
        words.addWidget(self.path)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(SPACE_8)
        layout.addWidget(self._icon, 0, Qt.AlignmentFlag.AlignTop)
        layout.addLayout(words, 1)
        layout.addWidget(self.open)
        layout.addWidget(self.copy)
        self.hide()

    def show_report(self, report: ExportReport) -> None:
        """Show what was exported."""
        self._folder = report.path
        self._icon.setPixmap(theme.icon("mdi6.check-circle", "good").pixmap(24, 24))
        self.heading.setText(
            tr("Exported {0}: {1} train, {2} test").format(
                counted(report.pairs, tr("1 pair"), tr("{0} pairs")), count(report.train), count(report.test)
            )
        )
        self.path.set_path(str(report.path))
        self.show()


class ExportsList(_Opens):
    """Exports that lie in the project, newest first; hidden while there are none."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        heading = QLabel(tr("Exports in this project"))
        theme.set_text(heading, Text.HEADING)
        self._grid = QGridLayout()
        self._grid.setHorizontalSpacing(SPACE_16)
        self._grid.setVerticalSpacing(SPACE_4)
        self._grid.setColumnStretch(0, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, SPACE_12, 0, 0)
        layout.setSpacing(SPACE_8)
        layout.addWidget(heading)
        layout.addLayout(self._grid)
        self._shown: list[Exported] = []
        self.hide()

    @property
    def exports(self) -> list[Exported]:
        """What is shown."""
        return list(self._shown)

    def show_exports(self, exports: Sequence[Exported]) -> None:
        """Show these."""
        if list(exports) == self._shown:
            return
        self._shown = list(exports)
        while item := self._grid.takeAt(0):
            if widget := item.widget():
                widget.deleteLater()
        for row, export in enumerate(exports):
            self._add(row, export)
        self.setVisible(bool(exports))

    def _add(self, row: int, export: Exported) -> None:
        name = ElidedLabel(export.path.name)
        name.setToolTip(str(export.path))
        self._grid.addWidget(name, row, 0)
        pairs = tr("{0} train, {1} test").format(count(export.train), count(export.test))
        for column, words in enumerate((pairs, format_words(export.layout)[0], date_words(export.made_at)), 1):
            label = QLabel(words)
            theme.set_text(label, Text.BODY, muted=True)
            if column == 1:
                label.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            self._grid.addWidget(label, row, column)
        opens = quiet_button("mdi6.folder-open-outline", tr("Open {0}").format(export.path.name))
        opens.clicked.connect(lambda: self.open_folder(export.path))
        copies = quiet_button("mdi6.content-copy", tr("Copy the code that loads {0}").format(export.path.name))
        copies.clicked.connect(lambda: self.copy_code(export.path))
        self._grid.addWidget(opens, row, 4)
        self._grid.addWidget(copies, row, 5)
