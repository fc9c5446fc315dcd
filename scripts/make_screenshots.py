"""Take the README's screenshots: make the demo project, run it, decide a few pairs, and show each page.

    .venv/bin/python scripts/make_screenshots.py [--theme light] [--scale 2] [FOLDER]

Writes start.png, sources.png, generate.png, review.png, dataset.png, train.png, restore.png and settings.png to FOLDER (docs/screenshots).
"""

from __future__ import annotations

import argparse
import asyncio
import io
import os
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGES = ("sources", "generate", "review", "dataset", "train", "restore", "settings")
COLOURS = 224


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", type=Path, default=ROOT / "docs" / "screenshots")
    parser.add_argument("--theme", choices=["dark", "light"], default="dark")
    parser.add_argument("--scale", default="1")
    arguments = parser.parse_args()
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    os.environ["QT_SCALE_FACTOR"] = arguments.scale
    arguments.folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="ggt-studio-") as home:
        os.environ["GGT_STUDIO_HOME"] = str(Path(home) / "settings")
        project = asyncio.run(_prepare(Path(home) / "demo"))
        _show(project, arguments.folder, arguments.theme)


async def _prepare(base: Path) -> Path:
    from ggt_studio.core.words import Category, Decision, RejectReason
    from ggt_studio.pipeline.demo import prepare_demo
    from ggt_studio.pipeline.engine import Engine
    from ggt_studio.pipeline.session import Session
    from ggt_studio.settings import load
    from ggt_studio.store import patches, review

    project = await prepare_demo(base, load())
    with Session(project, load()) as session:
        recipe = session.recipe("classical", "fix", "measured")
        await Engine(session.store, session.pool, session.registry, recipe).run()

        def decide(opened) -> None:
            reviewable = [p for p in patches.page(opened, patches.Filter()) if p.hq_sha256]
            first_rain = next(p.id for p in reviewable if p.category is Category.RAIN)
            for patch in reviewable:
                if patch.category not in (Category.RAIN, Category.SNOW) or patch.id == first_rain:
                    review.decide(opened, patch.id, Decision.ACCEPT, reviewer="Ada")
            review.decide(opened, reviewable[0].id, Decision.REJECT, reason=RejectReason.ARTEFACT, reviewer="Ada")

        await session.store.call(decide)
    return project


def _show(project: Path, folder: Path, theme: str) -> None:
    import qasync
    from PySide6.QtWidgets import QApplication

    from ggt_studio.settings import Settings, save
    from ggt_studio.ui.main_window import MainWindow
    from ggt_studio.ui.theme import apply_theme

    app = QApplication([])
    app.setQuitOnLastWindowClosed(False)
    settings = Settings(theme=theme, reviewer="Ada")
    save(settings)
    apply_theme(app, theme)  # type: ignore[arg-type]
    loop = qasync.QEventLoop(app)

    async def take() -> None:
        window = MainWindow(settings)
        window.resize(1360, 860)
        window.show()
        await asyncio.sleep(0.5)
        _grab(window, folder / "start.png")
        window.open_project(project)
        while not window.rail.current:  # noqa: ASYNC110 - the window tells nobody
            await asyncio.sleep(0.05)
        for page in PAGES:
            window.show_page(page)
            await asyncio.sleep(3)
            if page == "train":
                await _train(window)
            if page == "restore":
                await _restore_photos(window, project.parent / "photos")
            _grab(window, folder / f"{page}.png")
        window.close()
        await window.closed

    asyncio.set_event_loop(loop)
    with loop:
        loop.run_until_complete(take())


async def _train(window) -> None:
    """Train the smoke size of NAFNet on the accepted pairs, on the processor."""
    from ggt_studio.ui.pages.train import TrainPage

    page = window.findChild(TrainPage)
    recipe = page.new.recipe
    recipe.combo.setCurrentIndex(recipe.combo.findData("nafnet-smoke"))
    recipe.device.setCurrentIndex(recipe.device.findData("cpu"))
    recipe.steps.setValue(120)
    recipe.every.setValue(40)
    page.new.data.held_back.setValue(2)
    page.new.doubtful = True
    page.training.start(page.new.plan())
    while page.training.busy:  # noqa: ASYNC110 - the window tells nobody
        await asyncio.sleep(0.1)
    await asyncio.sleep(3)


async def _restore_photos(window, folder: Path) -> None:
    """Restore the photos of rain and low light, classically, into a folder beside them."""
    from ggt_studio.ui.pages.restore.page import RestorePage

    page = window.findChild(RestorePage)
    page.add([folder / "rain", folder / "low-light"])
    while not page.primary.isEnabled():  # noqa: ASYNC110
        await asyncio.sleep(0.05)
    page.primary.click()
    while page.restoring.running:  # noqa: ASYNC110 - the window tells nobody
        await asyncio.sleep(0.1)
    await asyncio.sleep(2)


def _grab(window, path: Path) -> None:
    from PIL import Image
    from PySide6.QtCore import QBuffer

    buffer = QBuffer()
    buffer.open(QBuffer.OpenModeFlag.WriteOnly)
    window.grab().save(buffer, "PNG")
    with Image.open(io.BytesIO(bytes(buffer.data().data()))) as image:
        image.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE).save(path, optimize=True)
    print(path)


if __name__ == "__main__":
    main()
