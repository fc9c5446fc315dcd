"""Computes the difference pictures off the window's thread and drops those that nobody waits for any more."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QThreadPool, Signal
from PySide6.QtGui import QImage
from shiboken6 import isValid

from ggt_studio.ui.widgets.compare.modes import Mode

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

FULL_SCALE_DELTA_E = 100.0


class DifferenceJobs(QObject):
    """Asks a thread for a picture. `ready` carries (mode, gain, picture) of the latest request only.

    Owned by Python alone, without a Qt parent: a running task keeps it alive until it is done.
    """

    ready = Signal(object, float, QImage)
    _done = Signal(int, object, float, QImage)

    def __init__(self) -> None:
        super().__init__()
        self._latest = 0
        self._raw: tuple[tuple[int, int, Mode], NDArray[np.float32]] | None = None
        self._done.connect(self._deliver)

    def request(self, lq: QImage, hq: QImage, mode: Mode, gain: float) -> None:
        """Compute the picture of `mode` from two images of the same size; earlier requests are forgotten."""
        self._latest += 1
        ticket = self._latest
        QThreadPool.globalInstance().start(lambda: self._work(ticket, lq, hq, mode, gain))

    def forget(self) -> None:
        """Drop what is under way: nothing more arrives until the next request."""
        self._latest += 1

    def _work(self, ticket: int, lq: QImage, hq: QImage, mode: Mode, gain: float) -> None:
        if ticket != self._latest:
            return
        picture = self._picture(lq, hq, mode, gain)
        if ticket == self._latest and isValid(self):  # the application may have ended meanwhile
            self._done.emit(ticket, mode, gain, picture)

    def _picture(self, lq: QImage, hq: QImage, mode: Mode, gain: float) -> QImage:
        from ggt_studio.core import difference  # numpy is loaded when the first difference is wanted

        if mode is Mode.DIFFERENCE:
            return to_image(difference.amplify(difference.absolute_difference(to_array(lq), to_array(hq)), gain))
        key = (lq.cacheKey(), hq.cacheKey(), mode)
        if self._raw is None or self._raw[0] != key:
            self._raw = (key, difference.delta_e(to_array(lq), to_array(hq)))
        return to_image(difference.heat(self._raw[1], FULL_SCALE_DELTA_E / gain))

    def _deliver(self, ticket: int, mode: Mode, gain: float, picture: QImage) -> None:
        if ticket == self._latest:
            self.ready.emit(mode, gain, picture)


def to_array(image: QImage) -> NDArray[np.uint8]:
    """An image as H x W x 3 uint8 RGB; a copy."""
    import numpy as np

    plain = image.convertToFormat(QImage.Format.Format_RGB888)
    rows = np.frombuffer(plain.constBits(), np.uint8).reshape(plain.height(), plain.bytesPerLine())
    return rows[:, : plain.width() * 3].reshape(plain.height(), plain.width(), 3).copy()


def to_image(pixels: NDArray[np.uint8]) -> QImage:
    """H x W x 3 uint8 RGB as an image that owns its pixels."""
    height, width, _ = pixels.shape
    return QImage(pixels.tobytes(), width, height, width * 3, QImage.Format.Format_RGB888).copy()
