"""A hosted model from the window: chosen, given its key, estimated, run, paid for; real HTTP to a fake vendor."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import keyring
import pytest
import pytest_asyncio
from keyring.backends.fail import Keyring as NoKeyring
from PySide6.QtCore import Qt
from PySide6.QtGui import QDesktopServices
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLineEdit

from fakes.generate_pages import ShowPage, generate_pages
from fakes.hands import click, type_over, until
from fakes.vendor_script import KEY, Fault
from fakes.vendor_server import VendorServer
from ggt_studio.ui.pages.generate import GeneratePage


@pytest.fixture
def vendors(monkeypatch: pytest.MonkeyPatch) -> Iterator[VendorServer]:
    """Google is at 127.0.0.1; there is no key and no keyring."""
    with VendorServer() as server:
        monkeypatch.setenv("GOOGLE_GEMINI_BASE_URL", server.base)
        for name in ("GEMINI_API_KEY", "GOOGLE_API_KEY"):
            monkeypatch.delenv(name, raising=False)
        before = keyring.get_keyring()
        keyring.set_keyring(NoKeyring())
        yield server
        keyring.set_keyring(before)


@pytest_asyncio.fixture
async def show_page(open_workspace) -> AsyncIterator[ShowPage]:
    async with generate_pages(open_workspace, side=256) as show:
        yield show


def choose(page: GeneratePage, provider: str) -> None:
    combo = page.panel.generator.combo
    combo.setFocus()
    QTest.keyClick(combo, Qt.Key.Key_Home)
    for _ in range(combo.count()):
        if page.panel.generator.value == provider:
            return
        QTest.keyClick(combo, Qt.Key.Key_Down)
    raise AssertionError(f"{provider} cannot be chosen")


async def enter_key(page: GeneratePage, key: str) -> None:
    part = page.panel.generator
    await until(part.remedy.isVisible)
    assert part.remedy.text() == "Enter key"
    click(part.remedy)
    entry = part.key_entry
    assert entry.isVisible()
    assert entry.fields[0].echoMode() is QLineEdit.EchoMode.Password
    QTest.keyClicks(entry.fields[0], key)
    QTest.keyClick(entry.fields[0], Qt.Key.Key_Return)
    assert entry.fields[0].text() == "", "nothing of it is left in the field"
    QTest.keyClick(entry.fields[0], Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert entry.fields[0].text() == ""


async def test_the_choices_are_grouped_by_where_photos_go_and_offline_is_the_default(vendors, show_page, tmp_path):
    page = await show_page(tmp_path / "p")
    combo = page.panel.generator.combo
    rows = [combo.itemText(row) for row in range(combo.count())]
    assert rows[:2] == ["On this machine", "Classical restoration"]
    assert rows.index("Photos go to OpenAI API") < rows.index("GPT Image 2")
    assert page.panel.generator.value == "classical"
    assert page.panel.generator.place.text() == "Nothing leaves this machine. No charge."
    assert not page.panel.notice.isVisible()
    assert not page.panel.budget.isVisible(), "what is free needs no budget"
    said = [combo.itemData(row, Qt.ItemDataRole.AccessibleTextRole) for row in range(combo.count())]
    assert any(words and words.startswith("GPT Image 2,") and "needs a key" in words for words in said)


async def test_from_choosing_nano_banana_2_to_the_bill(vendors, show_page, tmp_path, monkeypatch):
    opened: list[str] = []
    monkeypatch.setattr(QDesktopServices, "openUrl", lambda url: opened.append(url.toString()) or True)
    page = await show_page(tmp_path / "p")
    click(page.panel.metric_gate.button("none"))
    choose(page, "nano-banana-2")
    assert not page.primary.isEnabled()
    assert "needs a key" in page.sentence.text()
    await enter_key(page, KEY)
    await until(lambda: page.panel.generator.key_entry.isHidden())
    await until(page.primary.isEnabled)

    # The address is this machine's here, so nothing is told of photos leaving it; the price is the vendor's.
    await until(lambda: page.primary.text().startswith("Run 3 patches · about $0.3"))
    type_over(page.panel.budget.amount, "5")
    QTest.keyClick(page.panel.budget.amount, Qt.Key.Key_Return)
    click(page.primary)
    await until(lambda: page.summary.text().startswith("Done: 3 patches"), 60)
    made = sum(vendors.script.bills.values())
    assert made >= 3
    assert f"${made * 0.06807:.2f} of $5.00 spent" in page.summary.text()


async def test_a_refused_key_is_told_where_it_was_entered(vendors, show_page, tmp_path):
    page = await show_page(tmp_path / "p")
    choose(page, "nano-banana-2")
    await enter_key(page, "not-the-key")
    entry = page.panel.generator.key_entry
    await until(lambda: "key" in entry.told.text() and "Asking" not in entry.told.text())
    assert "not-the-key" not in entry.told.text()
    assert entry.isVisible()
    assert sum(vendors.script.bills.values()) == 0
    # Nothing invites to a run that would fail, and it is said how to mend it.
    await until(lambda: not page.primary.isEnabled())
    assert page.sentence.text() == "The key for Nano Banana 2 was refused: replace it in the recipe."
    click(entry.cancel)
    part = page.panel.generator
    assert "refused" in part.lack.text()
    assert part.lack.isVisible()
    assert part.remedy.text() == "Replace key"
    click(part.remedy)
    QTest.keyClicks(entry.fields[0], KEY)
    QTest.keyClick(entry.fields[0], Qt.Key.Key_Return)
    await until(page.primary.isEnabled)
    await until(entry.isHidden)
    assert not part.lack.isVisible()


async def test_failures_of_one_kind_are_retried_alone_and_cost_what_they_cost(vendors, show_page, tmp_path):
    page = await show_page(tmp_path / "p", patches=4)
    click(page.panel.metric_gate.button("none"))
    choose(page, "nano-banana-2")
    await enter_key(page, KEY)
    # The key has been tested then: that request is to meet none of the faults.
    await until(page.panel.generator.key_entry.isHidden)
    await until(page.primary.isEnabled)
    await until(lambda: page.primary.text().startswith("Run 4 patches"))
    vendors.script.faults.extend([Fault.BLOCKED_PROMPT, Fault.BLOCKED_PROMPT, Fault.NO_IMAGE])
    click(page.primary)
    await until(lambda: page.summary.text().startswith("Done: 4 patches"), 60)
    buttons = page.body.failed.one_buttons
    # The counts are read anew after a run's end; until then they are those of its course.
    await until(lambda: sorted(button.text() for button in buttons.values()) == ["Retry these 1", "Retry these 2"])
    retry = buttons["generate:safety_block"]
    assert retry.text() == "Retry these 2"
    await until(retry.isEnabled)
    page.body.ensureWidgetVisible(retry)
    click(retry)
    await until(lambda: [g.decided_by for g in page.body.failed.groups] == ["generate:no_image"])
    await until(lambda: page.primary.text().startswith("Run 2 patches"))
    click(page.primary)
    await until(lambda: page.summary.text().startswith("Done: 2 patches"), 60)


async def test_a_service_elsewhere_is_told_of_once(vendors, show_page, tmp_path, monkeypatch):
    monkeypatch.delenv("GOOGLE_GEMINI_BASE_URL")
    opened: list[str] = []
    monkeypatch.setattr(QDesktopServices, "openUrl", lambda url: opened.append(url.toString()) or True)
    page = await show_page(tmp_path / "p")
    notice = page.panel.notice
    choose(page, "nano-banana-pro")
    assert notice.isVisible()
    assert "sent to Google Gemini API" in notice.words.text()
    click(notice.terms)
    click(page.panel.generator.terms)
    assert opened == ["https://ai.google.dev/gemini-api/terms"] * 2
    click(notice.button)
    assert not notice.isVisible()
    QTest.keyClick(page.panel.generator.combo, Qt.Key.Key_Up)
    assert page.panel.generator.value == "nano-banana-2.1"
    assert not notice.isVisible(), "said once for each service"
    again = GeneratePage(page.workspace)
    await until(lambda: again.panel.told == ["google"])
    again.close()
