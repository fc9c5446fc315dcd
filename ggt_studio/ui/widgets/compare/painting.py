"""What lies over the images: the panes' labels, the swipe's divider, the twin cursor, messages and the heat scale."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QPoint, QPointF, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetrics, QLinearGradient, QPainter, QPen, QPolygonF

from ggt_studio.ui import theme
from ggt_studio.ui.theme import SPACE_4, SPACE_8, SPACE_12, SPACE_16, SPACE_24, Text
from ggt_studio.ui.widgets.compare.modes import Side

CHIP_HEIGHT = 24
HANDLE_RADIUS = 14
TWIN_RADIUS = 9


@dataclass(frozen=True, slots=True)
class Message:
    """What stands where no image is: an icon (`mdi6...`), a heading and, below it, a sentence."""

    icon: str
    heading: str
    sentence: str = ""


def paint_label(painter: QPainter, pane: QRect, side: Side | None, text: str, *, right: bool = False) -> QRect:
    """A chip in the pane's upper corner: a hollow disc for LQ, a filled one for HQ, and the words. Returns its place."""
    tokens = theme.tokens()
    font = theme.font(Text.SMALL, strong=True)
    metrics = QFontMetrics(font)
    mark = 10 + SPACE_8 if side else 0
    room = pane.width() - 2 * SPACE_8 - 2 * SPACE_8 - mark
    text = metrics.elidedText(text, Qt.TextElideMode.ElideRight, max(room, 0))
    width = mark + metrics.horizontalAdvance(text) + 2 * SPACE_8
    left = pane.right() + 1 - SPACE_8 - width if right else pane.left() + SPACE_8
    chip = QRect(left, pane.top() + SPACE_8, width, CHIP_HEIGHT)
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(tokens.colour("window"))
    painter.drawRoundedRect(chip, theme.RADIUS, theme.RADIUS)
    if side:
        painter.setPen(QPen(tokens.colour("text"), 2))
        painter.setBrush(tokens.colour("text") if side is Side.HQ else Qt.BrushStyle.NoBrush)
        painter.drawEllipse(QRectF(chip.left() + SPACE_8 + 1, chip.center().y() - 3.5, 8, 8))
    painter.setPen(tokens.colour("text"))
    painter.setFont(font)
    place = chip.adjusted(SPACE_8 + mark, 0, 0, 0)
    painter.drawText(place, int(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft), text)
    painter.restore()
    return chip


def paint_divider(painter: QPainter, pane: QRect, x: int) -> None:
    """The swipe's line at `x` with a round handle, light on a dark edge so that it shows on any photo."""
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    dark, light = QColor(0, 0, 0, 170), QColor(255, 255, 255)
    painter.fillRect(QRect(x - 2, pane.top(), 4, pane.height()), dark)
    painter.fillRect(QRect(x - 1, pane.top(), 2, pane.height()), light)
    centre = QPointF(x, pane.center().y())
    painter.setPen(QPen(dark, 1))
    painter.setBrush(light)
    painter.drawEllipse(centre, HANDLE_RADIUS, HANDLE_RADIUS)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(30, 30, 30))
    for sign in (-1, 1):
        tip = centre + QPointF(sign * 9, 0)
        back = QPointF(-sign * 5, 0)
        painter.drawPolygon(QPolygonF([tip, tip + back + QPointF(0, -5), tip + back + QPointF(0, 5)]))
    painter.restore()


def twin_rect(point: QPoint) -> QRect:
    """What the twin cursor at `point` covers."""
    reach = TWIN_RADIUS + 3
    return QRect(point.x() - reach, point.y() - reach, 2 * reach, 2 * reach)


def paint_twin(painter: QPainter, point: QPoint) -> None:
    """The mark at the place in the other pane that matches the mouse cursor."""
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    for colour, width in ((QColor(0, 0, 0, 170), 3.5), (QColor(255, 255, 255), 1.5)):
        painter.setPen(QPen(colour, width))
        painter.drawEllipse(QPointF(point), 4.0, 4.0)
        for dx, dy in ((1, 0), (-1, 0), (0, 1), (0, -1)):
            start = QPointF(point.x() + dx * 6, point.y() + dy * 6)
            painter.drawLine(start, QPointF(point.x() + dx * TWIN_RADIUS, point.y() + dy * TWIN_RADIUS))
    painter.restore()


def paint_message(painter: QPainter, pane: QRect, message: Message) -> None:
    """An icon, a heading and a sentence in the middle of a pane."""
    tokens = theme.tokens()
    width = min(pane.width() - 2 * SPACE_16, 420)
    if width <= 0:
        return
    wrap = int(Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignTop | Qt.TextFlag.TextWordWrap)
    heading, body = theme.font(Text.BODY, strong=True), theme.font(Text.BODY)
    tall = QRect(0, 0, width, 10_000)
    heading_height = QFontMetrics(heading).boundingRect(tall, wrap, message.heading).height()
    sentence_height = QFontMetrics(body).boundingRect(tall, wrap, message.sentence).height() if message.sentence else 0
    icon = QSize(SPACE_24 * 2, SPACE_24 * 2) if message.icon else QSize(0, 0)
    total = icon.height() + SPACE_12 + heading_height + (SPACE_4 + sentence_height if sentence_height else 0)
    left, top = pane.center().x() - width // 2, pane.center().y() - total // 2
    painter.save()
    painter.setClipRect(pane, Qt.ClipOperation.IntersectClip)
    if message.icon:
        place = QRect(pane.center().x() - icon.width() // 2, top, icon.width(), icon.height())
        theme.icon(message.icon, "muted").paint(painter, place)
    top += icon.height() + SPACE_12
    painter.setPen(tokens.colour("text"))
    painter.setFont(heading)
    painter.drawText(QRect(left, top, width, heading_height), wrap, message.heading)
    if sentence_height:
        painter.setPen(tokens.colour("muted"))
        painter.setFont(body)
        painter.drawText(QRect(left, top + heading_height + SPACE_4, width, sentence_height), wrap, message.sentence)
    painter.restore()


def paint_heat_scale(painter: QPainter, pane: QRect, full_scale: float) -> None:
    """The legend of the perceived difference in the lower left corner: from no difference to `full_scale` Delta E."""
    from ggt_studio.core.difference import heat_scale  # loaded with the first difference picture

    tokens = theme.tokens()
    font = theme.font(Text.SMALL)
    metrics = QFontMetrics(font)
    words = ("ΔE 0", f"{full_scale:g}+")
    bar = 96
    width = bar + sum(metrics.horizontalAdvance(word) for word in words) + 4 * SPACE_8
    chip = QRect(pane.left() + SPACE_8, pane.bottom() + 1 - SPACE_8 - CHIP_HEIGHT, width, CHIP_HEIGHT)
    if chip.right() > pane.right():
        return
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(tokens.colour("window"))
    painter.drawRoundedRect(chip, theme.RADIUS, theme.RADIUS)
    painter.setFont(font)
    painter.setPen(tokens.colour("text"))
    middle = int(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft)
    painter.drawText(chip.adjusted(SPACE_8, 0, 0, 0), middle, words[0])
    left = chip.left() + 2 * SPACE_8 + metrics.horizontalAdvance(words[0])
    colours = heat_scale()
    gradient = QLinearGradient(left, 0, left + bar, 0)
    for step in range(0, 256, 17):
        gradient.setColorAt(step / 255, QColor(*(int(value) for value in colours[step])))
    painter.fillRect(QRect(left, chip.center().y() - 4, bar, SPACE_8), gradient)
    painter.drawText(chip.adjusted(left - chip.left() + bar + SPACE_8, 0, 0, 0), middle, words[1])
    painter.restore()
