"""Qwen-Image-Edit with a LoRA: its language model sees the LQ photo and the prompt, its transformer the LQ photo's latents."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from ggt_studio.core.errors import StudioError
from ggt_studio.generative.flow import FlowModel, Shown, pack, unpack
from ggt_studio.generative.options import QWEN_LORA, LoraOptions

# What the base's pipeline shows its language model.
_SEEN_PIXELS = 384 * 384
_ADAPTER = "default"


@dataclass(frozen=True, slots=True)
class ShownToQwen(Shown):
    """LQ tokens (B, n, 4 C); the embedding of photo and prompt (B, t, d), and that of photo and empty prompt for guidance."""

    tokens: Tensor
    text: Tensor
    unguided: Tensor | None


class QwenEdit(FlowModel):
    """The base's parts and a new LoRA in its transformer. Raises StudioError where the LoRA's targets are not there."""

    def __init__(self, pipeline: Any, options: LoraOptions) -> None:
        super().__init__(pipeline, options)
        self.text_encoder: Any = pipeline.text_encoder
        self.requires_grad_(False).eval()
        self._learnt = [_add_lora(self.transformer, options)]

    @property
    def learnt(self) -> nn.Module:
        """The LoRA's own weights, by the names of `load_lora_weights`."""
        return self._learnt[0]

    def encode(self, photos: Tensor) -> Tensor:
        """As of `FlowModel`."""
        made = self.vae.encode(photos[:, :, None].to(self.vae.dtype) * 2 - 1).latent_dist.mode()[:, :, 0].float()
        mean, deviation = self._statistics(made)
        return (made - mean) / deviation

    def decode(self, latents: Tensor) -> Tensor:
        """As of `FlowModel`."""
        mean, deviation = self._statistics(latents)
        made = self.vae.decode((latents * deviation + mean)[:, :, None].to(self.vae.dtype), return_dict=False)[0]
        return made[:, :, 0].float() / 2 + 0.5

    def show(self, photos: Tensor) -> ShownToQwen:
        """As of `FlowModel`. The photos of a batch have one size, so that their prompts have one length."""
        seen = [self._small(photo) for photo in photos]
        guided = self.options.guidance > 1
        text = torch.cat([self._embed(self.options.prompt, image) for image in seen])
        # The base's publishers take a space for the empty prompt.
        unguided = torch.cat([self._embed(" ", image) for image in seen]) if guided else None
        return ShownToQwen(pack(self.encode(photos)), text, unguided)

    def velocity(self, latents: Tensor, level: Tensor, shown: ShownToQwen) -> Tensor:
        """As of `FlowModel`."""
        return self._ask(latents, level, shown.tokens, shown.text)

    def guided(self, latents: Tensor, level: Tensor, shown: ShownToQwen) -> Tensor:
        """With guidance as the base's pipeline does it: each token keeps the length that it has without."""
        asked = self.velocity(latents, level, shown)
        if shown.unguided is None:
            return asked
        height, width = latents.shape[-2:]
        asked, other = pack(asked), pack(self._ask(latents, level, shown.tokens, shown.unguided))
        mixed = other + self.options.guidance * (asked - other)
        return unpack(mixed * (asked.norm(dim=-1, keepdim=True) / mixed.norm(dim=-1, keepdim=True)), height, width)

    def _ask(self, latents: Tensor, level: Tensor, tokens: Tensor, text: Tensor) -> Tensor:
        height, width = latents.shape[-2:]
        noisy = pack(latents).to(self.dtype)
        shape = (1, height // 2, width // 2)
        made = self.transformer(
            hidden_states=torch.cat([noisy, tokens.to(self.dtype)], 1),
            timestep=level.to(self.dtype),
            encoder_hidden_states=text.to(self.dtype),
            encoder_hidden_states_mask=None,
            img_shapes=[[shape, shape]] * len(latents),
            return_dict=False,
        )[0]
        return unpack(made[:, : noisy.shape[1]].float(), height, width)

    def _embed(self, prompt: str, image: Image.Image) -> Tensor:
        return self.pipeline.encode_prompt(prompt, image=[image], device=self.device)[0]

    def _small(self, photo: Tensor) -> Image.Image:
        from diffusers.pipelines.qwenimage.pipeline_qwenimage_edit_plus import calculate_dimensions

        pixels = (photo.float().clamp(0, 1) * 255).round().byte().permute(1, 2, 0).cpu().numpy()
        width, height = calculate_dimensions(_SEEN_PIXELS, photo.shape[-1] / photo.shape[-2])
        small = max(32, int(width)), max(32, int(height))
        return self.pipeline.image_processor.resize(Image.fromarray(np.ascontiguousarray(pixels)), small[1], small[0])

    def _statistics(self, like: Tensor) -> tuple[Tensor, Tensor]:
        config = self.vae.config
        mean, deviation = (
            torch.tensor(values).to(like).view(1, -1, 1, 1) for values in (config.latents_mean, config.latents_std)
        )
        return mean, deviation


def lora_header(options: LoraOptions) -> dict[str, str]:
    """What diffusers reads in a LoRA's header, without which it takes alpha to be the rank."""
    told = {"r": options.rank, "lora_alpha": _alpha(options), "target_modules": list(options.targets)}
    values = {f"transformer.{name}": value for name, value in told.items()}
    return {"format": "pt", "lora_adapter_metadata": json.dumps(values, sort_keys=True)}


def _alpha(options: LoraOptions) -> float:
    return options.alpha or options.rank


def _add_lora(transformer: Any, options: LoraOptions) -> nn.Module:
    from peft import LoraConfig

    config = LoraConfig(
        r=options.rank,
        lora_alpha=_alpha(options),  # type: ignore[arg-type] - peft scales by it as by any number
        target_modules=list(options.targets),
    )
    try:
        transformer.add_adapter(config, adapter_name=_ADAPTER)
    except ValueError as error:
        raise StudioError(
            f"A {QWEN_LORA} cannot be put on {', '.join(options.targets)}: {str(error).splitlines()[0]}"
        ) from error
    names = {
        f"transformer.{name.replace(f'.{_ADAPTER}.', '.')}": parameter
        for name, parameter in transformer.named_parameters()
        if ".lora_" in name
    }
    for parameter in names.values():
        # Small steps are lost in half precision.
        parameter.data = parameter.data.float()
        parameter.requires_grad_(True)
    return _by_names(names)


def _by_names(parameters: Mapping[str, nn.Parameter]) -> nn.Module:
    """A module that holds these very parameters under these names."""
    root = nn.Module()
    for name, parameter in parameters.items():
        *path, leaf = name.split(".")
        place = root
        for part in path:
            if part not in dict(place.named_children()):
                place.add_module(part, nn.Module())
            place = place.get_submodule(part)
        place.register_parameter(leaf, parameter)
    return root
