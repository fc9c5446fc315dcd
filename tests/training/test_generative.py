"""Training in generative models: by the same loop, from real pipelines on disk, with files that diffusers itself reads."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("diffusers", reason="needs the ml extra")

import torch
from diffusers import FluxControlNetModel, QwenImageEditPlusPipeline
from safetensors.torch import load_file

from fakes.generative_jobs import generative_job, generative_recipe, tiny_base
from ggt_studio.core.errors import BaseMissing, StudioError
from ggt_studio.generative.bases import Base, find_base
from ggt_studio.generative.loading import load_model, put_weights
from ggt_studio.generative.options import FLUX_CONTROLNET, QWEN_LORA, LoraOptions, parse_options
from ggt_studio.generative.trained_file import is_trained_file, read_trained
from ggt_studio.training import loop
from ggt_studio.training.exporting import export_checkpoint
from ggt_studio.training.generative.flow_matching import FlowMatching
from ggt_studio.training.job import JOB_FILE, checkpoints, latest_state, read_events, read_job, write_job
from ggt_studio.training.losses import whole_loss
from ggt_studio.training.recipes import TrainingRecipe, parse_recipe
from ggt_studio.worker.job import Cancelled
from ggt_studio.worker.job import Job as Request

pytestmark = pytest.mark.ml
CPU = torch.device("cpu")
BOTH = pytest.mark.parametrize("network", [QWEN_LORA, FLUX_CONTROLNET])


@pytest.fixture(scope="module")
def bases(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Base]:
    folder = tmp_path_factory.mktemp("bases")
    return {network: tiny_base(folder / network, network) for network in (QWEN_LORA, FLUX_CONTROLNET)}


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory, bases: dict[str, Base]) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("jobs")
    jobs = {}
    for network, base in bases.items():
        jobs[network] = generative_job(folder / network, base, generative_recipe(network))
        assert loop.train(jobs[network], device="cpu") == "done"
    return jobs


def losses(folder: Path) -> dict[int, float]:
    return {event["step"]: event["loss"] for event in read_events(folder) if event["event"] == "step"}


def train_one_batch(recipe: TrainingRecipe, base: Base, steps: int, lr: float) -> list[float]:
    """Losses of training on one batch with one noise and noise level, again and again."""
    options = parse_options(recipe.network, recipe.network_options, "test")
    model = load_model(find_base(base, recipe.network, Path()), options, torch.float32, CPU)
    objective = FlowMatching(model)
    optimiser = torch.optim.Adam(model.learnt.parameters(), lr=lr)
    generator = torch.Generator().manual_seed(0)
    lq, hq = torch.rand(2, 2, 3, 32, 32, generator=generator)
    found = []
    for _ in range(steps):
        torch.manual_seed(1)
        loss = whole_loss(recipe.loss, objective(lq, hq))
        loss.backward()
        optimiser.step()
        optimiser.zero_grad()
        found.append(loss.item())
    return found


@BOTH
def test_the_loss_falls_on_one_batch(bases: dict[str, Base], network: str) -> None:
    found = train_one_batch(generative_recipe(network), bases[network], 30, 2e-2)
    assert found[-1] < 0.5 * found[0]


@BOTH
def test_each_checkpoint_is_validated_and_only_holds_what_was_learnt(
    uninterrupted: dict[str, Path], network: str, bases: dict[str, Base]
) -> None:
    folder = uninterrupted[network]
    assert [one.step for one in checkpoints(folder)] == [3, 6]
    validated = [event for event in read_events(folder) if event["event"] == "validated"]
    assert [event["step"] for event in validated] == [3, 6]
    assert (folder / "validation" / "step-0000006" / "000.png").is_file()
    weights = checkpoints(folder)[-1].weights
    assert is_trained_file(weights)
    told = read_trained(weights)
    assert (told.network, told.base) == (network, bases[network])
    assert told.told["dataset"] == "pairs 1"
    assert told.told["step"] == "6"
    assert told.parameters == read_events(folder)[0]["parameters"]


@BOTH
def test_paused_and_gone_on_with_it_ends_as_if_it_had_not_been(
    uninterrupted: dict[str, Path], tmp_path: Path, network: str, bases: dict[str, Base]
) -> None:
    folder = generative_job(tmp_path / network, bases[network], generative_recipe(network))
    asked = []

    def check() -> None:
        if asked:
            raise Cancelled

    assert (
        loop.train(folder, device="cpu", check=check, progress=lambda done, _: asked.append(1) if done == 2 else None)
        == "paused"
    )
    state = latest_state(folder)
    assert state is not None
    assert state.step == 2
    torch.rand(7)
    assert loop.train(folder, device="cpu") == "done"
    assert losses(folder) == pytest.approx(losses(uninterrupted[network]), rel=1e-5)
    ended, wanted = (load_file(checkpoints(one)[-1].weights) for one in (folder, uninterrupted[network]))
    assert all(torch.allclose(ended[name], value, atol=1e-6) for name, value in wanted.items())


def test_a_killed_run_goes_on_from_its_last_checkpoint(
    uninterrupted: dict[str, Path], tmp_path: Path, bases: dict[str, Base]
) -> None:
    folder = generative_job(tmp_path / FLUX_CONTROLNET, bases[FLUX_CONTROLNET], generative_recipe(FLUX_CONTROLNET))
    script = (
        "import os, sys; from pathlib import Path; from ggt_studio.training.loop import train\n"
        "train(Path(sys.argv[1]), device='cpu', progress=lambda done, total: done == 5 and os.kill(os.getpid(), 9))"
    )
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c", script, str(folder)]
    assert subprocess.run(command, timeout=200, check=False, env=environment).returncode == -signal.SIGKILL
    state = latest_state(folder)
    assert state is not None
    assert state.step == 3
    assert loop.train(folder, device="cpu") == "done"
    assert losses(folder) == pytest.approx(losses(uninterrupted[FLUX_CONTROLNET]), rel=1e-5)


def test_diffusers_itself_loads_the_lora_and_does_the_same_with_it(bases: dict[str, Base], tmp_path: Path) -> None:
    # With an alpha that is not the rank, which diffusers would take it to be.
    recipe = generative_recipe(QWEN_LORA, {"alpha": 7.0}, steps=2, checkpoint_every=0)
    folder = generative_job(tmp_path / "job", bases[QWEN_LORA], recipe)
    loop.train(folder, device="cpu")
    weights = checkpoints(folder)[-1].weights
    pipeline = QwenImageEditPlusPipeline.from_pretrained(bases[QWEN_LORA].folder)
    pipeline.load_lora_weights(str(weights.parent), weight_name=weights.name)
    trained = read_trained(weights)
    model = load_model(find_base(trained.base, QWEN_LORA, tmp_path), trained.options, torch.float32, CPU)
    shown, latents, level = model.show(torch.rand(1, 3, 32, 32)), torch.randn(1, 4, 4, 4), torch.tensor([0.4])
    with torch.no_grad():
        without = model.velocity(latents, level, shown)
        put_weights(model.learnt, weights)
        ours = model.velocity(latents, level, shown)
        model.transformer = pipeline.transformer
        theirs = model.velocity(latents, level, shown)
    assert torch.allclose(ours, theirs, atol=1e-6)
    assert not torch.allclose(ours, without, atol=1e-4)


def test_diffusers_itself_loads_the_controlnet_from_its_folder(uninterrupted: dict[str, Path]) -> None:
    files = checkpoints(uninterrupted[FLUX_CONTROLNET])[-1]
    theirs = FluxControlNetModel.from_pretrained(files.folder)
    assert (theirs.config.num_layers, theirs.config.num_single_layers) == (1, 0)
    weights = load_file(files.weights)
    assert all(torch.equal(value, weights[name]) for name, value in theirs.state_dict().items())
    assert any(value.any() for name, value in weights.items() if name.startswith("controlnet_blocks"))


@BOTH
def test_checkpointed_gradients_and_half_precision(tmp_path: Path, bases: dict[str, Base], network: str) -> None:
    plain = generative_recipe(network, steps=2, checkpoint_every=0)
    saving = generative_recipe(network, recompute=True, steps=2, checkpoint_every=0)
    half = saving.changed(precision="bf16", accumulate=2)
    folders = [
        generative_job(tmp_path / str(number), bases[network], recipe)
        for number, recipe in enumerate((plain, saving, half))
    ]
    for folder in folders:
        assert loop.train(folder, device="cpu") == "done"
    assert losses(folders[1]) == pytest.approx(losses(folders[0]), rel=1e-4)
    assert all(value.dtype == torch.float32 for value in load_file(checkpoints(folders[2])[-1].weights).values())


@pytest.mark.long
def test_two_processes_train_a_controlnet_of_which_not_everything_has_a_say(
    tmp_path: Path, bases: dict[str, Base]
) -> None:
    recipe = generative_recipe(FLUX_CONTROLNET, steps=3)
    folder = generative_job(tmp_path / "job", bases[FLUX_CONTROLNET], recipe)
    launch = [sys.executable, "-m", "accelerate.commands.launch", "--multi_gpu", "--num_processes", "2"]
    launch += ["--num_machines", "1", "--mixed_precision", "no", "--dynamo_backend", "no", "--main_process_port", "0"]
    command = [*launch, "-m", "ggt_studio.training", str(folder), "--device", "cpu"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "ACCELERATE_USE_CPU": "true"}
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False, env=environment)
    assert done.returncode == 0, done.stderr
    assert read_events(folder)[0]["processes"] == 2
    assert sorted(losses(folder)) == [1, 2, 3]


def test_another_base_than_the_jobs_own_is_refused_and_the_same_elsewhere_is_taken(
    tmp_path: Path, bases: dict[str, Base]
) -> None:
    recipe = generative_recipe(FLUX_CONTROLNET, steps=1)
    gone = Base(str(tmp_path / "gone"), "FluxPipeline", bases[FLUX_CONTROLNET].fingerprint)
    folder = generative_job(tmp_path / "job", gone, recipe)
    with pytest.raises(BaseMissing, match=r"FLUX\.1-dev.*There is no folder .*gone.*--base FOLDER"):
        loop.train(folder, device="cpu")
    with pytest.raises(BaseMissing, match="holds a QwenImageEditPlusPipeline"):
        loop.train(folder, device="cpu", base=Path(bases[QWEN_LORA].folder))
    assert loop.train(folder, device="cpu", base=Path(bases[FLUX_CONTROLNET].folder)) == "done"
    config = tmp_path / "copy" / "transformer" / "config.json"
    shutil.copytree(bases[FLUX_CONTROLNET].folder, tmp_path / "copy")
    config.write_text(json.dumps(json.loads(config.read_text()) | {"guidance_embeds": False}))
    with pytest.raises(BaseMissing, match="another version or size"):
        loop.train(folder, device="cpu", base=tmp_path / "copy")


def test_a_run_may_begin_from_another_ones_weights(
    tmp_path: Path, bases: dict[str, Base], uninterrupted: dict[str, Path]
) -> None:
    recipe = generative_recipe(QWEN_LORA, steps=1)
    for number, source in enumerate((QWEN_LORA, FLUX_CONTROLNET)):
        folder = generative_job(tmp_path / str(number), bases[QWEN_LORA], recipe)
        shutil.copyfile(checkpoints(uninterrupted[source])[-1].weights, folder / "start.safetensors")
        job = read_job(folder)
        (folder / JOB_FILE).unlink()
        write_job(folder, replace(job, start_from="start.safetensors"))
    assert loop.train(tmp_path / "0", device="cpu") == "done"
    assert losses(tmp_path / "0")[1] != pytest.approx(losses(uninterrupted[QWEN_LORA])[1], rel=1e-6)
    with pytest.raises(StudioError, match="cannot be trained on here: it is a FLUX ControlNet"):
        loop.train(tmp_path / "1", device="cpu")


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"ema": 0.9}, "ema does not go with a FLUX ControlNet"),
        ({"loss": [{"kind": "psnr"}]}, "psnr is a loss of images"),
        ({"compile": True}, "compile does not go with"),
        ({"network_options": {"rank": 8}}, "rank: Extra inputs"),
        ({"network_options": {"double_blocks": 0}}, "at least one double or single block"),
        ({"network_options": {"guidance": -1}}, "guidance"),
    ],
)
def test_what_does_not_go_with_a_generative_recipe_is_told(values: dict[str, object], words: str) -> None:
    recipe = generative_recipe(FLUX_CONTROLNET).model_dump()
    with pytest.raises(StudioError, match=words):
        parse_recipe({**recipe, **values}, "mine")


def test_layers_that_are_not_there_are_told(tmp_path: Path, bases: dict[str, Base]) -> None:
    options = LoraOptions(targets=("to_nothing",))
    with pytest.raises(StudioError, match="cannot be put on to_nothing"):
        load_model(find_base(bases[QWEN_LORA], QWEN_LORA, tmp_path), options, torch.float32, CPU)


@BOTH
def test_what_was_learnt_is_exported_whole_with_a_card(
    uninterrupted: dict[str, Path], network: str, tmp_path: Path
) -> None:
    folder = uninterrupted[network]
    params = {"folder": str(folder), "step": 6, "out": str(tmp_path / "out"), "onnx": True}
    told = export_checkpoint(params, Request(lambda _: None))
    weights = checkpoints(folder)[-1].weights
    assert (tmp_path / "out" / weights.name).read_bytes() == weights.read_bytes()
    assert ("config.json" in told["files"]) == (network == FLUX_CONTROLNET)
    assert "no ONNX file" in told["onnx_refused"]
    card = (tmp_path / "out" / "README.md").read_text("utf-8")
    assert f"restore {weights.name} PHOTOS" in card
    assert "whose licence applies" in card
