"""What is kept out on the sources page, by mouse and keys: held patches, removed photos, duplicates, photos that look alike."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest_asyncio
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from fakes.hands import click, until
from fakes.projects import add_patch, make_waiting
from ggt_studio.core.words import Decision, Hold
from ggt_studio.store import holds, patches, review
from ggt_studio.store.photos import add_duplicate, add_quarantined
from ggt_studio.store.project import Project
from ggt_studio.ui.pages.sources import SourcesPage
from ggt_studio.ui.pages.sources.aside_rows import Kind

ShowPage = Callable[..., Awaitable[SourcesPage]]
NONE, CTRL, SHIFT = (
    Qt.KeyboardModifier.NoModifier,
    Qt.KeyboardModifier.ControlModifier,
    Qt.KeyboardModifier.ShiftModifier,
)


@pytest_asyncio.fixture
async def show_page(open_workspace, tmp_path: Path) -> AsyncIterator[ShowPage]:
    pages: list[SourcesPage] = []

    async def show(*, read_only: bool = False) -> SourcesPage:
        page = SourcesPage(await open_workspace(tmp_path / "project", read_only=read_only))
        pages.append(page)
        page.resize(1280, 860)
        page.show()
        page.activateWindow()
        page.activated()
        await until(page.isActiveWindow)
        await until(lambda: page.browser.source.ready)
        await read(page)
        return page

    yield show
    for page in pages:
        page.close()


async def read(page: SourcesPage) -> None:
    source = page.browser.source
    await until(lambda: source.ready and all(source.item(i) for i in range(source.count())))


def press(page: SourcesPage, index: int, modifiers: Qt.KeyboardModifier = NONE) -> None:
    grid = page.browser.grid
    QTest.mouseClick(grid.viewport(), Qt.MouseButton.LeftButton, modifiers, grid.cell_rect(index).center())


def titles(page: SourcesPage) -> list[str]:
    source = page.browser.source
    return [item.title for i in range(source.count()) if (item := source.item(i))]


def project(tmp_path: Path) -> Project:
    return Project.create(tmp_path / "project")


async def holds_of(page: SourcesPage) -> dict[int, Hold | None]:
    return await page.workspace.query(lambda p: {x.id: x.hold for x in patches.page(p, patches.Filter())})


async def test_patches_are_held_back_by_key_and_that_is_taken_back(show_page, tmp_path):
    with project(tmp_path) as made:
        add_patch(made, 1, hold=Hold.CONTENT_POOR)
        add_patch(made, 2)
        add_patch(made, 3)
    page = await show_page()
    assert not page.browser.bar.hold_button.isEnabled()
    press(page, 0)
    press(page, 1, CTRL)
    QTest.keyClick(page.browser.grid, Qt.Key.Key_H)
    await until(lambda: page.toast.isVisible())
    assert page.toast.message.text() == "2 patches held back"
    assert await holds_of(page) == {1: Hold.BY_HAND, 2: Hold.BY_HAND, 3: None}
    await until(lambda: (item := page.browser.source.item(1)) and item.badge and item.badge.word == "Held by hand")
    assert not page.browser.bar.hold_button.isEnabled(), "they are held already"
    click(page.toast.undo)
    await until(lambda: page.workspace.status and page.workspace.status.count(hold=Hold.BY_HAND) == 0)
    assert await holds_of(page) == {1: Hold.CONTENT_POOR, 2: None, 3: None}


async def test_a_sample_lets_nothing_go_that_a_person_holds(show_page, tmp_path):
    with project(tmp_path) as made:
        for seed in range(6):
            add_patch(made, seed)
    page = await show_page()
    press(page, 4)
    click(page.browser.bar.hold_button)
    await until(lambda: page.workspace.status and page.workspace.status.count(hold=Hold.BY_HAND) == 1)
    click(page.header.sampling_button)
    click(page.sampling.go)
    await until(page.sampling.result.text)
    click(page.sampling.release)
    await until(lambda: "released" in page.sampling.result.text() or not page.sampling.release.isEnabled())
    assert (await holds_of(page))[5] is Hold.BY_HAND
    QTest.keyClick(page.browser.grid, Qt.Key.Key_H, SHIFT)
    await until(lambda: page.workspace.status and page.workspace.status.count(held=True) == 0)


async def test_a_photo_is_removed_by_key_with_all_its_patches_and_put_back(show_page, tmp_path):
    with project(tmp_path) as made:
        for seed in range(3):
            add_patch(made, seed)
        make_waiting(made, 2, 2)
        review.decide(made, 2, Decision.ACCEPT)
    page = await show_page()
    press(page, 1)
    QTest.keyClick(page.browser.grid, Qt.Key.Key_Delete)
    await until(lambda: page.toast.isVisible())
    assert page.toast.message.text() == (
        "1 photo removed with 1 patch (1 with a target, 1 reviewed); all stays on record"
    )
    await until(lambda: page.browser.source.count() == 2)
    await read(page)
    assert titles(page) == ["0.png", "2.png"]
    await until(lambda: page.header.tabs.button("aside").text() == "Set aside  1")
    click(page.toast.undo)
    await until(lambda: page.browser.source.count() == 3)
    await until(lambda: page.workspace.status.removed == 0)

    await read(page)
    press(page, 1)
    click(page.browser.bar.remove_button)
    await until(lambda: page.browser.source.count() == 2)
    click(page.header.tabs.button("aside"))
    await until(lambda: page.aside.model.rows)
    assert [(row.kind, row.path) for row in page.aside.model.rows] == [(Kind.REMOVED, "/photos/1.png")]
    assert not page.aside.put_back_button.isEnabled()
    page.aside.table.selectRow(0)
    click(page.aside.put_back_button)
    await until(lambda: page.workspace.status and page.workspace.status.photos == 3)
    await until(lambda: not page.aside.model.rows)


async def test_duplicates_are_listed_by_name_with_the_photo_they_equal(show_page, tmp_path):
    with project(tmp_path) as made:
        add_patch(made, 1, path="/photos/harbour.png")
        add_duplicate(made, "/copies/Hafen.png", 1, 10, 10)
        add_duplicate(made, "/copies/港.png", 1, 10, 10)
        add_quarantined(made, "/photos/broken.jpg", "broken.jpg: it ends in the middle.")
    page = await show_page()
    await until(lambda: page.header.tabs.button("aside").text() == "Set aside  3")
    click(page.header.tabs.button("aside"))
    await until(lambda: len(page.aside.model.rows) == 3)
    assert page.aside.kinds.button(Kind.DUPLICATE).text() == "Duplicates  2"
    assert not page.aside.kinds.button(Kind.REMOVED).isEnabled()
    click(page.aside.kinds.button(Kind.DUPLICATE))
    model = page.aside.model
    assert [[model.data(model.index(row, column)) for column in range(4)] for row in range(model.rowCount())] == [
        ["Hafen.png", "Duplicate", "The same as harbour.png", "/copies"],
        ["港.png", "Duplicate", "The same as harbour.png", "/copies"],
    ]
    assert model.data(model.index(0, 2), Qt.ItemDataRole.ToolTipRole) == "/photos/harbour.png"
    assert not page.aside.put_back_button.isVisible()


async def test_photos_that_look_alike_are_seen_side_by_side(show_page, tmp_path):
    with project(tmp_path) as made:
        for seed in range(6):
            add_patch(made, seed, near_duplicate_of={3: 1, 5: 1, 4: 2}.get(seed))
    page = await show_page()
    press(page, 2)
    await until(lambda: page.browser.details.facts())
    assert not page.browser.details.group_button.isVisible()
    press(page, 3)
    await until(lambda: "Likeness" in page.browser.details.facts())
    assert page.browser.details.facts()["Likeness"] == "Nearly the same as 2 others"
    click(page.browser.details.group_button)
    await until(lambda: page.browser.source.count() == 3)
    await read(page)
    assert titles(page) == ["0.png", "3.png", "5.png"]
    assert list(page.browser.grid.selection()) == [1], "the photo that was looked at stays chosen"
    assert page.browser.group_words.text() == "Photos that look like 3.png"
    click(page.browser.group_button)
    await until(lambda: page.browser.source.count() == 6)
    assert not page.browser.group_words.isVisible()
    page.browser.filters.states.setFocus()
    QTest.keyClicks(page.browser.filters.states, "Photos that look")
    await until(lambda: page.browser.source.count() == 5)
    await read(page)
    assert titles(page) == ["0.png", "3.png", "5.png", "1.png", "4.png"], "group by group"


async def test_a_project_whose_photos_were_all_removed_still_leads_to_them(show_page, tmp_path):
    with project(tmp_path) as made:
        add_patch(made, 1)
        holds.remove(made, [1])
    page = await show_page()
    assert page.header.tabs.isVisible()
    click(page.header.tabs.button("aside"))
    await until(lambda: page.aside.model.rows)


async def test_the_held_patch_tells_why(show_page, tmp_path):
    with project(tmp_path) as made:
        add_patch(made, 1)
        holds.set_hold(made, [1], Hold.BY_HAND, "a face")
    page = await show_page()
    press(page, 0)
    await until(lambda: page.browser.details.facts())
    assert page.browser.details.facts()["Held back"] == "Held by hand. “a face”"
