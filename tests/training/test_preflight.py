"""What is found out before the first step: pairs that do not lie over each other, memory, disk and time."""

from __future__ import annotations

import shutil
from collections import namedtuple
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="needs the ml extra")

from PIL import Image

from fakes.little_memory import only_so_many_fit
from fakes.training_jobs import make_job, tiny_recipe
from ggt_studio.training import loop
from ggt_studio.training.findings import Answer, Preflight
from ggt_studio.training.job import DATA, Job, checkpoints, read_events, read_job
from ggt_studio.training.mixing import EXISTING, Mix, MixSet, MixSource
from ggt_studio.training.packing import write_pack
from ggt_studio.training.pairs import PairFiles
from ggt_studio.training.preflight import preflight

pytestmark = pytest.mark.ml

Usage = namedtuple("Usage", ("total", "used", "free"))


def answers(found: Preflight) -> dict[str, Answer]:
    return {finding.what: finding.answer for finding in found.findings}


def words(found: Preflight, what: str) -> str:
    return next(finding.words for finding in found.findings if finding.what == what)


def job_of(folder: Path, shifts: list[int], *, side: int = 192) -> Job:
    """Pairs of one texture, HQ moved by so many px."""
    rng = np.random.default_rng(0)
    small = rng.integers(0, 255, (side // 8, side // 8, 3), np.uint8)
    whole = np.asarray(Image.fromarray(small).resize((side + 64, side + 64), Image.Resampling.BICUBIC))
    pairs = []
    for number, shift in enumerate(shifts):
        files = []
        for name, at in (("lq", 0), ("hq", shift)):
            files.append(folder / f"{name}-{number}.png")
            files[-1].parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(whole[at : at + side, at : at + side]).save(files[-1])
        pairs.append(PairFiles(f"pair {number}", files[0], files[1]))
    write_pack(pairs, folder / DATA / "all.pack")
    mix = Mix((MixSource(EXISTING, 1, (MixSet("all", "all.pack", len(pairs)),)),), 0)
    return Job("run", tiny_recipe(), mix)


def test_a_sound_job_can_begin_and_its_step_is_measured_and_nothing_kept(tmp_path: Path) -> None:
    folder = make_job(tmp_path / "run")
    found = preflight(folder, read_job(folder), "cpu")
    assert found.can_begin
    assert {"pairs", "memory", "disk", "time"} == set(answers(found))
    assert 0 < found.step_s < 60
    assert 50e6 < found.memory_bytes < 64e9
    assert not checkpoints(folder)
    assert not read_events(folder)
    assert Preflight.from_json(found.to_json()) == found


def test_the_disk_estimate_is_what_a_run_then_takes(tmp_path: Path) -> None:
    folder = make_job(tmp_path / "run")
    needed = preflight(folder, read_job(folder), "cpu").disk_bytes
    loop.train(folder, device="cpu")
    parts = ("checkpoints", "validation")
    taken = sum(path.stat().st_size for part in parts for path in (folder / part).rglob("*") if path.is_file())
    assert 0.7 < taken / needed < 1.4


def test_pairs_that_do_not_lie_over_each_other_are_named(tmp_path: Path) -> None:
    few = preflight(tmp_path, job_of(tmp_path, [0, 0, 0, 9]), "cpu")
    assert answers(few)["pairs"] is Answer.DOUBT
    assert few.can_begin
    assert "1 of 4" in words(few, "pairs")
    assert "pair 3" in words(few, "pairs")


def test_a_run_on_pairs_of_which_most_are_off_does_not_begin(tmp_path: Path) -> None:
    found = preflight(tmp_path, job_of(tmp_path, [9, 9, 9, 0]), "cpu")
    assert answers(found)["pairs"] is Answer.NO
    assert not found.can_begin


def test_a_disk_too_small_is_a_no(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = make_job(tmp_path / "run")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(10, 9, 1))
    found = preflight(folder, read_job(folder), "cpu")
    assert answers(found)["disk"] is Answer.NO
    assert "Make room" in words(found, "disk")


def test_a_batch_too_large_for_memory_is_computed_in_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = make_job(tmp_path / "run")
    only_so_many_fit(monkeypatch, 2)
    found = preflight(folder, read_job(folder), "cpu")
    assert answers(found)["memory"] is Answer.DOUBT
    assert "parts of 2" in words(found, "memory")


def test_where_not_even_one_crop_fits_the_cause_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = make_job(tmp_path / "run")
    only_so_many_fit(monkeypatch, 0)
    found = preflight(folder, read_job(folder), "cpu")
    assert answers(found)["step"] is Answer.NO
    assert "too little memory" in words(found, "step")


def test_a_loss_that_is_no_number_is_a_no(tmp_path: Path) -> None:
    folder = make_job(tmp_path / "run", tiny_recipe(optimiser={"kind": "adamw", "lr": 1e30}))
    found = preflight(folder, read_job(folder), "cpu")
    assert answers(found)["step"] is Answer.NO


def test_crops_that_the_network_cannot_take_are_told_with_one_that_it_can(tmp_path: Path) -> None:
    values = {"network": "PromptIR", "network_options": {"width": 8}, "crop": 28}
    folder = make_job(tmp_path / "run", tiny_recipe(**values))
    found = preflight(folder, read_job(folder), "cpu")
    assert answers(found)["crop"] is Answer.NO
    assert "choose 24 px" in words(found, "crop")
