"""What a diffusion sampler and whoever runs its network say to each other."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from torch import Tensor, nn

# (input (1, C, H, W), what the network makes of a part of it, (passes done, passes in all)) -> the network's output for all of it.
Apply = Callable[[Tensor, Callable[[nn.Module, Tensor], Tensor], tuple[int, int]], Tensor]


class Sampler(Protocol):
    """Restores an image in several passes of a network."""

    def __call__(self, image: Tensor, apply: Apply, seed: int) -> Tensor:
        """An image (1, 3, H, W) of 0 to 1 in main memory -> the restored one. The same seed draws the same noise."""
        ...
