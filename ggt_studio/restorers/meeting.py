"""The tiles of one image walk through a network side by side, so that what a layer asks of the whole image is answered by all.

Each tile runs in a greenlet of its own. When a layer asks, the tile waits until all tiles have asked the same; so a mean, a
channel attention or a gate is that of the whole image, and a tile needs no more overlap than its convolutions reach. What a
waiting tile holds on a GPU is moved to main memory until it goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from types import FrameType
from typing import Any, Literal

import torch
from greenlet import GreenletExit, getcurrent, greenlet
from torch import Tensor

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

    def __init__(self, tiles: Sequence[Tile], height: int, width: int, spill: bool = False) -> None:
        self._tiles, self.image_height, self._width, self._spill = tiles, height, width, spill
        self._walkers: dict[greenlet, Tile] = {}
        self._spilt: dict[greenlet, list[tuple[Tensor, torch.device]]] = {}

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
            self._spilt.clear()

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
                for tensor, device in self._spilt.pop(walker, ()):
                    tensor.data = tensor.data.to(device)
                # Each tile holds an answer of its own: what one of them holds may be moved away while another computes.
                asked = walker.switch(answer.clone() if self._spill and answer is not None else answer)
            if walker.dead:
                continue
            if self._spill:
                self._spilt[walker] = _move_away(walker.gr_frame)
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


def _move_away(frame: FrameType | None) -> list[tuple[Tensor, torch.device]]:
    """Move what the functions under way in a waiting tile hold to main memory. Returns what was moved and where it was."""
    moved = []
    while frame is not None:
        for value in list(frame.f_locals.values()):
            for tensor in _tensors(value):
                if tensor.device.type == "cuda":
                    moved.append((tensor, tensor.device))
                    tensor.data = tensor.data.cpu()
        frame = frame.f_back
    return moved


def _tensors(value: Any) -> Iterator[Tensor]:
    if isinstance(value, Tensor) and not isinstance(value, torch.nn.Parameter):
        yield value
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _tensors(item)
    elif isinstance(value, dict):
        for item in value.values():
            yield from _tensors(item)
