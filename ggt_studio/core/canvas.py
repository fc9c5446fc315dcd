"""What is sent to a generator that takes only certain sizes: size, place of the patch in it, and the way back."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Pixels = NDArray[np.uint8]

# Up to this share of the sent pixels, padding does less harm than resampling the patch.
_PADDING_LEFT_ALONE = 0.25


@dataclass(frozen=True, slots=True)
class AllowedRatio:
    """An aspect ratio that a provider offers: `label` as it wants to be told ("3:2"), and width to height, be it as the
    label's numbers or as the size in px that really comes back, which often is not quite of the label's ratio."""

    label: str
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class SizeRule:
    """The sizes that a provider takes; everything that is left at its default is free.

    `sizes` are the only allowed (width, height) in px. `ratios` are the only allowed aspect ratios, which sides meet to
    the nearest `multiple_of` px. Sides are multiples of `multiple_of` and from `min_side` to `max_side` px, sent images
    have from `min_pixels` to `max_pixels` px, and the long side is at most `max_aspect` times the short one.
    """

    sizes: tuple[tuple[int, int], ...] = ()
    ratios: tuple[AllowedRatio, ...] = ()
    multiple_of: int = 1
    min_side: int = 1
    max_side: int | None = None
    min_pixels: int = 1
    max_pixels: int | None = None
    max_aspect: float | None = None


@dataclass(frozen=True, slots=True)
class Canvas:
    """The image that is sent, `sent_width` x `sent_height` px, and in it the patch of `patch_width` x `patch_height` px.

    The patch fills the box with corner (`left`, `top`) and size `width` x `height` px; the rest is its mirror image.
    `scale` is sent px per patch px (the box is that rounded to whole px), `ratio` the chosen ratio's label, if any.
    """

    patch_width: int
    patch_height: int
    sent_width: int
    sent_height: int
    left: int
    top: int
    width: int
    height: int
    scale: float = 1.0
    ratio: str = ""

    @classmethod
    def whole(cls, width: int, height: int) -> Canvas:
        """A patch of `width` x `height` px sent as it is."""
        return cls(width, height, width, height, 0, 0, width, height)

    @property
    def padding(self) -> float:
        """The share of the sent pixels that is not the patch, 0..1."""
        return 1.0 - self.width * self.height / (self.sent_width * self.sent_height)


def plan_canvas(width: int, height: int, rule: SizeRule) -> Canvas:
    """The canvas for a patch of `width` x `height` px under a rule.

    The patch is made smaller only where a maximum forces it, and then by as little as possible; after that the least
    padding wins, then the smallest image. It is enlarged only where its padding would be more than a quarter of the
    image otherwise. Raises ValueError for a rule that no size meets.
    """
    canvases = [
        _place(width, height, sent_width, sent_height, label)
        for sent_width, sent_height, label in _offers(width, height, rule)
        if allows(rule, sent_width, sent_height)
    ]
    if not canvases:
        raise ValueError(f"no size of this rule takes a patch of {width} x {height} px: {rule}")
    return min(
        canvases,
        key=lambda c: (max(0.0, 1.0 - c.scale), round(c.padding, 6), c.sent_width * c.sent_height, c.sent_width),
    )


def allows(rule: SizeRule, width: int, height: int) -> bool:
    """Whether an image of `width` x `height` px may be sent."""
    if rule.sizes and (width, height) not in rule.sizes:
        return False
    if rule.ratios and not any(_meets(ratio, width, height, rule.multiple_of) for ratio in rule.ratios):
        return False
    if width % rule.multiple_of or height % rule.multiple_of:
        return False
    if rule.max_aspect is not None and max(width, height) > rule.max_aspect * min(width, height):
        return False
    if min(width, height) < rule.min_side or width * height < rule.min_pixels:
        return False
    return not _too_large(rule, width, height)


def render(pixels: Pixels, canvas: Canvas) -> Pixels:
    """The image to send, uint8 sent_height x sent_width x 3, of a patch, uint8 patch_height x patch_width x 3: resized
    (Lanczos) where the canvas says so, and continued by reflection around it."""
    if pixels.shape != (canvas.patch_height, canvas.patch_width, 3):
        raise ValueError(f"the canvas is for {canvas.patch_width} x {canvas.patch_height} px, not for {pixels.shape}")
    if (canvas.width, canvas.height) != (canvas.patch_width, canvas.patch_height):
        size = (canvas.width, canvas.height)
        pixels = np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.LANCZOS))
    rows = (canvas.top, canvas.sent_height - canvas.top - canvas.height)
    columns = (canvas.left, canvas.sent_width - canvas.left - canvas.width)
    return np.pad(pixels, (rows, columns, (0, 0)), mode="reflect")


def patch_box_in(canvas: Canvas, received_width: int, received_height: int) -> tuple[float, float, float, float]:
    """Where the patch lies (left, top, width, height in px) in an answer that shows all that was sent, at any size."""
    x, y = received_width / canvas.sent_width, received_height / canvas.sent_height
    return canvas.left * x, canvas.top * y, canvas.width * x, canvas.height * y


def to_sent(canvas: Canvas, x: float, y: float) -> tuple[float, float]:
    """Patch coordinates in px, (0, 0) its top left corner, as coordinates in the sent image; pixel centres lie at halves."""
    return (
        canvas.left + x * canvas.width / canvas.patch_width,
        canvas.top + y * canvas.height / canvas.patch_height,
    )


def to_patch(canvas: Canvas, x: float, y: float) -> tuple[float, float]:
    """Coordinates in the sent image as patch coordinates; the inverse of `to_sent`. They may lie outside the patch."""
    return (
        (x - canvas.left) * canvas.patch_width / canvas.width,
        (y - canvas.top) * canvas.patch_height / canvas.height,
    )


def _place(width: int, height: int, sent_width: int, sent_height: int, label: str) -> Canvas:
    """The patch in the middle of an image of this size: as it is where that leaves little padding, else filling it."""
    fill = min(sent_width / width, sent_height / height)
    scale = fill
    if fill >= 1.0 and 1.0 - width * height / (sent_width * sent_height) <= _PADDING_LEFT_ALONE:
        scale = 1.0
    inner_width = min(sent_width, max(1, round(width * scale)))
    inner_height = min(sent_height, max(1, round(height * scale)))
    left, top = (sent_width - inner_width) // 2, (sent_height - inner_height) // 2
    return Canvas(width, height, sent_width, sent_height, left, top, inner_width, inner_height, scale, label)


def _offers(width: int, height: int, rule: SizeRule) -> Iterator[tuple[int, int, str]]:
    """The sizes worth a look: (width, height, ratio label)."""
    if rule.sizes:
        yield from ((*size, _label(rule, *size)) for size in rule.sizes)
        return
    for ratio in rule.ratios or (None,):
        label = ratio.label if ratio else ""
        for scale in _scales(width, height, rule, ratio):
            yield (*_around(width * scale, height * scale, rule, ratio), label)


def _scales(width: int, height: int, rule: SizeRule, ratio: AllowedRatio | None) -> Iterator[float]:
    """The scales of the patch under which the smallest image around it is worth a look: 1; where that is too small for
    the provider also those that need no more padding; where it is too large the largest that is not."""
    natural = _around(width, height, rule, ratio, smallest=False)
    if _too_large(rule, *natural):
        # The image around the patch grows with it, so the largest scale can be searched for by halving.
        low, high = 0.0, 1.0
        for _ in range(50):
            middle = (low + high) / 2
            if _too_large(rule, *_around(width * middle, height * middle, rule, ratio)):
                high = middle
            else:
                low = middle
        yield low
        return
    yield 1.0
    enough = max(rule.min_side / min(natural), math.sqrt(rule.min_pixels / (natural[0] * natural[1])))
    if enough > 1.0:
        yield enough


def _around(
    width: float, height: float, rule: SizeRule, ratio: AllowedRatio | None, *, smallest: bool = True
) -> tuple[int, int]:
    """The smallest image, of allowed ratio and multiples, around `width` x `height` px; also of the allowed minimum,
    unless `smallest` is false."""
    tolerance = 1e-9
    if smallest:
        width, height = max(width, rule.min_side), max(height, rule.min_side)
    if ratio is not None:
        width, height = max(width, height * ratio.width / ratio.height), max(height, width * ratio.height / ratio.width)
    elif rule.max_aspect is not None:
        width, height = max(width, height / rule.max_aspect), max(height, width / rule.max_aspect)
    if smallest and width * height < rule.min_pixels:
        grown = math.sqrt(rule.min_pixels / (width * height))
        largest = (
            math.inf
            if rule.max_side is None or ratio is not None
            else rule.max_side // rule.multiple_of * rule.multiple_of
        )
        if max(width, height) <= largest < max(width, height) * grown:
            # The long side ends at the maximum; the short one makes up for it.
            width, height = (
                max(side, rule.min_pixels / largest) if side < max(width, height) else largest
                for side in (width, height)
            )
        else:
            width, height = width * grown, height * grown
    step = rule.multiple_of
    sent_width, sent_height = math.ceil(width / step - tolerance) * step, math.ceil(height / step - tolerance) * step
    if ratio is None and rule.max_aspect is not None:
        # Where rounding has made the long side longer still, the short one follows.
        shortest = math.ceil(max(sent_width, sent_height) / rule.max_aspect / step - tolerance) * step
        sent_width, sent_height = max(sent_width, shortest), max(sent_height, shortest)
    return sent_width, sent_height


def _too_large(rule: SizeRule, width: int, height: int) -> bool:
    if rule.max_side is not None and max(width, height) > rule.max_side:
        return True
    return rule.max_pixels is not None and width * height > rule.max_pixels


def _meets(ratio: AllowedRatio, width: int, height: int, multiple_of: int) -> bool:
    """Whether a size has a ratio up to the rounding of each side to the next multiple."""
    return abs(width * ratio.height - height * ratio.width) <= multiple_of * max(ratio.width, ratio.height)


def _label(rule: SizeRule, width: int, height: int) -> str:
    return next((r.label for r in rule.ratios if _meets(r, width, height, rule.multiple_of)), "")
