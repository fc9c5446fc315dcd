"""FoundIR's residual diffusion: what a noisy estimate is made of, the network says what is to go (arXiv 2412.01427, section 4.1)."""

from __future__ import annotations

import torch
from torch import Tensor

from ggt_studio.restorers.networks.foundir import FoundIR, ResidualDiffusion
from ggt_studio.training.objectives.asking import Asked, Objective


class ResidualAtALevel(Objective):
    """The residual LQ - HQ, of images of -1 to 1, in an estimate that holds a part of it, noise, and less of the photo.

    Each image gets its own level of the sampler's schedule, all equally likely.
    """

    network: FoundIR
    residual: Tensor
    noise: Tensor
    faded: Tensor

    def __init__(self, network: FoundIR) -> None:
        super().__init__(network)
        for name, values in ResidualDiffusion().schedule()._asdict().items():
            self.register_buffer(name, values)

    def forward(self, lq: Tensor, hq: Tensor) -> Asked:
        """See `Objective`."""
        trained = len(self.residual)
        levels = torch.randint(trained, (len(lq),), device=lq.device)
        residual, noise, faded = (of[levels, None, None, None] for of in (self.residual, self.noise, self.faded))
        photo, clean = 2 * lq - 1, 2 * hq - 1
        wanted = photo - clean
        drawn = torch.randn(photo.shape, device=photo.device)
        estimate = clean + residual * wanted + noise * drawn - faded * photo
        said = self.network(torch.cat([estimate, photo], 1), self.residual[levels] * trained)
        return Asked(((said, wanted),))
