"""Labels: the title of a page, and those that keep long words readable, with the whole in the tooltip."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QFontMetrics, QPainter, QPaintEvent
from PySide6.QtWidgets import QLabel, QPushButton, QSizePolicy, QWidget

from ggt_studio.ui import theme
from ggt_studio.ui.theme import SPACE_32, Text


class PageTitle(QLabel):
    """The name of a page, as tall as the buttons beside it, so that it stands at one place on all pages."""

    def __init__(self, text: str, parent: QWidget | None = None) -> None:
        super().__init__(text, parent)
        theme.set_text(self, Text.TITLE)
        self.setMinimumHeight(max(SPACE_32, QPushButton(text).sizeHint().height()))


class ElidedLabel(QLabel):
    """One line that gives up its middle where room is scarce; the whole text is the tooltip and can be read aloud."""

    def __init__(self, text: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self.setText(text)

    def setText(self, text: str) -> None:
        """Show another text."""
        super().setText(text)
        self.setToolTip(text)
        self.setAccessibleName(text)

    def shown_text(self) -> str:
        """The text as it is elided now."""
        width = self.contentsRect().width()
        return QFontMetrics(self.font()).elidedText(self.text(), Qt.TextElideMode.ElideMiddle, width)

    def minimumSizeHint(self) -> QSize:
        """Narrow: the text elides."""
        return QSize(min(SPACE_32 * 2, super().minimumSizeHint().width()), super().minimumSizeHint().height())

    def paintEvent(self, event: QPaintEvent) -> None:
        """The elided text in the label's colour."""
        painter = QPainter(self)
        alignment = int(self.alignment() | Qt.AlignmentFlag.AlignVCenter)
        self.style().drawItemText(
            painter, self.contentsRect(), alignment, self.palette(), self.isEnabled(), self.shown_text(),
            self.foregroundRole(),
        )  # fmt: skip
        painter.end()


class PathLabel(ElidedLabel):
    """A path; `path` is the whole of it, which can be copied by the page."""

    def set_path(self, path: str) -> None:
        """Show another path."""
        self.setText(path)

    @property
    def path(self) -> str:
        """The whole path."""
        return self.text()
