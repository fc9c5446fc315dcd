"""The window from opening to closing: projects, pages, locks, shortcuts, and what it leaves behind."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractSpinBox, QApplication, QComboBox, QSlider, QWidget

from fakes.hands import click, until
from fakes.projects import add_patch, png, waiting_project
from ggt_studio.settings import load
from ggt_studio.store.photos import photos
from ggt_studio.store.project import Project
from ggt_studio.ui.main_window import PAGES, MainWindow
from ggt_studio.ui.pages.sources import SourcesPage
from ggt_studio.ui.widgets.common import PageTitle
from ggt_studio.ui.widgets.rail import COMPACT_WIDTH, WIDTH

CTRL = Qt.KeyboardModifier.ControlModifier
OpenWindow = Callable[..., Awaitable[MainWindow]]


def empty_project(folder: Path) -> Path:
    Project.create(folder).close()
    return folder


def said(window: MainWindow) -> list[str]:
    return [banner.message.text() for banner in window.banners.banners()]


async def test_a_project_is_opened_remembered_and_closed(open_window, tmp_path):
    folder = empty_project(tmp_path / "harbour")
    window = await open_window(folder)
    assert window.windowTitle() == "harbour - GGT Studio"
    assert window.rail.isVisible()
    assert window.rail.current == "sources"
    assert load().recent == (str(folder),)
    window.show_page("settings")
    click(window.rail.close_button)
    await until(lambda: window.start_page.isVisible() and not window.start_page.busy.isVisible())
    assert window.windowTitle() == "GGT Studio"
    assert not window.rail.isVisible()
    assert list(window.start_page.recent.rows) == [str(folder)]
    Project.open(folder).close()  # the lock is free
    window.open_project(folder)
    await until(lambda: window.rail.current == "settings")


async def test_a_project_is_closed_by_its_key_and_without_one_the_key_does_nothing(open_window, tmp_path):
    window = await open_window(empty_project(tmp_path / "harbour"))
    QTest.keyClick(window, Qt.Key.Key_W, CTRL)
    await until(lambda: window.start_page.isVisible() and not window.start_page.busy.isVisible())
    assert window.workspace is None
    QTest.keyClick(window, Qt.Key.Key_W, CTRL)
    assert window.isVisible()


@pytest.mark.parametrize("number", range(1, 7))
async def test_pages_are_reached_by_their_keys(open_window, tmp_path, number):
    window = await open_window(empty_project(tmp_path / "p"))
    window.show_page("dataset" if number != 4 else "sources")
    QTest.keyClick(window, Qt.Key(Qt.Key.Key_0 + number), CTRL)
    assert window.rail.current == PAGES[number - 1]


async def test_the_rail_is_walked_by_keys_and_shows_what_waits(open_window, tmp_path):
    waiting_project(tmp_path / "p", 3).close()
    window = await open_window(tmp_path / "p")
    rail = window.rail
    await until(lambda: rail.button("review").badge == "3")
    assert rail.button("review").accessibleName() == "Review, 3 waiting"
    rail.button("sources").setFocus()
    QTest.keyClick(rail.button("sources"), Qt.Key.Key_Down)
    assert rail.button("generate").hasFocus()
    assert rail.current == "sources", "moving is not choosing"
    QTest.keyClick(rail.button("generate"), Qt.Key.Key_Return)
    assert rail.current == "generate"
    click(rail.button("sources"))
    assert rail.current == "sources"
    QTest.keyClick(rail.button("settings"), Qt.Key.Key_Down)
    assert rail.close_button.hasFocus()
    QTest.keyClick(rail.close_button, Qt.Key.Key_Down)
    assert rail.button("sources").hasFocus()


async def test_enter_presses_the_button_that_has_the_focus(open_window, tmp_path):
    window = await open_window(empty_project(tmp_path / "p"))
    page = window.findChild(SourcesPage)
    page.header.add_button.setFocus()
    QTest.keyClick(page.header.add_button, Qt.Key.Key_Return)
    assert page.import_panel.isVisible()


async def test_the_titles_of_all_pages_stand_at_one_place(open_window, tmp_path):
    waiting_project(tmp_path / "p", 2).close()
    window = await open_window(tmp_path / "p")

    def place() -> tuple[int, int]:
        title = next(title for title in window.findChildren(PageTitle) if title.isVisible())
        return title.mapTo(window, title.rect().topLeft()).x(), title.mapTo(window, title.rect().center()).y()

    await until(lambda: window.findChild(SourcesPage).header.tabs.isVisible())
    first = place()
    for name in ("generate", "dataset", "settings"):
        window.show_page(name)
        await until(lambda: place() == first)


async def test_a_narrow_window_keeps_the_icons(open_window, tmp_path):
    window = await open_window(empty_project(tmp_path / "p"))
    window.resize(1300, 700)
    await until(lambda: window.rail.width() == WIDTH)
    window.resize(900, 700)
    await until(lambda: window.rail.width() == COMPACT_WIDTH)
    assert window.rail.button("review").toolTip().startswith("Review (Ctrl+3)")


async def test_a_locked_project_can_be_looked_at(open_window, tmp_path):
    waiting_project(tmp_path / "p", 1).close()
    first = await open_window(tmp_path / "p")
    second = await open_window()
    second.open_project(tmp_path / "p")
    await until(lambda: said(second))
    assert "open in another window" in said(second)[0]
    assert second.start_page.isVisible()
    click(second.banners.banners()[0].action)
    await until(lambda: second.rail.current)
    assert second.windowTitle() == "p (read-only) - GGT Studio"
    assert ["read-only" in words for words in said(second)] == [True]
    assert second.workspace is not None
    assert second.workspace.read_only
    first.close()
    await first.closed
    second.close()
    await second.closed


async def test_what_cannot_be_opened_is_told_once_and_the_start_page_stays(open_window, tmp_path):
    window = await open_window()
    for _ in range(2):
        window.open_project(tmp_path / "nothing")
        await until(lambda: said(window) and not window.start_page.busy.isVisible())
    assert len(said(window)) == 1
    assert "There is no project in" in said(window)[0]
    assert window.start_page.new_button.isEnabled()
    click(window.banners.banners()[0].close_button)
    assert not window.banners.isVisible()


async def test_opening_twice_at_once_opens_once(open_window, tmp_path):
    folder = empty_project(tmp_path / "p")
    window = await open_window()
    window.open_project(folder)
    window.open_project(folder)
    await until(lambda: window.rail.current)
    assert said(window) == []


async def test_dropped_photos_become_a_project_and_wait_to_be_imported(open_window, tmp_path):
    photos_folder = tmp_path / "captures"
    photos_folder.mkdir()
    (photos_folder / "a.png").write_bytes(png(1))
    window = await open_window()
    window.start_page.take_paths([photos_folder])
    window.start_page.form.name.setText("restoration")
    window.start_page.form._take_place(str(tmp_path))
    click(window.start_page.form.make)
    await until(lambda: window.rail.current == "sources")
    page = window._pages["sources"]
    assert page.import_panel.isVisible()
    assert page.import_panel.paths == [photos_folder]


async def test_closing_during_an_import_keeps_what_was_imported(open_window, tmp_path):
    folder = empty_project(tmp_path / "p")
    many = tmp_path / "photos"
    many.mkdir()
    for seed in range(60):
        (many / f"{seed}.png").write_bytes(png(seed, 640))
    window = await open_window(folder)
    page = window._pages["sources"]
    page.offer_import([many])
    click(page.import_panel.go)
    await until(lambda: window.workspace.importing is not None and window.workspace.importing.done > 0)
    async with asyncio.timeout(5):
        window.close()
        await window.closed
    assert not window.isVisible()
    with Project.open(folder) as project:
        assert 0 < len(photos(project)) < 60


async def test_closing_while_a_project_is_being_opened_frees_its_lock(open_window, tmp_path):
    folder = empty_project(tmp_path / "p")
    window = await open_window()
    window.open_project(folder)
    await asyncio.sleep(0)
    window.close()
    await window.closed
    Project.open(folder).close()


async def with_work_that_takes_long_to_end(window: MainWindow) -> asyncio.Event:
    """Give the open project work that, once cancelled, cleans up until the event is set."""
    begun, cleaned_up = asyncio.Event(), asyncio.Event()

    async def work() -> None:
        try:
            begun.set()
            await asyncio.Event().wait()
        finally:
            await cleaned_up.wait()

    assert window.workspace is not None
    window.workspace.tasks.spawn(work())
    await begun.wait()
    return cleaned_up


def close_the_project(window: MainWindow, _: Path) -> None:
    window.close_project()


def open_another(window: MainWindow, other: Path) -> None:
    window.open_project(other)


@pytest.mark.parametrize("begin", [close_the_project, open_another])
async def test_closing_the_window_while_a_project_closes_frees_its_lock_and_ends(open_window, tmp_path, begin):
    folder, other = empty_project(tmp_path / "p"), empty_project(tmp_path / "other")
    window = await open_window(folder)
    cleaned_up = await with_work_that_takes_long_to_end(window)
    begin(window, other)
    await until(lambda: window.start_page.busy.isVisible())
    assert window.start_page.busy.label.text() == "Closing p …"
    window.close()
    await asyncio.sleep(0.1)
    assert not window.closed.done(), "it waits for what is being put away"
    cleaned_up.set()
    async with asyncio.timeout(5):
        await window.closed
    assert not window.isVisible()
    for project in (folder, other):
        Project.open(project).close()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("store")]


async def test_a_project_that_is_closing_can_be_opened_again_at_once(open_window, tmp_path):
    folder = empty_project(tmp_path / "p")
    window = await open_window(folder)
    cleaned_up = await with_work_that_takes_long_to_end(window)
    window.close_project()
    window.open_project(folder)
    await asyncio.sleep(0.1)
    cleaned_up.set()
    await until(lambda: window.workspace is not None and window.rail.isVisible())
    assert said(window) == []
    assert window.windowTitle() == "p - GGT Studio"


async def test_the_window_comes_back_as_it_was(open_window, tmp_path):
    window = await open_window()
    window.resize(800, 640)  # the offscreen desktop is 800 x 800
    await until(lambda: window.height() == 640)
    window.close()
    await window.closed
    again = await open_window()
    assert (again.width(), again.height()) == (800, 640)


async def test_the_page_shown_last_is_shown_first(open_window, tmp_path):
    with Project.create(tmp_path / "p") as project:
        add_patch(project, 1)
    window = await open_window(tmp_path / "p")
    window.show_page("dataset")
    window.close()
    await window.closed
    again = await open_window(tmp_path / "p")
    assert again.rail.current == "dataset"


async def test_settings_that_cannot_be_kept_are_told(open_window, home):
    window = await open_window()
    home.parent.mkdir(exist_ok=True)
    home.write_text("a file where the folder should be")
    window.remember(replace(window.settings, reviewer="Ada"))
    assert "cannot be kept" in said(window)[0]
    assert window.settings.reviewer == "Ada"
    home.unlink()


async def test_the_wheel_is_the_page_s_and_changes_no_choice_that_it_passes_over(open_window, tmp_path):
    with waiting_project(tmp_path / "p", 1):
        pass
    window = await open_window(tmp_path / "p")
    for page in PAGES:
        window.show_page(page)
    fields = [*window.findChildren(QComboBox), *window.findChildren(QAbstractSpinBox), *window.findChildren(QSlider)]
    assert len(fields) > 20
    for field in filter(QWidget.isEnabled, fields):
        at = QPointF(field.rect().center())
        wheel = QWheelEvent(
            at, field.mapToGlobal(at), QPoint(), QPoint(0, -120), Qt.MouseButton.NoButton, Qt.KeyboardModifier.NoModifier,
            Qt.ScrollPhase.NoScrollPhase, False,
        )  # fmt: skip
        QApplication.sendEvent(field, wheel)
        assert not wheel.isAccepted(), "it goes on to the page"
