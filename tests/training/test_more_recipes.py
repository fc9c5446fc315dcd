"""Networks with more than one image to say: trained by the loop, gone on with exactly, and restorers afterwards."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="needs the ml extra")

import torch
from safetensors.torch import load_file, save_file

from fakes.tiny_restorers import photo, save_controller, save_tiny, tiny_weights
from fakes.training_jobs import make_job
from ggt_studio.core.errors import StudioError
from ggt_studio.restorers.checkpoint import read_checkpoint
from ggt_studio.restorers.networks.irsde import MeanReversion
from ggt_studio.restorers.registry import Restorer, detect
from ggt_studio.restorers.running import Runner
from ggt_studio.training import loop
from ggt_studio.training.checkpoints import State, weights_for_use
from ggt_studio.training.job import JOB_FILE, checkpoints, read_events, read_job, write_job
from ggt_studio.training.networks import build
from ggt_studio.training.recipes import TrainingRecipe, load_recipe
from ggt_studio.worker.job import Cancelled

pytestmark = pytest.mark.ml

NETWORKS = {"mprnet": "MPRNet", "moce-ir": "MoCE-IR", "foundir": "FoundIR", "da-clip": "DA-CLIP"}


def small(name: str, **values: object) -> TrainingRecipe:
    """A smoke recipe of a few steps."""
    few = {"steps": 4, "batch": 2, "crop": 32, "checkpoint_every": 0, "validation_crop": 32, "ema": 0.9, "log_every": 1}
    return load_recipe(f"{name}-smoke").changed(**{**few, **values})


def losses(folder: Path) -> dict[int, float]:
    return {event["step"]: event["loss"] for event in read_events(folder) if event["event"] == "step"}


def trained(folder: Path) -> Restorer:
    return detect(read_checkpoint(checkpoints(folder)[-1].weights))


@pytest.mark.parametrize("name", NETWORKS)
def test_it_is_trained_gone_on_with_exactly_and_restores(name: str, tmp_path: Path) -> None:
    whole, parts = (make_job(tmp_path / folder, small(name)) for folder in ("whole", "parts"))
    assert loop.train(whole, device="cpu") == "done"
    asked = []

    def check() -> None:
        if asked:
            raise Cancelled

    assert loop.train(parts, device="cpu", check=check, progress=lambda done, _: asked.append(done)) == "paused"
    assert asked == [1]
    torch.rand(7)
    assert loop.train(parts, device="cpu") == "done"
    assert losses(parts) == pytest.approx(losses(whole), rel=1e-5)
    ended, wanted = (load_file(checkpoints(one)[-1].weights) for one in (parts, whole))
    assert all(torch.allclose(ended[key], value, atol=1e-5) for key, value in wanted.items())
    restorer = trained(whole)
    assert restorer.architecture.id == NETWORKS[name]
    assert restorer.companion is None
    if isinstance(restorer.sampler, MeanReversion):
        restorer = replace(restorer, sampler=replace(restorer.sampler, steps=4, rest=0.5))
    restored = Runner(restorer).restore(photo(40, 29))
    assert restored.shape == (1, 3, 40, 29)
    assert [one for one in read_events(whole) if one["event"] == "validated"]


@pytest.mark.parametrize("name", NETWORKS)
def test_in_half_precision_and_in_parts(name: str, tmp_path: Path) -> None:
    folder = make_job(tmp_path / "job", small(name, precision="bf16", accumulate=2, channels_last=True, steps=2))
    exact = make_job(tmp_path / "exact", small(name, accumulate=2, steps=2))
    for one in (folder, exact):
        assert loop.train(one, device="cpu") == "done"
    assert losses(folder) == pytest.approx(losses(exact), rel=0.1)


def test_a_layer_in_several_places_is_averaged_in_all() -> None:
    network = build(small("mprnet"), 0).network
    averaged = [torch.full_like(parameter, 0.5) for parameter in network.parameters()]
    optimiser = torch.optim.Adam(network.parameters())
    weights = weights_for_use(State(network, optimiser, averaged, None, 0))
    assert weights.keys() == network.state_dict().keys()
    assert len(weights) > len(averaged)
    assert all((value == 0.5).all() for value in weights.values())


def test_how_many_experts_are_asked_is_told_by_the_weights_file(tmp_path: Path) -> None:
    options = {**load_recipe("moce-ir-smoke").network_options, "top": 2}
    folder = make_job(tmp_path / "job", small("moce-ir", network_options=options, steps=1))
    loop.train(folder, device="cpu")
    assert trained(folder).checkpoint.options["topk"] == "2"
    assert {layer.top for layer in trained(folder).network.modules() if hasattr(layer, "top")} == {2}


def test_a_checkpoint_of_the_authors_program_can_be_started_from(tmp_path: Path) -> None:
    recipe = small("foundir", network_options={"width": 8, "multiples": [1, 2, 2, 2], "heads": 1})
    weights = tiny_weights("FoundIR", 1)
    # Its program saves the noise schedule, too.
    path = tmp_path / "model.pt"
    torch.save({"model": {f"model.{key}": value for key, value in weights.items()} | {"alphas": torch.ones(9)}}, path)
    objective = build(recipe, 0, path)
    assert all(torch.equal(value, weights[key]) for key, value in objective.network.state_dict().items())
    with pytest.raises(StudioError, match=r"model.pt cannot be trained on with the recipe MPRNet"):
        build(small("mprnet"), 0, path)


def with_controller(folder: Path, path: Path) -> Path:
    """A job whose controller lies in its folder."""
    job = read_job(folder)
    (folder / JOB_FILE).unlink()
    (folder / "controller.pt").write_bytes(path.read_bytes())
    write_job(folder, replace(job, controller="controller.pt"))
    return folder


def test_a_controller_that_is_given_is_kept_as_it_is_and_saved_with_the_unet(tmp_path: Path) -> None:
    given = {key: value for key, value in tiny_weights("DA-CLIP", 5).items() if key.startswith("visual")}
    controller = save_controller(tmp_path / "any.pt", given)
    folder = with_controller(make_job(tmp_path / "job", small("da-clip", steps=2)), controller)
    loop.train(folder, device="cpu")
    assert read_job(folder).controller == "controller.pt"
    weights = load_file(checkpoints(folder)[-1].weights)
    assert all(torch.equal(weights[key], value) for key, value in given.items())
    assert trained(folder).companion is None
    # What was trained holds its controller: no file of its own is needed to go on from it.
    objective = build(load_recipe("da-clip-smoke"), 0, checkpoints(folder)[-1].weights)
    assert all(torch.equal(value, weights[key]) for key, value in objective.network.state_dict().items())


def test_the_authors_unet_is_started_from_with_its_controller(tmp_path: Path) -> None:
    unet = save_tiny(tmp_path, "DA-CLIP")
    options = {"width": 8, "multiples": [1, 2, 4, 4], "heads": 1}
    recipe = small("da-clip", network_options=options)
    weights = tiny_weights("DA-CLIP")
    objective = build(recipe, 0, unet, unet.with_suffix(".pt"))
    assert all(torch.equal(value, weights[key]) for key, value in objective.network.state_dict().items())
    assert not any(one.requires_grad for key, one in objective.network.named_parameters() if key.startswith("visual"))
    with pytest.raises(StudioError, match="--controller"):
        build(recipe, 0, unet)


def test_without_a_controller_it_is_told_where_it_comes_from(tmp_path: Path) -> None:
    recipe = load_recipe("da-clip")
    assert recipe.needs_controller
    assert not load_recipe("da-clip-smoke").needs_controller
    with pytest.raises(StudioError, match="daclip_ViT-B-32.pt"):
        build(recipe, 0)
    half = {key: value for key, value in tiny_weights("DA-CLIP").items() if key.startswith("visual.")}
    save_file(half, tmp_path / "clip.safetensors")
    with pytest.raises(StudioError, match=r"clip.safetensors is no CLIP controller"):
        build(recipe, 0, controller=tmp_path / "clip.safetensors")
    whole = {key: value for key, value in tiny_weights("DA-CLIP").items() if key.startswith("visual")}
    del whole["visual.ln_post.weight"]
    save_controller(tmp_path / "part.pt", whole)
    with pytest.raises(StudioError, match=r"incomplete: 1 parts are missing \(visual.ln_post.weight\)"):
        build(load_recipe("da-clip-smoke"), 0, controller=tmp_path / "part.pt")
