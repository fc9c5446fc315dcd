"""The review page where there is nothing, where something is broken, and where nothing may be changed."""

from __future__ import annotations

import asyncio
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from fakes.hands import until
from fakes.projects import add_patch
from fakes.reviewing import ShowPage, key, project_of, seen, settled
from ggt_studio.store import patches
from ggt_studio.store.project import Project
from ggt_studio.ui.pages.review.commands import Command


async def test_when_all_is_decided_it_says_so_and_offers_the_dataset(tmp_path: Path, show_page: ShowPage) -> None:
    page = await show_page(project_of(tmp_path / "p", 1))
    asked: list[str] = []
    page.page_requested.connect(asked.append)
    await seen(page, 1)
    key(Qt.Key.Key_A)
    await until(lambda: page.empty.isVisible() and "All pairs" in page.empty.heading.text())
    assert "1 verified, 0 rejected" in page.empty.sentence.text()
    QTest.mouseClick(page.empty.button, Qt.MouseButton.LeftButton)
    assert asked == ["dataset"]
    page.setFocus()
    key(Qt.Key.Key_Z)
    await seen(page, 1)
    assert page.compare.isVisible()
    await settled(page)


async def test_a_project_without_anything_says_how_to_begin(tmp_path: Path, show_page: ShowPage) -> None:
    with Project.create(tmp_path / "p"):
        pass
    page = await show_page(tmp_path / "p")
    asked: list[str] = []
    page.page_requested.connect(asked.append)
    await until(page.empty.isVisible)
    page.empty.button.click()
    assert asked == ["sources"]
    await settled(page)


async def test_patches_that_were_not_run_lead_to_the_run(tmp_path: Path, show_page: ShowPage) -> None:
    with Project.create(tmp_path / "p") as project:
        add_patch(project, 1)
    page = await show_page(tmp_path / "p")
    asked: list[str] = []
    page.page_requested.connect(asked.append)
    await until(page.empty.isVisible)
    page.empty.button.click()
    assert asked == ["generate"]
    await settled(page)


async def test_a_damaged_file_is_named_is_not_decided_about_and_does_not_stop_anybody(
    tmp_path: Path, show_page: ShowPage
) -> None:
    folder = project_of(tmp_path / "p", 3)
    with Project.open(folder) as project:
        damaged, missing = patches.patch(project, 1), patches.patch(project, 2)
    assert damaged.hq_path is not None
    damaged.hq_path.write_bytes(b"no picture")
    missing.lq_path.unlink()
    page = await show_page(folder)
    await until(lambda: page.front.pair is not None)
    assert damaged.hq_path.name in (page.front.obstacle() or "")
    await asyncio.sleep(0.2)
    key(Qt.Key.Key_A)
    assert page.front.patch_id == 1
    assert damaged.hq_path.name in page.toast.message.text()
    assert not page.header.buttons[Command.ACCEPT].isEnabled()
    key(Qt.Key.Key_J)
    await until(lambda: missing.lq_path.name in (page.front.obstacle() or ""))
    key(Qt.Key.Key_J)
    await seen(page, 3)
    assert page.header.buttons[Command.ACCEPT].isEnabled()
    await settled(page)


async def test_a_read_only_project_can_be_looked_at(tmp_path: Path, show_page: ShowPage) -> None:
    page = await show_page(project_of(tmp_path / "p", 2), read_only=True)
    await until(lambda: page.front.pair is not None)
    await asyncio.sleep(0.2)
    key(Qt.Key.Key_A)
    assert page.front.patch_id == 1
    assert "read-only" in page.toast.message.text()
    assert not page.header.buttons[Command.REJECT].isEnabled()
    key(Qt.Key.Key_J)
    assert page.front.patch_id == 2
    await settled(page)
