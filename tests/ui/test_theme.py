from __future__ import annotations

import os
import subprocess
import sys

import pytest
from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QFontMetricsF
from PySide6.QtWidgets import QComboBox, QLabel, QPushButton

from ggt_studio.ui import theme

BOTH = pytest.mark.parametrize("tokens", [theme.DARK, theme.LIGHT], ids=["dark", "light"])


@BOTH
def test_all_text_has_enough_contrast(tokens):
    weak = {
        pair: round(theme.contrast(getattr(tokens, pair[0]), getattr(tokens, pair[1])), 2)
        for pair in theme.text_pairs(tokens)
        if theme.contrast(getattr(tokens, pair[0]), getattr(tokens, pair[1])) < 4.5
    }
    assert not weak


@BOTH
def test_focus_rings_and_control_outlines_stand_out(tokens):
    for surface in ("window", "panel", "raised"):
        assert theme.contrast(tokens.accent, getattr(tokens, surface)) >= 3
    for surface in ("window", "panel"):
        assert theme.contrast(tokens.border, getattr(tokens, surface)) >= 3


@BOTH
def test_surfaces_do_not_tint_the_photos(tokens):
    for name in ("window", "panel", "raised", "hover", "surround", "line", "border", "text", "muted"):
        colour = tokens.colour(name)
        assert colour.red() == colour.green() == colour.blue(), name


def test_contrast_is_that_of_wcag():
    assert theme.contrast("#000000", "#ffffff") == pytest.approx(21)
    assert theme.contrast("#777777", "#ffffff") == pytest.approx(4.478, abs=0.001)


@BOTH
def test_the_style_sheet_is_complete_and_its_pictures_exist(tokens):
    import re
    from pathlib import Path

    sheet = theme.style_sheet(tokens)
    assert "$" not in sheet
    pictures = re.findall(r"url\((.*?)\)", sheet)
    assert pictures
    assert all(Path(picture).is_file() for picture in pictures)


def test_applying_a_theme_reaches_palette_text_and_controls(qapp, qtbot):
    for choice in ("dark", "light"):
        applied = theme.apply_theme(qapp, choice)
        assert theme.tokens() is applied
        button = QPushButton("Start")
        qtbot.addWidget(button)
        assert button.palette().color(button.backgroundRole()) == applied.colour("raised")
        assert qapp.palette().color(qapp.palette().ColorRole.Window) == applied.colour("window")


def test_applying_twice_does_not_grow_the_text(qapp):
    theme.apply_theme(qapp, "dark")
    first = theme.base_points()
    theme.apply_theme(qapp, "light")
    assert theme.base_points() == first


def test_system_follows_the_desktop_and_a_choice_stops_that(qapp):
    theme.apply_theme(qapp, "system")
    qapp.styleHints().colorSchemeChanged.emit(Qt.ColorScheme.Light)
    assert theme.tokens() is theme.LIGHT
    qapp.styleHints().colorSchemeChanged.emit(Qt.ColorScheme.Dark)
    assert theme.tokens() is theme.DARK
    theme.apply_theme(qapp, "dark")
    qapp.styleHints().colorSchemeChanged.emit(Qt.ColorScheme.Light)
    assert theme.tokens() is theme.DARK


def test_four_text_sizes_and_digits_of_one_width(qapp, qtbot):
    theme.apply_theme(qapp, "dark")
    sizes = [theme.font(text).pointSizeF() for text in theme.Text]
    assert sizes == sorted(sizes)
    assert len(set(sizes)) == 4
    label = QLabel("0")
    qtbot.addWidget(label)
    theme.set_text(label, theme.Text.TITLE)
    label.ensurePolished()
    assert label.font().pointSizeF() == pytest.approx(sizes[-1])
    metrics = QFontMetricsF(label.font())
    assert metrics.horizontalAdvance("1111") == metrics.horizontalAdvance("8888")


def test_icons_take_the_colour_of_the_theme_in_use(qapp, qtbot):
    image = theme.icon("mdi6.square", "accent")
    # The first request only has the icon font loaded, once the window has painted.
    image.pixmap(QSize(32, 32))
    qtbot.waitUntil(lambda: image.pixmap(QSize(32, 32)).toImage().pixelColor(16, 16).alpha() == 255)
    for choice in ("dark", "light"):
        applied = theme.apply_theme(qapp, choice)
        assert image.pixmap(QSize(32, 32)).toImage().pixelColor(16, 16) == applied.colour("accent")


def test_the_window_does_not_wait_for_the_icon_font():
    code = (
        "import sys\n"
        "from PySide6.QtCore import QSize\n"
        "from PySide6.QtWidgets import QApplication, QPushButton\n"
        "from ggt_studio.ui import theme\n"
        "app = QApplication([])\n"
        "theme.apply_theme(app, 'dark')\n"
        "button = QPushButton(theme.icon('mdi6.square'), 'x')\n"
        "button.show()\n"
        "before = button.grab().toImage()\n"
        "assert 'qtawesome' not in sys.modules\n"
        "app.processEvents()\n"
        "assert 'qtawesome' in sys.modules\n"
        "assert button.grab().toImage() != before, 'the icon appears'\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, env={**os.environ, "QT_QPA_PLATFORM": "offscreen"})


@pytest.mark.parametrize("rows", [1, 2, 7, 10])
def test_the_list_of_a_combo_box_shows_all_its_rows(qtbot, rows):
    combo = QComboBox()
    qtbot.addWidget(combo)
    combo.addItems([f"entry {row}" for row in range(rows)])
    combo.setCurrentIndex(rows - 1)
    combo.show()
    qtbot.waitExposed(combo)
    combo.showPopup()
    qtbot.waitUntil(combo.view().isVisible)
    qtbot.wait(100)
    view = combo.view()
    assert rows <= combo.maxVisibleItems()
    assert view.viewport().height() >= rows * view.sizeHintForRow(0)
    assert view.verticalScrollBar().maximum() == 0
    combo.hidePopup()
