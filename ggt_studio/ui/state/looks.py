"""Photos as the restore page shows them: whole ones, and looks at a part."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtGui import QImage, QPainter

from ggt_studio.core.images import load_photo


@dataclass(frozen=True, slots=True)
class Look:
    """A photo and what was restored of it; `restored` None where there is nothing yet. `part`: top, left, height, width in px of a
    look at a part, None where it is the whole photo. `notes`: what a person should know of it."""

    path: Path
    photo: QImage | None
    restored: QImage | None
    problem: str = ""
    part: tuple[int, int, int, int] | None = None
    seconds: float = 0.0
    notes: tuple[str, ...] = ()


def read_flat(path: str) -> QImage:
    """An image laid over white, as whole photos are shown."""
    image = QImage(path)
    if image.isNull() or not image.hasAlphaChannel():
        return image
    flat = QImage(image.size(), QImage.Format.Format_RGB32)
    flat.fill(Qt.GlobalColor.white)
    painter = QPainter(flat)
    painter.drawImage(0, 0, image)
    painter.end()
    return flat


def read_whole(path: Path) -> QImage:
    """The photo upright, opaque, sRGB. Raises UnusableImage."""
    pixels = load_photo(path).pixels
    height, width = pixels.shape[:2]
    data = np.ascontiguousarray(pixels).tobytes()
    return QImage(data, width, height, 3 * width, QImage.Format.Format_RGB888).copy()
