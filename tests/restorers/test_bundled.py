"""Each network that comes with the program: found by its weights, any size, half precision, in tiles as at once."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import nn

from fakes.tiny_restorers import BUNDLED, load_tiny, photo, tiny_weights
from ggt_studio.restorers.checkpoint import Checkpoint
from ggt_studio.restorers.files import Container
from ggt_studio.restorers.registry import Restorer, detect
from ggt_studio.restorers.running import Runner

pytestmark = pytest.mark.ml

ONE_LEVEL = 1 / 255


@pytest.fixture(scope="module")
def restorer(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Restorer]:
    folder = tmp_path_factory.mktemp("checkpoints")
    return functools.cache(lambda name: load_tiny(folder, name))


@pytest.mark.parametrize("name", BUNDLED)
def test_is_found_by_its_weights(name: str, restorer: Callable[[str], Restorer]) -> None:
    found = restorer(name)
    assert found.architecture.id == name.split()[0]
    assert found.architecture.licence
    assert found.architecture.commercial is not None
    assert found.capability.colours == 3
    assert found.capability.scale == (2 if name.endswith("x2") else 1)
    assert found.capability.receptive_radius
    assert found.capability.tiling == {"NAFNet": "local", "SwinIR": "plain"}.get(name.split()[0], "shared")


@pytest.mark.parametrize("name", BUNDLED)
def test_takes_any_size(name: str, restorer: Callable[[str], Restorer]) -> None:
    found = restorer(name)
    assert Runner(found).restore(photo(1, 1)).shape[-2:] == (found.capability.scale, found.capability.scale)
    for height, width in ((41, 35), (9, 60)):
        image = photo(height, width)
        result = Runner(found).restore(image)
        assert result.shape == (1, 3, height * found.capability.scale, width * found.capability.scale)
        if found.capability.scale == 1:
            assert (result - image).abs().mean() > ONE_LEVEL


@pytest.mark.parametrize("name", BUNDLED)
def test_bears_half_precision(name: str, restorer: Callable[[str], Restorer]) -> None:
    image = photo(32, 40)
    exact = Runner(restorer(name)).restore(image)
    assert "bf16" in restorer(name).capability.half
    for dtype in restorer(name).capability.half:
        # bf16 holds 8 bits of each number: a level or two of 255 is what it rounds an image to.
        assert (Runner(restorer(name), dtype=dtype).restore(image) - exact).abs().mean() < 4 * ONE_LEVEL


@pytest.mark.parametrize("name", BUNDLED)
def test_tiles_give_what_the_whole_gives(name: str, restorer: Callable[[str], Restorer]) -> None:
    # Long and low: so the overlap that is needed is little of all, as it is in a large photo.
    length = 960 if name in {"FoundIR", "DA-CLIP", "DA-CLIP wild"} else 640
    found, image = restorer(name), photo(43, length)
    whole = Runner(found).restore(image)
    runner = Runner(found, tile=length * 5 // 8)
    tiled = runner.restore(image)
    assert runner.run.tiles == 2
    assert runner.run.enough
    assert runner.run.tile <= length * 5 // 8
    assert runner.run.work <= 1.25
    assert (tiled - whole).abs().max() <= ONE_LEVEL


@pytest.mark.parametrize("name", ["NAFNet", "SwinIR x2", "MPRNet"])
def test_tiles_on_all_sides(name: str, restorer: Callable[[str], Restorer]) -> None:
    found, image = restorer(name), photo(120, 141)
    whole = Runner(found).restore(image)
    runner = Runner(found, tile=96)
    tiled = runner.restore(image)
    assert runner.run.tiles >= 4
    assert (tiled - whole).abs().max() <= ONE_LEVEL


@pytest.mark.parametrize("size", [(64, 64), (41, 83)])
def test_a_nafnet_gives_what_its_own_forward_pass_gives(size: tuple[int, int]) -> None:
    weights = tiny_weights("NAFNet")
    checkpoint = Checkpoint(Path("nafnet.pth"), Container.ZIP, weights, {}, 0)
    network = BUNDLED["NAFNet"]()
    network.load_state_dict(weights)
    image = photo(*size)
    with torch.no_grad():
        # Of as many px as ours is filled up to: means are over them all.
        padded = nn.functional.pad(image, (0, -size[1] % 16, 0, -size[0] % 16))
        expected = network(padded)[..., : size[0], : size[1]]
    assert (Runner(detect(checkpoint)).restore(image) - expected).abs().max() < 1e-5
