"""Tiny pipelines with random weights, saved as folders: the real diffusers classes, small enough for a processor."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import diffusers
import torch
from diffusers import (
    AutoencoderKLFlux2,
    AutoencoderKLQwenImage,
    FlowMatchEulerDiscreteScheduler,
    Flux2KleinPipeline,
    Flux2Pipeline,
    Flux2Transformer2DModel,
    QwenImageEditPlusPipeline,
)
from peft import LoraConfig
from peft.utils import get_peft_model_state_dict
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import (
    Mistral3Config,
    Mistral3ForConditionalGeneration,
    PixtralImageProcessor,
    PixtralProcessor,
    PreTrainedTokenizerFast,
    Qwen2Tokenizer,
    Qwen3Config,
    Qwen3ForCausalLM,
)

from ggt_studio.generative import tiny

_CHAT = (
    "{% for m in messages %}<|im_start|>{{ m['role'] }}\n"
    "{% if m['content'] is string %}{{ m['content'] }}{% else %}{% for c in m['content'] %}{{ c['text'] }}{% endfor %}{% endif %}"
    "<|im_end|>\n{% endfor %}"
)
_BYTES = sorted(pre_tokenizers.ByteLevel.alphabet())


def save(params: dict[str, Any]) -> dict[str, Any]:
    """Worker method: save the tiny pipeline of class `pipeline` in `folder`, and a LoRA for it in `lora` if that is given."""
    torch.manual_seed(0)
    folder = Path(params["folder"])
    _MAKERS[params["pipeline"]]().save_pretrained(folder)
    if params.get("lora"):
        _save_lora(folder, Path(params["lora"]))
    return {}


def _save_lora(pipeline_folder: Path, out: Path) -> None:
    """A LoRA of rank 2 for the attention of the transformer, strong enough to be seen in the picture."""
    pipelines = {
        "QwenImageTransformer2DModel": QwenImageEditPlusPipeline,
        "Flux2Transformer2DModel": Flux2KleinPipeline,
    }
    name = json.loads((pipeline_folder / "transformer" / "config.json").read_text())["_class_name"]
    transformer = getattr(diffusers, name).from_pretrained(pipeline_folder / "transformer")
    transformer.add_adapter(LoraConfig(r=2, lora_alpha=2, target_modules=["to_q", "to_k", "to_v", "to_out.0"]))
    torch.manual_seed(1)
    state = {key: torch.randn_like(value) for key, value in get_peft_model_state_dict(transformer).items()}
    pipelines[name].save_lora_weights(out.parent, transformer_lora_layers=state, weight_name=out.name)


def _qwen() -> QwenImageEditPlusPipeline:
    pipeline = tiny.qwen_edit()
    z_dim = pipeline.vae.config.z_dim
    vae = AutoencoderKLQwenImage(
        base_dim=2,
        z_dim=z_dim,
        # The pipeline encodes a million pixels whatever it is given; two halvings more than the real one make that bearable.
        dim_mult=[1, 1, 1, 1, 1, 1],
        num_res_blocks=1,
        temperal_downsample=[False, False, False, True, True],
        latents_mean=[0.0] * z_dim,
        latents_std=[1.0] * z_dim,
    )
    for name, parameter in vae.decoder.named_parameters():
        # With random biases the picture would be theirs, and hardly depend on the latents.
        if name.endswith("bias"):
            torch.nn.init.zeros_(parameter)
    pipeline.register_modules(vae=vae)
    return pipeline


def _flux2() -> Flux2Pipeline:
    tokenizer = _fast_tokenizer("<s>", "</s>", "[IMG]", "[IMG_BREAK]", "[IMG_END]", "<pad>")
    config = Mistral3Config(
        text_config={
            "model_type": "mistral",
            "vocab_size": len(tokenizer),
            "hidden_size": 16,
            "intermediate_size": 16,
            "num_attention_heads": 2,
            "num_key_value_heads": 2,
            "num_hidden_layers": 30,
            "max_position_embeddings": 2048,
            "sliding_window": None,
        },
        vision_config={
            "model_type": "pixtral",
            "hidden_size": 16,
            "num_hidden_layers": 1,
            "num_attention_heads": 2,
            "intermediate_size": 16,
            "image_size": 28,
            "patch_size": 14,
        },
        image_token_index=tokenizer.convert_tokens_to_ids("[IMG]"),
    )
    return Flux2Pipeline(
        scheduler=FlowMatchEulerDiscreteScheduler(use_dynamic_shifting=True),
        vae=_flux2_vae(),
        text_encoder=Mistral3ForConditionalGeneration(config),
        tokenizer=PixtralProcessor(PixtralImageProcessor(), tokenizer, patch_size=14, chat_template=_CHAT),
        transformer=_flux2_transformer(guidance_embeds=True),
    )


def _klein() -> Flux2KleinPipeline:
    tokenizer = Qwen2Tokenizer(vocab=_vocabulary(), merges=[], extra_special_tokens=["<|im_start|>", "<|im_end|>"])
    tokenizer.chat_template = _CHAT
    config = Qwen3Config(
        vocab_size=len(tokenizer),
        hidden_size=16,
        intermediate_size=16,
        num_hidden_layers=27,
        num_attention_heads=2,
        num_key_value_heads=2,
        head_dim=8,
        max_position_embeddings=1024,
    )
    return Flux2KleinPipeline(
        scheduler=FlowMatchEulerDiscreteScheduler(use_dynamic_shifting=True),
        vae=_flux2_vae(),
        text_encoder=Qwen3ForCausalLM(config),
        tokenizer=tokenizer,
        transformer=_flux2_transformer(guidance_embeds=False),
        is_distilled=True,
    )


def _flux2_vae() -> AutoencoderKLFlux2:
    return AutoencoderKLFlux2(
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        block_out_channels=(4, 4, 4, 4),
        layers_per_block=1,
        latent_channels=2,
        norm_num_groups=1,
        sample_size=64,
    )


def _flux2_transformer(*, guidance_embeds: bool) -> Flux2Transformer2DModel:
    return Flux2Transformer2DModel(
        patch_size=1,
        in_channels=8,
        num_layers=1,
        num_single_layers=1,
        attention_head_dim=16,
        num_attention_heads=2,
        joint_attention_dim=48,
        axes_dims_rope=(4, 4, 4, 4),
        guidance_embeds=guidance_embeds,
    )


def _vocabulary() -> dict[str, int]:
    return {text: number for number, text in enumerate([*_BYTES, "<|endoftext|>"])}


def _fast_tokenizer(*special: str) -> PreTrainedTokenizerFast:
    tokenizer = Tokenizer(models.BPE(vocab={text: n for n, text in enumerate(_BYTES)}, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token=special[0],
        eos_token=special[1],
        pad_token=special[-1],
        extra_special_tokens=list(special[2:-1]),
    )


_MAKERS: dict[str, Any] = {
    "QwenImageEditPlusPipeline": _qwen,
    "Flux2Pipeline": _flux2,
    "Flux2KleinPipeline": _klein,
}
