"""The settings page: what is changed is told at once, and only what can be true is taken."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest_asyncio
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest

from fakes.hands import click, type_over, until
from ggt_studio.settings import Settings
from ggt_studio.store.project import Project
from ggt_studio.ui import theme
from ggt_studio.ui.pages.settings import SettingsPage

ShowPage = Callable[..., Awaitable[SettingsPage]]


@pytest_asyncio.fixture
async def show_page(open_workspace, qapp, tmp_path: Path) -> AsyncIterator[ShowPage]:
    pages: list[SettingsPage] = []
    theme.apply_theme(qapp, "dark")

    async def show(settings: Settings | None = None) -> SettingsPage:
        Project.create(tmp_path / "project").close()
        workspace = await open_workspace(tmp_path / "project")
        page = SettingsPage(workspace, settings or Settings())
        pages.append(page)
        page.resize(1000, 900)
        page.show()
        page.activateWindow()
        await until(page.isActiveWindow)
        return page

    yield show
    for page in pages:
        page.close()
    theme.apply_theme(qapp, "dark")


def told(page: SettingsPage) -> list[Settings]:
    heard: list[Settings] = []
    page.settings_changed.connect(heard.append)
    return heard


async def test_the_theme_applies_at_once(show_page):
    page = await show_page()
    heard = told(page)
    click(page.theme.button("light"))
    assert theme.tokens().name == "light"
    assert [s.theme for s in heard] == ["light"]


async def test_coming_back_the_chosen_theme_has_the_keyboard(show_page):
    page = await show_page()
    page.setFocus()
    assert page.theme.button("dark").hasFocus()
    click(page.theme.button("light"))
    assert page.theme.button("light").hasFocus()
    page.reviewer.setFocus()
    page.setFocus()
    assert page.theme.button("light").hasFocus()


async def test_the_reviewer_is_kept_when_the_name_is_finished(show_page):
    page = await show_page(Settings(recent=("/a",), unknown={"later": 1}))
    heard = told(page)
    type_over(page.reviewer, "  Ada  ")
    assert not heard
    QTest.keyClick(page.reviewer, Qt.Key.Key_Return)
    assert heard == [Settings(reviewer="Ada", recent=("/a",), unknown={"later": 1})], "what else is set stays"


async def test_a_niqe_file_is_taken_only_where_there_is_one(show_page, tmp_path):
    page = await show_page()
    heard, measuring = told(page), page.measuring
    type_over(measuring.niqe, str(tmp_path / "nothing.mat"))
    QTest.keyClick(measuring.niqe, Qt.Key.Key_Return)
    assert "no such file" in measuring.niqe_state.text()
    assert not heard
    there = tmp_path / "parameters.mat"
    there.write_bytes(b"x")
    type_over(measuring.niqe, str(there))
    QTest.keyClick(measuring.niqe, Qt.Key.Key_Return)
    assert [s.niqe_parameters for s in heard] == [str(there)]
    measuring.niqe.clear()
    assert [s.niqe_parameters for s in heard] == [str(there), ""], "emptied: NIQE is skipped"


async def test_worker_processes_say_what_automatic_means(show_page):
    page = await show_page()
    heard, box = told(page), page.measuring.processes
    assert box.text().startswith("Automatic (")
    box.setFocus()
    QTest.keyClick(box, Qt.Key.Key_Up)
    assert [s.worker_processes for s in heard] == [1]


async def test_the_ml_extra_is_told_as_the_worker_finds_it(show_page):
    page = await show_page()
    measuring = page.measuring
    await until(lambda: measuring.extra_state.text())
    there = measuring.extra_state.text().startswith("Installed")
    assert measuring.command_row.isHidden() == there
    measuring.show_extra(there=False, reason="torch is missing", versions={})
    assert measuring.extra_state.text() == "Not installed"
    assert measuring.command_row.isVisible()
    click(measuring.copy_button)
    assert "-m pip install " in QGuiApplication.clipboard().text()
    assert '"pyiqa==' in QGuiApplication.clipboard().text()


async def test_plugins_are_enabled_by_a_person_only_and_broken_ones_are_named(show_page, home):
    for name, description in (("good", 'label = "Good"\ndescription = "Does good."\n'), ("bad", "label =")):
        folder = home / "plugins" / name
        folder.mkdir(parents=True)
        (folder / "__init__.py").write_text("raise RuntimeError('must not run')\n")
        (folder / "plugin.toml").write_text(description)
    page = await show_page(Settings(enabled_plugins=("gone",)))
    heard, rows = told(page), page.plugins.rows
    await until(lambda: "good" in rows)
    assert rows["good"].box.text() == "Good"
    assert not rows["good"].box.isChecked()
    assert "cannot be read" in rows["bad"].problem.text()
    assert "gone" in rows["gone"].problem.text()
    click(rows["good"].box)
    click(rows["gone"].box)
    assert [s.enabled_plugins for s in heard] == [("gone", "good"), ("good",)]
    assert page.plugins.restart.isVisible(), "says that it takes effect when the project is opened again"
