"""An image made ready for painting at any zoom: halved copies for small zooms, only the visible part drawn."""

from __future__ import annotations

import math

from PySide6.QtCore import QRect, QRectF, QSize, Qt
from PySide6.QtGui import QImage, QPainter

from ggt_studio.ui.widgets.compare.camera import Placement

NEAREST_ABOVE = 2.0


class Layer:
    """An opaque image. Alpha is dropped, so that the pixels shown are the pixels kept."""

    def __init__(self, image: QImage) -> None:
        self.image = image.convertToFormat(QImage.Format.Format_RGB32)
        self.image.setDevicePixelRatio(1.0)
        self._halves = [self.image]

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        return self.image.width(), self.image.height()

    def scaled_to(self, size: tuple[int, int]) -> Layer:
        """The same picture at another size, for laying it over one of that size."""
        if size == self.size:
            return self
        wanted = QSize(*size)
        smooth = Qt.TransformationMode.SmoothTransformation
        return Layer(self.image.scaled(wanted, Qt.AspectRatioMode.IgnoreAspectRatio, smooth))

    def rgb(self, x: int, y: int) -> tuple[int, int, int] | None:
        """The pixel at column `x`, row `y` as R, G, B in 0-255; None outside the image."""
        if not self.image.rect().contains(x, y):
            return None
        colour = self.image.pixelColor(x, y)
        return colour.red(), colour.green(), colour.blue()

    def paint(self, painter: QPainter, pane: QRect, placement: Placement, exposed: QRect) -> None:
        """Draw what of the image lies in `exposed`; all rectangles in the painter's units, device pixels.

        Nearest neighbour above 2x, smooth below; far below 1:1 from a halved copy, so that nothing aliases.
        """
        visible = pane.intersected(exposed)
        source_image = self._copy_for(placement.zoom)
        scale_x = self.image.width() * placement.zoom / source_image.width()
        scale_y = self.image.height() * placement.zoom / source_image.height()
        left, top = pane.left() + placement.left, pane.top() + placement.top
        first_x = max(0, math.floor((visible.left() - left) / scale_x) - 2)
        first_y = max(0, math.floor((visible.top() - top) / scale_y) - 2)
        end_x = min(source_image.width(), math.ceil((visible.right() + 1 - left) / scale_x) + 2)
        end_y = min(source_image.height(), math.ceil((visible.bottom() + 1 - top) / scale_y) + 2)
        if end_x <= first_x or end_y <= first_y or visible.isEmpty():
            return
        source = QRectF(first_x, first_y, end_x - first_x, end_y - first_y)
        target = QRectF(
            left + first_x * scale_x, top + first_y * scale_y, source.width() * scale_x, source.height() * scale_y
        )
        painter.save()
        painter.setClipRect(visible, Qt.ClipOperation.IntersectClip)
        smooth = placement.zoom <= NEAREST_ABOVE and placement.zoom != 1.0
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, smooth)
        painter.drawImage(target, source_image, source)
        painter.restore()

    def _copy_for(self, zoom: float) -> QImage:
        index = 0
        while zoom <= 0.5 and min(self._halves[index].width(), self._halves[index].height()) > 1:
            zoom *= 2
            index += 1
            if index == len(self._halves):
                last = self._halves[-1]
                half = QSize((last.width() + 1) // 2, (last.height() + 1) // 2)
                smooth = Qt.TransformationMode.SmoothTransformation
                self._halves.append(last.scaled(half, Qt.AspectRatioMode.IgnoreAspectRatio, smooth))
        return self._halves[index]
