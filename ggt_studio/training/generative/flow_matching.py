"""What training asks of a generative model: what it is shown, noise, a noise level, and where it should move (flow matching)."""

from __future__ import annotations

import torch
from torch import Tensor

from ggt_studio.generative.flow import FlowModel
from ggt_studio.training.objectives.asking import Asked, Objective


class FlowMatching(Objective):
    """The velocity from picture to noise, at one noise level a photo (arXiv 2209.03003, 2403.03206)."""

    def __init__(self, model: FlowModel) -> None:
        super().__init__(model.learnt)
        self.model = model

    def recompute(self) -> None:
        """See `Objective`."""
        self.model.recompute()

    def forward(self, lq: Tensor, hq: Tensor) -> Asked:
        """See `Objective`."""
        with torch.no_grad():
            clean = self.model.encode(hq)
            shown = self.model.show(lq)
            noise = torch.randn_like(clean)
            level = self.model.draw_levels(len(clean), *clean.shape[-2:]).to(clean.device)
            at = level[:, None, None, None]
            noisy = (1 - at) * clean + at * noise
        return Asked(((self.model.velocity(noisy, level, shown), noise - clean),))
