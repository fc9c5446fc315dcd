"""Where the window stood and how large it was, kept from one start to the next, and never larger than the screen."""

from __future__ import annotations

from PySide6.QtCore import QByteArray, QPoint, QRect, QSettings, QSize
from PySide6.QtWidgets import QWidget

from ggt_studio.settings import settings_file


def keep_geometry(window: QWidget) -> None:
    """Remember place and size of the window."""
    _file().setValue("geometry", window.saveGeometry())


def restore_geometry(window: QWidget, otherwise: QSize) -> None:
    """Put the window back where it stood, or give it a size where that is not known, within the screen that is there."""
    geometry = _file().value("geometry")
    known = isinstance(geometry, QByteArray) and window.restoreGeometry(geometry)
    available = window.screen().availableGeometry()
    window.setMinimumSize(window.minimumSize().boundedTo(available.size()))
    if not known:
        # The desktop chooses the place: a place of ours would leave out the title bar, whose height is not known yet.
        window.resize(otherwise.boundedTo(available.size()))
    elif not (window.isMaximized() or window.isFullScreen()):
        window.setGeometry(within(window.geometry(), available))


def within(wanted: QRect, available: QRect) -> QRect:
    """The rectangle made no larger than the available one and moved inside it, as little as that takes."""
    size = wanted.size().boundedTo(available.size())
    left = min(max(wanted.left(), available.left()), available.left() + available.width() - size.width())
    top = min(max(wanted.top(), available.top()), available.top() + available.height() - size.height())
    return QRect(QPoint(left, top), size)


def _file() -> QSettings:
    return QSettings(str(settings_file().with_name("window.ini")), QSettings.Format.IniFormat)
