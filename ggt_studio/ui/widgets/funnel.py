"""The quality control as a funnel: how many patches reached each step, and how many fell aside."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QFont, QFontMetrics, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QWidget

from ggt_studio.ui import format as words
from ggt_studio.ui import theme
from ggt_studio.ui.theme import SPACE_4, SPACE_8, SPACE_12, SPACE_16, SPACE_24, Text
from ggt_studio.ui.widgets.badges import ICON, ROLES, Tone, paint_shape

BAR = 6
NARROWEST_CELL = 112
_LEFT = int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)


@dataclass(frozen=True, slots=True)
class FunnelCounts:
    """How many patches there are, reached each step, wait for a person, were verified, rejected, or failed."""

    patches: int = 0
    generated: int = 0
    passed_metrics: int = 0
    passed_judge: int = 0
    waiting: int = 0
    verified: int = 0
    rejected: int = 0
    failed: int = 0


@dataclass(frozen=True, slots=True)
class _Step:
    label: str
    count: int
    tone: Tone | None
    aside: bool = False


class FunnelView(QWidget):
    """Steps from left to right where there is room, below each other where there is not."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        policy = QSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)
        self._counts = FunnelCounts()
        self.set_counts(self._counts)

    def set_counts(self, counts: FunnelCounts) -> None:
        """Show other counts; costs nothing when they are the same."""
        if counts == self._counts and self.accessibleDescription():
            return
        self._counts = counts
        self.setAccessibleName(self.tr("Patches in quality control"))
        self.setAccessibleDescription(self.text())
        self.update()

    def steps(self) -> list[_Step]:
        """The steps in order, those aside last."""
        counts = self._counts
        return [
            _Step(self.tr("Patches"), counts.patches, None),
            _Step(self.tr("Generated"), counts.generated, None),
            _Step(self.tr("Passed metrics"), counts.passed_metrics, None),
            _Step(self.tr("Passed judge"), counts.passed_judge, None),
            _Step(self.tr("Waiting for you"), counts.waiting, None),
            _Step(self.tr("Verified"), counts.verified, Tone.GOOD),
            _Step(self.tr("Rejected"), counts.rejected, Tone.BAD, aside=True),
            _Step(self.tr("Failed"), counts.failed, Tone.WARN, aside=True),
        ]

    def text(self) -> str:
        """The funnel in words."""
        return ", ".join(f"{step.label}: {words.count(step.count)}" for step in self.steps())

    # --- geometry --------------------------------------------------------------------------------------------------

    def is_wide(self, width: int) -> bool:
        """Whether the steps fit side by side."""
        return width >= NARROWEST_CELL * len(self.steps()) + SPACE_24

    def hasHeightForWidth(self) -> bool:
        """Narrow is taller."""
        return True

    def heightForWidth(self, width: int) -> int:
        """Logical pixels."""
        if self.is_wide(width):
            small, large = self._metrics(Text.SMALL), self._metrics(Text.TITLE)
            return 2 * small + large + SPACE_8 + BAR + SPACE_8
        return self._row_height() * len(self.steps()) + SPACE_8

    def sizeHint(self) -> QSize:
        """Side by side."""
        width = NARROWEST_CELL * len(self.steps()) + SPACE_24
        return QSize(width, self.heightForWidth(width))

    def minimumSizeHint(self) -> QSize:
        """Below each other."""
        return QSize(200, self.heightForWidth(self.width()))

    @staticmethod
    def _metrics(text: Text) -> int:
        return QFontMetrics(theme.font(text)).height()

    def _row_height(self) -> int:
        return self._metrics(Text.BODY) + SPACE_8

    # --- painting --------------------------------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent) -> None:
        """All steps; a handful of rectangles and words."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if self.is_wide(self.width()):
            self._paint_wide(painter)
        else:
            self._paint_narrow(painter)
        painter.end()

    def _paint_wide(self, painter: QPainter) -> None:
        steps = self.steps()
        cell = (self.width() - SPACE_24) / len(steps)
        main = sum(not step.aside for step in steps)
        for index, step in enumerate(steps):
            left = round(index * cell + (SPACE_24 if step.aside else 0))
            right = round((index + 1) * cell + (SPACE_24 if step.aside else 0))
            self._paint_cell(painter, QRect(left, 0, right - left - SPACE_16, self.height()), step)
            if index < main - 1:
                self._paint_arrow(painter, QPointF(right - SPACE_8, self._metrics(Text.SMALL) / 2))
            elif index == main - 1:
                painter.setPen(QPen(theme.tokens().colour("line"), 1))
                x = right + SPACE_4
                painter.drawLine(x, SPACE_4, x, self.height() - SPACE_4)

    def _paint_cell(self, painter: QPainter, cell: QRect, step: _Step) -> None:
        tokens = theme.tokens()
        small, large = self._metrics(Text.SMALL), self._metrics(Text.TITLE)
        self._paint_label(painter, QRect(cell.left(), 0, cell.width(), small), step, Text.SMALL)
        painter.setPen(tokens.colour("text" if step.count else "muted"))
        painter.setFont(self._fitting(words.count(step.count), cell.width()))
        painter.drawText(QRect(cell.left(), small, cell.width(), large), _LEFT, words.count(step.count))
        bar = QRect(cell.left(), small + large + SPACE_4, cell.width(), BAR)
        self._paint_bar(painter, bar, step)
        painter.setPen(tokens.colour("muted"))
        painter.setFont(theme.font(Text.SMALL))
        painter.drawText(QRect(cell.left(), bar.bottom() + 1 + SPACE_4, cell.width(), small), _LEFT, self._share(step))

    def _paint_narrow(self, painter: QPainter) -> None:
        tokens, steps, height = theme.tokens(), self.steps(), self._row_height()
        labels = max(QFontMetrics(theme.font()).horizontalAdvance(step.label) for step in steps) + ICON + SPACE_4
        digits = QFontMetrics(theme.font(strong=True))
        counts = max(digits.horizontalAdvance(words.count(step.count)) for step in steps)
        labels = min(labels, self.width() - counts - 2 * SPACE_12)
        top = 0
        for index, step in enumerate(steps):
            top += SPACE_8 if step.aside and not steps[index - 1].aside else 0
            row = QRect(0, top, self.width(), height)
            self._paint_label(painter, QRect(row.left(), row.top(), labels, height), step, Text.BODY)
            bar = QRect(labels + SPACE_12, 0, row.width() - labels - counts - 2 * SPACE_12, BAR)
            bar.moveTop(row.center().y() - BAR // 2)
            if bar.width() > SPACE_24:
                self._paint_bar(painter, bar, step)
            painter.setPen(tokens.colour("text" if step.count else "muted"))
            painter.setFont(theme.font(strong=True))
            painter.drawText(
                row, int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter), words.count(step.count)
            )
            top += height

    def _paint_label(self, painter: QPainter, place: QRect, step: _Step, text: Text) -> None:
        left = place.left()
        if step.tone is not None:
            shape = QRect(left, 0, ICON, ICON)
            shape.moveTop(place.center().y() - ICON // 2 + 1)
            paint_shape(painter, shape, step.tone)
            left += ICON + SPACE_4
        font = theme.font(text)
        painter.setFont(font)
        painter.setPen(theme.tokens().colour("muted" if text is Text.SMALL else "text"))
        room = QRect(left, place.top(), place.right() + 1 - left, place.height())
        shown = QFontMetrics(font).elidedText(step.label, Qt.TextElideMode.ElideRight, room.width())
        painter.drawText(room, _LEFT, shown)

    def _paint_bar(self, painter: QPainter, bar: QRect, step: _Step) -> None:
        tokens = theme.tokens()
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(tokens.colour("line"))
        painter.drawRoundedRect(bar, BAR / 2, BAR / 2)
        share = min(1.0, step.count / self._counts.patches) if self._counts.patches else 0.0
        if share > 0:
            filled = QRectF(bar.left(), bar.top(), max(float(BAR), bar.width() * share), BAR)
            painter.setBrush(tokens.colour(ROLES[step.tone] if step.tone else "accent"))
            painter.drawRoundedRect(filled, BAR / 2, BAR / 2)

    def _paint_arrow(self, painter: QPainter, centre: QPointF) -> None:
        painter.setPen(QPen(theme.tokens().colour("border"), 1.5))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawPolyline(QPolygonF([centre + QPointF(-2, -4), centre + QPointF(2, 0), centre + QPointF(-2, 4)]))

    def _share(self, step: _Step) -> str:
        return words.percent(step.count / self._counts.patches) if self._counts.patches else ""

    @staticmethod
    def _fitting(text: str, width: int) -> QFont:
        for size in (Text.TITLE, Text.HEADING, Text.BODY):
            font = theme.font(size, strong=True)
            if QFontMetrics(font).horizontalAdvance(text) <= width:
                return font
        return theme.font(Text.SMALL, strong=True)
