"""CLIP's image encoder (Radford et al., ICML 2021), and DA-CLIP's (Luo et al., ICLR 2024), which a copy of it controls.

The copy sees the same photo. After each of its layers a linear one, zero before training, tells what to add in the encoder that
it was copied from, as ControlNet does; of the copy itself comes the embedding of the degradation.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor, nn
from torch.nn import functional

from ggt_studio.restorers.networks.shapes import StateDict, columns, length, rows

# Of a head of attention, in all that OpenCLIP has trained.
_HEAD = 64
# Of the photos that CLIP was trained with, by channel.
_MEAN = (0.48145466, 0.4578275, 0.40821073)
_DEVIATION = (0.26862954, 0.26130258, 0.27577711)
_LONGEST = 4


@dataclass(frozen=True, slots=True)
class EncoderOptions:
    """A vision transformer: photos of `side` px, patches of `patch` px, `layers` of `width`, embeddings of `embedding` numbers."""

    side: int = 224
    patch: int = 32
    width: int = 768
    layers: int = 12
    inner: int = 3072
    embedding: int = 512

    @classmethod
    def of(cls, weights: StateDict, prefix: str) -> Self:
        """The options that the encoder under `prefix` in a state dict was trained with."""
        patch = weights[f"{prefix}.conv1.weight"].shape[-1]
        return cls(
            side=patch * math.isqrt(rows(weights, f"{prefix}.positional_embedding") - 1),
            patch=patch,
            width=rows(weights, f"{prefix}.conv1.weight"),
            layers=length(weights, f"{prefix}.transformer.resblocks"),
            inner=rows(weights, f"{prefix}.transformer.resblocks.0.mlp.c_fc.weight"),
            embedding=columns(weights, f"{prefix}.proj"),
        )


class ImageEncoder(nn.Module):
    """A photo as `as_seen` gives it -> its embedding (B, E), and what each layer tells another encoder, if it is a controller.

    Raises ValueError for a width that does not divide into heads.
    """

    def __init__(self, options: EncoderOptions, controls: bool = False) -> None:
        super().__init__()
        width = options.width
        if width % _HEAD:
            raise ValueError(f"an encoder of width {width} has no whole number of heads of {_HEAD}")
        places = (options.side // options.patch) ** 2 + 1
        self.side = options.side
        self.conv1 = nn.Conv2d(3, width, options.patch, options.patch, bias=False)
        self.class_embedding = nn.Parameter(torch.randn(width) * width**-0.5)
        self.positional_embedding = nn.Parameter(torch.randn(places, width) * width**-0.5)
        self.ln_pre = nn.LayerNorm(width)
        self.transformer = _Controller(options) if controls else _Layers(options)
        self.ln_post = nn.LayerNorm(width)
        self.proj = nn.Parameter(torch.randn(width, options.embedding) * width**-0.5)

    def forward(self, photo: Tensor, control: Sequence[Tensor] = ()) -> tuple[Tensor, list[Tensor]]:
        """(B, 3, side, side) -> see the class. `control`: what a controller's layers told, in their order."""
        patches = self.conv1(photo).flatten(2).transpose(1, 2)
        first = self.class_embedding.expand(len(photo), 1, -1)
        tokens = self.ln_pre(torch.cat([first, patches], 1) + self.positional_embedding)
        tokens, told = self.transformer(tokens, control)
        return self.ln_post(tokens[:, 0]) @ self.proj, told


class _Layer(nn.Module):
    def __init__(self, options: EncoderOptions) -> None:
        super().__init__()
        width, inner = options.width, options.inner
        self.ln_1 = nn.LayerNorm(width)
        self.attn = nn.MultiheadAttention(width, width // _HEAD, batch_first=True)
        self.ln_2 = nn.LayerNorm(width)
        self.mlp = nn.ModuleDict({"c_fc": nn.Linear(width, inner), "c_proj": nn.Linear(inner, width)})

    def forward(self, x: Tensor) -> Tensor:
        given = self.ln_1(x)
        x = x + self.attn(given, given, given, need_weights=False)[0]
        return x + self.mlp["c_proj"](functional.gelu(self.mlp["c_fc"](self.ln_2(x))))


class _Layers(nn.Module):
    def __init__(self, options: EncoderOptions) -> None:
        super().__init__()
        self.resblocks = nn.ModuleList(_Layer(options) for _ in range(options.layers))

    def forward(self, x: Tensor, control: Sequence[Tensor]) -> tuple[Tensor, list[Tensor]]:
        # The controller's last layer speaks to the first one here: the authors take what it told from the end.
        for number, layer in enumerate(self.resblocks):
            x = layer(x)
            if control:
                x = x + control[-1 - number]
        return x, []


class _Controller(nn.Module):
    def __init__(self, options: EncoderOptions) -> None:
        super().__init__()
        self.transformer = _Layers(options)
        self.zero_modules = nn.ModuleList(nn.Linear(options.width, options.width) for _ in range(options.layers))

    def forward(self, x: Tensor, _control: Sequence[Tensor]) -> tuple[Tensor, list[Tensor]]:
        told = []
        for layer, tell in zip(self.transformer.resblocks, self.zero_modules, strict=True):
            x = layer(x)
            told.append(tell(x))
        return x, told


def as_seen(photo: Tensor, side: int) -> Tensor:
    """A photo (B, 3, H, W) of 0 to 1 as CLIP is shown it: scaled, its middle `side` x `side` px, by CLIP's mean and deviation; float32."""
    # Of a panorama first what is near its middle: all of a very long one would be scaled beyond any memory.
    photo = _middle(photo, *(min(length, _LONGEST * min(photo.shape[-2:])) for length in photo.shape[-2:]))
    height, width = photo.shape[-2:]
    size = (side * height // min(height, width), side * width // min(height, width))
    small = functional.interpolate(photo.float(), size, mode="bicubic", antialias=True).clamp(0, 1)
    mean, deviation = (small.new_tensor(values)[:, None, None] for values in (_MEAN, _DEVIATION))
    return (_middle(small, side, side) - mean) / deviation


def _middle(image: Tensor, height: int, width: int) -> Tensor:
    top, left = (round((length - cut) / 2) for length, cut in zip(image.shape[-2:], (height, width), strict=True))
    return image[..., top : top + height, left : left + width]
