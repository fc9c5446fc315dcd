"""The compare view's keys, wherever they come from: its own image area or a page that hands them over."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QElapsedTimer, QEvent, QObject, Qt
from PySide6.QtGui import QKeyEvent

from ggt_studio.ui.widgets.compare import modes

if TYPE_CHECKING:
    from ggt_studio.ui.widgets.compare.view import CompareView

HOLD_MS = 250
PAN_SHARE = 0.15

_MODES = {key: mode for mode, key in modes.KEYS.items() if mode is not modes.Mode.FLICKER}
_PANS = {Qt.Key.Key_Left: (-1, 0), Qt.Key.Key_Right: (1, 0), Qt.Key.Key_Up: (0, -1), Qt.Key.Key_Down: (0, 1)}
_ADJUST = {Qt.Key.Key_BracketLeft: -1, Qt.Key.Key_BracketRight: 1}


class CompareKeys(QObject):
    """Event filter that turns keys into calls of the view."""

    def __init__(self, view: CompareView) -> None:
        super().__init__(view)
        self._view = view
        self._held = QElapsedTimer()
        self._zooms = {
            Qt.Key.Key_Plus: view.zoom_in,
            Qt.Key.Key_Equal: view.zoom_in,
            Qt.Key.Key_Minus: view.zoom_out,
            Qt.Key.Key_0: view.fit,
            Qt.Key.Key_9: view.actual,
        }

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Keys of the widgets listened to."""
        if isinstance(event, QKeyEvent) and event.type() in (QEvent.Type.KeyPress, QEvent.Type.KeyRelease):
            return self.handle(event)
        return super().eventFilter(watched, event)

    def handle(self, event: QKeyEvent) -> bool:
        """Act on a press or release; False where it means nothing."""
        plain = Qt.KeyboardModifier.ShiftModifier | Qt.KeyboardModifier.KeypadModifier
        if event.modifiers() & ~plain:
            return False
        if event.key() == Qt.Key.Key_F:
            return self._flicker(event)
        return event.type() == QEvent.Type.KeyPress and self._pressed(Qt.Key(event.key()))

    def _flicker(self, event: QKeyEvent) -> bool:
        """A tap switches to the other image; a key held peeks at it and comes back when let go."""
        if event.isAutoRepeat():
            return True
        if event.type() == QEvent.Type.KeyPress:
            self._held.start()
            self._view.flicker()
        elif self._held.isValid():
            if self._held.elapsed() >= HOLD_MS:
                self._view.flicker()
            self._held.invalidate()
        return True

    def _pressed(self, key: Qt.Key) -> bool:
        if key in _MODES:
            self._view.set_mode(_MODES[key])
            return True
        if key in self._zooms:
            self._zooms[key]()
            return True
        if key in _PANS:
            right, down = _PANS[key]
            return self._view.pan(right * PAN_SHARE, down * PAN_SHARE)
        return key in _ADJUST and self._view.adjust(_ADJUST[key])
