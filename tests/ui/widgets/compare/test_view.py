"""The compare view as people use it: real mouse and key events, real pixels grabbed."""

from __future__ import annotations

import time

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QColor, QImage, QMouseEvent, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLineEdit, QVBoxLayout, QWidget

from ggt_studio.core.difference import absolute_difference
from ggt_studio.ui import theme
from ggt_studio.ui.widgets.compare import CompareView, Mode, Side
from ggt_studio.ui.widgets.compare.difference_job import to_array, to_image


def noise(seed: int, size: int = 256) -> QImage:
    return to_image(np.random.default_rng(seed).integers(0, 256, (size, size, 3), dtype=np.uint8))


def flat(red: int, green: int, blue: int, size: int = 256) -> QImage:
    image = QImage(size, size, QImage.Format.Format_RGB32)
    image.fill(QColor(red, green, blue))
    return image


@pytest.fixture
def view(qtbot, qapp) -> CompareView:
    theme.apply_theme(qapp, "dark")
    view = CompareView()
    qtbot.addWidget(view)
    view.resize(900, 600)
    view.show()
    qtbot.waitExposed(view)
    view.canvas.setFocus()
    return view


def wheel(view: CompareView, at: QPoint, notches: int) -> None:
    canvas = view.canvas
    event = QWheelEvent(
        QPointF(at), QPointF(canvas.mapToGlobal(at)), QPoint(), QPoint(0, 120 * notches), Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase, False,
    )  # fmt: skip
    QApplication.sendEvent(canvas, event)


def drag(view: CompareView, start: QPoint, end: QPoint) -> None:
    canvas = view.canvas
    QTest.mousePress(canvas, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, start)
    for step in (0.3, 0.7, 1.0):
        point = QPointF(start) + (QPointF(end) - QPointF(start)) * step
        move = QMouseEvent(
            QEvent.Type.MouseMove, point, QPointF(canvas.mapToGlobal(point)), Qt.MouseButton.NoButton,
            Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier,
        )  # fmt: skip
        QApplication.sendEvent(canvas, move)
    QTest.mouseRelease(canvas, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, end)


def colour_at(view: CompareView, point: QPoint) -> tuple[int, int, int]:
    colour = view.canvas.grab().toImage().pixelColor(point * view.devicePixelRatioF())
    return colour.red(), colour.green(), colour.blue()


# --- the frame of the keyboard ---------------------------------------------------------------------------------


def test_the_keyboard_s_frame_is_grey_and_only_there_for_who_comes_by_tab(view):
    view.set_images(flat(200, 200, 200), flat(200, 200, 200))
    corner = QPoint(1, 1)
    surround = theme.tokens().colour("surround")
    bare = (surround.red(), surround.green(), surround.blue())
    assert view.canvas.hasFocus()
    assert colour_at(view, corner) == bare
    view.canvas.clearFocus()
    view.canvas.setFocus(Qt.FocusReason.TabFocusReason)
    red, green, blue = colour_at(view, corner)
    assert red == green == blue
    assert (red, green, blue) != bare


# --- zoom and pan ------------------------------------------------------------------------------------------------


def test_wheel_zooms_around_the_cursor(view):
    view.set_images(noise(1), noise(2))
    at = QPoint(300, 250)
    before = view.canvas.image_point(QPointF(at))
    wheel(view, at, 4)
    after = view.canvas.image_point(QPointF(at))
    assert view.zoom() == pytest.approx(view.canvas.pane_size()[0] / 256 * 1.25**4)
    assert max(abs(a - b) for a, b in zip(before, after, strict=True)) <= 1


def test_zoom_and_centre_are_kept_from_pair_to_pair_and_from_mode_to_mode(view):
    view.set_images(noise(1), noise(2))
    wheel(view, QPoint(100, 100), 5)
    zoom, camera = view.zoom(), view.canvas.camera
    view.show_loading()
    view.set_images(noise(3), noise(4))
    assert (view.zoom(), view.canvas.camera) == (zoom, camera)
    view.set_mode(Mode.SWIPE)
    view.set_images(noise(5, 512), noise(6, 512))
    assert view.zoom() == zoom
    assert (view.canvas.camera.x, view.canvas.camera.y) == (camera.x, camera.y)


def test_both_panes_show_the_same_place(view):
    picture = noise(1)
    view.set_images(picture, picture)
    wheel(view, QPoint(100, 400), 6)
    drag(view, QPoint(200, 300), QPoint(120, 180))
    QApplication.sendEvent(view.canvas, QEvent(QEvent.Type.Leave))
    left, right = view.canvas.panes()
    shot = view.canvas.grab().toImage()
    below_labels = QPoint(20, 60)
    first = shot.copy(left.translated(below_labels).adjusted(0, 0, -40, -80))
    second = shot.copy(right.translated(below_labels).adjusted(0, 0, -40, -80))
    assert first == second
    assert len({first.pixel(x, 5) for x in range(0, first.width(), 9)}) > 5


def test_actual_size_shows_each_pixel_unchanged(view):
    picture = noise(1)
    view.set_images(picture, None)
    view.set_mode(Mode.LQ)
    view.actual()
    placement = view.canvas.placement()
    assert placement.zoom == 1
    shown = view.canvas.grab().toImage().copy(placement.left, placement.top, 256, 256)
    assert np.array_equal(to_array(shown)[60:], to_array(picture)[60:])


def test_above_twice_the_pixels_are_squares(view):
    view.set_images(noise(1), None)
    view.set_mode(Mode.LQ)
    view.canvas.zoom_to(8)
    shot, placement = view.canvas.grab().toImage(), view.canvas.placement()
    x, y = 8 * 40 + placement.left % 8, 8 * 30 + placement.top % 8
    assert len({shot.pixel(x + dx, y + dy) for dx in range(8) for dy in range(8)}) == 1


def test_keys_zoom_fit_and_pan(view):
    view.set_images(noise(1), noise(2))
    canvas = view.canvas
    QTest.keyClick(canvas, Qt.Key.Key_9)
    assert view.zoom() == 1
    QTest.keyClick(canvas, Qt.Key.Key_Plus)
    QTest.keyClick(canvas, Qt.Key.Key_Plus)
    QTest.keyClick(canvas, Qt.Key.Key_Plus)
    assert view.zoom() == 3
    x = canvas.camera.x
    QTest.keyClick(canvas, Qt.Key.Key_Right)
    assert canvas.camera.x > x
    QTest.keyClick(canvas, Qt.Key.Key_0)
    assert canvas.camera.fitted
    for _ in range(30):
        QTest.keyClick(canvas, Qt.Key.Key_Plus)
    assert view.zoom() == 16
    assert view.toolbar.percent.text() == "1600 %"


def test_a_double_click_goes_to_one_to_one_and_back(view):
    view.set_images(noise(1, 1024), noise(2, 1024))
    QTest.mouseDClick(view.canvas, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, QPoint(100, 300))
    assert view.zoom() == 1
    QTest.mouseDClick(view.canvas, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, QPoint(100, 300))
    assert view.canvas.camera.fitted


# --- modes -------------------------------------------------------------------------------------------------------


def test_keys_choose_modes_and_the_toolbar_follows(view):
    view.set_images(noise(1), noise(2))
    for key, mode in (("1", Mode.SIDE_BY_SIDE), ("2", Mode.SWIPE), ("3", Mode.DIFFERENCE), ("4", Mode.PERCEPTUAL),
                      ("5", Mode.LQ), ("6", Mode.HQ)):  # fmt: skip
        QTest.keyClick(view.canvas, key)
        assert (view.mode, view.toolbar.modes.value) == (mode, mode)


def test_toolbar_buttons_choose_modes(view, qtbot):
    with qtbot.waitSignal(view.mode_changed) as told:
        view.toolbar.modes.button(Mode.SWIPE).click()
    assert told.args == [Mode.SWIPE]


def test_the_divider_is_dragged_and_moved_by_keys(view):
    red, blue = flat(200, 0, 0), flat(0, 0, 200)
    view.set_images(red, blue)
    view.set_mode(Mode.SWIPE)
    middle = view.canvas.width() // 2
    height = view.canvas.height() // 4
    assert colour_at(view, QPoint(middle - 30, height)) == (200, 0, 0)
    assert colour_at(view, QPoint(middle + 30, height)) == (0, 0, 200)
    drag(view, QPoint(middle + 3, height), QPoint(middle + 80, height))
    assert colour_at(view, QPoint(middle + 30, height)) == (200, 0, 0)
    before = view.canvas.divider
    QTest.keyClick(view.canvas, Qt.Key.Key_BracketLeft)
    assert view.canvas.divider == pytest.approx(before - 0.02)


def test_dragging_beside_the_divider_pans_a_zoomed_image(view):
    view.set_images(noise(1), noise(2))
    view.set_mode(Mode.SWIPE)
    view.canvas.zoom_to(8)
    x, divider = view.canvas.camera.x, view.canvas.divider
    drag(view, QPoint(100, 200), QPoint(160, 200))
    assert view.canvas.camera.x < x
    assert view.canvas.divider == divider


def test_a_tap_of_f_switches_and_a_held_f_only_peeks(view):
    view.set_images(flat(200, 0, 0), flat(0, 0, 200))
    middle = view.canvas.rect().center()
    QTest.keyClick(view.canvas, Qt.Key.Key_F)
    assert view.mode is Mode.FLICKER
    assert colour_at(view, middle) == (200, 0, 0)
    QTest.keyClick(view.canvas, Qt.Key.Key_F)
    assert colour_at(view, middle) == (0, 0, 200)
    QTest.keyPress(view.canvas, Qt.Key.Key_F)
    assert colour_at(view, middle) == (200, 0, 0)
    time.sleep(0.3)
    QTest.keyRelease(view.canvas, Qt.Key.Key_F)
    assert colour_at(view, middle) == (0, 0, 200)
    QTest.mouseClick(view.canvas, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, middle)
    assert view.canvas.flicker_side is Side.LQ


def test_the_difference_is_the_absolute_one_times_the_gain(view, qtbot):
    view.set_images(flat(100, 50, 10), flat(110, 45, 10))
    view.set_mode(Mode.DIFFERENCE)
    view.set_gain(8)
    qtbot.waitUntil(lambda: view.canvas.scene.difference is not None)
    assert colour_at(view, view.canvas.rect().center()) == (80, 40, 0)
    lq, hq = noise(1), noise(2)
    view.set_images(lq, hq)
    view.set_gain(1)
    qtbot.waitUntil(lambda: view.canvas.scene.difference is not None)
    shown = to_array(view.canvas.scene.difference.image)
    assert np.array_equal(shown, absolute_difference(to_array(lq), to_array(hq)))


def test_the_perceived_difference_saturates_at_its_scale(view, qtbot):
    view.set_images(flat(0, 0, 0), flat(255, 255, 255))
    view.set_mode(Mode.PERCEPTUAL)
    qtbot.waitUntil(lambda: view.canvas.scene.difference is not None)
    assert colour_at(view, view.canvas.rect().center()) == (255, 255, 225)
    assert view.canvas.scene.full_scale == 25


def test_a_difference_of_an_earlier_pair_never_shows_up_under_a_later_one(view, qtbot):
    view.set_mode(Mode.DIFFERENCE)
    view.set_images(flat(0, 0, 0, 1024), flat(250, 250, 250, 1024))
    view.set_images(flat(7, 7, 7), flat(7, 7, 7))
    qtbot.waitUntil(lambda: view.canvas.scene.difference is not None)
    qtbot.wait(80)
    assert colour_at(view, view.canvas.rect().center()) == (0, 0, 0)


def test_a_view_may_go_while_its_difference_is_computed(qtbot):
    for _ in range(3):
        view = CompareView()
        view.set_mode(Mode.PERCEPTUAL)
        view.set_images(noise(1, 1024), noise(2, 1024))
        view.deleteLater()
        del view
        qtbot.wait(20)
    qtbot.wait(200)


# --- words and states --------------------------------------------------------------------------------------------


def test_the_pixel_under_the_cursor_is_read_from_both(view):
    view.set_images(flat(1, 2, 3), flat(40, 50, 60))
    canvas = view.canvas
    QTest.mouseMove(canvas, canvas.panes()[1].center())
    move = QMouseEvent(
        QEvent.Type.MouseMove, QPointF(canvas.panes()[1].center()), QPointF(), Qt.MouseButton.NoButton,
        Qt.MouseButton.NoButton, Qt.KeyboardModifier.NoModifier,
    )  # fmt: skip
    QApplication.sendEvent(canvas, move)
    words = view.readout.text().split()
    assert words == ["x", "127", "y", "127", "LQ", "1", "2", "3", "HQ", "40", "50", "60"]
    QApplication.sendEvent(canvas, QEvent(QEvent.Type.Leave))
    assert view.readout.text() == ""


def test_hq_of_another_size_is_laid_over_lq_and_told(view):
    view.set_images(flat(1, 2, 3, 256), flat(4, 5, 6, 512))
    assert view.canvas.scene.hq.size == (256, 256)
    assert view.canvas.scene.labels[Side.HQ] == "HQ · 512 × 512, shown at 256 × 256"
    view.set_images(flat(1, 2, 3), flat(4, 5, 6))
    assert view.canvas.scene.labels[Side.HQ] == "HQ"


def test_states_without_a_pair_say_what_is_missing(view):
    assert "Nothing to compare yet" in view.canvas.accessibleDescription()
    view.show_broken("a.png ends in the middle.")
    assert "a.png ends in the middle." in view.canvas.accessibleDescription()
    view.set_images(noise(1), None)
    assert view.canvas.scene.messages[Side.HQ].heading == "No HQ yet"
    view.set_mode(Mode.DIFFERENCE)
    assert view.canvas.effective_mode() is Mode.SIDE_BY_SIDE
    view.set_images(noise(1), QImage(), hq_note="Generate it anew.")
    assert view.canvas.scene.messages[Side.HQ].sentence == "Generate it anew."
    view.set_images(QImage(), QImage())
    assert "cannot be shown" in view.canvas.accessibleDescription()
    assert view.toolbar.percent.text() == ""


def test_a_page_hands_its_keys_over_but_not_those_typed_into_a_field(qtbot):
    page = QWidget()
    layout = QVBoxLayout(page)
    view, field = CompareView(), QLineEdit()
    layout.addWidget(view)
    layout.addWidget(field)
    qtbot.addWidget(page)
    view.listen_to(page)
    view.set_images(noise(1), noise(2))
    page.show()
    QTest.keyClick(page, Qt.Key.Key_2)
    assert view.mode is Mode.SWIPE
    QTest.keyClick(field, Qt.Key.Key_1)
    assert view.mode is Mode.SWIPE
    assert field.text() == "1"


def test_the_toolbar_gives_its_words_up_where_room_is_scarce(view, qtbot):
    assert not view.toolbar.modes.compact
    view.resize(500, 400)
    qtbot.waitUntil(lambda: view.toolbar.modes.compact)
    assert view.toolbar.modes.button(Mode.SWIPE).accessibleName() == "Swipe"
    assert view.width() == 500


def test_painting_a_large_pair_keeps_up_with_the_mouse(view):
    view.resize(1600, 900)
    view.set_images(noise(1, 1024), noise(2, 1024))
    view.canvas.grab()
    start = time.process_time()
    for _ in range(5):
        view.canvas.grab()
    assert (time.process_time() - start) / 5 < 0.2
