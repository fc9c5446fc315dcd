"""LPIPS where its weights are on this machine; they are never downloaded."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ggt_studio.quality.metrics import import_ml

Pixels = npt.NDArray[np.uint8]
_WEIGHTS = ("pyiqa/LPIPS_v0.1_alex-df73285e.pth", "checkpoints/alexnet-owt-7be5be79.pth")
_SMALLEST_SIDE = 32


def lpips_files() -> list[Path]:
    """Where the weights of LPIPS lie in torch's folder (`TORCH_HOME`) when pyiqa or someone else has got them."""
    import torch

    return [Path(torch.hub.get_dir()) / name for name in _WEIGHTS]


def lpips(device: str) -> Callable[[Pixels, Pixels], float | None] | None:
    """LPIPS (arXiv 1801.03924; AlexNet, version 0.1) of two images, uint8 (H, W, 3): 0 for equal ones, lower is better; None of images
    with sides under 32 px. None where its weights are not on this machine, or cannot be read."""
    if not all(path.is_file() for path in lpips_files()):
        return None
    torch, pyiqa = import_ml()
    try:
        metric = pyiqa.create_metric("lpips", device=torch.device(device))
    except Exception:  # noqa: BLE001 - whatever is wrong with the weights, training goes on without
        return None

    def score(image: Pixels, target: Pixels) -> float | None:
        if min(image.shape[:2]) < _SMALLEST_SIDE:
            return None
        one, two = (torch.from_numpy(side.copy()).permute(2, 0, 1)[None].float().div(255) for side in (image, target))
        with torch.no_grad():
            return float(metric(one, two).item())

    return score
