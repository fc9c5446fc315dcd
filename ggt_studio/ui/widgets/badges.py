"""Verdict badges: a shape, a word and a colour, so that none of them has to be told by colour alone."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from PySide6.QtCore import QPoint, QRect, Qt
from PySide6.QtGui import QFontMetrics, QPainter

from ggt_studio.ui import theme
from ggt_studio.ui.theme import SPACE_4, ColourRole, Text

ICON = 14
HEIGHT = 22


class Tone(StrEnum):
    """What a badge means."""

    GOOD = "good"
    WARN = "warn"
    BAD = "bad"
    NEUTRAL = "neutral"
    BUSY = "busy"


ROLES: dict[Tone, ColourRole] = {
    Tone.GOOD: "good",
    Tone.WARN: "warn",
    Tone.BAD: "bad",
    Tone.NEUTRAL: "muted",
    Tone.BUSY: "accent",
}
SHAPES: dict[Tone, str] = {
    Tone.GOOD: "mdi6.check-circle",
    Tone.WARN: "mdi6.alert",
    Tone.BAD: "mdi6.close-octagon",
    Tone.NEUTRAL: "mdi6.circle-outline",
    Tone.BUSY: "mdi6.progress-clock",
}


@dataclass(frozen=True, slots=True)
class Badge:
    """A tone and the word for it, for example GOOD and `Verified`."""

    tone: Tone
    word: str


def paint_shape(painter: QPainter, place: QRect, tone: Tone) -> None:
    """The tone's shape in its colour."""
    theme.icon(SHAPES[tone], ROLES[tone]).paint(painter, place)


def paint_badge(painter: QPainter, corner: QPoint, badge: Badge, room: int) -> QRect:
    """A chip with shape and word whose upper left corner is `corner`, at most `room` px wide. Returns its place."""
    tokens = theme.tokens()
    font = theme.font(Text.SMALL, strong=True)
    metrics = QFontMetrics(font)
    around = SPACE_4 + ICON + SPACE_4 + 6
    word = metrics.elidedText(badge.word, Qt.TextElideMode.ElideRight, max(0, room - around))
    chip = QRect(corner.x(), corner.y(), around + metrics.horizontalAdvance(word), HEIGHT)
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(tokens.colour("window"))
    painter.drawRoundedRect(chip, theme.RADIUS, theme.RADIUS)
    paint_shape(painter, QRect(chip.left() + SPACE_4, chip.top() + (HEIGHT - ICON) // 2, ICON, ICON), badge.tone)
    painter.setPen(tokens.colour("text"))
    painter.setFont(font)
    middle = int(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft)
    painter.drawText(chip.adjusted(2 * SPACE_4 + ICON, 0, 0, 0), middle, word)
    painter.restore()
    return chip
