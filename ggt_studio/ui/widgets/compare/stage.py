"""The image area of the compare view: where LQ and HQ lie in every mode, and how they are painted."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QPoint, QPointF, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QFocusEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from ggt_studio.ui import theme
from ggt_studio.ui.theme import SPACE_4
from ggt_studio.ui.widgets.compare import camera as cam
from ggt_studio.ui.widgets.compare import painting
from ggt_studio.ui.widgets.compare.camera import Camera, Placement
from ggt_studio.ui.widgets.compare.layer import Layer
from ggt_studio.ui.widgets.compare.modes import Mode, Side
from ggt_studio.ui.widgets.compare.painting import Message


@dataclass(frozen=True, slots=True)
class Scene:
    """All that is painted besides zoom and pan. A missing layer shows its side's message; with both missing, `message`."""

    lq: Layer | None
    hq: Layer | None
    labels: dict[Side, str]
    messages: dict[Side, Message]
    message: Message
    difference: Layer | None = None
    difference_label: str = ""
    full_scale: float = 0.0
    computing: Message | None = None

    def layer(self, side: Side) -> Layer | None:
        """The image of a side."""
        return self.lq if side is Side.LQ else self.hq


class Stage(QWidget):
    """Paints a `Scene` through a `Camera`; `camera_changed` tells that zoom or centre moved."""

    camera_changed = Signal()

    def __init__(self, scene: Scene, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(160, 120)
        self.scene = scene
        self.mode = Mode.SIDE_BY_SIDE
        self.flicker_side = Side.LQ
        self.divider = 0.5
        self.camera = Camera()
        self._twin: tuple[int, QPoint] | None = None
        self._reached_by_tab = False

    def sizeHint(self) -> QSize:
        """Room for two panes of a useful size."""
        return QSize(1024, 560)

    # --- what is shown -------------------------------------------------------------------------------------------

    def show_scene(self, scene: Scene) -> None:
        """Paint another scene with the same zoom and centre."""
        self.scene = scene
        self._twin = None
        self.update()
        self.camera_changed.emit()

    def image_size(self) -> tuple[int, int] | None:
        """Width and height that all panes share, in image pixels; None while there is no image."""
        layer = self.scene.lq or self.scene.hq
        return layer.size if layer else None

    def effective_mode(self) -> Mode:
        """The mode that can be shown: what needs both images falls back to side by side while one is missing."""
        if (self.scene.lq and self.scene.hq) or self.mode in (Mode.LQ, Mode.HQ):
            return self.mode
        return Mode.SIDE_BY_SIDE

    def panes(self) -> list[QRect]:
        """The panes in logical pixels, left to right."""
        whole = self.rect()
        if self.effective_mode() is not Mode.SIDE_BY_SIDE or self.image_size() is None:
            return [whole]
        half = (whole.width() - SPACE_4) // 2
        return [QRect(0, 0, half, whole.height()), QRect(whole.width() - half, 0, half, whole.height())]

    def _device(self, rect: QRect) -> QRect:
        ratio = self.devicePixelRatioF()
        left, top = round(rect.left() * ratio), round(rect.top() * ratio)
        right, bottom = round((rect.right() + 1) * ratio), round((rect.bottom() + 1) * ratio)
        return QRect(left, top, right - left, bottom - top)

    def pane_size(self) -> tuple[int, int]:
        """Size of one pane in device pixels; both panes are equal."""
        device = self._device(self.panes()[0])
        return device.width(), device.height()

    def placement(self) -> Placement | None:
        """Where the image lies in each pane, in device pixels."""
        size = self.image_size()
        return cam.place(self.camera, size, self.pane_size()) if size else None

    def zoom(self) -> float:
        """Device pixels per image pixel; 1.0 while there is no image."""
        placement = self.placement()
        return placement.zoom if placement else 1.0

    # --- zoom and pan --------------------------------------------------------------------------------------------

    def pane_at(self, point: QPoint) -> int:
        """The index of the pane at a point in logical pixels."""
        panes = self.panes()
        return 1 if len(panes) == 2 and point.x() >= panes[1].left() - SPACE_4 // 2 else 0

    def movable(self) -> bool:
        """Whether some of the image is outside the pane."""
        size = self.image_size()
        return size is not None and any(cam.pannable(self.camera, size, self.pane_size()))

    def image_point(self, point: QPointF) -> tuple[int, int] | None:
        """The image pixel under a point in logical pixels; None beside the image."""
        placement, size = self.placement(), self.image_size()
        if placement is None or size is None:
            return None
        x, y = placement.to_image(self._in_pane(point))
        return (int(x), int(y)) if 0 <= x < size[0] and 0 <= y < size[1] else None

    def _in_pane(self, point: QPointF) -> tuple[float, float]:
        ratio, device = self.devicePixelRatioF(), self._device(self.panes()[self.pane_at(point.toPoint())])
        return point.x() * ratio - device.left(), point.y() * ratio - device.top()

    def place_twin(self, twin: tuple[int, QPoint] | None) -> None:
        """Mark a point in the pane of an index as the twin of the mouse cursor; None removes the mark."""
        for old in (self._twin, twin):
            if old is not None:
                self.update(painting.twin_rect(old[1]))
        self._twin = twin

    def _move_camera(self, camera: Camera) -> None:
        if camera != self.camera:
            self.camera = camera
            self._twin = None
            self.update()
            self.camera_changed.emit()

    def fit(self) -> None:
        """Show the whole image, also after resizing and for the images that follow."""
        self._move_camera(Camera())

    def zoom_to(self, zoom: float, at: QPointF | None = None) -> None:
        """Zoom so that the image point at `at` (logical pixels of the canvas; the centre) stays where it is."""
        size = self.image_size()
        if size is None:
            return
        anchor = self._in_pane(at) if at is not None else None
        self._move_camera(cam.zoomed(self.camera, size, self.pane_size(), zoom, anchor))

    def pan_by(self, dx: float, dy: float) -> bool:
        """Push the image by logical pixels; False where the whole image is visible along the direction."""
        size = self.image_size()
        if size is None:
            return False
        can_x, can_y = cam.pannable(self.camera, size, self.pane_size())
        if not ((dx and can_x) or (dy and can_y)):
            return False
        ratio = self.devicePixelRatioF()
        self._move_camera(cam.panned(self.camera, size, self.pane_size(), dx * ratio, dy * ratio))
        return True

    def set_divider(self, share: float) -> None:
        """Place the swipe's divider at a share of the width, in [0, 1]."""
        self.divider = min(1.0, max(0.0, share))
        self.update()

    def divider_x(self) -> int:
        """The divider's place in logical pixels."""
        return round(self.divider * self.width())

    # --- painting --------------------------------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent) -> None:
        """Images in device pixels, so that 1:1 is exact on any screen; words and marks in logical ones."""
        painter = QPainter(self)
        tokens = theme.tokens()
        painter.fillRect(event.rect(), tokens.colour("surround"))
        if self.image_size() is None:
            painting.paint_message(painter, self.rect(), self.scene.message)
        else:
            self._paint_images(painter, event.rect())
            self._paint_marks(painter)
        if self.hasFocus() and self._reached_by_tab:
            # Grey: a colour beside a photo changes how the photo looks.
            painter.setPen(QPen(tokens.colour("muted"), 2))
            painter.drawRect(QRectF(self.rect()).adjusted(1, 1, -1, -1))
        painter.end()

    def focusInEvent(self, event: QFocusEvent) -> None:
        """The keyboard is here most of the time; only who goes looking for it with Tab is shown where it is."""
        self._reached_by_tab = event.reason() in (Qt.FocusReason.TabFocusReason, Qt.FocusReason.BacktabFocusReason)
        super().focusInEvent(event)

    def _paint_images(self, painter: QPainter, exposed: QRect) -> None:
        placement = self.placement()
        if placement is None:
            return
        ratio = self.devicePixelRatioF()
        painter.save()
        painter.scale(1 / ratio, 1 / ratio)
        origin = painter.deviceTransform()
        painter.translate(round(origin.dx()) - origin.dx(), round(origin.dy()) - origin.dy())
        panes, visible = [self._device(pane) for pane in self.panes()], self._device(exposed)
        for layer, pane, clip in self._layers(panes):
            if layer is not None:
                layer.paint(painter, pane, placement, visible.intersected(clip))
        painter.restore()

    def _layers(self, panes: list[QRect]) -> list[tuple[Layer | None, QRect, QRect]]:
        """What to draw: (layer, pane it is placed in, part of the canvas it may cover), in device pixels."""
        scene, mode, first = self.scene, self.effective_mode(), panes[0]
        if mode is Mode.SIDE_BY_SIDE:
            return [(scene.lq, first, first), (scene.hq, panes[1], panes[1])]
        if mode is Mode.SWIPE:
            left = round(self.divider_x() * self.devicePixelRatioF())
            return [
                (scene.lq, first, QRect(first.left(), first.top(), left, first.height())),
                (scene.hq, first, QRect(left, first.top(), first.width() - left, first.height())),
            ]
        if mode.is_difference:
            return [(scene.difference, first, first)]
        side = self.flicker_side if mode is Mode.FLICKER else Side(mode.value)
        return [(scene.layer(side), first, first)]

    def _paint_marks(self, painter: QPainter) -> None:
        scene, mode, panes = self.scene, self.effective_mode(), self.panes()
        if mode is Mode.SIDE_BY_SIDE:
            for side, pane in zip(Side, panes, strict=True):
                self._paint_side(painter, pane, side)
        elif mode is Mode.SWIPE:
            half = panes[0].width() // 2
            painting.paint_label(painter, QRect(0, 0, half, self.height()), Side.LQ, scene.labels[Side.LQ])
            right = QRect(half, 0, panes[0].width() - half, self.height())
            painting.paint_label(painter, right, Side.HQ, scene.labels[Side.HQ], right=True)
            painting.paint_divider(painter, panes[0], self.divider_x())
        elif mode.is_difference:
            painting.paint_label(painter, panes[0], None, scene.difference_label)
            if scene.difference is None and scene.computing:
                painting.paint_message(painter, panes[0], scene.computing)
            elif mode is Mode.PERCEPTUAL:
                painting.paint_heat_scale(painter, panes[0], scene.full_scale)
        else:
            self._paint_side(painter, panes[0], self.flicker_side if mode is Mode.FLICKER else Side(mode.value))
        if self._twin is not None and self._twin[0] < len(panes):
            painter.setClipRect(panes[self._twin[0]])
            painting.paint_twin(painter, self._twin[1])
            painter.setClipping(False)

    def _paint_side(self, painter: QPainter, pane: QRect, side: Side) -> None:
        if self.scene.layer(side) is None:
            painting.paint_message(painter, pane, self.scene.messages[side])
        painting.paint_label(painter, pane, side, self.scene.labels[side])
