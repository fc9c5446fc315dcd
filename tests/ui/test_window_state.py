"""A window never starts larger than the screen, nor outside it."""

from __future__ import annotations

from PySide6.QtCore import QRect, QSize, Qt
from PySide6.QtWidgets import QWidget

from ggt_studio.ui.window_state import keep_geometry, restore_geometry, within


def test_a_window_kept_on_a_larger_screen_comes_back_within_this_one(qtbot):
    earlier, window = QWidget(), QWidget()
    for widget in (earlier, window):
        qtbot.addWidget(widget)
    available = window.screen().availableGeometry()
    earlier.setGeometry(available.right() - 50, 40, available.width() + 900, available.height() + 700)
    keep_geometry(earlier)
    window.setMinimumSize(available.size() + QSize(80, 80))
    restore_geometry(window, QSize(300, 200))
    assert available.contains(window.geometry())
    assert available.size() == available.size().expandedTo(window.minimumSize())


def test_a_first_start_takes_the_size_wanted_or_the_screen(qtbot):
    for wanted in (QSize(300, 200), QSize(9000, 9000)):
        window = QWidget()
        qtbot.addWidget(window)
        restore_geometry(window, wanted)
        assert window.size() == wanted.boundedTo(window.screen().availableGeometry().size())
        assert not window.testAttribute(Qt.WidgetAttribute.WA_Moved), "the desktop chooses the place, title bar and all"


def test_only_what_reaches_out_is_moved():
    screen = QRect(100, 20, 1000, 700)
    assert within(QRect(200, 30, 400, 300), screen) == QRect(200, 30, 400, 300)
    assert within(QRect(900, 600, 400, 300), screen) == QRect(700, 420, 400, 300)
    assert within(QRect(-50, -50, 4000, 300), screen) == QRect(100, 20, 1000, 300)
