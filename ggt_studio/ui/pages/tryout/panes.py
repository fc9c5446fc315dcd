"""Several images of one patch side by side, with zoom and pan locked together: the compare view's image area, once per image."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QImage, QKeyEvent
from PySide6.QtWidgets import QGridLayout, QWidget

from ggt_studio.ui.pages.tryout.words import tr
from ggt_studio.ui.theme import SPACE_4
from ggt_studio.ui.widgets.compare import camera as cam
from ggt_studio.ui.widgets.compare.canvas import Canvas
from ggt_studio.ui.widgets.compare.layer import Layer
from ggt_studio.ui.widgets.compare.modes import Mode, Side
from ggt_studio.ui.widgets.compare.painting import Message
from ggt_studio.ui.widgets.compare.stage import Scene


@dataclass(frozen=True, slots=True)
class PaneImage:
    """What one pane shows: its label, and an image, or why there is none."""

    label: str
    image: QImage | None
    missing: str = ""


class LockedPanes(QWidget):
    """The first pane is LQ. Keys, where the focus is within: + and - zoom, 0 fits, 9 is 1:1, arrows pan."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.canvases: list[Canvas] = []
        self._moving = False
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setSpacing(SPACE_4)
        self._below: list[QWidget] = []

    def show_images(self, images: Sequence[PaneImage]) -> None:
        """Show these; zoom and centre stay."""
        while len(self.canvases) < len(images):
            self._add()
        first = next((image.image for image in images if image.image is not None and not image.image.isNull()), None)
        size = (first.width(), first.height()) if first is not None else None
        for index, (canvas, shown) in enumerate(zip(self.canvases, images, strict=False)):
            side = Side.LQ if index == 0 else Side.HQ
            layer = Layer(shown.image) if shown.image is not None and not shown.image.isNull() else None
            if layer is not None and size is not None:
                layer = layer.scaled_to(size)
            message = Message("mdi6.image-off-outline", shown.missing or tr("No image yet"))
            canvas.mode = Mode.LQ if index == 0 else Mode.HQ
            layers = (layer, None) if index == 0 else (None, layer)
            canvas.show_scene(Scene(*layers, {side: shown.label}, {side: message}, message))
            canvas.setAccessibleName(shown.label)
            canvas.setAccessibleDescription("" if layer else message.heading)
        for index, canvas in enumerate(self.canvases):
            canvas.setVisible(index < len(images))

    def set_below(self, widgets: Sequence[QWidget]) -> None:
        """What stands below the panes, one each."""
        for old in self._below:
            self._grid.removeWidget(old)
            old.hide()
        self._below = list(widgets)
        while len(self.canvases) < len(widgets):
            self._add()
        for column, widget in enumerate(widgets):
            self._grid.addWidget(widget, 1, column)
            widget.show()
        self._grid.setRowStretch(0, 1)
        for column in range(len(self.canvases)):
            self._grid.setColumnStretch(column, 1 if column < len(widgets) else 0)

    def _add(self) -> None:
        canvas = Canvas(Scene(None, None, {}, {}, Message("mdi6.image-outline", "")))
        canvas.camera_changed.connect(lambda: self._follow(canvas))
        canvas.installEventFilter(self)
        self._grid.addWidget(canvas, 0, len(self.canvases))
        self.canvases.append(canvas)

    def _follow(self, moved: Canvas) -> None:
        if self._moving or moved.image_size() is None:
            return
        self._moving = True
        for canvas in self.canvases:
            if canvas is not moved and canvas.camera != moved.camera:
                canvas.camera = moved.camera
                canvas.update()
        self._moving = False

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Keys of the canvases."""
        if event.type() == QEvent.Type.KeyPress and isinstance(event, QKeyEvent) and isinstance(watched, Canvas):
            return self._key(watched, event)
        return super().eventFilter(watched, event)

    def _key(self, canvas: Canvas, event: QKeyEvent) -> bool:
        key = event.key()
        pans = {
            Qt.Key.Key_Left: (1, 0),
            Qt.Key.Key_Right: (-1, 0),
            Qt.Key.Key_Up: (0, 1),
            Qt.Key.Key_Down: (0, -1),
        }
        match key:
            case Qt.Key.Key_Plus | Qt.Key.Key_Equal:
                canvas.zoom_to(cam.rung(canvas.zoom(), 1))
            case Qt.Key.Key_Minus:
                canvas.zoom_to(cam.rung(canvas.zoom(), -1))
            case Qt.Key.Key_0:
                canvas.fit()
            case Qt.Key.Key_9:
                canvas.zoom_to(1.0)
            case _ if key in pans:
                right, down = pans[Qt.Key(key)]
                return canvas.pan_by(right * canvas.width() * 0.15, down * canvas.height() * 0.15)
            case _:
                return False
        return True
