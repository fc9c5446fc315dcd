"""MPRNet (Zamir et al., CVPR 2021): quarters, halves and the whole of an image in three stages, each looking at the one before.

The first stage restores the quarters of the image by themselves, the second its halves. A tile of a larger image is cut where
the image's middle runs through it, and channel attention is given the means of the quarter, half or whole that it is about.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor, nn
from torch.nn import functional

from ggt_studio.restorers.networks.shapes import StateDict, columns, length, rows
from ggt_studio.restorers.whole import AsksWhole, Lies


@dataclass(frozen=True, slots=True)
class MPRNetOptions:
    """Widths and depths: `growth` channels more at each coarser level, `wider` more in the last stage."""

    colours: int = 3
    width: int = 40
    growth: int = 20
    wider: int = 16
    blocks: int = 8
    reduction: int = 4
    bias: bool = False

    @classmethod
    def of(cls, weights: StateDict) -> Self:
        """The options that a state dict was trained with."""
        width = rows(weights, "shallow_feat1.0.weight")
        return cls(
            colours=columns(weights, "shallow_feat1.0.weight"),
            width=width,
            growth=rows(weights, "stage1_encoder.down12.down.1.weight") - width,
            wider=rows(weights, "concat23.weight") - width,
            blocks=length(weights, "stage3_orsnet.orb1.body") - 1,
            reduction=width // rows(weights, "shallow_feat1.1.CA.conv_du.0.weight"),
            bias="shallow_feat1.0.bias" in weights,
        )


@dataclass(frozen=True, slots=True)
class Part:
    """What a tile shows of one region (quarter, half or whole) of the image.

    `row` and `column` of the region; `seen`: top, left, bottom, right in full-size px of `x`'s part that its tile counts for;
    `height`: of `x` in full-size px.
    """

    x: Tensor
    row: int
    column: int
    seen: tuple[int, int, int, int]
    height: int

    def holding(self, x: Tensor) -> Part:
        """The same part with other features."""
        return Part(x, self.row, self.column, self.seen, self.height)

    def own(self) -> Tensor:
        """What the tile counts for."""
        top, left, bottom, right = (length * self.x.shape[-2] // self.height for length in self.seen)
        return self.x[..., top:bottom, left:right]


Parts = list[Part]


def cut(x: Tensor, lies: Lies, rows: int, columns: int) -> Parts:
    """What a tile x (B, C, h, w) shows of the rows x columns (1 or 2 each) regions of the image that it lies in."""
    down = _spans(lies.top, lies.own_top, lies.own_height, x.shape[-2], lies.height // 2, rows)
    across = _spans(lies.left, lies.own_left, lies.own_width, x.shape[-1], lies.width // 2, columns)
    return [
        Part(x[..., top:bottom, left:right], row, column, (own_top, own_left, own_bottom, own_right), bottom - top)
        for row, top, bottom, own_top, own_bottom in down
        for column, left, right, own_left, own_right in across
    ]


def _spans(start: int, own: int, own_length: int, length: int, middle: int, count: int) -> list[tuple[int, ...]]:
    """For each region met: its number, from and to in the tile, and from and to of what is own in that span."""
    seam = middle - start
    if count == 1:
        return [(0, 0, length, own, own + own_length)]
    spans = []
    for number, (first, last) in enumerate(((0, min(seam, length)), (max(seam, 0), length))):
        if first < last:
            inside = [min(max(place, first), last) - first for place in (own, own + own_length)]
            spans.append((number, first, last, *inside))
    return spans


def join(parts: Parts, dim: int) -> Parts:
    """Parts side by side (dim -1) or one above the other (dim -2) as parts of the larger region."""
    joined: dict[int, Parts] = {}
    for part in parts:
        joined.setdefault(part.row if dim == -1 else 0, []).append(part)
    return [_joined(group, row, dim) for row, group in joined.items()]


def _joined(group: Parts, row: int, dim: int) -> Part:
    first, last = group[0], group[-1]
    offset = first.x.shape[dim] * first.height // first.x.shape[-2] if len(group) > 1 else 0
    top, left, bottom, right = first.seen
    if len(group) > 1:
        # What is own reaches over the seam: from where it begins in the first, or in the second if the first has none.
        far = last.seen
        if dim == -1:
            left, right = (left, far[3] + offset) if left < right else (far[1] + offset, far[3] + offset)
            right = right if far[1] < far[3] else first.seen[3]
        else:
            top, bottom = (top, far[2] + offset) if top < bottom else (far[0] + offset, far[2] + offset)
            bottom = bottom if far[0] < far[2] else first.seen[2]
    height = sum(part.height for part in group) if dim == -2 else first.height
    x = torch.cat([part.x for part in group], dim)
    return Part(x, row, 0, (top, left, bottom, right), height)


class ChannelGate(AsksWhole):
    """Weighs channels by their means over the region that a part belongs to."""

    def __init__(self, channels: int, reduction: int, bias: bool) -> None:
        super().__init__()
        self.conv_du = nn.Sequential(
            nn.Conv2d(channels, channels // reduction, 1, bias=bias),
            nn.ReLU(inplace=True),
            nn.Conv2d(channels // reduction, channels, 1, bias=bias),
            nn.Sigmoid(),
        )

    def forward(self, parts: Parts, regions: tuple[int, int]) -> Parts:
        """Parts of one of `regions` (rows, columns) each -> the same, weighed."""
        first = parts[0].x
        sums = torch.zeros(*regions, *first.shape[:2], 1, device=first.device)
        for part in parts:
            sums[part.row, part.column, ..., 0] += part.own().float().sum((-2, -1))
        # The number of places, last, so that the regions' sizes need not be known.
        counts = torch.zeros(*regions, *first.shape[:2], 1, device=first.device)
        for part in parts:
            counts[part.row, part.column] += part.own().shape[-2] * part.own().shape[-1]
        total = self.view.total(torch.cat([sums, counts], -1))
        means = (total[..., 0] / total[..., 1].clamp(min=1)).to(first.dtype)
        return [part.holding(part.x * self.conv_du(means[part.row, part.column, :, :, None, None])) for part in parts]


class AttentionBlock(nn.Module):
    """Two convolutions and a channel gate around a residual."""

    def __init__(self, channels: int, options: MPRNetOptions, act: nn.Module) -> None:
        super().__init__()
        self.CA = ChannelGate(channels, options.reduction, options.bias)
        self.body = nn.Sequential(_conv(channels, channels, options.bias), act, _conv(channels, channels, options.bias))

    def forward(self, parts: Parts, regions: tuple[int, int]) -> Parts:
        """Parts -> the same with other features."""
        gated = self.CA([part.holding(self.body(part.x)) for part in parts], regions)
        return [part.holding(new.x + part.x) for part, new in zip(parts, gated, strict=True)]


def _conv(channels: int, out: int, bias: bool = False) -> nn.Conv2d:
    return nn.Conv2d(channels, out, 3, padding=1, bias=bias)


def _blocks(channels: int, count: int, options: MPRNetOptions, act: nn.Module) -> nn.ModuleList:
    return nn.ModuleList(AttentionBlock(channels, options, act) for _ in range(count))


def _through(blocks: nn.ModuleList, parts: Parts, regions: tuple[int, int]) -> Parts:
    for block in blocks:
        parts = block(parts, regions)
    return parts


def _each(function: nn.Module, parts: Parts) -> Parts:
    return [part.holding(function(part.x)) for part in parts]


def _sum(*terms: Parts) -> Parts:
    return [group[0].holding(torch.stack([part.x for part in group]).sum(0)) for group in zip(*terms, strict=True)]


class _Resize(nn.Module):
    """Bilinear resizing and a change of channels, named as the authors name either direction."""

    def __init__(self, name: str, factor: float, channels: int, out: int) -> None:
        super().__init__()
        self.factor, self.name = factor, name
        # At index 1: the first step of the authors' sequence has no weights.
        self.add_module(name, nn.ModuleDict({"1": nn.Conv2d(channels, out, 1, bias=False)}))

    def forward(self, x: Tensor) -> Tensor:
        x = functional.interpolate(x, scale_factor=self.factor, mode="bilinear", align_corners=False)
        return getattr(self, self.name)["1"](x)


class Encoder(nn.Module):
    """Three levels; in the second stage each is told what the first stage saw there."""

    def __init__(self, options: MPRNetOptions, act: nn.Module, told: bool) -> None:
        super().__init__()
        widths = [options.width + level * options.growth for level in range(3)]
        self.encoder_level1, self.encoder_level2, self.encoder_level3 = (_blocks(w, 2, options, act) for w in widths)
        self.down12 = _Resize("down", 0.5, widths[0], widths[1])
        self.down23 = _Resize("down", 0.5, widths[1], widths[2])
        self.told = told
        if told:
            for level, channels in enumerate(widths, 1):
                self.add_module(f"csff_enc{level}", nn.Conv2d(channels, channels, 1, bias=options.bias))
                self.add_module(f"csff_dec{level}", nn.Conv2d(channels, channels, 1, bias=options.bias))

    def forward(
        self,
        parts: Parts,
        regions: tuple[int, int],
        encoded: list[Parts] | None = None,
        decoded: list[Parts] | None = None,
    ) -> list[Parts]:
        """Parts -> those of three levels."""
        levels = []
        for level, blocks in enumerate((self.encoder_level1, self.encoder_level2, self.encoder_level3), 1):
            if level > 1:
                parts = _each(self.down12 if level == 2 else self.down23, parts)
            parts = _through(blocks, parts, regions)
            if self.told and encoded is not None and decoded is not None:
                from_encoder = _each(getattr(self, f"csff_enc{level}"), encoded[level - 1])
                from_decoder = _each(getattr(self, f"csff_dec{level}"), decoded[level - 1])
                parts = _sum(parts, from_encoder, from_decoder)
            levels.append(parts)
        return levels


class Decoder(nn.Module):
    """Back up the three levels."""

    def __init__(self, options: MPRNetOptions, act: nn.Module) -> None:
        super().__init__()
        widths = [options.width + level * options.growth for level in range(3)]
        self.decoder_level1, self.decoder_level2, self.decoder_level3 = (_blocks(w, 2, options, act) for w in widths)
        self.skip_attn1 = AttentionBlock(widths[0], options, act)
        self.skip_attn2 = AttentionBlock(widths[1], options, act)
        self.up21 = _Resize("up", 2, widths[1], widths[0])
        self.up32 = _Resize("up", 2, widths[2], widths[1])

    def forward(self, levels: list[Parts], regions: tuple[int, int]) -> list[Parts]:
        """Parts of three levels -> parts of three levels."""
        third = _through(self.decoder_level3, levels[2], regions)
        second = _sum(_each(self.up32, third), self.skip_attn2(levels[1], regions))
        second = _through(self.decoder_level2, second, regions)
        first = _sum(_each(self.up21, second), self.skip_attn1(levels[0], regions))
        return [_through(self.decoder_level1, first, regions), second, third]


class OriginalResolutionBlock(nn.Module):
    """Attention blocks and a convolution around a residual."""

    def __init__(self, channels: int, options: MPRNetOptions, act: nn.Module) -> None:
        super().__init__()
        blocks = [AttentionBlock(channels, options, act) for _ in range(options.blocks)]
        self.body = nn.ModuleList([*blocks, _conv(channels, channels)])

    def forward(self, parts: Parts, regions: tuple[int, int]) -> Parts:
        """Parts -> the same with other features."""
        inner = parts
        for block in self.body[:-1]:
            inner = block(inner, regions)
        return _sum(_each(self.body[-1], inner), parts)


class OriginalResolutionNet(nn.Module):
    """The last stage: three blocks at full size, each told what the second stage saw at one of its levels."""

    def __init__(self, options: MPRNetOptions, act: nn.Module) -> None:
        super().__init__()
        width, growth, wide = options.width, options.growth, options.width + options.wider
        self.orb1, self.orb2, self.orb3 = (OriginalResolutionBlock(wide, options, act) for _ in range(3))
        for side in ("enc", "dec"):
            self.add_module(f"up_{side}1", _Resize("up", 2, width + growth, width))
            coarser = _Resize("up", 2, width + 2 * growth, width + growth)
            self.add_module(f"up_{side}2", nn.Sequential(coarser, _Resize("up", 2, width + growth, width)))
            for level in (1, 2, 3):
                self.add_module(f"conv_{side}{level}", nn.Conv2d(width, wide, 1, bias=options.bias))

    def forward(self, parts: Parts, encoded: list[Parts], decoded: list[Parts]) -> Parts:
        """Parts and those of three levels twice -> parts."""
        for level, block in enumerate((self.orb1, self.orb2, self.orb3), 1):
            parts = block(parts, (1, 1))
            for side, levels in (("enc", encoded), ("dec", decoded)):
                seen = levels[level - 1]
                if level > 1:
                    seen = _each(getattr(self, f"up_{side}{level - 1}"), seen)
                parts = _sum(parts, _each(getattr(self, f"conv_{side}{level}"), seen))
        return parts


class SupervisedAttention(nn.Module):
    """Lets through what the image restored so far supports, and hands that image on."""

    def __init__(self, options: MPRNetOptions) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(options.width, options.width, 1, bias=options.bias)
        self.conv2 = nn.Conv2d(options.width, options.colours, 1, bias=options.bias)
        self.conv3 = nn.Conv2d(options.colours, options.width, 1, bias=options.bias)

    def forward(self, x: Tensor, image: Tensor) -> tuple[Tensor, Tensor]:
        """Features (B, C, h, w) and image (B, 3, h, w) -> both, improved."""
        restored = self.conv2(x) + image
        return self.conv1(x) * torch.sigmoid(self.conv3(restored)) + x, restored


class _Shallow(nn.ModuleList):
    """A convolution and an attention block."""

    def __init__(self, options: MPRNetOptions, act: nn.Module) -> None:
        super().__init__(
            [_conv(options.colours, options.width, options.bias), AttentionBlock(options.width, options, act)]
        )

    def forward(self, parts: Parts, regions: tuple[int, int]) -> Parts:
        return self[1](_each(self[0], parts), regions)


class MPRNet(AsksWhole):
    """(B, 3, H, W) of 0 to 1 -> the same shape; H and W multiples of 8."""

    def __init__(self, options: MPRNetOptions) -> None:
        super().__init__()
        # One for all: the authors' state dicts repeat it under each name.
        act = nn.PReLU()
        self.shallow_feat1, self.shallow_feat2, self.shallow_feat3 = (_Shallow(options, act) for _ in range(3))
        self.stage1_encoder = Encoder(options, act, told=False)
        self.stage1_decoder = Decoder(options, act)
        self.stage2_encoder = Encoder(options, act, told=True)
        self.stage2_decoder = Decoder(options, act)
        self.stage3_orsnet = OriginalResolutionNet(options, act)
        self.sam12 = SupervisedAttention(options)
        self.sam23 = SupervisedAttention(options)
        self.concat12 = _conv(2 * options.width, options.width, options.bias)
        self.concat23 = _conv(2 * options.width, options.width + options.wider, options.bias)
        self.tail = _conv(options.width + options.wider, options.colours, options.bias)
        # Two U-Nets (two convolutions a block, four blocks and a skip at each level, resizing) and the last stage.
        unet = 10 * (1 + 2) + 8 * 4 + 8
        self.radius = 2 * unet + 3 * (2 * options.blocks + 1) + 3 * 3 + 8

    def restored(self, image: Tensor) -> tuple[Tensor, list[Tensor], list[Tensor]]:
        """The last stage's image, and those of the halves and quarters before it (for training, whole images only)."""
        lies = self.view.lies(image)
        quarters, halves, (whole,) = cut(image, lies, 2, 2), cut(image, lies, 2, 1), cut(image, lies, 1, 1)

        encoded = self.stage1_encoder(self.shallow_feat1(quarters, (2, 2)), (2, 2))
        encoded = [join(level, -1) for level in encoded]
        decoded = self.stage1_decoder(encoded, (2, 1))
        supported = [self.sam12(part.x, half.x) for part, half in zip(decoded[0], halves, strict=True)]

        shallow = self.shallow_feat2(halves, (2, 1))
        told = [part.holding(torch.cat([part.x, seen], 1)) for part, (seen, _) in zip(shallow, supported, strict=True)]
        encoded = self.stage2_encoder(_each(self.concat12, told), (2, 1), encoded, decoded)
        encoded = [join(level, -2) for level in encoded]
        decoded = self.stage2_decoder(encoded, (1, 1))
        seen, second = self.sam23(decoded[0][0].x, image)

        (shallow_whole,) = self.shallow_feat3([whole], (1, 1))
        told = [whole.holding(self.concat23(torch.cat([shallow_whole.x, seen], 1)))]
        last = self.stage3_orsnet(told, encoded, decoded)
        return self.tail(last[0].x) + image, [second], [restored for _, restored in supported]

    def forward(self, image: Tensor) -> Tensor:
        """See the class."""
        return self.restored(image)[0]
