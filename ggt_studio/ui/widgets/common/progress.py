"""A strip that says how far long work is, how fast, how long still, what it costs, and how to pause or stop it."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QProgressBar, QVBoxLayout, QWidget

from ggt_studio.ui import format as words
from ggt_studio.ui import theme
from ggt_studio.ui.theme import SPACE_4, SPACE_8, Text
from ggt_studio.ui.widgets.common.buttons import quiet_button
from ggt_studio.ui.widgets.common.labels import ElidedLabel


@dataclass(frozen=True, slots=True)
class Progress:
    """How far work is: `total` 0 while it is unknown, `per_second` and `seconds_left` None until they are known."""

    done: int
    total: int
    per_second: float | None = None
    seconds_left: float | None = None
    cost: str = ""
    doing: str = ""


class ProgressStrip(QWidget):
    """Bar, words, and buttons whose signals the page answers; `paused` decides which of pause and resume is offered."""

    pause = Signal()
    resume = Signal()
    stop = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setRange(0, 1000)
        self.doing = ElidedLabel()
        self.label = QLabel()
        theme.set_text(self.label, Text.SMALL, muted=True)
        self._paused = False
        self.pause_button = quiet_button("mdi6.pause", self.tr("Pause"), text=self.tr("Pause"))
        self._keep_width()
        self.stop_button = quiet_button("mdi6.stop", self.tr("Stop"), text=self.tr("Stop"))
        self.pause_button.clicked.connect(lambda: (self.resume if self._paused else self.pause).emit())
        self.stop_button.clicked.connect(lambda: self.stop.emit())
        text = QHBoxLayout()
        text.setSpacing(SPACE_8)
        text.addWidget(self.doing, 1)
        text.addWidget(self.label)
        column = QVBoxLayout()
        column.setSpacing(SPACE_4)
        column.addLayout(text)
        column.addWidget(self.bar)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(SPACE_8)
        layout.addLayout(column, 1)
        layout.addWidget(self.pause_button)
        layout.addWidget(self.stop_button)

    def _keep_width(self) -> None:
        """Wide enough for both of its words, so that the bar does not jump."""
        widths = []
        for word in (self.tr("Resume"), self.tr("Pause")):
            self.pause_button.setText(word)
            self.pause_button.ensurePolished()
            widths.append(self.pause_button.sizeHint().width())
        self.pause_button.setMinimumWidth(max(widths))

    def set_progress(self, progress: Progress) -> None:
        """Show how far the work is; an unknown total makes the bar run to and fro."""
        self.bar.setRange(0, 1000 if progress.total else 0)
        if progress.total:
            self.bar.setValue(round(1000 * min(progress.done, progress.total) / progress.total))
        self.doing.setText(progress.doing)
        self.label.setText(self._sentence(progress))
        self.setAccessibleName(self.tr("Progress"))
        self.setAccessibleDescription(self.label.text())

    def _sentence(self, progress: Progress) -> str:
        done = words.count(progress.done)
        parts = [self.tr("{0} of {1}").format(done, words.count(progress.total)) if progress.total else done]
        if self._paused:
            parts.append(self.tr("paused"))
        else:
            parts.append(words.rate(progress.per_second) if progress.per_second else "")
            parts.append(words.eta(progress.seconds_left))
        parts.append(progress.cost)
        return " · ".join(part for part in parts if part)

    @property
    def paused(self) -> bool:
        """Whether the work rests and can be resumed."""
        return self._paused

    def set_paused(self, paused: bool) -> None:
        """Offer to resume instead of to pause; the next `set_progress` says so in words."""
        self._paused = paused
        word = self.tr("Resume") if paused else self.tr("Pause")
        self.pause_button.setText(word)
        self.pause_button.setAccessibleName(word)
        self.pause_button.setToolTip(word)
        self.pause_button.setIcon(theme.icon("mdi6.play" if paused else "mdi6.pause"))
