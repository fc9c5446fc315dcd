"""Local pooling: the global mean for small images, the window's mean around each place in large ones."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from fakes.tiny_restorers import BUNDLED, photo
from ggt_studio.restorers.pooling import LocalMean, make_local
from ggt_studio.restorers.whole import Alone, show

pytestmark = pytest.mark.ml


def _pool(window: int, height: int) -> LocalMean:
    pool = LocalMean(window)
    show(pool, Alone(height))
    return pool


def test_a_small_image_keeps_its_global_mean() -> None:
    image = photo(96, 64)
    torch.testing.assert_close(_pool(128, 96)(image), image.mean((-2, -1), keepdim=True))


def test_a_network_in_training_keeps_the_global_mean() -> None:
    image = photo(256, 256)
    torch.testing.assert_close(LocalMean(64)(image), image.mean((-2, -1), keepdim=True))


def test_a_large_image_gets_the_means_of_windows() -> None:
    image = photo(256, 320)
    means = _pool(80, 256)(image)
    assert means.shape == image.shape
    for y, x in ((128, 160), (104, 200)):
        window = image[..., y - 40 : y + 40, x - 40 : x + 40].mean((-2, -1))
        # Windows move in steps of a cell (16 px) and are interpolated between them.
        assert (means[..., y, x] - window).abs().max() < 0.02
    corner = image[..., :80, :80].mean((-2, -1))
    torch.testing.assert_close(means[..., 0, 0], corner)


def test_features_at_a_lower_resolution_are_pooled_over_the_same_part_of_the_image() -> None:
    image = photo(256, 320)
    pool = _pool(80, 256)
    small = nn.functional.avg_pool2d(image, 4)
    assert (pool(small) - nn.functional.avg_pool2d(pool(image), 4)).abs().max() < 0.01


def test_replaces_every_global_pool_of_a_network() -> None:
    network = BUNDLED["NAFNet"]()
    before = sum(isinstance(layer, nn.AdaptiveAvgPool2d) for layer in network.modules())
    assert make_local(network, 64) == before == 5
    assert not any(isinstance(layer, nn.AdaptiveAvgPool2d) for layer in network.modules())
