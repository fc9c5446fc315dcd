"""The dataset page as people use it: real projects, real exports, real mouse and keys."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
import pytest_asyncio
from PySide6.QtCore import Qt
from PySide6.QtGui import QDesktopServices, QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QWidget

from fakes.hands import click, type_over, until
from fakes.projects import add_patch, make_waiting, waiting_project
from ggt_studio.core.words import Category, Decision
from ggt_studio.dataset.exported import find_exports
from ggt_studio.store.project import Project
from ggt_studio.store.review import decide
from ggt_studio.ui.pages.dataset import DatasetPage
from ggt_studio.ui.state.workspace import Workspace

OpenWorkspace = Callable[..., Awaitable[Workspace]]
ShowPage = Callable[..., Awaitable[DatasetPage]]


@pytest_asyncio.fixture
async def show_page(open_workspace: OpenWorkspace) -> AsyncIterator[ShowPage]:
    pages: list[DatasetPage] = []

    async def show(folder: Path, *, read_only: bool = False) -> DatasetPage:
        workspace = await open_workspace(folder, read_only=read_only)
        page = DatasetPage(workspace)
        pages.append(page)
        page.resize(1280, 860)
        page.show()
        page.activateWindow()
        page.activated()
        await until(page.isActiveWindow)
        await until(lambda: page.empty.isVisible() or "Counting" not in page.sentence.text())
        return page

    yield show
    for page in pages:
        page.close()


def project_with(folder: Path, *, verified: int, waiting: int, rejected: int = 0) -> Path:
    with waiting_project(folder, verified + waiting + rejected) as project:
        for patch_id in range(1, verified + 1):
            decide(project, patch_id, Decision.ACCEPT)
        for patch_id in range(verified + waiting + 1, verified + waiting + rejected + 1):
            decide(project, patch_id, Decision.REJECT)
    return folder


async def test_export_verified_pairs_and_load_them(tmp_path: Path, show_page: ShowPage) -> None:
    page = await show_page(project_with(tmp_path / "rain", verified=6, waiting=2))
    type_over(page.choices.test_count, "2")
    await until(lambda: page.preview.sentence.text() == "6 pairs: 4 train, 2 test.")
    dest = tmp_path / "rain" / "exports" / "rain-1"
    assert page.choices.dest.text() == str(dest)

    click(page.primary)
    await until(page.result.isVisible)
    assert page.result.heading.text() == "Exported 6 pairs: 4 train, 2 test"
    assert page.result.path.path == str(dest)
    assert page.choices.dest.text() == str(dest.with_name("rain-2"))
    await until(lambda: page.exports.exports)
    (export,) = page.exports.exports
    assert (export.path, export.layout, export.train, export.test) == (dest, "imagefolder", 4, 2)

    click(page.result.copy)
    code = QGuiApplication.clipboard().text()
    assert code.startswith("from datasets import load_dataset")
    assert json.dumps(str(dest)) in code
    compile(code, "clipboard", "exec")
    assert page.toast.isVisible()


async def test_the_preview_is_the_split_that_is_exported(tmp_path: Path, show_page: ShowPage) -> None:
    folder = tmp_path / "p"
    with Project.create(folder) as project:
        for seed in range(12):
            # Near duplicates of the first photo, which no split may divide.
            near = 1 if seed in (4, 7) else None
            patch_id = add_patch(project, seed, category=list(Category)[seed % 3], near_duplicate_of=near)
            make_waiting(project, patch_id, seed)
    page = await show_page(folder)
    click(page.choices.include.button("accepted"))
    type_over(page.choices.test_count, "5")
    type_over(page.choices.seed, "3")
    click(page.choices.layout_format.button("parquet"))
    await until(lambda: page.preview.sentence.text() == "12 pairs: 7 train, 5 test.")
    foreseen = page._preview
    assert foreseen is not None
    click(page.primary)
    await until(page.result.isVisible)

    lines = (folder / "exports" / "p-1" / "provenance.jsonl").read_text("utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    counts = {
        category: tuple(
            sum(r["category"] == category and r["split"] == side for r in rows) for side in ("train", "test")
        )
        for category in foreseen.by_category
    }
    assert counts == foreseen.by_category
    assert len({row["split"] for row in rows if row["patch_id"] in (1, 5, 8)}) == 1


async def test_each_selection_says_how_many_pairs_it_holds(tmp_path: Path, show_page: ShowPage) -> None:
    page = await show_page(project_with(tmp_path / "p", verified=3, waiting=2, rejected=1))
    numbers = {name: page.choices.include.number(name) for name in ("verified", "accepted", "all")}
    assert numbers == {"verified": "3", "accepted": "5", "all": "6"}
    page.choices.include.button("verified").setFocus()
    QTest.keyClick(page.choices.include.button("verified"), Qt.Key.Key_Down)
    await until(lambda: page.preview.sentence.text().startswith("5 pairs"))
    assert page.choices.include.value == "accepted"

    await page.workspace.reviewing.decide(6, Decision.ACCEPT)
    await until(lambda: page.choices.include.number("verified") == "4")


async def test_nothing_verified_yet_leads_to_review(tmp_path: Path, show_page: ShowPage) -> None:
    page = await show_page(project_with(tmp_path / "p", verified=0, waiting=2))
    asked: list[str] = []
    page.page_requested.connect(asked.append)
    await until(page.banner.isVisible)
    assert page.banner.message.text() == "No pair is verified yet: 2 wait for you in Review."
    assert not page.primary.isEnabled()
    click(page.banner.action)
    assert asked == ["review"]
    click(page.choices.include.button("accepted"))
    await until(page.primary.isEnabled)
    assert not page.banner.isVisible()


async def test_no_candidates_yet_leads_to_generate(tmp_path: Path, show_page: ShowPage) -> None:
    with Project.create(tmp_path / "p") as project:
        add_patch(project, 1)
    page = await show_page(tmp_path / "p")
    asked: list[str] = []
    page.page_requested.connect(asked.append)
    click(page.empty.button)
    assert asked == ["generate"]


async def test_a_split_that_cannot_be_made_is_said_in_place(tmp_path: Path, show_page: ShowPage) -> None:
    page = await show_page(project_with(tmp_path / "p", verified=3, waiting=0))
    type_over(page.choices.test_count, "3")
    await until(lambda: "at least one must stay for training" in page.preview.problem.text())
    assert not page.primary.isEnabled()
    type_over(page.choices.test_count, "1")
    await until(page.primary.isEnabled)


@pytest.mark.parametrize(
    ("folder", "words"),
    [("", "Choose a folder"), ("relative/place", "whole path"), ("{full}", "is not empty")],
)
async def test_a_folder_that_cannot_be_used_is_said_in_place(
    tmp_path: Path, show_page: ShowPage, folder: str, words: str
) -> None:
    full = tmp_path / "full"
    full.mkdir()
    (full / "mine.txt").write_text("mine")
    page = await show_page(project_with(tmp_path / "p", verified=1, waiting=0))
    type_over(page.choices.dest, folder.format(full=full))
    assert words in page.sentence.text()
    assert not page.primary.isEnabled()


async def test_a_failure_leaves_nothing_and_is_told(tmp_path: Path, show_page: ShowPage) -> None:
    folder = project_with(tmp_path / "p", verified=2, waiting=0)
    page = await show_page(folder)
    for path in (folder / "candidates").rglob("*.png"):
        path.unlink()
    told: list[str] = []
    page.workspace.failed.connect(told.append)
    click(page.primary)
    await until(lambda: told)
    assert "Nothing was exported" in told[0]
    assert page.primary.isVisible()
    assert not page.result.isVisible()
    assert list((folder / "exports").iterdir()) == []


async def test_stopping_leaves_nothing_and_is_no_failure(tmp_path: Path, show_page: ShowPage) -> None:
    folder = project_with(tmp_path / "p", verified=40, waiting=0)
    page = await show_page(folder)
    told: list[str] = []
    page.workspace.failed.connect(told.append)
    QTest.keyClick(page, Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)
    assert page.strip.isVisible()
    click(page.strip.stop_button)
    await until(lambda: page.workspace.exporting is None)
    assert page.sentence.text() == "The export was stopped; nothing of it was left behind."
    assert not told
    assert list((folder / "exports").iterdir()) == []


async def test_earlier_exports_are_listed_and_opened(
    tmp_path: Path, show_page: ShowPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []
    monkeypatch.setattr(QDesktopServices, "openUrl", lambda url: opened.append(url.toLocalFile()) or True)
    folder = project_with(tmp_path / "p", verified=2, waiting=0)
    page = await show_page(folder)
    click(page.choices.layout_format.button("webdataset"))
    click(page.primary)
    await until(page.result.isVisible)
    click(page.result.open)
    assert opened == [(folder / "exports" / "p-1").as_posix()]

    (folder / "exports" / "half done").mkdir()
    assert [e.layout for e in find_exports(folder / "exports")] == ["webdataset"]
    again = DatasetPage(page.workspace)
    again.show()
    again.activated()
    await until(lambda: again.exports.exports)
    assert [e.path.name for e in again.exports.exports] == ["p-1"]
    assert again.choices.layout_format.value == "webdataset"
    again.close()


async def test_the_limits_of_the_data_are_said(tmp_path: Path, show_page: ShowPage) -> None:
    page = await show_page(project_with(tmp_path / "p", verified=1, waiting=0))
    words = " ".join(label.text() for label in page.preview.findChildren(QWidget) if hasattr(label, "text"))
    assert "not measured truth" in words
