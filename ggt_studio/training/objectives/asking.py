"""What is trained, as the step of training sees it: asked about a batch, it gives what was said beside what ought to be said."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor, nn

from ggt_studio.training.memory import recompute_blocks


class Asked(NamedTuple):
    """Pairs of what the network said and what it ought to have said, the same shape each; the loss is the sum over the pairs.

    `balance`: how unevenly experts are asked, a scalar; None where there are none.
    """

    pairs: tuple[tuple[Tensor, Tensor], ...]
    balance: Tensor | None = None


class Objective(nn.Module):
    """A network and what it is asked. `network` is what a checkpoint holds; all that is learnt is in it.

    All that is drawn (noise, noise levels) comes from torch's own generators, which the loop seeds by step and process.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def recompute(self) -> None:
        """Let blocks be computed again for the gradients instead of being remembered."""
        recompute_blocks(self.network)

    def forward(self, lq: Tensor, hq: Tensor) -> Asked:
        """LQ and HQ, (B, 3, size, size) of 0 to 1 -> what was said of them."""
        raise NotImplementedError


class RestoredImage(Objective):
    """The restored image, in one pass."""

    def forward(self, lq: Tensor, hq: Tensor) -> Asked:
        """See `Objective`."""
        return Asked(((self.network(lq), hq),))
