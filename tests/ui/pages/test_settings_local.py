"""Models on this machine in the settings: download with stop and going on, a folder of one's own, what they run with."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import pytest
import pytest_asyncio
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from fakes.hands import click, type_over, until
from fakes.hub_server import Hub, serving
from ggt_studio.pipeline.readiness import Lack
from ggt_studio.settings import Settings
from ggt_studio.store.project import Project
from ggt_studio.ui.pages.settings import SettingsPage

pytestmark = [
    pytest.mark.ml,
    pytest.mark.skipif(importlib.util.find_spec("huggingface_hub") is None, reason="the ml extra is not installed"),
]

KLEIN = "flux.2-klein"
ShowPage = Callable[..., Awaitable[SettingsPage]]


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny pipeline as it lies on the hub; its transformer has 8 MiB."""
    import numpy as np
    from safetensors.numpy import save_file

    folder = tmp_path_factory.mktemp("published")
    parts = ("transformer", "text_encoder", "vae", "scheduler", "tokenizer")
    for part in parts:
        (folder / part).mkdir()
        (folder / part / "config.json").write_text(json.dumps({"part": part}))
    index = {"_class_name": "Flux2KleinPipeline", **{part: ["diffusers", "X"] for part in parts}}
    (folder / "model_index.json").write_text(json.dumps(index))
    noise = np.random.default_rng(0).random((2, 1 << 20), np.float32)
    save_file({"blocks.0.q": noise}, folder / "transformer" / "diffusion_pytorch_model.safetensors")
    save_file({"embed": np.zeros(7, np.float32)}, folder / "text_encoder" / "model.safetensors")
    save_file({"conv": np.zeros(3, np.float32)}, folder / "vae" / "diffusion_pytorch_model.safetensors")
    return folder


@pytest.fixture
def hub(published: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    with serving(Hub("black-forest-labs/FLUX.2-klein-4B", published)) as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        monkeypatch.setenv("HF_HOME", str(tmp_path / "hub-home"))
        for name in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"):
            monkeypatch.delenv(name, raising=False)
        yield hub


@pytest_asyncio.fixture
async def show_page(open_workspace, tmp_path: Path) -> AsyncIterator[ShowPage]:
    pages: list[SettingsPage] = []

    async def show() -> SettingsPage:
        Project.create(tmp_path / "p").close()
        page = SettingsPage(await open_workspace(tmp_path / "p"), Settings())
        pages.append(page)
        page.resize(1000, 2600)
        page.show()
        page.activateWindow()
        page.activated()
        await until(page.isActiveWindow)
        await until(lambda: KLEIN in page.local.found)
        return page

    yield show
    for page in pages:
        page.close()


async def test_a_download_is_stopped_goes_on_and_is_used_at_once(hub: Hub, show_page: ShowPage) -> None:
    page = await show_page()
    heard: list[Settings] = []
    page.settings_changed.connect(heard.append)
    row = page.local_models.rows[KLEIN]
    assert row.state.text() == "Not on this machine"
    click(row.get)
    await until(row.begin.isVisible, 60)
    assert row.begin.text() == "Download 8.4 MB"
    assert hub.requests, "only its description was asked for"
    assert not heard

    hub.slow_s = 0.05
    click(row.begin)
    await until(lambda: row.bar.isVisible() and row.bar.value() > 0, 60)
    click(row.leave)
    await until(lambda: not row.bar.isVisible(), 30)
    await until(row.get.isVisible)
    assert not heard, "what is not whole is not chosen"

    hub.slow_s = 0.0
    click(row.get)
    await until(lambda: row.begin.isVisible() and row.begin.text().startswith("Go on: "), 60)
    click(row.begin)
    await until(lambda: row.state.text() == "On this machine", 60)
    chosen = heard[-1].local_models[KLEIN]
    assert chosen["model"].endswith(f"models/{KLEIN}")
    assert chosen["fingerprint"]
    offers = page.workspace.offers
    info = page.workspace.session.registry.generator(KLEIN).info
    await until(lambda: offers.readiness is not None and offers.readiness.lack(info)[0] is Lack.NOTHING)


async def test_a_folder_is_chosen_and_what_it_runs_with(hub: Hub, published: Path, show_page: ShowPage) -> None:
    page = await show_page()
    heard: list[Settings] = []
    page.settings_changed.connect(heard.append)
    row = page.local_models.rows[KLEIN]
    row.take_folder(str(published))
    await until(lambda: row.state.text() == "On this machine")
    click(row.propose)
    await until(lambda: "GPU" in row.told.text() or "memory" in row.told.text(), 120)
    if row.use.isVisible():
        click(row.use)
        assert heard[-1].local_models[KLEIN]["dtype"] in ("fp32", "bf16", "fp16")
    click(row.fold.button)
    options = row.options
    type_over(options.steps, "12")
    QTest.keyClick(options.steps, Qt.Key.Key_Return)
    assert heard[-1].local_models[KLEIN]["steps"] == 12
    recipe = page.workspace.session.recipe(KLEIN, "fix", "measured")
    assert recipe.generator_options["steps"] == 12, "the next run takes it"
    type_over(options.lora, "/nowhere/x.safetensors")
    QTest.keyClick(options.lora, Qt.Key.Key_Return)
    assert "no such file" in options.problem.text()
    row.take_folder(str(published.parent))
    await until(lambda: row.state.text() == "Its folder cannot be used")
