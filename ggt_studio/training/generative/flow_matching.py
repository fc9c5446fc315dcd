"""The loss of training in a generative model, whole: what it is shown, noise, noise level, and where it should move (flow matching)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ggt_studio.generative.flow import FlowModel


class FlowMatching(nn.Module):
    """LQ and HQ photos, (B, 3, H, W) of 0 to 1 -> the loss, a scalar in fp32. Noise is drawn from torch's generators."""

    def __init__(self, model: FlowModel) -> None:
        super().__init__()
        self.model = model

    def forward(self, lq: Tensor, hq: Tensor) -> Tensor:
        """Mean squared error of the velocity from picture to noise, at one noise level a photo (arXiv 2209.03003, 2403.03206)."""
        with torch.no_grad():
            clean = self.model.encode(hq)
            shown = self.model.show(lq)
            noise = torch.randn_like(clean)
            level = self.model.draw_levels(len(clean), *clean.shape[-2:]).to(clean.device)
            at = level[:, None, None, None]
            noisy = (1 - at) * clean + at * noise
        return (self.model.velocity(noisy, level, shown) - (noise - clean)).square().mean()
