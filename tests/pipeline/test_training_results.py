"""Runs that were trained elsewhere come back whole, go on from what is new, and never overwrite what was learnt here."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="needs the ml extra")

from filelock import FileLock

from fakes.training_jobs import make_job, tiny_recipe
from ggt_studio.core.errors import StudioError
from ggt_studio.pipeline.training import run_folders, train_job
from ggt_studio.pipeline.training_results import bring_back, export_model
from ggt_studio.training import loop
from ggt_studio.training.job import LOCK_FILE, checkpoints, read_events
from ggt_studio.training.story import read_story
from ggt_studio.worker.client import WorkerPool
from ggt_studio.worker.job import Cancelled

pytestmark = pytest.mark.ml


def train_until(folder: Path, step: int) -> None:
    """Train on to so many steps, and pause."""
    reached = [0]

    def check() -> None:
        if reached[0] >= step:
            raise Cancelled

    loop.train(folder, device="cpu", check=check, progress=lambda done, _: reached.__setitem__(0, done))


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    folder = make_job(tmp_path / "elsewhere" / "run")
    train_until(folder, 5)
    return folder


async def test_a_run_comes_back_with_all_that_it_learnt_and_goes_on_here(elsewhere: Path, tmp_path: Path) -> None:
    project = tmp_path / "p"
    there = await bring_back(project, elsewhere)
    assert run_folders(project) == [there]
    assert read_events(there) == read_events(elsewhere)
    assert loop.train(there, device="cpu") == "done"
    loop.train(elsewhere, device="cpu")
    assert read_story(there).measured[-1]["loss"] == pytest.approx(read_story(elsewhere).measured[-1]["loss"], rel=1e-5)


async def test_what_is_new_is_taken_over_and_what_is_old_changes_nothing(elsewhere: Path, tmp_path: Path) -> None:
    project = tmp_path / "p"
    there = await bring_back(project, elsewhere)
    loop.train(elsewhere, device="cpu")
    assert await bring_back(project, elsewhere) == there
    assert [one.step for one in checkpoints(there)] == [4, 5, 8, 12]
    assert read_story(there).state == "done"
    assert (there / "validation" / "step-0000012" / "000.png").is_file()
    before = (there / "log.jsonl").read_bytes()
    await bring_back(project, elsewhere)
    assert (there / "log.jsonl").read_bytes() == before


async def test_what_was_trained_at_both_places_is_not_mixed(elsewhere: Path, tmp_path: Path) -> None:
    there = await bring_back(tmp_path / "p", elsewhere)
    train_until(there, 8)
    train_until(elsewhere, 7)
    before = sorted(path.name for path in there.rglob("*"))
    with pytest.raises(StudioError, match="both here and"):
        await bring_back(tmp_path / "p", elsewhere)
    assert sorted(path.name for path in there.rglob("*")) == before


async def test_another_run_of_the_same_name_gets_its_own_place(elsewhere: Path, tmp_path: Path) -> None:
    other = make_job(tmp_path / "other" / "run", tiny_recipe(steps=3))
    first, second = await bring_back(tmp_path / "p", elsewhere), await bring_back(tmp_path / "p", other)
    assert (first.name, second.name) == ("run", "run 2")
    assert await bring_back(tmp_path / "p", other) == second


async def test_what_is_trained_now_or_is_no_run_is_refused(elsewhere: Path, tmp_path: Path) -> None:
    with FileLock(elsewhere / LOCK_FILE), pytest.raises(StudioError, match="pause it first"):
        await bring_back(tmp_path / "p", elsewhere)
    with pytest.raises(StudioError, match="no folder of a training run"):
        await bring_back(tmp_path / "p", tmp_path)
    there = await bring_back(tmp_path / "p", elsewhere)
    with pytest.raises(StudioError, match="in this project already"):
        await bring_back(tmp_path / "p", there)


@pytest.mark.parametrize("name", ["", "..", "../../away", "/tmp/away"])
async def test_a_name_that_leads_elsewhere_is_refused_and_nothing_is_deleted(
    elsewhere: Path, tmp_path: Path, name: str
) -> None:
    kept = tmp_path / "p" / "training" / "mine" / "job.json"
    kept.parent.mkdir(parents=True)
    kept.write_text("{}")
    job = json.loads((elsewhere / "job.json").read_text())
    (elsewhere / "job.json").write_text(json.dumps({**job, "name": name}))
    with pytest.raises(StudioError, match="no name of a run"):
        await bring_back(tmp_path / "p", elsewhere)
    assert kept.read_text() == "{}"


async def test_what_is_only_just_being_packed_under_its_name_stays(elsewhere: Path, tmp_path: Path) -> None:
    pack = tmp_path / "p" / "training" / "run" / "data" / "00-curated.pack"
    pack.parent.mkdir(parents=True)
    pack.write_bytes(b"pack")
    assert (await bring_back(tmp_path / "p", elsewhere)).name == "run 2"
    assert pack.read_bytes() == b"pack"


async def test_a_pause_is_heard_by_a_run_that_is_only_just_beginning(tmp_path: Path) -> None:
    folder = make_job(tmp_path / "p" / "training" / "run", tiny_recipe(steps=1_000_000, checkpoint_every=0))
    pool = WorkerPool(1)
    try:
        work = asyncio.create_task(train_job(pool, folder, "cpu", lambda _done, _total: None))
        await asyncio.sleep(0.3)
        work.cancel()
        assert await asyncio.wait_for(work, 120) == "paused"
    finally:
        pool.close()
    assert read_story(folder).state == "paused"


async def test_a_model_is_exported_while_another_run_is_trained(tmp_path: Path) -> None:
    done, long = make_job(tmp_path / "done"), make_job(tmp_path / "long", tiny_recipe(steps=1_000_000))
    loop.train(done, device="cpu")
    pool = WorkerPool(1)
    try:
        work = asyncio.create_task(train_job(pool, long, "cpu", lambda _done, _total: None))
        made = await asyncio.wait_for(export_model(pool, done, tmp_path / "out", step=None, onnx=False), 120)
        assert "README.md" in made.files
        assert not work.done()
        work.cancel()
        await work
    finally:
        pool.close()
