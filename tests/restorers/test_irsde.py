"""The way back along the mean-reverting SDE: a network that knows the noise leads to the clean image."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from fakes.tiny_restorers import photo
from ggt_studio.restorers.networks.clip import as_seen
from ggt_studio.restorers.networks.irsde import MeanReversion

pytestmark = pytest.mark.ml


def _knowing(sampler: MeanReversion, clean: Tensor) -> Callable[..., Tensor]:
    """Tells the noise in each state, by what the state is made of."""
    rests = sampler.rests()

    def apply(x: Tensor, _denoise: Callable[[nn.Module, Tensor], Tensor], passes: tuple[int, int]) -> Tensor:
        difference, image = x.chunk(2, 1)
        rest = rests[sampler.steps - passes[0]]
        return (difference - rest * (clean - image)) / (sampler.noise * math.sqrt(1 - rest**2))

    return apply


@pytest.mark.parametrize("steps", [100, 7])
def test_leads_from_the_photo_to_the_clean_image(steps: int) -> None:
    sampler, clean, image = MeanReversion(steps=steps), photo(16, 24, seed=1), photo(16, 24, seed=2)
    assert (sampler(image, _knowing(sampler, clean), 5) - clean).abs().max() < 1e-4


def test_reverts_from_all_of_the_difference_to_what_rests() -> None:
    rests = MeanReversion().rests()
    assert len(rests) == 101
    assert rests[0] == 1
    assert rests[-1] == pytest.approx(0.005)
    assert rests == sorted(rests, reverse=True)


def test_a_seed_means_the_same_noise() -> None:
    sampler, image = MeanReversion(steps=3), photo(8, 8)

    def silent(x: Tensor, _denoise: object, _passes: object) -> Tensor:
        return torch.zeros_like(x[:, :3])

    assert torch.equal(sampler(image, silent, 1), sampler(image, silent, 1))
    assert not torch.equal(sampler(image, silent, 1), sampler(image, silent, 2))


@pytest.mark.parametrize("size", [(1, 1), (30, 300), (3000, 1), (224, 224)])
def test_clip_sees_the_middle_of_any_photo(size: tuple[int, int]) -> None:
    seen = as_seen(torch.full((1, 3, *size), 0.5), 224)
    assert seen.shape == (1, 3, 224, 224)
    assert torch.allclose(seen[0, :, 0, 0], torch.tensor([0.0691, 0.1610, 0.3328]), atol=1e-3)
