"""DA-CLIP's IR-SDE: the step back from a noisy state that is the likeliest (arXiv 2301.11699, section 3.3)."""

from __future__ import annotations

import torch
from torch import Tensor

from ggt_studio.restorers.networks.daclip import DACLIP
from ggt_studio.restorers.networks.irsde import MeanReversion
from ggt_studio.training.objectives.asking import Asked, Objective


class LikeliestStep(Objective):
    """The state one step back as the reverse SDE has it with the noise that the network tells, and the likeliest one, which is
    known in training. States are differences to the photo; each image gets its own step, all equally likely.

    The controller is frozen: what it sees of LQ goes in as it is.
    """

    network: DACLIP
    rests: Tensor

    def __init__(self, network: DACLIP) -> None:
        super().__init__(network)
        sde = MeanReversion()
        self._deviation = sde.noise
        self.register_buffer("rests", torch.tensor(sde.rests()))

    def forward(self, lq: Tensor, hq: Tensor) -> Asked:
        """See `Objective`."""
        step = torch.randint(1, len(self.rests), (len(lq),), device=lq.device)
        now, then = (self.rests[at, None, None, None] for at in (step, step - 1))
        clean, left = hq - lq, 1 - now.square()
        state = now * clean + self._deviation * left.sqrt() * torch.randn(lq.shape, device=lq.device)
        with torch.no_grad():
            seen = self.network.seen(lq)
        noise = self.network(torch.cat([state, lq], 1), step.float(), *seen)
        theta, kept = (then / now).log(), now / then
        # The reverse SDE's drift (equation 7) with the score -noise / (lambda sqrt(1 - B^2)), and proposition 3.2.
        went = (1 + theta) * state - 2 * self._deviation * theta / left.sqrt() * noise
        likeliest = (kept * (1 - then.square()) * state + then * (1 - kept.square()) * clean) / left
        return Asked(((went, likeliest),))
