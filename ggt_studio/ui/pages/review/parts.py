"""Small parts of the review page's panel: headings, clamped texts, score bars, badges."""

from __future__ import annotations

from PySide6.QtCore import QPoint, QRectF, QSize, Qt
from PySide6.QtGui import QFontMetrics, QMouseEvent, QPainter, QPaintEvent, QTextLayout, QTextOption
from PySide6.QtWidgets import QLabel, QSizePolicy, QWidget

from ggt_studio.ui import theme
from ggt_studio.ui.theme import SPACE_4, SPACE_8, Text
from ggt_studio.ui.widgets.badges import HEIGHT, ICON, Badge, paint_badge


def heading(text: str) -> QLabel:
    """The heading of a section."""
    label = QLabel(text)
    label.setFont(theme.font(Text.SMALL, strong=True))
    label.setProperty("muted", True)
    return label


def small(text: str = "", *, muted: bool = True, right: bool = False) -> QLabel:
    """A label in small type."""
    label = QLabel(text)
    label.setTextFormat(Qt.TextFormat.PlainText)
    theme.set_text(label, Text.SMALL, muted=muted)
    if right:
        label.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
    return label


class ClampedText(QWidget):
    """A text of at most `lines` lines; `set_full` and a click show the rest, and the tooltip always does.

    `marked` draws a bar in the accent colour beside it: this is what matters here.
    """

    def __init__(self, lines: int, *, muted: bool = False, marked: bool = False, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._text, self._lines, self._full, self._all = "", lines, False, False
        self._role = "muted" if muted else "text"
        self._left = SPACE_8 if marked else 0
        self.setFont(theme.font(Text.SMALL))
        policy = QSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)

    @property
    def text(self) -> str:
        """The whole text."""
        return self._text

    def set_text(self, text: str) -> None:
        """Show another text, clamped."""
        self._text, self._all = text, self._full
        self.setToolTip(text)
        self.setAccessibleName(text)
        self.updateGeometry()
        self.update()

    def set_lines(self, lines: int) -> None:
        """Another number of lines to show at most."""
        self._lines = lines

    def set_full(self, full: bool) -> None:
        """Show this and later texts in full, or clamped."""
        self._full = self._all = full
        self.updateGeometry()
        self.update()

    def _broken(self, width: int) -> list[str]:
        """The text in lines of `width` px; the last one elided where there are more than may be shown."""
        width -= self._left
        metrics = QFontMetrics(self.font())
        lines: list[str] = []
        for paragraph in self._text.splitlines() or [""]:
            layout = QTextLayout(paragraph, self.font())
            option = QTextOption()
            option.setWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
            layout.setTextOption(option)
            layout.beginLayout()
            while (line := layout.createLine()).isValid():
                line.setLineWidth(max(1, width))
                lines.append(paragraph[line.textStart() : line.textStart() + line.textLength()])
            layout.endLayout()
        if self._all or len(lines) <= self._lines:
            return lines
        last = " ".join(lines[self._lines - 1 :])
        return [
            *lines[: self._lines - 1],
            metrics.elidedText(last, Qt.TextElideMode.ElideRight, width),
        ]

    def hasHeightForWidth(self) -> bool:
        """The height follows from the width."""
        return True

    def heightForWidth(self, width: int) -> int:
        """The height of the lines shown."""
        return len(self._broken(width)) * QFontMetrics(self.font()).lineSpacing()

    def sizeHint(self) -> QSize:
        """Any width will do."""
        return QSize(120, self.heightForWidth(max(120, self.width())))

    def minimumSizeHint(self) -> QSize:
        """All lines that are shown; a text is never cut through."""
        return QSize(60, self.heightForWidth(max(120, self.width())))

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Show all of it, or clamp it again."""
        self._all = not self._all
        self.updateGeometry()
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """The lines."""
        painter = QPainter(self)
        painter.setPen(theme.tokens().colour(self._role if self.isEnabled() else "disabled"))
        spacing, ascent = QFontMetrics(self.font()).lineSpacing(), QFontMetrics(self.font()).ascent()
        for number, line in enumerate(self._broken(self.width())):
            painter.drawText(self._left, number * spacing + ascent, line)
        if self._left:
            painter.fillRect(0, 0, 2, self.height(), theme.tokens().colour("accent"))
        painter.end()


class BadgeLabel(QWidget):
    """A verdict badge as a widget."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._badge: Badge | None = None
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)

    @property
    def badge(self) -> Badge | None:
        """What it says."""
        return self._badge

    def set_badge(self, badge: Badge | None) -> None:
        """Say something else, or nothing."""
        self._badge = badge
        self.setAccessibleName(badge.word if badge else "")
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        """Room for shape and word."""
        word = self._badge.word if self._badge else ""
        metrics = QFontMetrics(theme.font(Text.SMALL, strong=True))
        return QSize(2 * SPACE_4 + ICON + 8 + metrics.horizontalAdvance(word), HEIGHT)

    def paintEvent(self, event: QPaintEvent) -> None:
        """The badge."""
        if self._badge:
            painter = QPainter(self)
            paint_badge(painter, QPoint(0, 0), self._badge, self.width())
            painter.end()


class ScoreBar(QWidget):
    """A score from 0 to 100 as a bar, with a tick at the bound that it has to reach."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._score, self._bound = 0.0, 0.0
        self.setFixedHeight(10)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def set_score(self, score: float, bound: float) -> None:
        """Show a score."""
        self._score, self._bound = min(100.0, max(0.0, score)), bound
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Track, bar, tick."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        tokens = theme.tokens()
        track = QRectF(0, 3, self.width(), 4)
        painter.setBrush(tokens.colour("line"))
        painter.drawRoundedRect(track, 2, 2)
        painter.setBrush(tokens.colour("bad" if self._score < self._bound else "muted"))
        painter.drawRoundedRect(QRectF(0, 3, track.width() * self._score / 100, 4), 2, 2)
        painter.setBrush(tokens.colour("text"))
        painter.drawRect(QRectF(track.width() * self._bound / 100 - 1, 0, 2, 10))
        painter.end()
