"""The patches of a try-out as a row of thumbnails, one of them in view; arrow keys and clicks go through them."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QPoint, QRect, QSize, Qt, Signal
from PySide6.QtGui import QFocusEvent, QHelpEvent, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from ggt_studio.core.model import Patch
from ggt_studio.ui import theme
from ggt_studio.ui.pages.tryout.words import tr
from ggt_studio.ui.theme import SPACE_4
from ggt_studio.ui.vocabulary import category_name
from ggt_studio.ui.widgets.thumbnails import ThumbKey, ThumbnailCache

SIDE = 64


class PatchStrip(QWidget):
    """`chosen` carries the index of the patch that a person wants to see."""

    chosen = Signal(int)

    def __init__(self, thumbnails: ThumbnailCache, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._thumbnails = thumbnails
        self.patches: list[Patch] = []
        self.index = 0
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName(tr("Patches of the try-out"))
        thumbnails.ready.connect(lambda _: self.update())

    def show_patches(self, patches: Sequence[Patch]) -> None:
        """Show these; the first of them is in view unless the one before is among them."""
        before = self.patches[self.index].id if self.patches else 0
        self.patches = list(patches)
        self.index = next((i for i, patch in enumerate(self.patches) if patch.id == before), 0)
        self.updateGeometry()
        self.update()

    def choose(self, index: int) -> None:
        """Bring a patch into view."""
        if 0 <= index < len(self.patches):
            self.index = index
            patch = self.patches[index]
            self.setAccessibleDescription(f"#{patch.id}, {category_name(patch.category)}")
            self.update()
            self.chosen.emit(index)

    def place(self, index: int) -> QRect:
        """Where a thumbnail lies."""
        side = self._side()
        return QRect(QPoint(index * (side + SPACE_4), 0), QSize(side, side))

    def _side(self) -> int:
        number = max(1, len(self.patches))
        return max(24, min(SIDE, (self.width() + SPACE_4) // number - SPACE_4))

    def sizeHint(self) -> QSize:
        """A row."""
        return QSize(max(1, len(self.patches)) * (SIDE + SPACE_4), SIDE)

    def minimumSizeHint(self) -> QSize:
        """Thumbnails shrink where room is scarce."""
        return QSize(max(1, len(self.patches)) * (24 + SPACE_4), SIDE)

    def paintEvent(self, event: QPaintEvent) -> None:
        """All thumbnails; the one in view has a frame."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        tokens = theme.tokens()
        for index, patch in enumerate(self.patches):
            place = self.place(index)
            painter.fillRect(place, tokens.colour("surround"))
            image = self._thumbnails.get(ThumbKey(patch.sha256, str(patch.lq_path)))
            if image is not None:
                size = image.size().scaled(place.size(), Qt.AspectRatioMode.KeepAspectRatio)
                inside = QRect(QPoint(0, 0), size)
                inside.moveCenter(place.center())
                painter.drawImage(inside, image)
            if index == self.index:
                painter.setPen(QPen(tokens.colour("accent" if self.hasFocus() else "text"), 2))
                painter.drawRect(place.adjusted(1, 1, -1, -1))
        painter.end()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Look at another patch."""
        found = [i for i in range(len(self.patches)) if self.place(i).contains(event.position().toPoint())]
        if found and event.button() == Qt.MouseButton.LeftButton:
            self.choose(found[0])

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Left and right, to the ends with Home and End."""
        step = {
            Qt.Key.Key_Left: self.index - 1,
            Qt.Key.Key_Right: self.index + 1,
            Qt.Key.Key_Home: 0,
            Qt.Key.Key_End: len(self.patches) - 1,
        }.get(Qt.Key(event.key()))
        if step is None:
            super().keyPressEvent(event)
        else:
            self.choose(step)

    def focusInEvent(self, event: QFocusEvent) -> None:
        """The frame shows where the keyboard is."""
        super().focusInEvent(event)
        self.update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """The frame turns quiet."""
        super().focusOutEvent(event)
        self.update()

    def event(self, event: QEvent) -> bool:
        """Tooltips: number and category."""
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            found = [patch for i, patch in enumerate(self.patches) if self.place(i).contains(event.pos())]
            told = f"#{found[0].id} · {category_name(found[0].category)}" if found else ""
            QToolTip.showText(event.globalPos(), told, self)
            return True
        return super().event(event)
