from __future__ import annotations

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QWidget

from ggt_studio.core.errors import ProjectLocked
from ggt_studio.ui import theme
from ggt_studio.ui.widgets.common import (
    Banner,
    EmptyState,
    KeyHint,
    PathLabel,
    Progress,
    ProgressStrip,
    Segment,
    SegmentedControl,
    Severity,
    Toast,
)


@pytest.fixture
def show(qtbot, qapp):
    theme.apply_theme(qapp, "dark")

    def show_widget(widget: QWidget, width: int = 0, height: int = 0):
        qtbot.addWidget(widget)
        if width:
            widget.resize(width, height or widget.sizeHint().height())
        widget.show()
        qtbot.waitExposed(widget)
        return widget

    return show_widget


def press(button) -> None:
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)


def test_a_segment_is_chosen_by_mouse_and_by_arrow(show, qtbot):
    control = show(SegmentedControl([Segment("a", "All"), Segment("o", "Open"), Segment("v", "Verified")], "Filter"))
    with qtbot.waitSignal(control.changed) as told:
        press(control.button("o"))
    assert (told.args, control.value) == (["o"], "o")
    control.button("o").setFocus()
    QTest.keyClick(control.button("o"), Qt.Key.Key_Right)
    assert control.value == "v"
    with qtbot.assertNotEmitted(control.changed):
        control.set_value("a")
    assert control.value == "a"
    with pytest.raises(ValueError, match="not in list"):
        control.set_value("nothing of these")


def test_an_empty_state_shows_all_its_words_and_its_action(show, qtbot):
    sentence = "Bring a folder of real low-quality photos. They stay where they are and are never altered."
    state = show(EmptyState("mdi6.image-outline", "No photos yet", sentence, "Add a folder"), 700, 400)
    assert state.sentence.height() >= state.sentence.heightForWidth(state.sentence.width())
    assert state.sentence.width() <= 420
    with qtbot.waitSignal(state.triggered):
        press(state.button)
    state.resize(300, 400)
    qtbot.waitUntil(lambda: state.sentence.width() <= 300)
    state.set("mdi6.filter-outline", "No patch matches")
    assert not state.button.isVisible()
    assert not state.sentence.isVisible()
    assert state.accessibleName() == "No patch matches"


def test_a_banner_tells_an_error_in_its_words_and_goes_when_dismissed(show, qtbot):
    page = show(QWidget(), 600, 200)
    banner = Banner(page)
    assert not banner.isVisible()
    banner.tell_error(ProjectLocked("The project is open in another window. Close it there."), "Try again")
    assert banner.isVisible()
    assert banner.severity is Severity.ERROR
    assert banner.message.text() == "The project is open in another window. Close it there."
    assert (banner.accessibleName(), banner.accessibleDescription()) == ("Error", banner.message.text())
    with qtbot.waitSignal(banner.triggered):
        press(banner.action)
    with qtbot.waitSignal(banner.dismissed):
        press(banner.close_button)
    assert not banner.isVisible()
    banner.tell(Severity.INFO, "<b>Not markup</b>")
    assert banner.message.textFormat() == Qt.TextFormat.PlainText
    assert not banner.action.isVisible()


def test_a_key_hint_writes_the_key(show):
    assert show(KeyHint("Ctrl+Z")).text() in ("Ctrl+Z", "⌘Z")
    assert show(KeyHint("A")).accessibleName() == "Key A"


def test_a_long_path_keeps_its_ends_and_tells_the_whole(show):
    path = "/home/anna/pictures/archive/2019/winter/unsorted/IMG_20190117_184402.png"
    label = show(PathLabel(path), 260)
    assert label.shown_text().startswith("/home")
    assert label.shown_text().endswith("2.png")
    assert "…" in label.shown_text()
    assert label.toolTip() == label.path == path
    label.resize(2000, 20)
    assert label.shown_text() == path


def test_progress_says_how_far_how_fast_and_how_long(show):
    strip = show(ProgressStrip(), 600)
    strip.set_progress(Progress(1204, 3000, 12.4, 180, "$0.42 of $20.00", "Judging a.png"))
    assert strip.label.text() == "1,204 of 3,000 · 12.4/s · 3 min left · $0.42 of $20.00"
    assert strip.accessibleDescription() == strip.label.text()
    assert strip.bar.value() == 401
    strip.set_progress(Progress(17, 0))
    assert strip.label.text() == "17"
    assert strip.bar.maximum() == 0
    strip.set_progress(Progress(5, 4))
    assert strip.bar.value() == 1000


def test_pause_becomes_resume_and_both_can_be_stopped(show, qtbot):
    strip = show(ProgressStrip(), 600)
    with qtbot.waitSignal(strip.pause):
        press(strip.pause_button)
    strip.set_paused(True)
    strip.set_progress(Progress(10, 20, 3, 4))
    assert strip.label.text() == "10 of 20 · paused"
    assert strip.pause_button.accessibleName() == "Resume"
    with qtbot.waitSignal(strip.resume), qtbot.assertNotEmitted(strip.pause):
        press(strip.pause_button)
    with qtbot.waitSignal(strip.stop):
        press(strip.stop_button)


def test_a_toast_offers_undo_over_the_lower_edge_and_goes_by_itself(show, qtbot):
    page = show(QWidget(), 600, 400)
    toast = Toast(page)
    toast.tell("12 pairs rejected", undo=True)
    assert toast.geometry().bottom() < 400
    assert abs(toast.geometry().center().x() - 300) <= 1
    page.resize(800, 500)
    qtbot.waitUntil(lambda: abs(toast.geometry().center().x() - 400) <= 1)
    with qtbot.waitSignal(toast.undone), qtbot.assertNotEmitted(toast.gone):
        press(toast.undo)
    assert not toast.isVisible()
    QTest.mouseMove(page, QPoint(5, 5))
    with qtbot.waitSignal(toast.gone, timeout=3000):
        toast.tell("1 pair rejected", undo=True, shown_ms=20)
    assert not toast.isVisible()


def test_a_second_note_ends_the_chance_to_undo_the_first(show, qtbot):
    toast = Toast(show(QWidget(), 600, 400))
    toast.tell("first", undo=True)
    with qtbot.waitSignal(toast.gone):
        toast.tell("second", undo=True)
    assert toast.message.text() == "second"
