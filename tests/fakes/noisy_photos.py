"""Photos to restore: real ones, with noise added."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image
from skimage import data


def write_noisy(folder: Path, count: int = 2) -> Path:
    """Put so many photos of 240 px a side into a new folder, `0.png`, `1.png` ...; returns it."""
    folder.mkdir()
    for seed in range(count):
        noisy = data.astronaut()[:240, 60:300] + np.random.default_rng(seed).normal(0, 6, (240, 240, 3))
        Image.fromarray(np.clip(noisy, 0, 255).astype(np.uint8)).save(folder / f"{seed}.png")
    return folder
