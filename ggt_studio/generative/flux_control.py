"""FLUX.1 with a ControlNet that is shown the LQ photo's latents; the prompt is embedded once, and the text encoders are let go."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from ggt_studio.generative.flow import FlowModel, Shown, pack, unpack
from ggt_studio.generative.options import ControlNetOptions
from ggt_studio.providers.local import libraries


@dataclass(frozen=True, slots=True)
class ShownToFlux(Shown):
    """LQ tokens (B, n, 4 C)."""

    tokens: Tensor


@dataclass(frozen=True, slots=True)
class Prompt:
    """The embedded prompt: by T5 (1, t, d), and by CLIP as a whole (1, d)."""

    words: Tensor
    whole: Tensor


class FluxControl(FlowModel):
    """The base's parts and a ControlNet, new: it begins as a copy of the transformer's first blocks that changes nothing."""

    words: Tensor
    whole: Tensor

    def __init__(self, pipeline: Any, options: ControlNetOptions, prompt: Prompt) -> None:
        super().__init__(pipeline, options)
        self.requires_grad_(False).eval()
        self.controlnet: Any = _controlnet(self.transformer, options)
        self.controlnet.requires_grad_(True)
        self.register_buffer("words", prompt.words, persistent=False)
        self.register_buffer("whole", prompt.whole, persistent=False)

    def recompute(self) -> None:
        """As of `FlowModel`."""
        super().recompute()
        self.controlnet.enable_gradient_checkpointing()

    @property
    def learnt(self) -> nn.Module:
        """The ControlNet."""
        return self.controlnet

    def encode(self, photos: Tensor) -> Tensor:
        """As of `FlowModel`."""
        config = self.vae.config
        made = self.vae.encode(photos.to(self.vae.dtype) * 2 - 1).latent_dist.mode().float()
        return (made - config.shift_factor) * config.scaling_factor

    def decode(self, latents: Tensor) -> Tensor:
        """As of `FlowModel`."""
        config = self.vae.config
        wanted = (latents / config.scaling_factor + config.shift_factor).to(self.vae.dtype)
        return self.vae.decode(wanted, return_dict=False)[0].float() / 2 + 0.5

    def show(self, photos: Tensor) -> ShownToFlux:
        """As of `FlowModel`."""
        return ShownToFlux(pack(self.encode(photos)))

    def velocity(self, latents: Tensor, level: Tensor, shown: ShownToFlux) -> Tensor:
        """As of `FlowModel`."""
        count, _, height, width = latents.shape
        asked = {
            "hidden_states": pack(latents).to(self.dtype),
            "timestep": level.to(self.dtype),
            "pooled_projections": self.whole.to(latents.device, self.dtype).expand(count, -1),
            "encoder_hidden_states": self.words.to(latents.device, self.dtype).expand(count, -1, -1),
            "txt_ids": torch.zeros(self.words.shape[1], 3, device=latents.device, dtype=self.dtype),
            "img_ids": _places(height // 2, width // 2).to(latents.device, self.dtype),
            "return_dict": False,
        }
        guidance = torch.full((count,), self.options.guidance, device=latents.device)
        double, single = self.controlnet(
            controlnet_cond=shown.tokens.to(self.dtype),
            guidance=guidance if self.controlnet.config.guidance_embeds else None,
            **asked,
        )
        made = self.transformer(
            guidance=guidance if self.transformer.config.guidance_embeds else None,
            controlnet_block_samples=double,
            controlnet_single_block_samples=single,
            **asked,
        )[0]
        return unpack(made.float(), height, width)


def embed(pipeline: Any, options: ControlNetOptions, device: torch.device) -> Prompt:
    """The prompt, embedded by a pipeline's text encoders on a device; float32, in main memory."""
    for encoder in (pipeline.text_encoder, pipeline.text_encoder_2):
        encoder.to(device)
    with torch.no_grad():
        words, whole, _ = pipeline.encode_prompt(
            options.prompt, None, device=device, max_sequence_length=options.prompt_tokens
        )
    return Prompt(words.float().cpu(), whole.float().cpu())


def _controlnet(transformer: Any, options: ControlNetOptions) -> Any:
    # In half precision small steps would be lost.
    return (
        libraries.diffusers()
        .FluxControlNetModel.from_transformer(
            transformer,
            num_layers=min(options.double_blocks, transformer.config.num_layers),
            num_single_layers=min(options.single_blocks, transformer.config.num_single_layers),
            attention_head_dim=transformer.config.attention_head_dim,
            num_attention_heads=transformer.config.num_attention_heads,
        )
        .float()
    )


def _places(rows: int, columns: int) -> Tensor:
    """Where each token lies (n, 3), as the base counts: 0, row, column."""
    places = torch.zeros(rows, columns, 3)
    places[..., 1] = torch.arange(rows)[:, None]
    places[..., 2] = torch.arange(columns)[None, :]
    return places.reshape(rows * columns, 3)
