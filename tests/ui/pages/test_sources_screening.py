"""Screening in the window: a model looks at patches by real HTTP to a chat server, and what it holds back is listed with reasons."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import keyring
import pytest
import pytest_asyncio
from keyring.backends.fail import Keyring as NoKeyring
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from fakes.chat_server import Asked, ChatServer, Fails, Hangs, Says, screening_text
from fakes.hands import click, type_over, until
from fakes.projects import add_patch
from fakes.vlm import OWN_MODELS
from ggt_studio.core.words import Category, Hold, QualityLevel
from ggt_studio.store import patches
from ggt_studio.store.patches import Filter
from ggt_studio.store.project import Project
from ggt_studio.ui.pages.generate import GeneratePage
from ggt_studio.ui.pages.sources import SourcesPage
from ggt_studio.ui.pages.sources.screening_panel import ScreeningPanel

ShowPage = Callable[..., Awaitable[SourcesPage]]


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, home: Path) -> Iterator[ChatServer]:
    """Gemini and a server of one's own are at 127.0.0.1; the first patch shows no rain, the second is an empty sky."""
    said = {0: ("not-visible", "There is no rain in it."), 1: ("content-poor", "Plain sky.")}
    with ChatServer() as chat:

        def script(_: Asked) -> Says:
            verdict, reason = said.get(len(chat.asked) - 1, ("usable", "A street in the rain."))
            return Says(screening_text(verdict, "high", reason))

        chat.script = script
        home.mkdir(exist_ok=True)
        (home / "models.toml").write_text(OWN_MODELS.format(address=chat.address))
        monkeypatch.setenv("GOOGLE_GEMINI_BASE_URL", chat.address)
        monkeypatch.setenv("GEMINI_API_KEY", "key-of-a-person")
        monkeypatch.delenv("OPENAI_API_KEY", raising=False)
        before = keyring.get_keyring()
        keyring.set_keyring(NoKeyring())
        yield chat
        keyring.set_keyring(before)


@pytest_asyncio.fixture
async def show_page(open_workspace, tmp_path: Path) -> AsyncIterator[ShowPage]:
    pages: list[SourcesPage] = []

    async def show(number: int = 4, *, read_only: bool = False) -> SourcesPage:
        with Project.create(tmp_path / "p") as project:
            for seed in range(number):
                add_patch(project, seed, category=Category.RAIN)
        workspace = await open_workspace(tmp_path / "p", read_only=read_only)
        page = SourcesPage(workspace)
        pages.append(page)
        page.resize(1280, 900)
        page.show()
        page.activateWindow()
        page.activated()
        await until(page.isActiveWindow)
        await until(lambda: page.browser.source.ready)
        click(page.header.screening_button)
        await until(lambda: workspace.offers.readiness is not None)
        return page

    yield show
    for page in pages:
        page.close()


def choose(panel: ScreeningPanel, screener: str) -> None:
    combo = panel.model.combo
    combo.setFocus()
    QTest.keyClick(combo, Qt.Key.Key_Home)
    while panel.model.value != screener:
        before = combo.currentIndex()
        QTest.keyClick(combo, Qt.Key.Key_Down)
        assert combo.currentIndex() != before, f"{screener} cannot be chosen"


async def test_from_the_estimate_to_reasons_and_release(server, show_page):
    page = await show_page()
    panel = page.screening
    choose(panel, "gemini")
    assert "per patch" in panel.model.place.text()
    await until(lambda: panel.go.text().startswith("Screen 4 patches · about $0."))
    assert ", at most $" in panel.go.text()
    click(panel.limited.button(True))
    type_over(panel.limit, "3")
    await until(lambda: panel.go.text().startswith("Screen 3 patches"))
    click(panel.grade)
    await until(panel.go.isEnabled)
    click(panel.go)
    await until(lambda: panel.sentence.text().startswith("Done: 3 patches looked at, 2 held back"))
    assert "1 degradation not visible" in panel.sentence.text()
    assert " spent." in panel.sentence.text()
    await until(lambda: len(panel.results.model.rows) == 2)
    assert {(row.hold, row.reason) for row in panel.results.model.rows} == {
        (Hold.NOT_VISIBLE, "There is no rain in it."),
        (Hold.CONTENT_POOR, "Plain sky."),
    }
    await until(lambda: "2 held back" in page.header.summary.text())
    levels = await page.workspace.query(lambda project: [p.level for p in patches.page(project, Filter())])
    assert levels.count(QualityLevel.HIGH) == 3

    # What it has seen is neither shown nor paid for again; what it held back can take part all the same.
    await until(lambda: panel.go.text().startswith("Screen 1 patch"))
    click(panel.results.show_button)
    await until(lambda: page.filter.held and page.browser.source.count() == 2)
    table = panel.results.table
    QTest.mouseClick(
        table.viewport(), Qt.MouseButton.LeftButton, pos=table.visualRect(panel.results.model.index(0, 0)).center()
    )
    click(panel.results.release_button)
    await until(lambda: len(panel.results.model.rows) == 1)
    click(panel.go)
    await until(lambda: panel.sentence.text().startswith("Done: 1 patch looked at, 0 held back"))
    await until(lambda: "that this model has not seen" in panel.sentence.text())
    assert not panel.go.isEnabled()
    assert len(server.asked) == 4


async def test_a_server_on_this_machine_needs_no_budget_and_nothing_leaves(server, show_page):
    page = await show_page(2)
    panel = page.screening
    choose(panel, "mine")
    assert panel.model.place.text() == "Nothing leaves this machine. No charge."
    assert not panel.budget.isVisible()
    await until(lambda: panel.go.text() == "Screen 2 patches" and panel.go.isEnabled())
    click(panel.go)
    await until(lambda: panel.sentence.text().startswith("Done: 2 patches looked at"))
    assert "no charge" in panel.sentence.text()
    levels = await page.workspace.query(lambda project: [p.level for p in patches.page(project, Filter())])
    assert QualityLevel.HIGH not in levels, "it was not asked to grade"


async def test_the_budget_ends_it_before_it_is_passed(server, show_page):
    page = await show_page(2)
    panel = page.screening
    choose(panel, "gemini")
    type_over(panel.budget.amount, "0.01")
    QTest.keyClick(panel.budget.amount, Qt.Key.Key_Return)
    await until(lambda: panel.go.text().endswith("at most $0.01") and panel.go.isEnabled())
    click(panel.go)
    await until(lambda: panel.sentence.text().startswith("Ended early: 0 patches"))
    assert "The budget of $0.01 allows no further call" in panel.banner.message.text()
    assert server.asked == []


async def test_it_is_paused_and_stopped_and_no_run_begins_beside_it(server, show_page):
    server.script = lambda _: Hangs(60)
    page = await show_page()
    panel = page.screening
    choose(panel, "gemini")
    await until(panel.go.isEnabled)
    generate = GeneratePage(page.workspace)
    generate.resize(1000, 700)
    generate.show()
    generate.activated()
    click(panel.go)
    await until(lambda: server.asked)
    assert panel.strip.isVisible()
    assert not panel.go.isVisible()
    await until(lambda: "A screening is under way" in generate.sentence.text())
    assert not generate.primary.isEnabled()
    click(panel.strip.pause_button)
    assert page.workspace.screening.paused
    click(panel.strip.pause_button)
    assert not page.workspace.screening.paused
    click(panel.strip.stop_button)
    await until(lambda: panel.sentence.text().startswith("Stopped:"))
    await until(generate.primary.isEnabled)
    assert generate.primary.text().startswith("Run"), "a screening is no run that could be continued"
    generate.close()


async def test_a_missing_key_is_asked_for_where_the_model_is_chosen_and_a_refused_one_told(server, show_page):
    page = await show_page()
    panel = page.screening
    choose(panel, "gpt")
    await until(lambda: "needs a key: enter it above" in panel.sentence.text())
    assert not panel.go.isEnabled()
    assert panel.model.remedy.text() == "Enter key"
    choose(panel, "gemini")
    server.script = lambda _: Fails(401, b'{"error": {"code": 401, "status": "UNAUTHENTICATED", "message": "no"}}')
    await until(panel.go.isEnabled)
    click(panel.go)
    await until(panel.banner.isVisible)
    assert panel.banner.message.text().startswith("No more patches are shown:")
    assert "failed (see Generate)" in panel.sentence.text()


async def test_only_one_of_the_panels_is_open_and_read_only_says_why(server, show_page):
    page = await show_page(read_only=True)
    assert page.screening.isVisible()
    assert "read-only" in page.screening.sentence.text()
    assert not page.screening.go.isEnabled()
    click(page.header.sampling_button)
    assert not page.screening.isVisible()
    assert page.sampling.isVisible()
