"""How one cell of the patch grid looks: thumbnail, badge, title, selection, and the states without a picture."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QCoreApplication, QPoint, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QFontMetrics, QImage, QPainter, QPen

from ggt_studio.ui import theme
from ggt_studio.ui.theme import SPACE_4, SPACE_8, Text
from ggt_studio.ui.widgets.badges import Badge, paint_badge
from ggt_studio.ui.widgets.thumbnails import ThumbKey

MARK = 20


@dataclass(frozen=True, slots=True)
class GridItem:
    """What a cell tells of an item; `id` is whatever the page knows it by."""

    id: object
    title: str
    subtitle: str = ""
    badge: Badge | None = None
    thumb: ThumbKey | None = None


@dataclass(frozen=True, slots=True)
class CellState:
    """How the cell stands: selected, current, with the keyboard in the grid, and the reason where its file is broken."""

    selected: bool
    current: bool
    focused: bool
    error: str


def cell_size(thumb_side: int) -> QSize:
    """Width and height of a cell in logical pixels for a thumbnail of `thumb_side`."""
    lines = QFontMetrics(theme.font()).height() + QFontMetrics(theme.font(Text.SMALL)).height()
    return QSize(thumb_side + 2 * SPACE_8, SPACE_8 + thumb_side + SPACE_4 + lines + SPACE_8)


def paint_cell(
    painter: QPainter, cell: QRect, side: int, item: GridItem | None, image: QImage | None, state: CellState
) -> None:
    """One cell; `item` is None while its row is being read, `image`, fitted to `side`, while its thumbnail is."""
    tokens = theme.tokens()
    box = QRect(cell.left() + (cell.width() - side) // 2, cell.top() + SPACE_8, side, side)
    card = QRect(box.left() - SPACE_8 + 2, cell.top() + 2, side + 2 * SPACE_8 - 4, cell.height() - 4)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    if state.selected:
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(tokens.colour("hover"))
        painter.drawRoundedRect(card, theme.RADIUS, theme.RADIUS)
    if image is not None:
        _paint_image(painter, box, image)
    else:
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(tokens.colour("window"))
        painter.drawRoundedRect(box, theme.RADIUS, theme.RADIUS)
        if state.error:
            _paint_broken(painter, box)
    if item is not None:
        _paint_words(painter, box, item)
        if item.badge is not None:
            room = side - SPACE_8 - (MARK + SPACE_4 if state.selected else 0)
            paint_badge(painter, box.topLeft() + QPoint(SPACE_4, SPACE_4), item.badge, room)
    if state.selected:
        _paint_mark(painter, QRect(box.right() - MARK - SPACE_4 + 1, box.top() + SPACE_4 + 1, MARK, MARK))
    if state.current or state.selected:
        width = 2 if state.current and state.focused else 1
        colour = "accent" if state.selected or state.focused else "border"
        painter.setPen(QPen(tokens.colour(colour), width))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRoundedRect(QRectF(card), theme.RADIUS, theme.RADIUS)


def _paint_image(painter: QPainter, box: QRect, image: QImage) -> None:
    size = image.deviceIndependentSize().toSize()
    painter.drawImage(
        box.topLeft() + QPoint((box.width() - size.width()) // 2, (box.height() - size.height()) // 2), image
    )


def _paint_broken(painter: QPainter, box: QRect) -> None:
    side = min(40, box.width() // 3)
    icon = QRect(0, 0, side, side)
    icon.moveCenter(box.center() - QPoint(0, SPACE_8))
    theme.icon("mdi6.image-broken-variant", "muted").paint(painter, icon)
    painter.setPen(theme.tokens().colour("muted"))
    painter.setFont(theme.font(Text.SMALL))
    words = QRect(box.left(), icon.bottom() + SPACE_4, box.width(), SPACE_8 * 3)
    painter.drawText(
        words,
        int(Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignTop),
        QCoreApplication.translate("PatchGrid", "Cannot be read"),
    )


def _paint_words(painter: QPainter, box: QRect, item: GridItem) -> None:
    tokens = theme.tokens()
    top = box.bottom() + 1 + SPACE_4
    for text, font, role in (
        (item.title, theme.font(), "text"),
        (item.subtitle, theme.font(Text.SMALL), "muted"),
    ):
        metrics = QFontMetrics(font)
        painter.setFont(font)
        painter.setPen(tokens.colour(role))
        line = QRect(box.left(), top, box.width(), metrics.height())
        shown = metrics.elidedText(text, Qt.TextElideMode.ElideMiddle, box.width())
        painter.drawText(line, int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter), shown)
        top += metrics.height()


def _paint_mark(painter: QPainter, place: QRect) -> None:
    tokens = theme.tokens()
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(tokens.colour("accent"))
    painter.drawEllipse(place)
    theme.icon("mdi6.check-bold", "on_accent").paint(painter, place.adjusted(4, 4, -4, -4))
