"""The training loop: it learns, goes on exactly, and loses nothing to a kill, a full disk or a loss that is no number."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="needs the ml extra")

import torch
from safetensors.torch import load_file

from fakes.training_jobs import make_job, tiny_recipe
from ggt_studio.core.errors import StudioError
from ggt_studio.restorers.checkpoint import read_checkpoint
from ggt_studio.restorers.registry import detect
from ggt_studio.training import checkpoints as checkpoint_files
from ggt_studio.training import keeping, loop
from ggt_studio.training.job import (
    JOB_FILE,
    checkpoints,
    latest_state,
    read_events,
    read_job,
    request_pause,
    state_of,
    write_job,
)
from ggt_studio.training.recipes import load_recipe
from ggt_studio.worker.job import Cancelled

pytestmark = pytest.mark.ml


def losses(folder: Path) -> dict[int, float]:
    return {event["step"]: event["loss"] for event in read_events(folder) if event["event"] == "step"}


def standing(folder: Path) -> str:
    return state_of(folder, read_events(folder))


class Stop:
    """Asks the run to stop after so many steps."""

    def __init__(self, after: int) -> None:
        self.after, self.asked = after, False

    def check(self) -> None:
        if self.asked:
            raise Cancelled

    def progress(self, done: int, total: int) -> None:
        self.asked = done >= self.after

    def train(self, folder: Path) -> str:
        return loop.train(folder, device="cpu", check=self.check, progress=self.progress)


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = make_job(tmp_path_factory.mktemp("jobs") / "whole")
    assert loop.train(folder, device="cpu") == "done"
    return folder


def test_it_learns_and_each_checkpoint_is_validated_and_a_restorer(uninterrupted: Path) -> None:
    assert losses(uninterrupted)[12] < losses(uninterrupted)[1] * 0.8
    assert [one.step for one in checkpoints(uninterrupted)] == [4, 8, 12]
    validated = [event for event in read_events(uninterrupted) if event["event"] == "validated"]
    assert [event["step"] for event in validated] == [4, 8, 12]
    assert validated[-1]["psnr"] > validated[-1]["psnr_lq"]
    assert (uninterrupted / "validation" / "step-0000012" / "000.png").is_file()
    assert (uninterrupted / "validation" / "lq" / "000.png").is_file()
    restorer = detect(read_checkpoint(checkpoints(uninterrupted)[-1].weights))
    assert restorer.architecture.id == "NAFNet"
    assert restorer.checkpoint.options["dataset"] == "pairs 1"
    assert standing(uninterrupted) == "done"
    assert list((uninterrupted / "tensorboard").glob("events*"))


def test_only_the_newest_checkpoints_keep_their_state(uninterrupted: Path) -> None:
    assert [one.state.is_file() for one in checkpoints(uninterrupted)] == [False, True, True]


@pytest.mark.parametrize("after", [1, 4, 6])
def test_paused_and_gone_on_with_it_ends_as_if_it_had_not_been(uninterrupted: Path, tmp_path: Path, after: int) -> None:
    folder = make_job(tmp_path / "whole")
    assert Stop(after).train(folder) == "paused"
    assert standing(folder) == "paused"
    state = latest_state(folder)
    assert state is not None
    assert state.step == after
    assert loop.train(folder, device="cpu") == "done"
    assert losses(folder) == pytest.approx(losses(uninterrupted), rel=1e-5)
    ended, wanted = (load_file(checkpoints(one)[-1].weights) for one in (folder, uninterrupted))
    assert all(torch.allclose(ended[name], value, atol=1e-5) for name, value in wanted.items())


def test_what_a_network_draws_is_drawn_again_when_it_goes_on(tmp_path: Path) -> None:
    # SwinIR leaves out layers at random.
    recipe = load_recipe("swinir-smoke").changed(steps=6, batch=2, crop=16, checkpoint_every=0, validation_crop=32)
    recipe = recipe.model_copy(update={"log_every": 1})
    whole, parts = make_job(tmp_path / "whole", recipe), make_job(tmp_path / "parts", recipe)
    loop.train(whole, device="cpu")
    assert Stop(3).train(parts) == "paused"
    torch.rand(7)
    loop.train(parts, device="cpu")
    assert losses(parts) == pytest.approx(losses(whole), rel=1e-5)


def test_a_pause_does_not_wait_for_the_end_of_validation(tmp_path: Path) -> None:
    folder = make_job(tmp_path / "job")

    def progress(done: int, total: int) -> None:
        if done == 4:
            request_pause(folder)

    assert loop.train(folder, device="cpu", progress=progress) == "paused"
    assert [one.step for one in checkpoints(folder)] == [4]
    assert not [event for event in read_events(folder) if event["event"] == "validated"]


def test_crops_that_a_network_does_not_take_are_told(tmp_path: Path) -> None:
    folder = make_job(tmp_path / "job", load_recipe("promptir-smoke").changed(crop=60))
    with pytest.raises(StudioError, match="multiples of 8 px, not 60"):
        loop.train(folder, device="cpu")


def test_any_process_may_ask_for_a_pause(tmp_path: Path) -> None:
    folder = make_job(tmp_path / "job", tiny_recipe(steps=5000, checkpoint_every=0))
    seen = []

    def progress(done: int, total: int) -> None:
        seen.append((done, total))
        request_pause(folder)

    assert loop.train(folder, device="cpu", progress=progress) == "paused"
    assert seen == [(1, 5000)]
    assert [one.step for one in checkpoints(folder)] == [1]


def test_a_killed_run_goes_on_from_its_last_checkpoint(uninterrupted: Path, tmp_path: Path) -> None:
    folder = make_job(tmp_path / "whole")
    # It is killed by itself, between two checkpoints, with nothing told in advance.
    script = (
        "import os, sys; from pathlib import Path; from ggt_studio.training.loop import train\n"
        "train(Path(sys.argv[1]), device='cpu', progress=lambda done, total: done == 7 and os.kill(os.getpid(), 9))"
    )
    killed = subprocess.run([sys.executable, "-c", script, str(folder)], timeout=120, check=False)
    assert killed.returncode == -signal.SIGKILL
    assert standing(folder) == "interrupted"
    state = latest_state(folder)
    assert state is not None
    assert state.step == 4
    assert loop.train(folder, device="cpu") == "done"
    assert losses(folder) == pytest.approx(losses(uninterrupted), rel=1e-5)


def test_a_loss_that_is_no_number_ends_the_run_and_keeps_the_last_good_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = make_job(tmp_path / "job")
    real = loop.train_step

    def spoilt(*given: object) -> torch.Tensor:
        step = given[-1]
        return real(*given) * (float("nan") if step == 8 else 1.0)  # type: ignore[arg-type]

    monkeypatch.setattr(loop, "train_step", spoilt)
    with pytest.raises(StudioError, match="no longer a number at step 9"):
        loop.train(folder, device="cpu")
    assert standing(folder) == "failed"
    assert [one.step for one in checkpoints(folder)] == [4, 8]


def test_weights_that_are_not_finite_are_never_saved(tmp_path: Path) -> None:
    network = torch.nn.Linear(2, 2)
    with torch.no_grad():
        network.weight[0, 0] = float("inf")
    optimiser = torch.optim.Adam(network.parameters())
    with pytest.raises(StudioError, match="no longer finite"):
        checkpoint_files.write_checkpoint(tmp_path, checkpoint_files.State(network, optimiser, [], None, 1), {})
    assert not list((tmp_path).rglob("*.safetensors"))


def test_a_full_disk_is_waited_for(uninterrupted: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = make_job(tmp_path / "whole")
    real, left = checkpoint_files.save_file, [2]

    def full(*given: object) -> None:
        if left[0]:
            left[0] -= 1
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        real(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(checkpoint_files, "save_file", full)
    monkeypatch.setattr(keeping, "_WAIT_FOR_DISK_S", 0.01)
    assert loop.train(folder, device="cpu") == "done"
    waited = [event for event in read_events(folder) if event["event"] == "waiting"]
    assert len(waited) == 1
    assert "the disk is full" in waited[0]["why"]
    assert losses(folder) == pytest.approx(losses(uninterrupted), rel=1e-5)


def test_without_pairs_held_back_nothing_is_measured(tmp_path: Path) -> None:
    folder = make_job(tmp_path / "job", tiny_recipe(steps=2, checkpoint_every=1))
    job = replace(read_job(folder), validation_pairs=0)
    (folder / JOB_FILE).unlink()
    write_job(folder, job)
    assert loop.train(folder, device="cpu") == "done"
    assert [one.step for one in checkpoints(folder)] == [1, 2]
    assert not any(event["event"] in {"validated", "unvalidated"} for event in read_events(folder))


def test_a_run_is_trained_by_one_process_at_a_time(tmp_path: Path) -> None:
    folder = make_job(tmp_path / "job", tiny_recipe(steps=1))

    def progress(done: int, total: int) -> None:
        assert standing(folder) == "running"
        with pytest.raises(StudioError, match="by another process"):
            loop.train(folder, device="cpu")

    assert loop.train(folder, device="cpu", progress=progress) == "done"


def test_a_damaged_state_says_what_to_do(tmp_path: Path) -> None:
    folder = make_job(tmp_path / "job", tiny_recipe(steps=2))
    loop.train(folder, device="cpu")
    checkpoints(folder)[-1].state.write_bytes(b"not a state")
    with pytest.raises(StudioError, match=r"step-0000002 cannot be gone on from.*Delete its folder"):
        loop.train(folder, device="cpu")


@pytest.mark.parametrize("network", ["SwinIR", "X-Restormer", "PromptIR"])
def test_every_network_is_trained_from_its_smoke_recipe(tmp_path: Path, network: str) -> None:
    recipe = load_recipe(f"{network.lower()}-smoke")
    recipe = recipe.changed(steps=2, batch=2, crop=32, checkpoint_every=0, validation_crop=32)
    folder = make_job(tmp_path / "job", recipe)
    assert loop.train(folder, device="cpu") == "done"
    assert detect(read_checkpoint(checkpoints(folder)[-1].weights)).architecture.id == network


def test_parts_of_a_batch_give_what_the_whole_gives(tmp_path: Path) -> None:
    whole = make_job(tmp_path / "whole", tiny_recipe(steps=3))
    parts = make_job(tmp_path / "parts", tiny_recipe(steps=3, accumulate=2))
    for folder in (whole, parts):
        loop.train(folder, device="cpu")
    assert losses(parts) == pytest.approx(losses(whole), rel=1e-4)


@pytest.mark.parametrize("name", ["", "mprnet-smoke"])
def test_two_processes_give_what_one_gives(tmp_path: Path, name: str) -> None:
    recipe = tiny_recipe(steps=3, ema=0.0)
    if name:
        recipe = load_recipe(name).changed(
            steps=3, batch=4, crop=16, log_every=1, checkpoint_every=0, validation_crop=32
        )
    alone, together = make_job(tmp_path / "alone", recipe), make_job(tmp_path / "together", recipe)
    loop.train(alone, device="cpu")
    train_with_two(together)
    assert read_events(together)[0]["processes"] == 2
    assert losses(together) == pytest.approx(losses(alone), rel=1e-4)


def test_two_processes_whose_images_choose_different_experts_go_on(tmp_path: Path) -> None:
    recipe = load_recipe("moce-ir-smoke")
    recipe = recipe.changed(steps=6, batch=2, crop=16, log_every=1, checkpoint_every=0, validation_crop=32)
    together = make_job(tmp_path / "together", recipe)
    train_with_two(together)
    assert len(losses(together)) == 6


def train_with_two(folder: Path) -> None:
    """Train a job to its end with two processes on the CPU."""
    launch = [sys.executable, "-m", "accelerate.commands.launch", "--multi_gpu", "--num_processes", "2"]
    launch += ["--num_machines", "1", "--mixed_precision", "no", "--dynamo_backend", "no", "--main_process_port", "0"]
    command = [*launch, "-m", "ggt_studio.training", str(folder), "--device", "cpu"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "ACCELERATE_USE_CPU": "true"}
    done = subprocess.run(command, capture_output=True, text=True, timeout=200, check=False, env=environment)
    assert done.returncode == 0, done.stderr


def test_a_checkpoint_that_cannot_be_measured_is_kept_and_training_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = make_job(tmp_path / "run")

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("ggt_studio.training.validation.Validation.run", full)
    assert loop.train(folder, device="cpu") == "done"
    assert [one.step for one in checkpoints(folder)] == [4, 8, 12]
    assert "No space left" in next(event for event in read_events(folder) if event["event"] == "unvalidated")["why"]


def test_a_line_that_a_crash_cut_off_does_not_swallow_the_next(tmp_path: Path) -> None:
    folder = make_job(tmp_path / "run", tiny_recipe(steps=4))
    (folder / "log.jsonl").write_text('{"event": "step", "st')
    loop.train(folder, device="cpu")
    assert read_events(folder)[0]["event"] == "begun"
