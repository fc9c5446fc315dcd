"""MoCE-IR's experts: kept in use, the simpler ones more (arXiv 2411.18466, section 3; Shazeer et al., arXiv 1701.06538, appendix A)."""

from __future__ import annotations

import torch
from torch import Tensor

from ggt_studio.restorers.networks.experts import Routed, Routing
from ggt_studio.restorers.networks.moceir import MoCEIR
from ggt_studio.training.objectives.asking import Asked, Objective


class BalancedImage(Objective):
    """The restored image, and the mean imbalance of all routings, over the images that one process sees at once."""

    network: MoCEIR

    def __init__(self, network: MoCEIR) -> None:
        super().__init__(network)

    def forward(self, lq: Tensor, hq: Tensor) -> Asked:
        """See `Objective`."""
        restored = self.network(lq)
        uneven = []
        for layer in self.network.modules():
            if isinstance(layer, Routing) and layer.routed is not None:
                uneven.append(imbalance(layer.routed, layer.complexity))
                # It belongs to this batch, and so does the memory that it holds.
                layer.routed = None
        return Asked(((restored, hq),), torch.stack(uneven).mean())


def imbalance(routed: Routed, complexity: Tensor) -> Tensor:
    """Half of how unevenly experts are wanted, each weighed by its `complexity` (experts) of 0 to 1, and half of how unevenly
    they would be chosen if noise were drawn again; a scalar."""
    wanted = routed.scores.float().softmax(-1).sum(0) * complexity
    lowest = routed.noisy.float().gather(-1, routed.best[:, -1:])
    # The chance that noise lifts an expert over the least of those that were chosen.
    chosen = torch.special.ndtr((routed.scores.float() - lowest) / routed.deviation).mean(0)
    return (_unevenness(wanted) + _unevenness(chosen)) / 2


def _unevenness(values: Tensor) -> Tensor:
    """The squared coefficient of variation."""
    return (values.std() / (values.mean() + 1e-8)).square()
