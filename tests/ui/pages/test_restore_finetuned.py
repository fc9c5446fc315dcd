"""The restore page with what was trained into a generative model: its base is asked for where it is gone, and remembered."""

from __future__ import annotations

import importlib.util
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fakes.hands import click, until
from ggt_studio.pipeline.restoring import Standing
from ggt_studio.settings import Settings, load

pytestmark = [
    pytest.mark.ml,
    pytest.mark.skipif(importlib.util.find_spec("diffusers") is None, reason="the ml extra is not installed"),
]


async def test_the_base_is_asked_for_and_photos_are_restored(open_window, tmp_path: Path) -> None:
    from fakes.generative_jobs import save_trained

    trained = save_trained({"folder": str(tmp_path)})["trained"]
    shutil.move(tmp_path / "flux", tmp_path / "elsewhere")
    photos = tmp_path / "photos"
    photos.mkdir()
    Image.fromarray(np.random.default_rng(1).integers(0, 255, (48, 64, 3), np.uint8)).save(photos / "a.png")
    window = await open_window(settings=Settings())
    window.show_page("restore")
    page = window._restore
    assert page is not None
    page.add([photos])
    page.panel.model.chosen.emit(trained)
    await until(lambda: page.restoring.problem, 120)
    assert "FLUX.1-dev" in page.panel.model.about.text()
    assert page.panel.model.base_button.isVisible()
    assert not page.primary.isEnabled()
    page.panel.model.base_chosen.emit(str(tmp_path / "elsewhere"))
    await until(page.primary.isEnabled, 120)
    assert page.panel.model.about.text().startswith("FLUX ControlNet")
    assert not page.panel.model.base_button.isVisible()
    how = page.panel.how
    assert how.half.isHidden()
    assert not how.sample.isHidden(), "another sample is another picture"
    click(page.primary)
    await until(lambda: not page.restoring.running, 120)
    assert page.restoring.queue.count(Standing.RESTORED) == 1
    await until(lambda: load().restoring.get("bases") == {trained: str(tmp_path / "elsewhere")})
