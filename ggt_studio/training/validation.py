"""Validation: pairs that are never trained on, restored with the weights as they are; PSNR, SSIM and the photos."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from skimage.metrics import structural_similarity
from torch import Tensor

from ggt_studio.dataset.degradations import load_degradation
from ggt_studio.dataset.second_order import degrade_again
from ggt_studio.quality.perceptual import lpips
from ggt_studio.training.job import DATA, VALIDATION, VALIDATION_PACK, Job
from ggt_studio.training.pack import Pack
from ggt_studio.training.shuffle import number

Pixels = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Validated:
    """Means over the pairs: PSNR in dB (RGB), SSIM (RGB, Gaussian window), of the restored photos and of LQ as it is; LPIPS where its
    weights are on this machine."""

    psnr: float
    ssim: float
    psnr_lq: float
    ssim_lq: float
    pairs: int
    lpips: float | None = None
    lpips_lq: float | None = None


class Validation:
    """The held-back pairs of a job: the middle `validation_crop` px of each. Clean photos are degraded, always alike."""

    def __init__(self, folder: Path, job: Job) -> None:
        self._folder, self._job = folder, job
        self._pairs: list[tuple[Pixels, Pixels]] = []
        if job.validation_pairs:
            with Pack(folder / DATA / VALIDATION_PACK) as pack:
                self._pairs = [self._pair(pack, index) for index in range(min(len(pack), job.validation_pairs))]
        self._scores_lq = [scores(lq, hq) for lq, hq in self._pairs]

    def __len__(self) -> int:
        return len(self._pairs)

    def run(self, restore: Callable[[Tensor], Tensor], device: str, step: int, check: Callable[[], None]) -> Validated:
        """Restore all pairs by `restore`, (1, 3, H, W) of 0 to 1, keep the photos in the job folder as
        `validation/step-N/K.png`, and score them (LPIPS on `device`)."""
        place = self._folder / VALIDATION
        self._write_pairs(place)
        out = place / f"step-{step:07d}"
        out.mkdir(parents=True, exist_ok=True)
        found, perceived = [], []
        alike = lpips(device)
        for index, (lq, hq) in enumerate(self._pairs):
            check()
            restored = to_pixels(restore(to_tensor(lq)[None]))
            Image.fromarray(restored).save(out / f"{index:03d}.png", compress_level=1)
            found.append(scores(restored, hq))
            if alike is not None:
                perceived.append((alike(restored, hq), alike(lq, hq)))
        psnr, ssim = np.mean(found, axis=0).tolist()
        psnr_lq, ssim_lq = np.mean(self._scores_lq, axis=0).tolist()
        return Validated(psnr, ssim, psnr_lq, ssim_lq, len(found), *_means(perceived))

    def _pair(self, pack: Pack, index: int) -> tuple[Pixels, Pixels]:
        tall, wide = pack.size(index)
        height, width = min(tall, self._job.recipe.validation_crop), min(wide, self._job.recipe.validation_crop)
        top, left = (tall - height) // 2, (wide - width) // 2
        if not pack.is_clean(index):
            return pack.crop(index, top, left, height, width)
        hq = pack.clean_crop(index, top, left, height, width)
        degradation = load_degradation(self._job.validation_degradation)
        return degrade_again(hq, degradation, number(self._job.seed, 8, index)), hq

    def _write_pairs(self, place: Path) -> None:
        for side, chosen in (("lq", 0), ("hq", 1)):
            folder = place / side
            folder.mkdir(parents=True, exist_ok=True)
            for index, pair in enumerate(self._pairs):
                path = folder / f"{index:03d}.png"
                if not path.is_file():
                    part = path.with_suffix(".part")
                    Image.fromarray(pair[chosen]).save(part, "PNG", compress_level=1)
                    part.replace(path)


def _means(perceived: Sequence[tuple[float | None, float | None]]) -> tuple[float | None, float | None]:
    """The means of LPIPS of the restored photos and of LQ; None where it was not computed."""
    told = [(one, two) for one, two in perceived if one is not None and two is not None]
    if not told:
        return None, None
    restored, lq = np.mean(told, axis=0).tolist()
    return restored, lq


def to_pixels(image: Tensor) -> Pixels:
    """(1, 3, H, W) of 0 to 1 -> uint8 (H, W, 3)."""
    return (image[0].float().clamp(0, 1) * 255).round().byte().permute(1, 2, 0).cpu().numpy()


def to_tensor(pixels: Pixels) -> Tensor:
    """uint8 (H, W, 3) -> float32 (3, H, W) of 0 to 1."""
    return torch.from_numpy(pixels).permute(2, 0, 1).float().div(255)


def scores(image: Pixels, target: Pixels) -> tuple[float, float]:
    """PSNR in dB, at most 80, and SSIM (Wang et al. 2004: Gaussian window of 11 px, sigma 1.5), both RGB."""
    error = float(np.mean(np.square(image.astype(np.float64) - target)))
    psnr = min(80.0, 10 * float(np.log10(255**2 / max(error, 1e-12))))
    ssim: Any = structural_similarity(
        image, target, channel_axis=-1, data_range=255, gaussian_weights=True, sigma=1.5, use_sample_covariance=False
    )
    return psnr, float(ssim)
