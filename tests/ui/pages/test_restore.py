"""The restore page: from a dropped folder to restored photos, with a look at a part before, and without a project."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from fakes.hands import click, until
from ggt_studio.pipeline.restoring import Standing
from ggt_studio.settings import Settings, load
from ggt_studio.ui.main_window import MainWindow
from ggt_studio.ui.pages.restore import RestorePage

NO_SPANDREL = importlib.util.find_spec("spandrel") is None


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from fakes.tiny_restorers import save_tiny

    return save_tiny(tmp_path_factory.mktemp("checkpoint"), "NAFNet")


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    for seed, name in enumerate(("a.jpg", "写真.png")):
        pixels = np.random.default_rng(seed).integers(0, 255, (90, 120, 3), np.uint8)
        Image.fromarray(pixels).save(folder / name)
    (folder / "no photo.jpg").write_text("hello")
    return folder


def page_of(window: MainWindow) -> RestorePage:
    assert window._restore is not None
    return window._restore


@pytest.mark.ml
@pytest.mark.skipif(NO_SPANDREL, reason="the ml extra is not installed")
async def test_without_a_project_from_photos_to_restored_ones(open_window, checkpoint: Path, photos: Path) -> None:
    window = await open_window(settings=Settings())
    click(window.start_page.restore_button)
    page = page_of(window)
    assert page.isVisible()
    assert page.empty.isVisible()
    assert page.back.isVisible()
    page.add([photos])
    await until(lambda: len(page.restoring.queue.items) == 3)
    assert page.panel.files.folder.path == str(photos / "restored")

    page.panel.model.chosen.emit(str(photos / "a.jpg"))
    await until(lambda: page.restoring.problem)
    assert not page.primary.isEnabled()
    assert "is no checkpoint but a JPEG image" in page.panel.model.about.text()
    page.panel.model.chosen.emit(str(checkpoint))
    await until(page.primary.isEnabled, 60)
    assert page.panel.model.about.text().startswith("NAFNet, 0.0 million parameters")
    assert not page.panel.asked.category.isVisible(), "a checkpoint does not ask what is wrong"
    assert page.primary.text() == "Restore 3 photos"

    await until(page.view.look.isEnabled)
    QTest.keyClick(page.photos, Qt.Key.Key_P)
    await until(page.view.whole.isVisible, 60)
    assert page.view.detail.text().startswith("A look at 120 × 90 px")
    assert page.view.compare.canvas.image_size() == (120, 90)
    click(page.view.whole)
    await until(lambda: not page.view.whole.isVisible())

    device = page.panel.how.device
    device.setCurrentIndex(device.findData("cpu"))
    click(page.primary)
    await until(lambda: not page.restoring.running, 60)
    standings = {item.path.name: item.standing for item in page.restoring.queue.items}
    assert standings == {"a.jpg": Standing.RESTORED, "写真.png": Standing.RESTORED, "no photo.jpg": Standing.FAILED}
    assert (photos / "restored" / "写真.png").is_file()
    assert page.sentence.text() == "2 restored · 1 not restored"
    assert page.primary.text() == "Restore again"
    click(page.primary)
    await until(lambda: not page.restoring.running and page.restoring.queue.count(Standing.SKIPPED) == 2, 60)

    click(page.back)
    assert window.start_page.isVisible()
    await until(lambda: load().restoring.get("models") == [str(checkpoint)])
    assert load().restoring["device"] == "cpu"


async def test_photos_are_restored_by_classical_means_until_something_else_is_chosen(open_window, photos: Path) -> None:
    window = await open_window(settings=Settings())
    window.show_page("restore")
    page = page_of(window)
    page.add([photos])
    await until(lambda: len(page.restoring.queue.items) == 3)
    panel = page.panel
    assert panel.model.provider.value == "classical"
    assert panel.model.provider.place.text() == "Nothing leaves this machine. No charge."
    panel.asked.category.setCurrentIndex(panel.asked.category.findData("low-light"))
    await until(page.view.look.isEnabled)
    click(page.view.look)
    await until(page.view.whole.isVisible)
    click(page.primary)
    await until(lambda: not page.restoring.running and page.restoring.queue.count(Standing.RESTORED) == 2)
    await until(lambda: load().restoring.get("model") == "classical")
    assert load().restoring["category"] == "low-light"


@pytest.mark.ml
@pytest.mark.skipif(NO_SPANDREL, reason="the ml extra is not installed")
async def test_it_stays_when_projects_come_and_go(open_window, checkpoint: Path, photos: Path, tmp_path: Path) -> None:
    from ggt_studio.store.project import Project

    Project.create(tmp_path / "p").close()
    kept = {"models": [str(checkpoint)], "strength": 40, "format": "webp", "tile": -5, "strip": "nonsense"}
    window = await open_window(tmp_path / "p", Settings(restoring=kept))
    window.show_page("restore")
    page = page_of(window)
    assert not page.back.isVisible()
    assert window.rail.current == "restore"
    await until(lambda: page.restoring.about, 60)
    output, settings = page.panel.output(), page.panel.settings()
    assert (output.strength, output.file_format, settings.tile) == (0.4, "webp", 0)
    page.add([photos / "a.jpg"])
    await until(lambda: page.restoring.queue.items)
    window.show_page("settings")
    window._pages["settings"].settings_changed.emit(Settings(theme="light"))
    assert load().theme == "light"
    assert load().restoring["models"] == [str(checkpoint)], "a page does not take back what another one kept"
    window.close_project()
    await until(lambda: window.start_page.isVisible() and window.workspace is None)
    window.show_page("restore")
    assert page_of(window) is page
    assert page.back.isVisible()
    assert len(page.restoring.queue.items) == 1
