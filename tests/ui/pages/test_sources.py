"""The sources page as people use it: real projects, a real import, real mouse and keys."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest_asyncio
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QGuiApplication
from PySide6.QtTest import QTest

from fakes.hands import click, until
from fakes.projects import add_patch, make_waiting, png
from ggt_studio.core.words import Category, Decision, Hold, Origin, QualityLevel, State
from ggt_studio.dataset.importer import ImportOptions
from ggt_studio.store import patches, photos
from ggt_studio.store.photos import add_quarantined
from ggt_studio.store.project import Project
from ggt_studio.ui import theme
from ggt_studio.ui.pages.sources import SourcesPage
from ggt_studio.ui.pages.sources.aside_rows import Kind

ShowPage = Callable[..., Awaitable[SourcesPage]]
CTRL = Qt.KeyboardModifier.ControlModifier


@pytest_asyncio.fixture
async def show_page(open_workspace, qapp, tmp_path: Path) -> AsyncIterator[ShowPage]:
    pages: list[SourcesPage] = []
    theme.apply_theme(qapp, "dark")

    async def show(*, read_only: bool = False) -> SourcesPage:
        workspace = await open_workspace(tmp_path / "project", read_only=read_only)
        page = SourcesPage(workspace)
        pages.append(page)
        page.resize(1280, 860)
        page.show()
        page.activateWindow()
        page.activated()
        await until(page.isActiveWindow)
        await until(lambda: page.browser.source.ready)
        await settled(page)
        return page

    yield show
    for page in pages:
        page.close()


async def settled(page: SourcesPage) -> None:
    """Wait until every patch in view has been read."""
    source = page.browser.source
    await until(lambda: source.ready and all(source.item(i) for i in range(min(source.count(), 20))))


def project(tmp_path: Path) -> Project:
    return Project.create(tmp_path / "project")


def press(page: SourcesPage, index: int, modifiers: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> None:
    grid = page.browser.grid
    QTest.mouseClick(grid.viewport(), Qt.MouseButton.LeftButton, modifiers, grid.cell_rect(index).center())


def drop(page: SourcesPage, *paths: Path) -> None:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    left, none = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    enter = QDragEnterEvent(QPoint(50, 50), Qt.DropAction.CopyAction, data, left, none)
    page.dragEnterEvent(enter)
    assert enter.isAccepted()
    page.dropEvent(QDropEvent(QPointF(50, 50), Qt.DropAction.CopyAction, data, left, none))


def titles(page: SourcesPage) -> list[str]:
    source = page.browser.source
    return [item.title for i in range(source.count()) if (item := source.item(i))]


async def test_an_empty_project_says_how_to_fill_it(show_page, tmp_path):
    project(tmp_path).close()
    page = await show_page()
    assert page.empty.isVisible()
    assert "Drop a folder" in page.empty.sentence.text()
    assert page.header.add_button.isEnabled()
    assert not page.header.tabs.isVisible()


async def test_dropped_photos_are_imported_with_what_is_said_about_them(show_page, tmp_path):
    project(tmp_path).close()
    folder = tmp_path / "photos" / "rain"
    folder.mkdir(parents=True)
    for seed in range(3):
        (folder / f"{seed}.png").write_bytes(png(seed, 320))
    (folder / "copy.png").write_bytes(png(0, 320))
    (folder / "broken.jpg").write_bytes(b"no photo")
    page = await show_page()
    drop(page, folder)
    panel = page.import_panel
    assert panel.isVisible()
    assert panel.chosen.text() == str(folder)
    assert not page.header.add_button.isVisible(), "one primary action at a time"
    panel.origin.setFocus()
    QTest.keyClicks(panel.origin, "Internet")
    assert "CC0" in panel.hint.text()
    panel.licence.setEditText("CC0-1.0")
    assert "CC0" not in panel.hint.text()
    click(panel.go)
    assert page.workspace.importing is not None
    assert page.strip.isVisible()
    assert not page.header.add_button.isEnabled()
    await until(lambda: page.workspace.last_import is not None)
    await until(lambda: page.browser.source.count() == 3)
    await settled(page)
    words = page.strip.report.text()
    assert words == "3 photos added · 3 patches · 1 duplicate left out · 1 not usable"
    assert len(titles(page)) == 3
    photo = await page.workspace.query(lambda p: photos.photos(p)[0])
    assert (photo.category, photo.category_source) == (Category.RAIN, "folder")
    assert (photo.origin, photo.licence) == (Origin.INTERNET, "CC0-1.0")
    click(page.strip.why_button)
    await until(lambda: page.aside.model.rows)
    assert [(row.kind, row.path, row.other) for row in page.aside.model.rows] == [
        (Kind.UNUSABLE, str(folder / "broken.jpg"), ""),
        (Kind.DUPLICATE, str(folder / "copy.png"), str(folder / "0.png")),
    ]


async def test_the_last_import_s_options_are_offered_again(show_page, open_workspace, tmp_path):
    project(tmp_path).close()
    page = await show_page()
    page.import_panel.set_options(ImportOptions(Category.SNOW, Origin.DATASET, "CC-BY-4.0"))
    page.deactivated()
    await page.workspace.query(lambda p: None)
    again = SourcesPage(page.workspace)
    await until(lambda: again.import_panel.options.category is Category.SNOW)
    assert again.import_panel.options == ImportOptions(Category.SNOW, Origin.DATASET, "CC-BY-4.0")
    again.close()


async def test_a_stopped_import_says_that_what_came_stays(show_page, tmp_path):
    project(tmp_path).close()
    folder = tmp_path / "photos"
    folder.mkdir()
    for seed in range(40):
        (folder / f"{seed}.png").write_bytes(png(seed, 640))
    page = await show_page()
    page.offer_import([folder])
    click(page.import_panel.go)
    await until(lambda: page.workspace.importing is not None and page.workspace.importing.done > 0)
    click(page.strip.progress.stop_button)
    await until(lambda: page.workspace.importing is None)
    assert page.strip.report.text().startswith("Stopped.")
    assert page.header.add_button.isEnabled()
    there = await page.workspace.query(lambda p: len(photos.photos(p)))
    assert 0 < there < 40


async def test_filters_show_counts_and_what_they_say(show_page, tmp_path):
    with project(tmp_path) as made:
        for seed in range(4):
            add_patch(made, seed, category=Category.RAIN if seed < 3 else Category.SNOW)
        make_waiting(made, 1, 1)
        add_patch(made, 9, category=Category.RAIN, hold=Hold.CONTENT_POOR)
    page = await show_page()
    filters = page.browser.filters
    assert filters.categories.button(None).text() == "All  5"
    assert filters.categories.button(Category.RAIN).text() == "Rain  4"
    click(filters.categories.button(Category.RAIN))
    await settled(page)
    assert titles(page) == ["0.png", "1.png", "2.png", "9.png"]
    words = [filters.states.itemText(i) for i in range(filters.states.count())]
    assert words[:4] == ["All states  4", "Open  2", "Held back  1", "Waiting for review  1"]
    filters.states.setFocus()
    QTest.keyClicks(filters.states, "Held")
    await settled(page)
    assert titles(page) == ["9.png"]
    item = page.browser.source.item(0)
    assert item is not None
    assert item.badge is not None
    assert item.badge.word == "Little content"
    click(filters.categories.button(Category.HAZE))
    await until(lambda: page.browser.nothing.isVisible())
    click(page.browser.nothing.button)
    await settled(page)
    assert len(titles(page)) == 5


async def test_a_narrow_window_keeps_icons_and_numbers(show_page, tmp_path):
    with project(tmp_path) as made:
        add_patch(made, 1, category=Category.RAIN)
    page = await show_page()
    page.resize(824, 640)  # what the narrowest window leaves to a page
    button = page.browser.filters.categories.button(Category.RAIN)
    await until(lambda: button.text() == "1")
    assert button.accessibleName() == "Rain  1"
    assert page.minimumSizeHint().width() <= 824


async def test_the_chosen_patch_tells_all_that_is_on_record(show_page, tmp_path):
    with project(tmp_path) as made:
        add_patch(made, 1, path="/elsewhere/harbour.png", hold=Hold.CONTENT_POOR)
        made.db.execute("UPDATE photo SET category_source = 'assumed', notes = '[\"Converted from CMYK.\"]'")
    page = await show_page()
    press(page, 0)
    details = page.browser.details
    await until(lambda: details.facts())
    facts = details.facts()
    assert (details.name.text(), details.path.path) == ("harbour.png", "/elsewhere")
    assert facts["Category"] == "General mixed (assumed)"
    assert facts["Held back"].startswith("Little content")
    assert facts["Patch"] == "160 x 160 px from 0, 0, as shot; smaller than 1024 x 1024"
    assert facts["Quality"] == "Low (0.50)"
    assert facts["Content"] == "50 % of the patch holds structure"
    assert facts["Licence"] == "CC0-1.0"
    assert facts["Notes"] == "Converted from CMYK."
    QTest.keyClick(page.browser.grid, Qt.Key.Key_Escape)
    assert not details.facts()


async def test_a_category_is_put_right_for_the_selected_and_taken_back(show_page, tmp_path):
    with project(tmp_path) as made:
        for seed in range(3):
            add_patch(made, seed, category=Category.SNOW if seed == 2 else Category.GENERAL_MIXED)
    page = await show_page()
    assert not page.browser.bar.category_button.isEnabled()
    press(page, 0)
    press(page, 2, CTRL)
    assert page.browser.bar.selected.text() == "2 of 3 patches selected"
    haze = next(a for a in page.browser.bar.category_menu.actions() if a.text() == "Haze")
    haze.trigger()
    await until(lambda: page.workspace.status and page.workspace.status.count(category=Category.HAZE) == 2)
    await until(lambda: page.toast.isVisible())
    assert page.toast.message.text() == "2 photos put into Haze"
    source = await page.workspace.query(lambda p: photos.photo(p, 1).category_source)
    assert source == "person"
    click(page.toast.undo)
    await until(lambda: page.workspace.status and page.workspace.status.count(category=Category.HAZE) == 0)
    kinds = await page.workspace.query(lambda p: [photo.category for photo in photos.photos(p)])
    assert kinds == [Category.GENERAL_MIXED, Category.GENERAL_MIXED, Category.SNOW]


async def test_held_patches_are_released_by_selection(show_page, tmp_path):
    with project(tmp_path) as made:
        add_patch(made, 1)
        add_patch(made, 2, hold=Hold.CONTENT_POOR)
    page = await show_page()
    press(page, 0)
    assert not page.browser.bar.release_button.isEnabled()
    QTest.keyClick(page.browser.grid, Qt.Key.Key_A, CTRL)
    assert page.browser.bar.release_button.isEnabled()
    click(page.browser.bar.release_button)
    await until(lambda: page.workspace.status and page.workspace.status.count(held=True) == 0)


async def test_a_sample_holds_back_by_level_and_is_released_again(show_page, tmp_path):
    with project(tmp_path) as made:
        for seed in range(30):
            add_patch(made, seed, level=list(QualityLevel)[seed % 3])
        add_patch(made, 99, hold=Hold.CONTENT_POOR)
    page = await show_page()
    panel = page.sampling
    assert not panel.isVisible()
    click(page.header.sampling_button)
    assert panel.isVisible()
    assert panel.counts[QualityLevel.HIGH].text() == "10 of 10"
    click(panel.go)
    await until(panel.result.text)
    assert panel.result.text() == "20 patches take part: 3 of 10 high, 7 of 10 medium, 10 of 10 low"
    await until(lambda: panel.counts[QualityLevel.HIGH].text() == "3 of 10")
    click(panel.release)
    await until(lambda: panel.result.text() == "10 patches released")
    held = await page.workspace.query(lambda p: [x.hold for x in patches.page(p, patches.Filter(held=True))])
    assert held == [Hold.CONTENT_POOR], "the sample is undone; what has no content stays held"


async def test_the_list_of_what_was_set_aside_is_copied_whole(show_page, tmp_path):
    with project(tmp_path) as made:
        add_quarantined(made, "/photos/broken.jpg", "broken.jpg: it ends in the middle.")
        add_quarantined(made, "/photos/empty.png", "empty.png: the file is empty.")
    page = await show_page()
    click(page.header.tabs.button("aside"))
    await until(lambda: page.aside.model.rows)
    model = page.aside.model
    assert [model.data(model.index(0, column)) for column in range(4)] == [
        "broken.jpg", "Not usable", "It ends in the middle.", "/photos"
    ]  # fmt: skip
    click(page.aside.copy_button)
    assert QGuiApplication.clipboard().text() == (
        "/photos/broken.jpg\tNot usable\tIt ends in the middle.\n/photos/empty.png\tNot usable\tThe file is empty."
    )
    assert not page.aside.show_button.isEnabled()
    page.aside.table.selectRow(0)
    assert page.aside.show_button.isEnabled()


async def test_a_read_only_project_can_be_looked_at_and_says_why_no_more(show_page, tmp_path):
    with project(tmp_path) as made:
        add_patch(made, 1, hold=Hold.NOT_SAMPLED)
    page = await show_page(read_only=True)
    assert titles(page) == ["1.png"]
    press(page, 0)
    await until(lambda: page.browser.details.facts())
    for button in (
        page.header.add_button,
        page.browser.bar.category_button,
        page.browser.bar.release_button,
        page.browser.bar.hold_button,
        page.browser.bar.remove_button,
        page.sampling.go,
        page.sampling.release,
    ):
        assert not button.isEnabled()
        assert "read-only" in button.toolTip()
    assert not page.acceptDrops()
    page.offer_import([tmp_path])
    assert not page.import_panel.isVisible()


async def test_a_decision_made_elsewhere_is_seen_here(show_page, tmp_path):
    with project(tmp_path) as made:
        add_patch(made, 1)
        make_waiting(made, 1, 1)
    page = await show_page()
    await page.workspace.reviewing.decide(1, Decision.ACCEPT)
    await until(lambda: (shown := page.browser.source.shown(0)) and shown.patch.state is State.VERIFIED)
