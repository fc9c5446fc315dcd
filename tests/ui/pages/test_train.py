"""The train page: from chosen pairs to a run that is watched, paused, gone on with, and used to restore a photo."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import pytest
import tomli_w
from PIL import Image
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from fakes.hands import click, until
from fakes.projects import waiting_project
from fakes.training_jobs import TINY, write_pairs
from ggt_studio.store.project import Project
from ggt_studio.training import recipes
from ggt_studio.training.job import checkpoints, read_events
from ggt_studio.training.story import read_story
from ggt_studio.ui.main_window import MainWindow
from ggt_studio.ui.pages.train import TrainPage

NO_TRAINING = importlib.util.find_spec("accelerate") is None
needs_training = pytest.mark.skipif(NO_TRAINING, reason="the ml extra is not installed")


@pytest.fixture
def quick_recipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The recipes that are offered are one that trains in seconds."""
    folder = tmp_path / "recipes"
    folder.mkdir()
    values = {**TINY, "steps": 40, "checkpoint_every": 10, "log_every": 2}
    (folder / "quick.toml").write_text(tomli_w.dumps(values))
    monkeypatch.setattr(recipes, "_folder", lambda: folder)
    return "quick"


def page_of(window: MainWindow) -> TrainPage:
    window.show_page("train")
    page = window._pages["train"]
    assert isinstance(page, TrainPage)
    return page


def empty_project(folder: Path) -> Path:
    Project.create(folder).close()
    return folder


def on_the_processor(page: TrainPage) -> None:
    device = page.new.recipe.device
    device.setCurrentIndex(device.findData("cpu"))


@pytest.mark.ml
@needs_training
async def test_a_run_is_begun_watched_paused_gone_on_with_and_restores_a_photo(
    open_window, quick_recipe: str, tmp_path: Path
) -> None:
    waiting_project(tmp_path / "p", 8).close()
    window = await open_window(tmp_path / "p")
    page = page_of(window)
    await until(lambda: page.new.data.include.number("accepted") == "8")
    assert page.new.data.include.value == "accepted", "nothing is verified yet"
    assert page.new.recipe.name.text() == quick_recipe
    on_the_processor(page)
    click(page.primary)
    await until(lambda: page.new.strip.isVisible())
    await until(lambda: page.run.isVisible() or page.new.doubtful, 120)
    if page.new.doubtful:
        assert page.primary.text() == "Start anyway"
        click(page.primary)
        await until(page.run.isVisible, 120)
    folder = tmp_path / "p" / "training" / "quick"
    await until(lambda: len(checkpoints(folder)) >= 1, 120)
    await until(lambda: page.primary.text() == "Pause", 60)
    click(page.primary)
    await until(lambda: not page.training.busy, 60)
    await until(lambda: page.primary.text() == "Go on")
    paused_at = read_story(folder).step
    assert paused_at < 40
    assert read_story(folder).state == "paused"

    click(page.primary)
    await until(lambda: read_story(folder).state == "done", 120)
    await until(lambda: not page.primary.isVisible())
    story = read_story(folder)
    assert [one["step"] for one in story.measured][-1] == 40
    await until(lambda: page.run.checkpoints.count() == len(story.checkpoints))
    await until(lambda: page.run.photos.compare.canvas.image_size() == (48, 48))
    assert "40 steps" in page.sentence.text()

    click(page.new_button)
    assert page.new.recipe.name.text() == "quick 2", "the name is taken"
    page.runs.setCurrentRow(0)
    row = page.run.checkpoints.count() - 1
    page.run.checkpoints.setCurrentRow(row)
    click(page.run.use)
    await until(lambda: window.rail.current == "restore")
    restore = window._restore
    assert restore is not None
    await until(lambda: restore.restoring.about, 60)
    assert restore.panel.model.provider.combo.currentText().startswith(f"quick, step {story.checkpoints[0].step}")
    await until(lambda: "What you add here is restored by quick, step" in restore.sentence.text())
    Image.new("RGB", (60, 40), (90, 80, 70)).save(tmp_path / "mine.png")
    restore.add([tmp_path / "mine.png"])
    await until(restore.primary.isEnabled, 60)
    click(restore.primary)
    await until(lambda: (tmp_path / "restored" / "mine.png").is_file(), 60)


@pytest.mark.ml
@needs_training
async def test_closing_the_window_in_the_midst_keeps_what_was_learnt(open_window, quick_recipe, tmp_path: Path) -> None:
    waiting_project(tmp_path / "p", 8).close()
    window = await open_window(tmp_path / "p")
    page = page_of(window)
    await until(lambda: page.new.data.include.number("accepted") == "8")
    on_the_processor(page)
    page.new.recipe.steps.setValue(100_000)
    page.new.doubtful = True
    page.training.start(page.new.plan())
    folder = tmp_path / "p" / "training" / "quick"
    await until(lambda: any(event["event"] == "step" for event in read_events(folder)), 120)
    window.close()
    await window.closed
    story = read_story(folder)
    assert story.state == "paused"
    assert story.checkpoints[-1].step == story.step > 0


@pytest.mark.ml
@needs_training
async def test_what_speaks_against_it_is_shown_and_can_be_changed(open_window, quick_recipe, tmp_path: Path) -> None:
    waiting_project(tmp_path / "p", 8).close()
    window = await open_window(tmp_path / "p")
    page = page_of(window)
    await until(lambda: page.new.data.include.number("accepted") == "8")
    values = {**TINY, "network": "PromptIR", "network_options": {"width": 8}, "crop": 28}
    (tmp_path / "recipes" / "quick.toml").write_text(tomli_w.dumps(values))
    page.new.recipe._recipe_chosen()
    on_the_processor(page)
    click(page.primary)
    await until(lambda: page.new.findings.isVisible(), 120)
    assert page.banner.isVisible()
    assert any("choose 24 px" in finding.words for finding in page.new.findings._findings)
    assert not page.new.doubtful
    assert not page.training.stories, "nothing was begun"
    page.new.data.show_counts(page.new.data._counts)
    assert page.new.findings.isVisible(), "counting pairs anew changes no choice"
    page.new.recipe.crop.setValue(24)
    assert not page.new.findings.isVisible(), "what was found was of other choices"
    assert page.primary.isEnabled()


async def test_an_empty_project_says_what_is_missing(open_window, tmp_path: Path) -> None:
    window = await open_window(empty_project(tmp_path / "p"))
    page = page_of(window)
    await until(lambda: page.new.data.include.number("accepted") == "0")
    assert not page.primary.isEnabled()
    assert "Choose pairs of the project, a folder of pairs, or clean photos" in page.sentence.text()
    write_pairs(tmp_path / "other")
    page.new.data.pairs.add(tmp_path / "other")
    assert page.primary.isEnabled()
    await until(lambda: page.new.data.pairs.found[tmp_path / "other"].text() == "5 pairs")
    (tmp_path / "nothing").mkdir()
    page.new.data.clean.add(tmp_path / "nothing")
    await until(lambda: "There are no photos in" in page.new.data.clean.found[tmp_path / "nothing"].text())
    assert page.new.data.choice().quotas == {}
    page.new.data.pairs._quotas[tmp_path / "other"].setValue(50)
    assert page.new.data.choice().quotas == {tmp_path / "other": 50}
    page.new.recipe.name.setText("../away")
    assert not page.primary.isEnabled()
    assert "name" in page.sentence.text()


async def test_runs_from_elsewhere_are_listed_with_their_curves_and_the_rail_reaches_them(
    open_window, tmp_path: Path
) -> None:
    project = empty_project(tmp_path / "p")
    source = told_job(tmp_path / "elsewhere" / "far")
    window = await open_window(project)
    QTest.keyClick(window, Qt.Key.Key_5, Qt.KeyboardModifier.ControlModifier)
    page = page_of(window)
    page.training.bring_back(source)
    await until(lambda: page.run.isVisible())
    assert page.runs.item(0).text().splitlines() == ["far", "Done · +2.00 dB"]
    assert list(page.run.loss._steps) == [10, 20]
    assert list(page.run.psnr._values) == [21, 22]
    assert page.run.psnr._beat.value() == 20
    assert page.run.checkpoints.count() == 2
    assert not page.primary.isVisible(), "it is done"
    page.throw_away(project / "training" / "none of this name")
    click(page.new_button)
    assert page.new.isVisible()


def told_job(folder: Path) -> Path:
    """A job folder as a run elsewhere leaves it, without needing torch here."""
    from ggt_studio.training.job import Job, write_job
    from ggt_studio.training.mixing import EXISTING, Mix, MixSet, MixSource
    from ggt_studio.training.recipes import parse_recipe

    mix = Mix((MixSource(EXISTING, 1, (MixSet("all", "all.pack", 4),)),), 0)
    write_job(folder, Job(folder.name, parse_recipe({**TINY, "steps": 20}, "tiny"), mix, validation_pairs=1))
    events = [{"event": "begun", "step": 0, "device": "cuda", "processes": 1}]
    for step in (10, 20):
        events.append(
            {
                "event": "step",
                "step": step,
                "loss": 1 / step,
                "lr": 1e-3,
                "images_per_s": 9.0,
                "step_s": 0.1,
                "data_wait": 0.0,
            }
        )
        scores = {"psnr": 20 + step / 10, "psnr_lq": 20.0, "ssim": 0.8, "ssim_lq": 0.7, "pairs": 1}
        events.append({"event": "validated", "step": step, **scores})
        weights = folder / "checkpoints" / f"step-{step:07d}" / "weights.safetensors"
        weights.parent.mkdir(parents=True)
        weights.write_bytes(b"weights")
    events.append({"event": "ended", "how": "done"})
    (folder / "log.jsonl").write_text("".join(json.dumps(event) + "\n" for event in events))
    return folder
