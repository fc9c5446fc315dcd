"""PromptIR (Potlapalli et al., NeurIPS 2023): a Restormer whose decoder is steered by prompts that it picks by what it sees."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor, nn
from torch.nn import functional

from ggt_studio.restorers.networks.restormer import (
    ChannelAttention,
    ChannelNorm,
    Double,
    Embedding,
    GatedFeedForward,
    Halve,
)
from ggt_studio.restorers.networks.shapes import StateDict, columns, length, rows
from ggt_studio.restorers.whole import AsksWhole


@dataclass(frozen=True, slots=True)
class PromptIROptions:
    """Widths and depths. `prompts`: (channels, count, side in px) of the prompts at 1/2, 1/4 and 1/8 of the size."""

    colours: int = 3
    width: int = 48
    blocks: tuple[int, ...] = (4, 6, 6, 8)
    refinement: int = 4
    heads: tuple[int, ...] = (1, 2, 4, 8)
    expansion: float = 2.66
    bias: bool = False
    norm_bias: bool = True
    prompts: tuple[tuple[int, int, int], ...] = ((64, 5, 64), (128, 5, 32), (320, 5, 16))

    @classmethod
    def of(cls, weights: StateDict) -> Self:
        """The options that a state dict was trained with."""
        width = rows(weights, "patch_embed.proj.weight")
        levels = ("encoder_level1", "encoder_level2", "encoder_level3", "latent")
        hidden = columns(weights, "encoder_level1.0.ffn.project_out.weight")
        prompts = (weights[f"prompt{number}.prompt_param"].shape for number in (1, 2, 3))
        return cls(
            colours=columns(weights, "patch_embed.proj.weight"),
            width=width,
            blocks=tuple(length(weights, level) for level in levels),
            refinement=length(weights, "refinement"),
            heads=tuple(rows(weights, f"{level}.0.attn.temperature") for level in levels),
            # int(width * 2.66) is 127 for 48; other widths of the same network follow from the factor, not from the quotient.
            expansion=2.66 if hidden == int(width * 2.66) else hidden / width,
            bias="encoder_level1.0.attn.qkv.bias" in weights,
            norm_bias="encoder_level1.0.norm1.body.bias" in weights,
            prompts=tuple((shape[2], shape[1], shape[3]) for shape in prompts),
        )


class PromptIR(nn.Module):
    """(B, 3, H, W) of 0 to 1 -> the same shape; H and W multiples of 8."""

    # In released checkpoints, but without a part in the computation.
    UNUSED = ("chnl_reduce", "reduce_noise_channel_")

    def __init__(self, options: PromptIROptions) -> None:
        super().__init__()
        width, bias = options.width, options.bias
        one, two, three, four = (width << level for level in range(4))
        prompts = options.prompts

        def block(channels: int, heads: int) -> TransformerBlock:
            hidden = int(channels * options.expansion)
            return TransformerBlock(channels, heads, hidden, bias, options.norm_bias)

        def level(number: int, channels: int, count: int = 0) -> nn.Sequential:
            return nn.Sequential(
                *(block(channels, options.heads[number]) for _ in range(count or options.blocks[number]))
            )

        def fuse(channels: int, out: int) -> nn.Conv2d:
            return nn.Conv2d(channels, out, 1, bias=bias)

        self.patch_embed = Embedding(options.colours, width)
        self.encoder_level1 = level(0, one)
        self.down1_2 = Halve(one)
        self.encoder_level2 = level(1, two)
        self.down2_3 = Halve(two)
        self.encoder_level3 = level(2, three)
        self.down3_4 = Halve(three)
        self.latent = level(3, four)

        self.prompt3 = Prompt(four, *prompts[2])
        self.noise_level3 = block(four + prompts[2][0], options.heads[2])
        self.reduce_noise_level3 = fuse(four + prompts[2][0], three)
        self.up4_3 = Double(three)
        self.reduce_chan_level3 = fuse(two + three, three)
        self.decoder_level3 = level(2, three)

        self.prompt2 = Prompt(three, *prompts[1])
        self.noise_level2 = block(three + prompts[1][0], options.heads[2])
        self.reduce_noise_level2 = fuse(three + prompts[1][0], three)
        self.up3_2 = Double(three)
        self.reduce_chan_level2 = fuse(two + two, two)
        self.decoder_level2 = level(1, two)

        self.prompt1 = Prompt(two, *prompts[0])
        self.noise_level1 = block(two + prompts[0][0], options.heads[2])
        self.reduce_noise_level1 = fuse(two + prompts[0][0], two)
        self.up2_1 = Double(two)
        self.decoder_level1 = level(0, two)
        self.refinement = level(0, two, options.refinement)
        self.output = nn.Conv2d(two, options.colours, 3, padding=1, bias=bias)
        counts = options.blocks
        # Two 3 x 3 convolutions a block, counted at each level's scale; each prompt brings a block of its own.
        self.radius = 2 * (
            (2 * counts[0] + options.refinement)
            + 2 * (2 * counts[1] + 1)
            + 4 * (2 * counts[2] + 1)
            + 8 * (counts[3] + 1)
        ) + 2 * (1 + 2 + 4 + 8)

    def forward(self, image: Tensor) -> Tensor:
        """See the class."""
        first = self.encoder_level1(self.patch_embed(image))
        second = self.encoder_level2(self.down1_2(first))
        third = self.encoder_level3(self.down2_3(second))
        x = self.latent(self.down3_4(third))

        x = self.reduce_noise_level3(self.noise_level3(torch.cat([x, self.prompt3(x)], 1)))
        x = self.decoder_level3(self.reduce_chan_level3(torch.cat([self.up4_3(x), third], 1)))
        del third
        x = self.reduce_noise_level2(self.noise_level2(torch.cat([x, self.prompt2(x)], 1)))
        x = self.decoder_level2(self.reduce_chan_level2(torch.cat([self.up3_2(x), second], 1)))
        del second
        x = self.reduce_noise_level1(self.noise_level1(torch.cat([x, self.prompt1(x)], 1)))
        x = torch.cat([self.up2_1(x), first], 1)
        del first
        return self.output(self.refinement(self.decoder_level1(x))) + image


class TransformerBlock(nn.Module):
    """Channel attention and feed-forward, each around a residual."""

    def __init__(self, channels: int, heads: int, hidden: int, bias: bool, norm_bias: bool) -> None:
        super().__init__()
        self.norm1 = ChannelNorm(channels, norm_bias)
        self.attn = ChannelAttention(channels, heads, bias)
        self.norm2 = ChannelNorm(channels, norm_bias)
        self.ffn = GatedFeedForward(channels, hidden, bias)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, h, w) -> the same shape."""
        x = x + self.attn(self.norm1(x))
        return x + self.ffn(self.norm2(x))


class Prompt(AsksWhole):
    """Learned maps, mixed by the mean of the features and stretched over the whole image."""

    def __init__(self, features: int, channels: int, count: int, side: int) -> None:
        super().__init__()
        self.prompt_param = nn.Parameter(torch.rand(1, count, channels, side, side))
        self.linear_layer = nn.Linear(features, count)
        self.conv3x3 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """(B, features, h, w) -> (B, channels, h, w)."""
        weights = self.linear_layer(self.mean(x).flatten(1)).softmax(1)
        mixed = torch.einsum("bn,nchw->bchw", weights, self.prompt_param[0])
        return self.conv3x3(self._stretch(mixed, x))

    def _stretch(self, mixed: Tensor, x: Tensor) -> Tensor:
        """The part of the stretched prompt that lies under `x`."""
        lies = self.view.lies(x)
        height, width = x.shape[-2:]
        if (lies.height, lies.width) == (height, width):
            return functional.interpolate(mixed, (height, width), mode="bilinear")
        down = (torch.arange(height, device=x.device, dtype=torch.float32) + lies.top + 0.5) / lies.height * 2 - 1
        across = (torch.arange(width, device=x.device, dtype=torch.float32) + lies.left + 0.5) / lies.width * 2 - 1
        places = torch.stack(torch.meshgrid(across, down, indexing="xy"), -1)[None].expand(len(mixed), -1, -1, -1)
        sampled = functional.grid_sample(
            mixed.float(), places, mode="bilinear", padding_mode="border", align_corners=False
        )
        return sampled.to(x.dtype)
