"""The services of the settings page: keys are entered unseen, tested for free, kept where a person wants them, and removed."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import keyring
import pytest
import pytest_asyncio
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel

from fakes.chat_server import Asked, Says, verdict_text
from fakes.chat_server import _asked as completions_asked
from fakes.chat_server import _completions as completions_answer
from fakes.file_keyring import FileKeyring
from fakes.hands import click, type_over, until
from fakes.http_server import Request, Response, as_json
from fakes.projects import add_patch
from fakes.vendor_script import KEY, SECRET, Script
from fakes.vendor_server import VendorServer
from ggt_studio.pipeline.session import Session
from ggt_studio.providers.catalogue import load_catalogue
from ggt_studio.settings import Settings
from ggt_studio.store.project import Project
from ggt_studio.ui.pages.generate import GeneratePage
from ggt_studio.ui.pages.settings import SettingsPage

ShowPage = Callable[..., Awaitable[SettingsPage]]


@pytest.fixture
def vendors(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[VendorServer]:
    """The vendors are at 127.0.0.1; the keyring is a file; the environment has no keys."""
    with VendorServer() as server:
        for name, value in server.environment().items():
            if name.endswith("_KEY"):
                monkeypatch.delenv(name, raising=False)
            else:
                monkeypatch.setenv(name, value)
        monkeypatch.setenv("FILE_KEYRING", str(tmp_path / "keyring.json"))
        before = keyring.get_keyring()
        keyring.set_keyring(FileKeyring())
        yield server
        keyring.set_keyring(before)


@pytest_asyncio.fixture
async def show_page(open_workspace, tmp_path: Path) -> AsyncIterator[ShowPage]:
    pages: list[SettingsPage] = []

    async def show(settings: Settings | None = None) -> SettingsPage:
        if not (tmp_path / "p").exists():
            Project.create(tmp_path / "p").close()
        workspace = await open_workspace(tmp_path / "p")
        page = SettingsPage(workspace, settings or Settings())
        pages.append(page)
        page.resize(1000, 2400)
        page.show()
        page.activateWindow()
        page.activated()
        await until(page.isActiveWindow)
        await until(lambda: workspace.offers.readiness is not None)
        return page

    yield show
    for page in pages:
        page.close()


async def test_a_key_is_kept_in_the_keyring_tested_and_removed(vendors, show_page, tmp_path, caplog):
    caplog.set_level(logging.DEBUG)
    page = await show_page()
    row = page.services.rows["google"]
    assert row.state.text() == "No key"
    assert not row.remove.isVisible()
    click(row.enter)
    assert row.entry.keep.isChecked()
    QTest.keyClicks(row.entry.fields[0], KEY)
    click(row.entry.save)
    await until(lambda: row.state.text() == "Key in the keyring")
    await until(lambda: "takes the key" in row.told.text())
    assert row.entry.isHidden()
    assert KEY in (tmp_path / "keyring.json").read_text()

    row.told.hide()
    click(row.test)
    await until(lambda: "takes the key" in row.told.text())
    click(row.remove)
    await until(lambda: row.state.text() == "No key")
    assert KEY not in (tmp_path / "keyring.json").read_text()
    assert sum(vendors.script.bills.values()) == 0, "a test of a key costs nothing"
    shown = " ".join(label.text() for label in page.findChildren(QLabel))
    assert KEY not in shown + caplog.text


async def test_a_key_for_this_session_is_not_kept(vendors, show_page, tmp_path):
    page = await show_page()
    row = page.services.rows["google"]
    click(row.enter)
    click(row.entry.keep)
    QTest.keyClicks(row.entry.fields[0], KEY)
    QTest.keyClick(row.entry.fields[0], Qt.Key.Key_Return)
    await until(lambda: row.state.text() == "Key for this session")
    assert not (tmp_path / "keyring.json").exists()


async def test_kling_asks_for_both_its_keys(vendors, show_page):
    page = await show_page()
    row = page.services.rows["kling"]
    click(row.enter)
    first, second = row.entry.fields
    assert second.isVisible()
    QTest.keyClicks(first, KEY)
    assert not row.entry.save.isEnabled()
    QTest.keyClicks(second, SECRET)
    click(row.entry.save)
    await until(lambda: "takes the key" in row.told.text())


async def test_a_key_of_the_environment_is_told_of_and_can_be_replaced_for_a_session(vendors, show_page, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    page = await show_page()
    row = page.services.rows["openai"]
    assert row.state.text() == "Key in the environment (OPENAI_API_KEY)"
    assert row.enter.text() == "Enter key"
    assert not row.remove.isVisible(), "that of the environment is not ours to remove"


async def test_words_that_are_no_key_are_not_taken(vendors, show_page):
    page = await show_page()
    row = page.services.rows["google"]
    click(row.enter)
    type_over(row.entry.fields[0], "my key")
    click(row.entry.save)
    assert "no key has" in row.entry.told.text()
    assert vendors.requests == []


async def test_limits_and_the_usual_budget_are_kept_and_bind_the_next_session(vendors, show_page, tmp_path):
    page = await show_page()
    heard: list[Settings] = []
    page.settings_changed.connect(heard.append)
    row = page.services.rows["openai"]
    click(row.limits_button)
    box = row.limits.boxes["images_per_minute"]
    type_over(box, "5")
    QTest.keyClick(box, Qt.Key.Key_Return)
    assert heard[-1].limits == {"openai": {"images_per_minute": 5}}
    type_over(page.spending.budget, "12.5")
    QTest.keyClick(page.spending.budget, Qt.Key.Key_Return)
    assert heard[-1].budget_usd == 12.5
    Project.create(tmp_path / "other").close()
    with Session(tmp_path / "other", heard[-1]) as session:
        info = session.registry.generator("gpt-image-2").info
        assert info.allowance.images == 5
        assert session.registry.generator("nano-banana-2").info.allowance.images == 0


async def test_a_server_of_ones_own_is_added_by_a_form(vendors, show_page, home):
    page = await show_page()
    own = page.own_models
    click(own.ask)
    QTest.keyClicks(own.label, "Lab")
    QTest.keyClicks(own.address, "http://192.168.1.7:8000/v1")
    assert own.place.text() == "Photos stay in your network."
    click(own.save)
    assert "the name of the model" in own.told.text()
    QTest.keyClicks(own.model, "qwen-vl")
    click(own.save)
    assert own.told.text().startswith("Added as qwen-vl.")
    await until(lambda: "lab" in page.services.rows)
    assert "192.168.1.7" in " ".join(label.text() for label in page.services.rows["lab"].findChildren(QLabel))
    assert not own.form.isVisible()
    assert "qwen-vl" in load_catalogue().models


async def test_a_server_is_added_tested_and_judges_without_opening_the_project_again(
    show_page, open_workspace, home, tmp_path, monkeypatch
):
    def script(_: Asked) -> Says:
        return Says(verdict_text(97))

    async def chat(_: Script, request: Request) -> Response | None:
        if request.path != "/lab/v1/chat/completions":
            return None
        asked = completions_asked(request.path, request.json(), request.headers)
        seen.append(asked)
        return as_json(completions_answer(asked, script(asked)))

    seen: list[Asked] = []
    with VendorServer(chat) as server:
        with Project.create(tmp_path / "p") as project:
            add_patch(project, 1, size=256)
        page = await show_page()
        own = page.own_models
        click(own.ask)
        QTest.keyClicks(own.label, "Lab")
        QTest.keyClicks(own.address, f"{server.base}/lab/v1")
        assert own.place.text() == "Photos stay on this machine."
        QTest.keyClicks(own.model, "lab-vlm")
        click(own.save)
        assert own.told.text() == "Added as lab-vlm. Test it among the services above, then choose it on Generate."
        await until(lambda: "lab" in page.services.rows)
        row = page.services.rows["lab"]
        await until(row.test.isVisible)
        assert row.state.text() == "Needs no key"
        click(row.test)
        await until(lambda: row.told.isVisible() and "Asking" not in row.told.text())
        assert "lab-vlm" not in row.told.text(), "nothing is missing of what it serves"

        generate = GeneratePage(page.workspace)
        generate.resize(1280, 900)
        generate.show()
        generate.activateWindow()
        generate.activated()
        await until(generate.isActiveWindow)
        click(generate.panel.metric_gate.button("none"))
        combo = generate.panel.judge.combo
        combo.setFocus()
        QTest.keyClick(combo, Qt.Key.Key_Home)
        while generate.panel.judge.value != "lab-vlm":
            before = combo.currentIndex()
            QTest.keyClick(combo, Qt.Key.Key_Down)
            assert combo.currentIndex() != before, "lab-vlm cannot be chosen"
        assert generate.panel.judge.place.text() == "Nothing leaves this machine. No charge."
        await until(lambda: generate.primary.text() == "Run 1 patch" and generate.primary.isEnabled())
        click(generate.primary)
        await until(lambda: generate.summary.text().startswith("Done: 1 patch"), 60)
        assert [asked.model for asked in seen] == ["lab-vlm"]
        assert len(seen[0].images) == 2
        generate.close()


async def test_what_is_wrong_with_own_models_is_named(vendors, show_page, home):
    home.mkdir(parents=True, exist_ok=True)
    (home / "models.toml").write_text('[[model]]\nid = "mine"\nservice = "nowhere"\n')
    page = await show_page()
    shown = " ".join(label.text() for label in page.own_models.findChildren(QLabel))
    assert "mine" in shown
    assert page.own_models.open_button.isEnabled()
