"""The tiles of one image walk through a network side by side, so that what a layer asks of the whole image is answered by all.

Each tile runs in a greenlet of its own. When a layer asks, the tile waits until all tiles have asked the same; so a mean, a
channel attention or a gate is that of the whole image, and a tile needs no more overlap than its convolutions reach. What a
waiting tile holds is parked until it goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from greenlet import GreenletExit, getcurrent, greenlet
from torch import Tensor

from ggt_studio.restorers.parking import InFiles, InMainMemory, TakeBack
from ggt_studio.restorers.whole import Lies

Question = Literal["total", "largest", "joined"]


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle of the whole image in px."""

    top: int
    left: int
    bottom: int
    right: int

    @property
    def height(self) -> int:
        """In px."""
        return self.bottom - self.top

    @property
    def width(self) -> int:
        """In px."""
        return self.right - self.left

    @property
    def area(self) -> int:
        """In px."""
        return self.height * self.width

    def of(self, x: Tensor, scale: int = 1) -> Tensor:
        """This rectangle of a whole image (..., H, W) that is `scale` times as large."""
        return x[..., self.top * scale : self.bottom * scale, self.left * scale : self.right * scale]


@dataclass(frozen=True, slots=True)
class Tile:
    """`box` is what goes through the network; `own` the part of it that this tile counts for."""

    box: Box
    own: Box


class Meeting:
    """The view that all tiles of an image share. `height` and `width` are the whole image's, in px."""

    def __init__(self, tiles: Sequence[Tile], height: int, width: int, parking: InMainMemory | InFiles) -> None:
        self._tiles, self.image_height, self._width, self._parking = tiles, height, width, parking
        self._walkers: dict[greenlet, Tile] = {}
        self._parked: dict[greenlet, TakeBack] = {}

    def walk(self, work: Callable[[Tile], None], each_round: Callable[[], None] = lambda: None) -> None:
        """Do `work` for all tiles, side by side. Whatever one of them or `each_round` raises ends all of them."""
        walkers = [greenlet(work) for _ in self._tiles]
        self._walkers = dict(zip(walkers, self._tiles, strict=True))
        answer: Tensor | None = None
        try:
            while not all(walker.dead for walker in walkers):
                asked = list(self._round(walkers, answer, each_round))
                if asked:
                    if len(asked) != len(walkers) or len({question for question, _ in asked}) > 1:
                        raise RuntimeError("the tiles of an image asked for different things")
                    answer = _answer(asked[0][0], [part for _, part in asked])
        finally:
            for walker in walkers:
                if walker and not walker.dead:
                    walker.throw(GreenletExit)
            self._walkers.clear()
            self._parked.clear()

    def _round(
        self, walkers: list[greenlet], answer: Tensor | None, each_round: Callable[[], None]
    ) -> Iterator[tuple[Question, Tensor]]:
        for walker in walkers:
            if walker.dead:
                continue
            each_round()
            if not walker:
                asked = walker.switch(self._walkers[walker])
            else:
                self._parked.pop(walker)()
                asked = walker.switch(answer.clone() if self._parking.apart and answer is not None else answer)
            if walker.dead:
                continue
            self._parked[walker] = self._parking.park(walker.gr_frame)
            yield asked

    def _ask(self, question: Question, part: Tensor) -> Tensor:
        here = getcurrent()
        assert here.parent is not None
        return here.parent.switch((question, part.detach()))

    def _tile(self) -> Tile:
        return self._walkers[getcurrent()]

    def lies(self, x: Tensor) -> Lies:
        """Where a tile's tensor lies in the whole image."""
        tile = self._tile()
        box, own = tile.box, tile.own
        lengths = (box.top, box.left, self.image_height, self._width)
        lengths += (own.top - box.top, own.left - box.left, own.height, own.width)
        return Lies(*(length * x.shape[-2] // box.height for length in lengths))

    def own(self, x: Tensor) -> Tensor:
        """The part of a tile's tensor that it counts for."""
        at = self.lies(x)
        return x[..., at.own_top : at.own_top + at.own_height, at.own_left : at.own_left + at.own_width]

    def total(self, part: Tensor) -> Tensor:
        """The sum over all tiles."""
        return self._ask("total", part)

    def largest(self, part: Tensor) -> Tensor:
        """The maximum over all tiles."""
        return self._ask("largest", part)

    def joined(self, part: Tensor) -> Tensor:
        """All tiles' parts side by side, in the tiles' order."""
        return self._ask("joined", part)


def _answer(question: Question, parts: list[Tensor]) -> Tensor:
    if question == "joined":
        return torch.cat(parts, -1)
    answer = parts[0]
    for part in parts[1:]:
        answer = answer + part if question == "total" else torch.maximum(answer, part)
    return answer
