"""What a layer may ask of the whole image, whether its network sees all of it at once or one tile of several."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from torch import Tensor, nn


@dataclass(frozen=True, slots=True)
class Lies:
    """Where a tensor lies in the whole image and how large that is, in the tensor's own pixels.

    The part of it that its tile counts for begins at `own_top`, `own_left` of the tensor and has `own_height`, `own_width`.
    """

    top: int
    left: int
    height: int
    width: int
    own_top: int
    own_left: int
    own_height: int
    own_width: int


class View(Protocol):
    """The whole image as a layer sees it. Every tile of an image asks the same questions in the same order."""

    @property
    def image_height(self) -> int:
        """The height of the whole image in px, as it enters the network; 0 where that was not said, as in training."""
        ...

    def lies(self, x: Tensor) -> Lies:
        """Where `x` (..., h, w) lies in the whole image."""
        ...

    def own(self, x: Tensor) -> Tensor:
        """The part of `x` (..., h, w) that this tile counts for: the tiles' own parts make up the image, once each."""
        ...

    def total(self, part: Tensor) -> Tensor:
        """The sum of all tiles' `part`."""
        ...

    def largest(self, part: Tensor) -> Tensor:
        """The elementwise maximum of all tiles' `part`."""
        ...

    def joined(self, part: Tensor) -> Tensor:
        """All tiles' `part` one after the other in the last dimension."""
        ...


@dataclass(frozen=True, slots=True)
class Alone:
    """The view of a network that sees all of the image: every part is the whole."""

    image_height: int = 0

    def lies(self, x: Tensor) -> Lies:
        """At the origin, as large as it is."""
        height, width = x.shape[-2:]
        return Lies(0, 0, height, width, 0, 0, height, width)

    def own(self, x: Tensor) -> Tensor:
        """All of it."""
        return x

    def total(self, part: Tensor) -> Tensor:
        """The part itself."""
        return part

    def largest(self, part: Tensor) -> Tensor:
        """The part itself."""
        return part

    def joined(self, part: Tensor) -> Tensor:
        """The part itself."""
        return part


class AsksWhole(nn.Module):
    """A layer whose result depends on all of the image. `view` is set by whoever runs the network."""

    view: View = Alone()

    def mean(self, x: Tensor) -> Tensor:
        """The mean of x (B, C, h, w) over the whole image, (B, C, 1, 1), summed in float32."""
        lies = self.view.lies(x)
        total = self.view.total(self.view.own(x).float().sum((-2, -1), keepdim=True))
        return (total / (lies.height * lies.width)).to(x.dtype)


def askers(network: nn.Module) -> Iterator[AsksWhole]:
    """The layers of a network that ask for the whole image."""
    return (layer for layer in network.modules() if isinstance(layer, AsksWhole))


def show(network: nn.Module, view: View) -> None:
    """Let all layers of a network see the image through `view`."""
    for layer in askers(network):
        layer.view = view
