"""`train` and `trained` on the command line: from a project's pairs and other folders to a checkpoint that restores."""

from __future__ import annotations

import importlib.util
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import tomli_w
from PIL import Image

from fakes.command_line import run_command
from fakes.projects import waiting_project
from fakes.training_jobs import TINY, write_pairs
from ggt_studio.training.job import checkpoints, read_events, read_job
from ggt_studio.training.pack import Pack

pytestmark = [
    pytest.mark.ml,
    pytest.mark.skipif(importlib.util.find_spec("accelerate") is None, reason="the ml extra is not installed"),
]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    with waiting_project(tmp_path / "p", 8) as made:
        return made.folder


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    path = tmp_path / "tiny.toml"
    path.write_text(tomli_w.dumps(TINY))
    return path


def test_from_the_projects_pairs_to_a_restored_photo(project: Path, recipe: Path, tmp_path: Path) -> None:
    write_pairs(tmp_path / "other")
    clean = tmp_path / "clean"
    clean.mkdir()
    for number in range(2):
        Image.open(tmp_path / "other" / "hq" / f"{number}.png").save(clean / f"{number}.png")
    said = run_command(
        "train", project, "--recipe", recipe, "--name", "first", "--include", "accepted", "--pairs", tmp_path / "other",
        "--clean", clean, "--degradation", "mild", "--validation", 3, "--ratio", "1:3", "--device", "cpu", "--json",
    )  # fmt: skip
    assert said.returncode == 0, said.stderr
    run = json.loads(said.stdout)
    assert "Training takes about" in said.stderr
    assert "Checkpoints will take about" in said.stderr
    assert (run["how"], run["state"], run["step"]) == ("done", "done", 12)
    assert [(one["source"], one["name"], one["share"]) for one in run["sets"]] == [
        ("existing", "other", 1),
        ("existing", "clean", 1),
        ("curated", "curated", 3),
    ]
    assert read_job(Path(run["folder"])).validation_pairs == 3
    assert [one["step"] for one in run["checkpoints"]] == [4, 8, 12]
    assert all(one["psnr"] > 0 for one in run["checkpoints"])
    (listed,) = json.loads(run_command("trained", project, "--json").stdout)
    assert listed["checkpoints"] == run["checkpoints"]
    exported = run_command("export-model", project, "first", "--step", 8, "-o", tmp_path / "model", "--json")
    assert json.loads(exported.stdout)["files"] == ["README.md", "recipe.toml", "weights.safetensors"]
    assert run["dataset"] in (tmp_path / "model" / "README.md").read_text("utf-8")
    (project / "training" / "first").rename(tmp_path / "elsewhere")
    assert json.loads(run_command("trained", project, "--json").stdout) == []
    back = json.loads(run_command("add-run", project, tmp_path / "elsewhere", "--json").stdout)
    assert back["checkpoints"] == run["checkpoints"]
    restored = run_command(
        "restore", run["checkpoints"][-1]["path"], clean, "-o", tmp_path / "out", "--device", "cpu", "--json"
    )
    assert json.loads(restored.stdout)["restored"] == 2
    assert run["dataset"].encode() in (tmp_path / "out" / "0.png").read_bytes(), "the photo tells of the dataset"


@pytest.mark.skipif(importlib.util.find_spec("diffusers") is None, reason="the ml extra is not installed")
def test_a_controlnet_from_its_recipe_to_a_restored_photo(project: Path, tmp_path: Path) -> None:
    photo = write_pairs(tmp_path / "other")[0].lq
    command = ("train", project, "--include", "accepted", "--device", "cpu", "--json")
    unnamed = run_command(*command, "--recipe", "flux-controlnet")
    assert unnamed.returncode == 1
    assert "choose the folder that holds FLUX.1-dev (--base FOLDER)" in unnamed.stderr
    idle = run_command(*command, "--recipe", "nafnet-smoke", "--base", tmp_path)
    assert "a base model only goes with a LoRA or a ControlNet" in idle.stderr
    # The smoke recipe brings a base of its own, which lies in the job folder and goes with it.
    said = run_command(
        *command, "--recipe", "flux-controlnet-smoke", "--name", "one", "--steps", 2, "--batch", 1, "--crop", 32
    )
    assert said.returncode == 0, said.stderr
    (project / "training" / "one").rename(project / "training" / "moved")
    weights = project / "training" / "moved" / "checkpoints" / "step-0000002" / "diffusion_pytorch_model.safetensors"
    restore = ("restore", weights, photo, "-o", tmp_path / "out", "--device", "cpu", "--json")
    restored = run_command(*restore)
    assert json.loads(restored.stdout)["restored"] == 1, restored.stderr
    assert read_job(project / "training" / "moved").dataset.encode() in (tmp_path / "out" / "0.png").read_bytes()
    half = run_command(*restore, "--half")
    assert "--half only goes with the checkpoint of a network that is whole by itself" in half.stderr


def test_a_run_is_never_overwritten(project: Path, recipe: Path) -> None:
    command = ("train", project, "--recipe", recipe, "--name", "one", "--include", "accepted", "--device", "cpu")
    assert run_command(*command, "--prepare-only").returncode == 0
    again = run_command(*command)
    assert again.returncode == 1
    assert "holds a training run already" in again.stderr
    done = run_command("train", project, "--resume", "one", "--device", "cpu")
    assert done.returncode == 0, done.stderr
    other = run_command("train", project, "--resume", "one", "--steps", "20")
    assert other.returncode == 2
    assert "--steps does not go with --resume" in other.stderr
    unknown = run_command("train", project, "--resume", "two")
    assert "no training run two. There are: one." in unknown.stderr


def test_an_attempt_that_was_broken_off_leaves_nothing_of_its_own_in_the_next(
    project: Path, recipe: Path, tmp_path: Path
) -> None:
    first, second = tmp_path / "a" / "clean", tmp_path / "b" / "clean"
    write_pairs(tmp_path / "pairs")
    for folder, numbers in ((first, (0, 1, 2)), (second, (3, 4))):
        folder.mkdir(parents=True)
        for number in numbers:
            Image.open(tmp_path / "pairs" / "hq" / f"{number}.png").save(folder / f"{number}.png")
    command = ("train", project, "--name", "one", "--include", "none", "--device", "cpu", "--json")
    # Broken off after packing: the network cannot be made.
    odd = tmp_path / "odd.toml"
    odd.write_text(tomli_w.dumps({**TINY, "network_options": {"widht": 8}}))
    broken = run_command(*command, "--clean", first, "--recipe", odd)
    assert "no option widht" in broken.stderr
    assert "with other settings and --name one nothing is packed again" in broken.stderr
    done = run_command(*command, "--clean", second, "--recipe", recipe, "--prepare-only")
    assert done.returncode == 0, done.stderr
    data = project / "training" / "one" / "data"
    assert [one["pairs"] for one in json.loads(done.stdout)["sets"]] == [2]
    with Pack(data / "00-clean.pack") as pack:
        assert {pack.about(index)["name"] for index in range(len(pack))} == {"3", "4"}
    assert list(data.glob("*.list")) == [], "no paths of this machine travel with the job"


def test_nothing_to_train_on_is_told_and_leaves_nothing(project: Path, recipe: Path, tmp_path: Path) -> None:
    said = run_command("train", project, "--recipe", recipe, "--include", "none")
    assert said.returncode == 1
    assert "There is nothing to train on. Choose pairs of the project" in said.stderr
    said = run_command("train", project, "--recipe", recipe)
    assert "Nobody has accepted a pair of the project yet; 8 passed the machine" in said.stderr
    assert "--include accepted" in said.stderr
    (tmp_path / "odd.safetensors").write_text("not weights")
    said = run_command(
        "train", project, "--recipe", recipe, "--include", "accepted", "--from", tmp_path / "odd.safetensors"
    )
    assert said.returncode == 1
    assert "odd.safetensors" in said.stderr
    assert not any((project / "training").glob("*"))


def test_fewer_pairs_held_back_than_asked_for_are_told(project: Path, recipe: Path) -> None:
    said = run_command(
        "train", project, "--recipe", recipe, "--include", "accepted", "--device", "cpu", "--prepare-only"
    )
    assert said.returncode == 0, said.stderr
    assert "2 of the 8 pairs that were asked for are held back to measure on" in said.stderr


@pytest.mark.skipif(os.name != "posix", reason="Ctrl-C as a terminal sends it")
def test_ctrl_c_pauses_with_a_checkpoint(project: Path, tmp_path: Path) -> None:
    endless = tmp_path / "endless.toml"
    endless.write_text(tomli_w.dumps({**TINY, "steps": 1_000_000, "checkpoint_every": 0}))
    command = [sys.executable, "-m", "ggt_studio", "train", str(project), "--recipe", str(endless), "--name", "long"]
    command += ["--include", "accepted", "--device", "cpu", "--json"]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    folder = project / "training" / "long"
    try:
        while process.poll() is None and not any(event["event"] == "step" for event in read_events(folder)):
            time.sleep(0.05)
        os.killpg(process.pid, signal.SIGINT)
        out, err = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 130, err
    run = json.loads(out)
    assert run["state"] == "paused"
    assert checkpoints(folder)[-1].step == run["step"] > 0


def test_da_clip_is_trained_with_the_controller_that_is_given(project: Path, tmp_path: Path) -> None:
    from fakes.tiny_restorers import save_controller, tiny_weights

    given = {key: value for key, value in tiny_weights("DA-CLIP").items() if key.startswith("visual")}
    controller = save_controller(tmp_path / "any.pt", given)
    command = ("train", project, "--include", "accepted", "--validation", 0, "--device", "cpu", "--json")
    missing = run_command(*command, "--recipe", "da-clip")
    assert missing.returncode == 1
    assert "give its file with --controller" in missing.stderr
    assert not (project / "training").exists()
    unused = run_command(*command, "--recipe", "nafnet-smoke", "--controller", controller)
    assert unused.returncode == 1
    assert "takes no CLIP controller" in unused.stderr
    small = ("--recipe", "da-clip-smoke", "--steps", 1, "--batch", 1, "--crop", 16)
    said = run_command(*command, *small, "--controller", controller)
    assert said.returncode == 0, said.stderr
    run = json.loads(said.stdout)
    assert read_job(Path(run["folder"])).controller == "controller.pt"
    assert (Path(run["folder"]) / "controller.pt").read_bytes() == controller.read_bytes()
    assert [one["step"] for one in run["checkpoints"]] == [1]


def test_what_cannot_begin_says_why_and_packs_nothing_again(project: Path, tmp_path: Path) -> None:
    path = tmp_path / "promptir.toml"
    path.write_text(tomli_w.dumps({**TINY, "network": "PromptIR", "network_options": {"width": 8}, "crop": 28}))
    arguments = ["train", project, "--recipe", path, "--name", "again", "--include", "accepted", "--device", "cpu"]
    said = run_command(*arguments)
    assert said.returncode == 1
    assert "choose 24 px" in said.stderr
    assert "--name again" in said.stderr
    assert json.loads(run_command("trained", project, "--json").stdout) == []
    (pack,) = (project / "training" / "again" / "data").glob("*curated.pack")
    before = pack.stat().st_mtime_ns
    prepared = run_command(*arguments, "--crop", 24, "--prepare-only")
    assert prepared.returncode == 0, prepared.stderr
    assert pack.stat().st_mtime_ns == before
