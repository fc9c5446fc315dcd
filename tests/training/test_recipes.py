"""Recipes: those that come with the program are whole, and what does not fit is told."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("torch", reason="needs the ml extra")

import tomli_w
import torch

from fakes.tiny_restorers import save_controller, tiny_weights
from fakes.training_jobs import TINY, tiny_recipe
from ggt_studio.core.errors import StudioError
from ggt_studio.generative.options import parse_options
from ggt_studio.training.feeding import sample_numbers
from ggt_studio.training.losses import learning_rate
from ggt_studio.training.networks import build, size_multiple
from ggt_studio.training.recipes import SMOKE, Schedule, load_recipe, parse_recipe, recipe_names

pytestmark = pytest.mark.ml


@pytest.mark.parametrize("name", recipe_names())
def test_is_whole_and_has_a_smoke_size(name: str) -> None:
    recipe = load_recipe(name)
    assert load_recipe(name.removesuffix(SMOKE) + SMOKE).network == recipe.network
    assert name.endswith(SMOKE) == ("smoke" in recipe.label)


@pytest.mark.parametrize(
    "name", [name for name in recipe_names() if not (name.endswith(SMOKE) or load_recipe(name).generative)]
)
def test_its_options_are_those_of_its_network(name: str, tmp_path: Path) -> None:
    recipe = load_recipe(name)
    controller = None
    if recipe.needs_controller:
        given = {key: value for key, value in tiny_weights("DA-CLIP").items() if key.startswith("visual")}
        controller = save_controller(tmp_path / "controller.pt", given)
    network = build(recipe, 0, controller=controller)
    millions = sum(parameter.numel() for parameter in network.parameters() if parameter.requires_grad) / 1e6
    # What takes the embeddings of a controller is a few numbers smaller here.
    assert f"({millions:.0f} million parameters)" in recipe.description or recipe.needs_controller
    assert millions > 5
    assert recipe.crop % size_multiple(recipe) == 0


def test_a_file_of_ones_own(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(tomli_w.dumps(TINY))
    assert load_recipe(str(path)) == tiny_recipe()


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"network": "NAFnet"}, "network"),
        ({"optimiser": {"lr": -1}}, "optimiser.lr"),
        ({"batch": 4, "accumulate": 3}, "does not divide into 3 parts"),
        ({"rubbish": 1}, "rubbish"),
        ({"loss": []}, "loss"),
        ({"loss": [{"kind": "l1"}, {"kind": "balance"}]}, "NAFNet has no experts"),
        ({"network": "MoCE-IR", "loss": [{"kind": "balance"}]}, "balance alone restores nothing"),
        ({"label": None, "netwok": "NAFNet"}, "netwok: there is no such setting"),
    ],
)
def test_what_does_not_fit_is_named(values: dict[str, object], words: str) -> None:
    with pytest.raises(StudioError, match=words):
        parse_recipe({**TINY, **values}, "mine")


def test_unknown_names_and_options_are_told() -> None:
    with pytest.raises(StudioError, match="no recipe nafne; choose one of .*nafnet,"):
        load_recipe("nafne")
    with pytest.raises(StudioError, match="no option widht"):
        build(tiny_recipe(network_options={"widht": 8}), 0)


def test_learning_rates_are_functions_of_the_step() -> None:
    cosine = Schedule(kind="cosine", warmup=10, lr_end=1e-6)
    rates = [learning_rate(1e-3, cosine, step, 110) for step in range(111)]
    assert rates[0] == pytest.approx(1e-4)
    assert rates[9] == pytest.approx(1e-3)
    assert rates[60] == pytest.approx((1e-3 + 1e-6) / 2)
    assert rates[110] == pytest.approx(1e-6)
    halving = Schedule(kind="halving", milestones=(0.5, 0.75))
    assert [learning_rate(8.0, halving, step, 100) for step in (0, 49, 50, 75, 99)] == [8, 8, 4, 2, 2]
    assert learning_rate(3.0, Schedule(kind="constant"), 99, 100) == 3


@pytest.mark.parametrize(("accumulate", "processes"), [(1, 1), (2, 1), (1, 4), (2, 2)])
def test_all_processes_together_have_each_sample_of_a_step_once(accumulate: int, processes: int) -> None:
    recipe = tiny_recipe(batch=8, accumulate=accumulate)
    numbers = [sample_numbers(recipe, 3, process, processes) for process in range(processes)]
    assert sorted(n for parts in numbers for part in parts for n in part) == list(range(24, 32))
    assert {len(part) for parts in numbers for part in parts} == {8 // accumulate // processes}


def test_a_batch_that_does_not_divide_is_told() -> None:
    with pytest.raises(StudioError, match="among 3 processes"):
        sample_numbers(tiny_recipe(batch=4), 0, 0, 3)


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("qwen-edit-lora", {"lr": 1e-4, "crop": 512, "batch": 8, "steps": 50_000, "rank": 8}),
        (
            "flux-controlnet",
            {"lr": 5e-5, "crop": 512, "batch": 16, "steps": 200_000, "double_blocks": 4, "single_blocks": 0},
        ),
    ],
)
def test_generative_recipes_are_those_of_the_paper(name: str, wanted: dict[str, float]) -> None:
    recipe = load_recipe(name)
    options = parse_options(recipe.network, recipe.network_options, name)
    told = recipe.optimiser.model_dump() | recipe.model_dump() | options.model_dump()
    assert {key: told[key] for key in wanted} == wanted


@pytest.mark.parametrize("name", [name for name in recipe_names() if load_recipe(name).begins_unchanged])
def test_what_begins_unchanged_leaves_photos_as_they_are(name: str) -> None:
    recipe = load_recipe(name)
    image = torch.rand(1, 3, recipe.crop, recipe.crop, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        torch.testing.assert_close(build(recipe, 0).network(image), image)
    with pytest.raises(StudioError, match="does not go with MPRNet"):
        build(load_recipe("mprnet-smoke").changed(begins_unchanged=True), 0)
