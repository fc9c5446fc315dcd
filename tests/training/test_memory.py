"""Where memory is short: a batch in halves trains as a whole one, and recomputed blocks give the same gradients for less."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch", reason="needs the ml extra")

import torch

from fakes.little_memory import only_so_many_fit
from fakes.training_jobs import make_job, tiny_recipe
from ggt_studio.training import loop
from ggt_studio.training.job import read_events
from ggt_studio.training.memory import in_halves, recompute_blocks
from ggt_studio.training.networks import build
from ggt_studio.training.recipes import load_recipe
from ggt_studio.worker.job import Cancelled

pytestmark = pytest.mark.ml


def test_parts_stay_equal_and_nothing_is_lost() -> None:
    images = torch.arange(6.0).reshape(6, 1, 1, 1)
    for times, sizes in ((0, [6]), (1, [3, 3]), (2, [1] * 6), (3, [1] * 6)):
        parts = in_halves([(images, images)], times)
        assert [len(lq) for lq, _ in parts] == sizes
        assert torch.equal(torch.cat([lq for lq, _ in parts]), images)


def test_a_run_short_of_memory_learns_the_same_in_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole, halved = make_job(tmp_path / "whole"), make_job(tmp_path / "halved")
    loop.train(whole, device="cpu")
    only_so_many_fit(monkeypatch, 2)
    loop.train(halved, device="cpu")
    events = read_events(halved)
    assert [event["images"] for event in events if event["event"] == "halved"] == [2]
    assert losses(whole) == pytest.approx(losses(halved), rel=1e-4)


def test_a_run_in_parts_goes_on_in_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = make_job(tmp_path / "run")
    with monkeypatch.context() as short:
        only_so_many_fit(short, 2)
        reached = [0]

        def check() -> None:
            if reached[0] >= 6:
                raise Cancelled

        loop.train(folder, device="cpu", check=check, progress=lambda done, _: reached.__setitem__(0, done))
    sizes: list[int] = []
    step = loop.train_step

    def watched(*given: Any) -> torch.Tensor:
        sizes.append(len(given[5][0][0]))
        return step(*given)

    monkeypatch.setattr(loop, "train_step", watched)
    assert loop.train(folder, device="cpu") == "done"
    assert set(sizes) == {2}


def losses(folder: Path) -> list[float]:
    return [event["loss"] for event in read_events(folder) if event["event"] == "step"]


@pytest.mark.parametrize(
    "name", ["nafnet-smoke", "swinir-smoke", "x-restormer-smoke", "promptir-smoke", "mprnet-smoke", "moce-ir-smoke"]
)
def test_recomputed_blocks_give_the_same_gradients_and_remember_less(name: str) -> None:
    recipe = load_recipe(name)
    image = torch.rand(2, 3, recipe.crop, recipe.crop, generator=torch.Generator().manual_seed(0))
    plain, again = build(recipe, 0).network, build(recipe, 0).network
    recompute_blocks(again)
    kept, kept_less = remembered(plain, image), remembered(again, image)
    assert kept_less < kept * 0.6
    for (name_of, one), two in zip(plain.named_parameters(), again.parameters(), strict=True):
        assert one.grad is not None, name_of
        assert two.grad is not None, name_of
        torch.testing.assert_close(one.grad, two.grad)


def remembered(network: torch.nn.Module, image: torch.Tensor) -> int:
    """Train on an image; the bytes that were kept from forward to backward."""
    kept: dict[int, int] = {}

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        kept[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    torch.manual_seed(0)
    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        loss = network(image).square().mean()
    loss.backward()
    return sum(kept.values())


def test_a_recipe_can_ask_for_it(tmp_path: Path) -> None:
    plain, again = make_job(tmp_path / "plain"), make_job(tmp_path / "again", tiny_recipe(recompute=True))
    for folder in (plain, again):
        loop.train(folder, device="cpu")
    assert losses(again) == pytest.approx(losses(plain), rel=1e-4)
