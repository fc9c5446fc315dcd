"""Local instead of global average pooling (TLC, Chu et al., ECCV 2022): over the window that a network was trained with.

A network trained on crops meets other means in a whole photo than it learned with; and the mean of a tile is not that of its
photo. Both end when each place is given the mean of the window around it. Images no larger than the window keep the global mean.
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

from ggt_studio.restorers.whole import AsksWhole

CELL = 16


class LocalMean(AsksWhole):
    """Stands in for `AdaptiveAvgPool2d(1)`: (B, C, h, w) -> (B, C, 1, 1), or (B, C, h, w) where the image exceeds `window` px.

    Means are taken over whole cells of `CELL` px of the image, windows of an odd number of cells around each cell, and are
    interpolated between cells; near the image's border the window stays inside it. Height and width of the image are multiples of `CELL`.
    """

    def __init__(self, window: int) -> None:
        super().__init__()
        self.window = window

    def forward(self, x: Tensor) -> Tensor:
        """See the class."""
        view, lies = self.view, self.view.lies(x)
        if not view.image_height:
            return self.mean(x)
        cell = max(1, CELL * lies.height // view.image_height)
        rows, columns = lies.height // cell, lies.width // cell
        # An odd number, so that a window lies around its cell.
        span = self.window // (2 * CELL) * 2 + 1
        if rows <= span and columns <= span:
            return self.mean(x)
        own = functional.avg_pool2d(view.own(x).float(), cell)
        cells = x.new_zeros((*x.shape[:2], rows, columns), dtype=own.dtype)
        top, left = (lies.top + lies.own_top) // cell, (lies.left + lies.own_left) // cell
        cells[..., top : top + own.shape[-2], left : left + own.shape[-1]] = own
        means = _around(view.total(cells), min(span, rows), min(span, columns))
        return _spread(means, lies.top // cell, lies.left // cell, cell, x.shape[-2], x.shape[-1]).to(x.dtype)


def _around(cells: Tensor, height: int, width: int) -> Tensor:
    """The mean over height x width cells around each, inside the image."""
    inside = functional.avg_pool2d(cells, (height, width), 1)
    above, before = (height - 1) // 2, (width - 1) // 2
    below, after = height - 1 - above, width - 1 - before
    return functional.pad(inside, (before, after, above, below), "replicate")


def _spread(means: Tensor, top: int, left: int, cell: int, height: int, width: int) -> Tensor:
    """Cells' means -> the height x width px of a tile whose first cell is (top, left)."""
    if cell == 1:
        return means[..., top : top + height, left : left + width]
    rows, columns = height // cell, width // cell
    padded = functional.pad(means, (1, 1, 1, 1), "replicate")[..., top : top + rows + 2, left : left + columns + 2]
    spread = functional.interpolate(padded, scale_factor=cell, mode="bilinear", align_corners=False)
    return spread[..., cell:-cell, cell:-cell]


def make_local(network: nn.Module, window: int) -> int:
    """Replace all global average pools of a network by local ones over `window` px. Returns how many there were."""
    found = 0
    for parent in list(network.modules()):
        for name, child in parent.named_children():
            if isinstance(child, nn.AdaptiveAvgPool2d) and child.output_size in (1, (1, 1)):
                setattr(parent, name, LocalMean(window))
                found += 1
    return found
