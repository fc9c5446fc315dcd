"""Whether training learns: the smoke NAFNet, a few minutes on a CPU, against leaving photos as they are.

Clean photos (those beside the checkout, or public-domain ones) are degraded as they are read; held-back ones are restored.
"""

from __future__ import annotations

import tempfile
import time
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

DEGRADATION, HELD_BACK, STEPS = "real-esrgan", 4, 600


def measure() -> list[Figure]:
    """How many dB of PSNR the restored crops have more than the degraded ones; higher than 1 is asked for."""
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        folder = Path(name)
        files = sorted((SHARED / "clean").glob("*.png")) or _public_domain(folder / "clean")
        pairs = [PairFiles(path.stem, None, path) for path in files]
        info = write_pack(pairs[HELD_BACK:], folder / DATA / "clean.pack")
        write_pack(pairs[:HELD_BACK], folder / DATA / VALIDATION_PACK)
        mix = Mix((MixSource(EXISTING, 1, (MixSet("clean", "clean.pack", info.pairs, 0, DEGRADATION),)),), 0)
        recipe = load_recipe("nafnet-smoke").changed(steps=STEPS, checkpoint_every=0)
        write_job(folder, Job("learning", recipe, mix, 0, HELD_BACK, DEGRADATION))
        began = time.monotonic()
        train(folder, device="cpu")
        seconds = time.monotonic() - began
        found = next(event for event in reversed(read_events(folder)) if event["event"] == "validated")
    what = f"smoke NAFNet on {DEGRADATION}"
    return [
        Figure(
            f"{what}: gained over the photos as they are", found["psnr"] - found["psnr_lq"], 1, at_least=True, unit="dB"
        ),
        Figure(f"{what}: SSIM gained", found["ssim"] - found["ssim_lq"], None, at_least=True),
        Figure(f"{what}: training", seconds, None, at_least=False, unit="s"),
    ]


def _public_domain(folder: Path) -> list[Path]:
    from skimage import data

    folder.mkdir()
    for name in ("astronaut", "coffee", "chelsea", "rocket", "cat", "immunohistochemistry"):
        pixels = np.asarray(getattr(data, name)())
        Image.fromarray(pixels[..., :3]).save(folder / f"{name}.png")
    return sorted(folder.glob("*.png"))
