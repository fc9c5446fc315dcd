"""The candidates that came in last, as pairs of LQ and HQ thumbnails."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QPoint, QRect, QSize, Qt
from PySide6.QtGui import QFontMetrics, QHelpEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from ggt_studio.core.model import Patch
from ggt_studio.core.words import State
from ggt_studio.ui import theme
from ggt_studio.ui.pages.generate.words import decided_words, tr
from ggt_studio.ui.theme import SPACE_4, SPACE_8, SPACE_12, Text
from ggt_studio.ui.vocabulary import category_name
from ggt_studio.ui.widgets.badges import Badge, Tone, paint_badge
from ggt_studio.ui.widgets.thumbnails import ThumbKey, ThumbnailCache

MOST = 12
_LEAST_SIDE, _MOST_SIDE = 112, 208
_GAP = 2


class LatestStrip(QWidget):
    """As many pairs as there is room for, newest first; LQ on the left, HQ on the right of each."""

    def __init__(self, thumbnails: ThumbnailCache, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        policy = QSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)
        self.setAccessibleName(tr("Latest candidates"))
        self._patches: list[Patch] = []
        self._thumbnails = thumbnails
        thumbnails.ready.connect(self._thumb_ready)

    def show_patches(self, patches: Sequence[Patch]) -> None:
        """Show these, each with a candidate."""
        if list(patches) == self._patches:
            return
        self._patches = list(patches)
        self.setAccessibleDescription("; ".join(self.words(patch) for patch in self._patches))
        self.updateGeometry()
        self.update()

    def _thumb_ready(self, key: ThumbKey) -> None:
        if any(key.sha256 in (patch.sha256, patch.hq_sha256) for patch in self._patches):
            self.update()

    @property
    def patches(self) -> list[Patch]:
        """What is shown, newest first."""
        return list(self._patches)

    @staticmethod
    def words(patch: Patch) -> str:
        """A pair in words."""
        attempt = tr("attempt {0}").format(patch.attempts) if patch.attempts else ""
        rests_on = decided_words(patch.decided_by) if patch.state in (State.REJECTED, State.FAILED) else ""
        parts = [category_name(patch.category), attempt, _badge(patch).word, rests_on]
        return ", ".join(part for part in parts if part)

    # --- geometry ------------------------------------------------------------------------------------------------

    def side_at(self, width: int) -> tuple[int, int]:
        """Side of a thumbnail in logical pixels, and pairs per row, at a width."""
        columns = max(1, min(MOST, (width + SPACE_12) // (2 * _LEAST_SIDE + _GAP + SPACE_12)))
        side = ((width + SPACE_12) // columns - SPACE_12 - _GAP) // 2
        return max(48, min(side, _MOST_SIDE)), columns

    def rows_at(self, width: int) -> int:
        """Rows at a width: two at most."""
        return max(1, min(2, -(-len(self._patches) // self.side_at(width)[1])))

    def hasHeightForWidth(self) -> bool:
        """Rows depend on the width."""
        return True

    def heightForWidth(self, width: int) -> int:
        """Logical pixels."""
        return self.rows_at(width) * self._cell_height(self.side_at(width)[0]) - SPACE_12

    def sizeHint(self) -> QSize:
        """Three pairs wide."""
        return QSize(720, self.heightForWidth(720))

    def minimumSizeHint(self) -> QSize:
        """One pair."""
        return QSize(2 * 48 + _GAP, self.heightForWidth(max(self.width(), 1)))

    @staticmethod
    def _cell_height(side: int) -> int:
        return side + SPACE_4 + QFontMetrics(theme.font(Text.SMALL)).height() + SPACE_12

    def cells(self) -> list[tuple[QRect, Patch]]:
        """The place of both thumbnails together of each pair in view."""
        side, columns = self.side_at(self.width())
        shown = self._patches[: columns * self.rows_at(self.width())]
        across, down = 2 * side + _GAP + SPACE_12, self._cell_height(side)
        places = [QPoint(i % columns * across, i // columns * down) for i in range(len(shown))]
        return [(QRect(place, QSize(2 * side + _GAP, side)), patch) for place, patch in zip(places, shown, strict=True)]

    # --- painting --------------------------------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent) -> None:
        """All pairs in view."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        for place, patch in self.cells():
            self._paint_pair(painter, place, patch)
        painter.end()

    def _paint_pair(self, painter: QPainter, place: QRect, patch: Patch) -> None:
        side = place.height()
        left = QRect(place.topLeft(), QSize(side, side))
        self._paint_thumb(painter, left, ThumbKey(patch.sha256, str(patch.lq_path)))
        right = left.translated(side + _GAP, 0)
        if patch.hq_sha256 is not None:
            self._paint_thumb(painter, right, ThumbKey(patch.hq_sha256, str(patch.hq_path)))
        else:
            painter.fillRect(right, theme.tokens().colour("surround"))
        if patch.state is not State.OPEN:
            paint_badge(painter, place.topLeft() + QPoint(SPACE_4, SPACE_4), _badge(patch), place.width() - SPACE_8)
        small = theme.font(Text.SMALL)
        painter.setFont(small)
        painter.setPen(theme.tokens().colour("muted"))
        text = category_name(patch.category)
        if patch.attempts:
            text += " · " + tr("attempt {0}").format(patch.attempts)
        line = QRect(place.left(), place.bottom() + 1 + SPACE_4, place.width(), QFontMetrics(small).height())
        painter.drawText(line, QFontMetrics(small).elidedText(text, Qt.TextElideMode.ElideRight, line.width()))

    def _paint_thumb(self, painter: QPainter, place: QRect, key: ThumbKey) -> None:
        painter.fillRect(place, theme.tokens().colour("surround"))
        image = self._thumbnails.get(key)
        if image is not None:
            size = image.size().scaled(place.size(), Qt.AspectRatioMode.KeepAspectRatio)
            inside = QRect(QPoint(0, 0), size)
            inside.moveCenter(place.center())
            painter.drawImage(inside, image)
        elif self._thumbnails.error(key):
            theme.icon("mdi6.image-broken-variant", "muted").paint(painter, place.adjusted(32, 32, -32, -32))

    def event(self, event: QEvent) -> bool:
        """Tooltips: a pair in words."""
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            found = next((patch for place, patch in self.cells() if place.contains(event.pos())), None)
            QToolTip.showText(event.globalPos(), self.words(found) if found else "", self)
            return True
        return super().event(event)


def _badge(patch: Patch) -> Badge:
    return {
        State.OPEN: Badge(Tone.BUSY, tr("In work") if patch.attempts else tr("Open")),
        State.WAITING: Badge(Tone.NEUTRAL, tr("Waits for you")),
        State.VERIFIED: Badge(Tone.GOOD, tr("Verified")),
        State.REJECTED: Badge(Tone.BAD, tr("Rejected")),
        State.FAILED: Badge(Tone.WARN, tr("Failed")),
    }[patch.state]
