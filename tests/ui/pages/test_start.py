"""The start page: recent projects as the disk has them, new projects in place, drops."""

from __future__ import annotations

import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QFileDialog
from shiboken6 import isValid

from fakes.hands import click, type_over, until
from ggt_studio.settings import Settings
from ggt_studio.store.project import DATABASE, Project
from ggt_studio.ui.pages.recent import PROJECT_FILE, day_words
from ggt_studio.ui.pages.start import StartPage


@pytest.fixture
def page(qtbot):
    def show(*recent: Path) -> StartPage:
        page = StartPage(Settings(recent=tuple(map(str, recent))))
        qtbot.addWidget(page)
        page.resize(1000, 700)
        page.show()
        return page

    return show


def drop(page: StartPage, *paths: Path) -> None:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    left, none = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    enter = QDragEnterEvent(QPoint(50, 50), Qt.DropAction.CopyAction, data, left, none)
    page.dragEnterEvent(enter)
    assert enter.isAccepted()
    page.dropEvent(QDropEvent(QPointF(50, 50), Qt.DropAction.CopyAction, data, left, none))


async def looked_at(page: StartPage, folder: Path) -> None:
    row = page.recent.rows[str(folder)]
    await until(lambda: row.problem or row.when.text())


def test_what_the_first_paint_loads_is_light():
    program = (
        "import sys, ggt_studio.app, ggt_studio.ui.main_window as m; from PySide6.QtWidgets import QApplication;"
        "from ggt_studio.ui.pages.start import StartPage; from ggt_studio.settings import Settings; a = QApplication([]);"
        "p = StartPage(Settings(recent=('/nowhere',))); p.show(); p.grab();"
        "heavy = 'torch cv2 skimage pyiqa numpy pydantic sqlite3 PIL pyarrow'.split();"
        "print([name for name in heavy if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "[]"


def test_the_file_that_makes_a_project_is_the_store_s():
    assert PROJECT_FILE == DATABASE


async def test_a_recent_project_is_opened_by_the_keyboard_at_once(page, tmp_path, qtbot):
    Project.create(tmp_path / "harbour").close()
    start = page(tmp_path / "harbour")
    await looked_at(start, tmp_path / "harbour")
    row = start.recent.rows[str(tmp_path / "harbour")]
    assert (row.name.text(), row.path.path) == ("harbour", str(tmp_path))
    assert row.when.text().startswith("today")
    await until(lambda: row.open_button.hasFocus())
    with qtbot.waitSignal(start.open_requested) as asked:
        QTest.keyClick(row.open_button, Qt.Key.Key_Space)
    assert asked.args == [tmp_path / "harbour"]


async def test_a_missing_project_says_why_is_not_opened_and_is_looked_for_again(page, tmp_path, qtbot):
    gone, hollow = tmp_path / "gone", tmp_path / "hollow"
    hollow.mkdir()
    start = page(gone, hollow)
    await looked_at(start, gone)
    await looked_at(start, hollow)
    first, second = start.recent.rows.values()
    assert "moved or deleted" in first.path.text()
    assert "no project in this folder" in second.path.text()
    with qtbot.assertNotEmitted(start.open_requested):
        click(first.open_button)
    Project.create(gone).close()
    click(first.open_button)
    await until(lambda: not first.problem)
    with qtbot.waitSignal(start.open_requested):
        click(first.open_button)


async def test_taking_a_project_off_the_list_leaves_it_on_disk(page, tmp_path, qtbot):
    Project.create(tmp_path / "a").close()
    start = page(tmp_path / "a", tmp_path / "b")
    await looked_at(start, tmp_path / "b")
    with qtbot.waitSignal(start.settings_changed) as told:
        click(start.recent.rows[str(tmp_path / "a")].remove_button)
    assert told.args[0].recent == (str(tmp_path / "b"),)
    assert list(start.recent.rows) == [str(tmp_path / "b")]
    assert (tmp_path / "a" / DATABASE).is_file()
    click(start.recent.rows[str(tmp_path / "b")].remove_button)
    assert start.empty.isVisible()


async def test_a_new_project_is_made_in_place(page, tmp_path, qtbot):
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "file").touch()
    start = page(tmp_path / "last")
    click(start.new_button)
    form = start.form
    assert form.isVisible()
    assert not start.new_button.isVisible(), "one primary action at a time"
    for name, problem in (("", "name"), ("a/b", "cannot hold"), ("taken", "not empty")):
        type_over(form.name, name)
        assert problem in form.problem.text()
        assert not form.make.isEnabled()
    type_over(form.name, "Winter 2024")
    with qtbot.waitSignal(start.create_requested) as asked:
        QTest.keyClick(form.name, Qt.Key.Key_Return)
    assert asked.args == [tmp_path / "Winter 2024"]
    assert not form.isVisible()


async def test_escape_puts_the_form_away(page, tmp_path):
    start = page()
    start.activateWindow()
    await until(start.isActiveWindow)
    click(start.new_button)
    QTest.keyClick(start.form.name, Qt.Key.Key_Escape)
    await until(lambda: not start.form.isVisible())
    assert start.new_button.isVisible()


async def test_open_asks_without_blocking_the_event_loop(page, tmp_path, qtbot):
    Project.create(tmp_path / "harbour").close()
    start = page()
    click(start.open_button)
    dialog = start.findChild(QFileDialog)
    assert dialog.isVisible()
    with qtbot.waitSignal(start.open_requested) as asked:
        dialog.fileSelected.emit(str(tmp_path / "harbour"))
    assert asked.args == [tmp_path / "harbour"]
    dialog.close()
    await until(lambda: not isValid(dialog))


def test_a_dropped_project_opens_its_folder_or_its_file(page, tmp_path, qtbot):
    Project.create(tmp_path / "harbour").close()
    start = page()
    for path in (tmp_path / "harbour", tmp_path / "harbour" / DATABASE):
        with qtbot.waitSignal(start.open_requested) as asked:
            drop(start, path)
        assert asked.args == [tmp_path / "harbour"]


def test_dropped_photos_offer_a_project_named_after_them(page, tmp_path, qtbot):
    photos = tmp_path / "Night captures"
    photos.mkdir()
    start = page(tmp_path / "last")
    drop(start, photos)
    assert start.form.isVisible()
    assert start.form.name.text() == "Night captures 2", "the photos' own folder is taken already"
    with qtbot.waitSignal(start.import_requested) as asked:
        click(start.form.make)
    assert asked.args == [tmp_path / "Night captures 2", [photos]]


def test_while_busy_nothing_can_be_chosen_and_it_is_said_why(page, tmp_path):
    start = page(tmp_path / "a")
    start.set_busy("Making the demo photos …")
    assert start.busy.isVisible()
    assert start.busy.label.text() == "Making the demo photos …"
    assert not start.new_button.isEnabled()
    assert not start.acceptDrops()
    start.set_busy("")
    assert not start.busy.isVisible()
    assert start.new_button.isEnabled()


def test_days_are_told_as_people_say_them():
    now = datetime(2025, 3, 12, 18, 0)  # noqa: DTZ001 - the clock on the wall
    assert day_words(now - timedelta(hours=4), now).startswith("today ")
    assert day_words(now - timedelta(hours=20), now) == "yesterday"
    assert day_words(now - timedelta(days=40), now).endswith("January")
    assert day_words(now - timedelta(days=400), now).endswith("2024")
