"""MPRNet's stages, each of which ought to give the restored image (arXiv 2102.02808, section 3, equation 1)."""

from __future__ import annotations

import torch
from torch import Tensor

from ggt_studio.restorers.networks.mprnet import MPRNet
from ggt_studio.training.objectives.asking import Asked, Objective


class StagedImages(Objective):
    """The images of the last, the second and the first stage; that of the first is made of its two halves."""

    network: MPRNet

    def __init__(self, network: MPRNet) -> None:
        super().__init__(network)

    def forward(self, lq: Tensor, hq: Tensor) -> Asked:
        """See `Objective`."""
        last, (second,), halves = self.network.restored(lq)
        return Asked(tuple((image, hq) for image in (last, second, torch.cat(halves, -2))))
