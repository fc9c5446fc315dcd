"""The import while it is under way, and what it came to, readable until the next one."""

from __future__ import annotations

import time

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from ggt_studio.dataset.importer import ImportProgress, ImportReport
from ggt_studio.ui import theme
from ggt_studio.ui.pages.sources.words import report_words
from ggt_studio.ui.theme import ICON_SIZE, SPACE_8
from ggt_studio.ui.widgets.common import Progress, ProgressStrip, quiet_button

SETTLED_S = 1.0


class ImportStrip(QWidget):
    """Hidden until the first import of this sitting."""

    stop_requested = Signal()
    aside_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.progress = ProgressStrip()
        self.progress.pause_button.hide()
        self.progress.stop_button.setToolTip(
            self.tr("Stop. What was imported stays; importing again goes on from there.")
        )
        self.progress.stop.connect(self.stop_requested)
        self.progress.stop.connect(self._stopped)
        self._icon = QLabel()
        self.report = QLabel()
        self.report.setWordWrap(True)
        self.why_button = QPushButton(self.tr("Show set aside"))
        self.why_button.clicked.connect(self.aside_requested)
        self.close_button = quiet_button("mdi6.close", self.tr("Dismiss"))
        self.close_button.clicked.connect(self._dismiss)
        self._done = QWidget()
        line = QHBoxLayout(self._done)
        line.setContentsMargins(0, 0, 0, 0)
        line.setSpacing(SPACE_8)
        line.addWidget(self._icon)
        line.addWidget(self.report, 1)
        line.addWidget(self.why_button)
        line.addWidget(self.close_button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(SPACE_8)
        layout.addWidget(self.progress)
        layout.addWidget(self._done)
        self._began = 0.0
        self._running = self._stopping = False
        self._done.hide()
        self.progress.hide()
        self.hide()

    def begin(self) -> None:
        """An import begins: the words about the one before go."""
        self._done.hide()

    def show_progress(self, progress: ImportProgress | None) -> None:
        """A moment of the import; None when there is none."""
        if progress is None:
            if self._running and self._stopping:
                self._tell(self.tr("Stopped. What was imported until then stays; import again to go on."), "muted")
            self._running = self._stopping = False
            self.progress.hide()
            self.setVisible(not self._done.isHidden())
            return
        now = time.monotonic()
        if not self._running:
            self._running, self._began = True, now
            self._done.hide()
        passed = now - self._began
        rate = progress.done / passed if progress.done and passed > SETTLED_S else None
        left = (progress.total - progress.done) / rate if rate and progress.total else None
        doing = progress.path if progress.total else self.tr("Looking for photos …")
        self.progress.set_progress(Progress(progress.done, progress.total, rate, left, "", doing))
        self.progress.show()
        self.show()

    def show_report(self, report: ImportReport) -> None:
        """What the import came to."""
        self._stopping = False
        self._tell(report_words(report), "good" if report.photos else "muted")
        self.why_button.setVisible(bool(report.quarantined or report.duplicates or report.removed))

    def _tell(self, words: str, role: theme.ColourRole) -> None:
        name = "mdi6.check-circle" if role == "good" else "mdi6.information-outline"
        self._icon.setPixmap(theme.icon(name, role).pixmap(ICON_SIZE, ICON_SIZE))
        self.report.setText(words)
        self.report.setAccessibleName(words)
        self.why_button.hide()
        self._done.show()
        self.show()

    def _stopped(self) -> None:
        self._stopping = True

    def _dismiss(self) -> None:
        self._done.hide()
        self.setVisible(not self.progress.isHidden())
