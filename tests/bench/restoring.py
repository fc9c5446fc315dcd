"""A photo of 12 megapixels in tiles, against the same network over the whole photo at once: time, peak memory, and how far they differ.

Tiles wait for each other, for layers that ask for the whole; on a CPU what waits stays in memory while there is enough, and goes
to files where there is not, which is measured apart.
"""

from __future__ import annotations

import tempfile
import time
import unittest.mock
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor

from bench.report import Figure
from ggt_studio.restorers import parking
from ggt_studio.restorers.checkpoint import read_checkpoint
from ggt_studio.restorers.registry import Restorer, detect
from ggt_studio.restorers.running import Runner
from ggt_studio.training.memory import PeakMemory
from ggt_studio.training.networks import build
from ggt_studio.training.recipes import load_recipe

HEIGHT, WIDTH, TILE = 3000, 4000, 1024


def measure() -> list[Figure]:
    """Seconds of tiles over those of the whole, px computed per px, GB beyond what was held before, and the largest difference."""
    image = torch.rand(1, 3, HEIGHT // 8, WIDTH // 8, generator=torch.Generator().manual_seed(0))
    image = torch.nn.functional.interpolate(image, (HEIGHT, WIDTH), mode="bicubic").clamp(0, 1)
    cuda = torch.cuda.is_available()
    device = torch.device("cuda" if cuda else "cpu")
    _run(image[..., :256, :256], TILE, device)
    tiles, tiled_s, free_memory, work = _run(image, TILE, device)
    whole, whole_s, whole_memory, _ = _run(image, max(HEIGHT, WIDTH), device)
    with unittest.mock.patch.object(parking, "is_short", return_value=True):
        parked, parked_s, tiled_memory, _ = _run(image, TILE, device)
    name = f"12-megapixel photo, NAFNet, tiles of {TILE} px, {device}"
    return [
        Figure(f"{name}: time over untiled", tiled_s / whole_s, 1.25, at_least=False, unit="x"),
        Figure(f"{name}: px computed per px", work, 1.25, at_least=False, unit="x"),
        Figure(f"{name}: peak memory", free_memory / 1e9, None, at_least=False, unit="GB"),
        Figure(f"{name}: peak memory where it is short", tiled_memory / 1e9, None, at_least=False, unit="GB"),
        Figure(f"{name}: time over untiled where memory is short", parked_s / whole_s, None, at_least=False, unit="x"),
        Figure("the same, untiled: peak memory", whole_memory / 1e9, None, at_least=False, unit="GB"),
        Figure(
            f"{name}: memory where it is short over untiled",
            tiled_memory / whole_memory,
            0.25,
            at_least=False,
            unit="x",
        ),
        Figure(f"{name}: largest difference", 255 * _most(tiles, parked, whole), 1, at_least=False, unit="/255"),
    ]


def _run(image: Tensor, tile: int, device: torch.device) -> tuple[Tensor, float, int, float]:
    runner = Runner(_restorer(), str(device), tile=tile)
    with PeakMemory(device) as before:
        time.sleep(0.1)
    began = time.perf_counter()
    with PeakMemory(device) as peak:
        restored = runner.restore(image)
    return restored, time.perf_counter() - began, peak.bytes - before.bytes, runner.run.work


def _most(*images: Tensor) -> float:
    return max(float((image - images[-1]).abs().max()) for image in images)


def _restorer() -> Restorer:
    """The smoke size of NAFNet with new weights; what it gives does not count here."""
    network = build(load_recipe("nafnet-smoke").changed(begins_unchanged=False), 0).network
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        save_file(network.state_dict(), path := Path(folder) / "new.safetensors")
        return detect(read_checkpoint(path))
