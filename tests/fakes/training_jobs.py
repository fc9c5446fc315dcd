"""Job folders small enough for tests: a few pairs of random pictures, a network of a few thousand weights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from ggt_studio.training.job import DATA, VALIDATION_PACK, Job, write_job
from ggt_studio.training.mixing import EXISTING, Mix, MixSet, MixSource
from ggt_studio.training.packing import write_pack
from ggt_studio.training.pairs import PairFiles
from ggt_studio.training.recipes import TrainingRecipe, parse_recipe

TINY: dict[str, Any] = {
    "label": "Tiny",
    "description": "for tests",
    "network": "NAFNet",
    "network_options": {"width": 8, "middle_blk_num": 1, "enc_blk_nums": [1], "dec_blk_nums": [1]},
    "loss": [{"kind": "l1"}],
    "optimiser": {"kind": "adamw", "lr": 2e-3, "betas": [0.9, 0.9]},
    "steps": 12,
    "batch": 4,
    "crop": 24,
    "ema": 0.9,
    "checkpoint_every": 4,
    "log_every": 1,
    "validation_crop": 48,
}


def tiny_recipe(**values: Any) -> TrainingRecipe:
    """The tiny recipe with other values."""
    return parse_recipe({**TINY, **values}, "tiny")


def write_pairs(folder: Path, count: int = 5, side: int = 48) -> list[PairFiles]:
    """Pairs whose LQ is a darker and noisier HQ, as PNG files in `folder/lq` and `folder/hq`."""
    pairs = []
    for number in range(count):
        rng = np.random.default_rng(number)
        small = rng.integers(60, 255, (6, 6, 3), np.uint8)
        hq = np.asarray(Image.fromarray(small).resize((side, side), Image.Resampling.BICUBIC))
        lq = np.clip(hq * 0.6 + rng.normal(0, 8, hq.shape), 0, 255).astype(np.uint8)
        files = []
        for name, pixels in (("lq", lq), ("hq", hq)):
            (folder / name).mkdir(parents=True, exist_ok=True)
            files.append(folder / name / f"{number}.png")
            Image.fromarray(pixels).save(files[-1])
        pairs.append(PairFiles(str(number), files[0], files[1]))
    return pairs


def make_job(folder: Path, recipe: TrainingRecipe | None = None, *, seed: int = 0) -> Path:
    """A job folder, ready to be trained: four pairs to train on, one held back."""
    pairs = write_pairs(folder.with_name(f"{folder.name}-pairs"))
    write_pack(pairs[:4], folder / DATA / "all.pack")
    write_pack(pairs[4:], folder / DATA / VALIDATION_PACK)
    mix = Mix((MixSource(EXISTING, 1, (MixSet("all", "all.pack", 4),)),), seed)
    write_job(folder, Job(folder.name, recipe or tiny_recipe(), mix, seed, 1, dataset="pairs 1"))
    return folder
