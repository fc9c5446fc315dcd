"""What a person has seen: nothing is decided about a pair that was not painted, nor by a key held down."""

from __future__ import annotations

import time

from PySide6.QtCore import QEvent, QObject
from PySide6.QtWidgets import QWidget

SEEN_S = 0.12
"""Nobody recognises a picture in less; a key pressed sooner was meant for the pair before."""

CLICK_S = 0.3
"""Two clicks closer than this are a double click, and mean one decision."""


class Sight(QObject):
    """Watches the paintings of a canvas."""

    def __init__(self, canvas: QWidget) -> None:
        super().__init__(canvas)
        self._subject: object = None
        self._painted_at: float | None = None
        self._pressed_at = 0.0
        canvas.installEventFilter(self)

    def expect(self, subject: object) -> None:
        """`subject` was handed to the canvas; None while there is nothing that could be decided about."""
        if subject != self._subject:
            self._subject, self._painted_at = subject, None

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Notes the first painting of the subject."""
        if event.type() == QEvent.Type.Paint and self._subject is not None and self._painted_at is None:
            self._painted_at = time.monotonic()
        return super().eventFilter(watched, event)

    def seen(self, subject: object) -> bool:
        """Whether `subject` has been on the screen for long enough to be recognised."""
        return (
            subject is not None
            and subject == self._subject
            and self._painted_at is not None
            and time.monotonic() - self._painted_at >= SEEN_S
        )

    def pressed(self, *, by_key: bool) -> bool:
        """Note that a decision was asked for; False where it follows the one before as only a held key or a double click
        does. Held keys that a remote desktop tells as single presses never come apart enough."""
        now = time.monotonic()
        before, self._pressed_at = self._pressed_at, now
        return now - before >= (SEEN_S if by_key else CLICK_S)
