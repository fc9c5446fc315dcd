"""The restore page with a hosted model: its price before, its key on the spot, and what may have been charged; real HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import keyring
import pytest
from keyring.backends.fail import Keyring as NoKeyring
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from fakes.hands import click, type_over, until
from fakes.noisy_photos import write_noisy
from fakes.vendor_script import KEY, Fault
from fakes.vendor_server import VendorServer
from ggt_studio.pipeline.restoring import Standing
from ggt_studio.settings import Settings
from ggt_studio.ui.pages.restore import RestorePage


@pytest.fixture
def vendors(monkeypatch: pytest.MonkeyPatch) -> Iterator[VendorServer]:
    """Google is at 127.0.0.1; there is no key and no keyring."""
    with VendorServer() as server:
        monkeypatch.setenv("GOOGLE_GEMINI_BASE_URL", server.base)
        before = keyring.get_keyring()
        keyring.set_keyring(NoKeyring())
        yield server
        keyring.set_keyring(before)


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    return write_noisy(tmp_path / "photos")


def choose(page: RestorePage, model: str) -> None:
    combo = page.panel.model.provider.combo
    combo.setFocus()
    QTest.keyClick(combo, Qt.Key.Key_Home)
    for _ in range(combo.count()):
        if page.restoring.model == model:
            return
        QTest.keyClick(combo, Qt.Key.Key_Down)
    raise AssertionError(f"{model} cannot be chosen")


async def test_from_choosing_it_to_the_bill(vendors: VendorServer, photos: Path, open_window) -> None:
    window = await open_window(settings=Settings())
    window.show_page("restore")
    page = window._restore
    page.add([photos])
    await until(lambda: len(page.restoring.queue.items) == 2)
    panel = page.panel
    assert not panel.asked.budget.isVisible(), "what is free needs no budget"
    assert not panel.asked.prompt.isVisible(), "classical restoration is told nothing"
    choose(page, "nano-banana-2")
    await until(lambda: page.sentence.text() == "Nano Banana 2 needs your key: enter it on the right.")
    assert not page.primary.isEnabled()
    assert panel.asked.prompt.placeholderText().startswith("Restore this photo")
    click(panel.model.provider.remedy)
    entry = panel.model.provider.key_entry
    QTest.keyClicks(entry.fields[0], KEY)
    QTest.keyClick(entry.fields[0], Qt.Key.Key_Return)
    await until(page.primary.isEnabled)
    await until(entry.isHidden)
    await until(lambda: page.primary.text() == "Restore 2 photos · about $0.13")
    assert "photos are sent to Google Gemini API" in page.sentence.text()

    await until(lambda: page.view.look.isEnabled() and page.view.look.text() == "Preview · $0.07")
    click(page.view.look)
    await until(page.view.whole.isVisible)
    await until(lambda: page.primary.text() == "Restore 2 photos · about $0.07")
    assert len(vendors.script.bill) == 1, "the photo that was looked at is paid for"
    type_over(panel.asked.budget.amount, "5")
    QTest.keyClick(panel.asked.budget.amount, Qt.Key.Key_Return)
    vendors.script.faults.append(Fault.HALF)
    click(page.primary)
    await until(lambda: page.restoring.queue.count(Standing.UNCERTAIN) == 1 and not page.restoring.running)
    assert page.restoring.queue.count(Standing.RESTORED) == 1
    assert page.uncertain.isVisible()
    assert "1 photo was asked for without an answer, and may have been charged ($0.07)" in page.uncertain.message.text()
    assert "$0.07 of $5.00 spent" in page.sentence.text()
    click(page.primary)
    await until(lambda: page.restoring.queue.count(Standing.SKIPPED) == 1 and not page.restoring.running)
    assert len(vendors.script.bill) == 2, "not asked again by itself"
    click(page.uncertain.action)
    await until(lambda: page.restoring.queue.count(Standing.RESTORED) == 1 and not page.restoring.running)
    assert len(vendors.script.bill) == 3
    assert not page.uncertain.isVisible()


async def test_the_budget_halts_it_and_says_so(vendors: VendorServer, photos: Path, open_window, monkeypatch) -> None:
    monkeypatch.setenv("GEMINI_API_KEY", KEY)
    kept = {"model": "nano-banana-2", "budget_usd": 0.1, "prompt": "Only remove the noise."}
    window = await open_window(settings=Settings(restoring=kept))
    window.show_page("restore")
    page = window._restore
    page.add([photos])
    await until(lambda: page.primary.text() == "Restore 2 photos · about $0.13" and page.primary.isEnabled())
    assert page.panel.asked.prompt.toPlainText() == "Only remove the noise."
    click(page.primary)
    await until(lambda: page.banner.isVisible() and not page.restoring.running)
    assert "The budget of $0.10 allows no further call" in page.banner.message.text()
    assert page.restoring.queue.count(Standing.WAITING) == 1
    assert len(vendors.script.bill) == 1
