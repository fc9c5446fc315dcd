"""The image area under the mouse: wheel and pinch zoom, dragging pans or moves the divider, hovering tells the pixel."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QPoint, QPointF, Qt, Signal
from PySide6.QtGui import QMouseEvent, QNativeGestureEvent, QWheelEvent
from PySide6.QtWidgets import QWidget

from ggt_studio.ui.widgets.compare.modes import Mode
from ggt_studio.ui.widgets.compare.stage import Scene, Stage

WHEEL_STEP = 1.25
CLICK_SLACK = 4
GRAB_REACH = 12


class Canvas(Stage):
    """`hovered` carries the image pixel under the cursor as (x, y), or None; `clicked` is a press without a movement."""

    hovered = Signal(object)
    clicked = Signal()

    def __init__(self, scene: Scene, parent: QWidget | None = None) -> None:
        super().__init__(scene, parent)
        self.setMouseTracking(True)
        self._pressed: QPointF | None = None
        self._last = QPointF()
        self._dragging = ""

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Take hold of the divider or of the image."""
        if event.button() not in (Qt.MouseButton.LeftButton, Qt.MouseButton.MiddleButton):
            event.ignore()
            return
        self._pressed = self._last = event.position()
        movable = self.movable()
        swipe = self.effective_mode() is Mode.SWIPE and event.button() == Qt.MouseButton.LeftButton
        near = abs(event.position().x() - self.divider_x()) <= GRAB_REACH
        self._dragging = "divider" if swipe and (near or not movable) else "image" if movable else ""
        self._update_cursor(event.position())

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Drag what is held; otherwise tell which pixel the cursor is over."""
        position = event.position()
        if self._dragging == "divider":
            self.set_divider(position.x() / max(1, self.width()))
        elif self._dragging == "image":
            delta = position - self._last
            self.pan_by(delta.x(), delta.y())
        self._last = position
        self._update_cursor(position)
        self._tell(position)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Let go; a press without a movement is a click."""
        still = self._pressed is not None and (event.position() - self._pressed).manhattanLength() < CLICK_SLACK
        self._pressed, self._dragging = None, ""
        self._update_cursor(event.position())
        if still and event.button() == Qt.MouseButton.LeftButton:
            self.clicked.emit()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Between the whole image and 1:1 at the cursor; in flicker mode every click switches sides."""
        if self.effective_mode() is Mode.FLICKER:
            self.mousePressEvent(event)
        elif self.camera.fitted:
            self.zoom_to(1.0, event.position())
        else:
            self.fit()

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Zoom around the cursor."""
        if event.angleDelta().y() and self.image_size():
            self.zoom_to(self.zoom() * WHEEL_STEP ** (event.angleDelta().y() / 120), event.position())
            self._tell(event.position())
        event.accept()

    def event(self, event: QEvent) -> bool:
        """Pinch on a touchpad zooms around the cursor."""
        if isinstance(event, QNativeGestureEvent) and event.gestureType() == Qt.NativeGestureType.ZoomNativeGesture:
            self.zoom_to(self.zoom() * (1 + event.value()), event.position())
            return True
        return super().event(event)

    def leaveEvent(self, event: QEvent) -> None:
        """No pixel is under the cursor any more."""
        self.place_twin(None)
        self.hovered.emit(None)

    def _tell(self, position: QPointF) -> None:
        pixel = self.image_point(position)
        panes = self.panes()
        twin = None
        if pixel is not None and len(panes) == 2:
            here = self.pane_at(position.toPoint())
            offset = panes[1].left() - panes[0].left()
            twin = (1 - here, position.toPoint() + QPoint(offset if here == 0 else -offset, 0))
        self.place_twin(twin)
        self.hovered.emit(pixel)

    def _update_cursor(self, position: QPointF) -> None:
        shape = Qt.CursorShape.ArrowCursor
        if self._dragging == "image":
            shape = Qt.CursorShape.ClosedHandCursor
        elif self._dragging == "divider" or (
            self.effective_mode() is Mode.SWIPE and abs(position.x() - self.divider_x()) <= GRAB_REACH
        ):
            shape = Qt.CursorShape.SplitHCursor
        elif self.image_size():
            shape = Qt.CursorShape.CrossCursor
        self.setCursor(shape)
