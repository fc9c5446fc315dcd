"""How much overlap a network needs on a photo: measured, by how far away what is cut off still shows.

The receptive field of a deep network is far wider than what it uses of it. So a part of the photo goes through as a whole and
then with ever less around its middle, layers being answered as before, until the middle changes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from ggt_studio.restorers.meeting import Box
from ggt_studio.restorers.whole import Alone, Lies, show

# A fifth of what a tile may differ by from the whole image, since one place is measured for all.
TOLERANCE = 0.2 / 255
_MIDDLE = 32
_STEPS = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64)


@dataclass(frozen=True)
class _Recorder(Alone):
    """Sees all of the image and keeps what was answered."""

    answers: list[Tensor] = field(default_factory=list)

    def total(self, part: Tensor) -> Tensor:
        self.answers.append(part)
        return part

    def largest(self, part: Tensor) -> Tensor:
        return self.total(part)

    def joined(self, part: Tensor) -> Tensor:
        return self.total(part)


class _Replay:
    """Sees a part of that image and is answered as the whole was."""

    def __init__(self, recorder: _Recorder, box: Box, side: tuple[int, int]) -> None:
        self.image_height = recorder.image_height
        self._answers, self._box, self._side = iter(recorder.answers), box, side

    def lies(self, x: Tensor) -> Lies:
        box = self._box
        lengths = (box.top, box.left, *self._side, 0, 0, box.height, box.width)
        return Lies(*(length * x.shape[-2] // box.height for length in lengths))

    def own(self, x: Tensor) -> Tensor:
        return x

    def total(self, part: Tensor) -> Tensor:
        return next(self._answers).to(part.device)

    def largest(self, part: Tensor) -> Tensor:
        return self.total(part)

    def joined(self, part: Tensor) -> Tensor:
        return self.total(part)


def measure_margin(
    network: nn.Module, call: Callable[[Tensor], Tensor], image: Tensor, grid: int, scale: int, furthest: int
) -> tuple[int, int]:
    """The margin in px, a multiple of `grid`, beyond which nothing shows in the middle of `image` (1, C, H, W); and how often
    layers ask for the whole image.

    `furthest` bounds it from above; H and W should be twice that and a little more. Where the image is too small to tell, half
    of it.
    """
    height, width = image.shape[-2:]
    recorder = _Recorder(height)
    middle = -(-_MIDDLE // grid) * grid
    top, left = ((side - middle) // 2 // grid * grid for side in (height, width))
    own = Box(max(0, top), max(0, left), min(height, top + middle), min(width, left + middle))
    try:
        with torch.no_grad():
            show(network, recorder)
            whole = own.of(call(image), scale).float()
            for step in _STEPS:
                margin = step * grid
                box = Box(
                    max(0, own.top - margin),
                    max(0, own.left - margin),
                    min(height, own.bottom + margin),
                    min(width, own.right + margin),
                )
                if margin >= furthest or box.area >= height * width:
                    return min(margin, furthest), len(recorder.answers)
                show(network, _Replay(recorder, box, (height, width)))
                inside = Box(own.top - box.top, own.left - box.left, own.bottom - box.top, own.right - box.left)
                if (inside.of(call(box.of(image)), scale).float() - whole).abs().max() <= TOLERANCE:
                    return margin, len(recorder.answers)
    finally:
        show(network, Alone())
    return _STEPS[-1] * grid, len(recorder.answers)
