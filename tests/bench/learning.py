"""Whether training learns: the smoke NAFNet, a few minutes on a CPU, against leaving photos as they are.

Clean photos (those beside the checkout, or public-domain ones) are degraded as they are read; tiles of held-back ones are
restored. What blur and scaling took takes longer to learn to bring back than a few minutes: Real-ESRGAN's figure has no bound.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from bench.crops import SHARED
from bench.report import Figure
from ggt_studio.training.job import DATA, VALIDATION_PACK, Job, read_events, write_job
from ggt_studio.training.loop import train
from ggt_studio.training.mixing import EXISTING, Mix, MixSet, MixSource
from ggt_studio.training.packing import write_pack
from ggt_studio.training.pairs import PairFiles
from ggt_studio.training.recipes import load_recipe

HELD_BACK, TILE, STEPS = 4, 192, 600
BOUNDS = {"high-iso": 1.0, "real-esrgan": None}


def measure() -> list[Figure]:
    """How many dB of PSNR the restored tiles have more than the degraded ones; higher than 1 is asked for."""
    return [figure for degradation, bound in BOUNDS.items() for figure in _learned(degradation, bound)]


def _learned(degradation: str, bound: float | None) -> list[Figure]:
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        folder = Path(name)
        files = sorted((SHARED / "clean").glob("*.png")) or _public_domain(folder / "clean")
        held_back = _tiles(files[:HELD_BACK], folder / "held-back")
        info = write_pack(
            [PairFiles(path.stem, None, path) for path in files[HELD_BACK:]], folder / DATA / "clean.pack"
        )
        write_pack(held_back, folder / DATA / VALIDATION_PACK)
        mix = Mix((MixSource(EXISTING, 1, (MixSet("clean", "clean.pack", info.pairs, 0, degradation),)),), 0)
        recipe = load_recipe("nafnet-smoke").changed(steps=STEPS, checkpoint_every=0)
        write_job(folder, Job("learning", recipe, mix, 0, len(held_back), degradation))
        began = time.monotonic()
        train(folder, device="cpu")
        seconds = time.monotonic() - began
        found = next(event for event in reversed(read_events(folder)) if event["event"] == "validated")
    what = f"smoke NAFNet, {degradation}"
    gained = found["psnr"] - found["psnr_lq"]
    return [
        Figure(
            f"{what}: {len(held_back)} tiles held back, as they are", found["psnr_lq"], None, at_least=True, unit="dB"
        ),
        Figure(f"{what}: gained over leaving them as they are", gained, bound, at_least=True, unit="dB"),
        Figure(f"{what}: SSIM gained", found["ssim"] - found["ssim_lq"], None, at_least=True),
        Figure(f"{what}: training", seconds, None, at_least=False, unit="s"),
    ]


def _tiles(files: Sequence[Path], folder: Path) -> list[PairFiles]:
    """Photos in tiles, each a clean photo of its own, so that the mean is of more than a few degradations."""
    folder.mkdir()
    found = []
    for path in files:
        pixels = np.asarray(Image.open(path).convert("RGB"))
        for top in range(0, pixels.shape[0] - TILE + 1, TILE):
            for left in range(0, pixels.shape[1] - TILE + 1, TILE):
                tile = folder / f"{path.stem}-{top}-{left}.png"
                Image.fromarray(pixels[top : top + TILE, left : left + TILE]).save(tile)
                found.append(PairFiles(tile.stem, None, tile))
    return found


def _public_domain(folder: Path) -> list[Path]:
    from skimage import data

    folder.mkdir()
    for name in ("astronaut", "coffee", "chelsea", "rocket", "cat", "immunohistochemistry"):
        pixels = np.asarray(getattr(data, name)())
        Image.fromarray(pixels[..., :3]).save(folder / f"{name}.png")
    return sorted(folder.glob("*.png"))
