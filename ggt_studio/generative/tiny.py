"""Base models with a few thousand random weights: the real classes of diffusers, small enough to be trained in on any machine."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import torch

from ggt_studio.generative.bases import Base, inspect_base
from ggt_studio.generative.options import FLUX_CONTROLNET, GENERATIVE, QWEN_LORA
from ggt_studio.providers.local import libraries

_CHAT = (
    "{% for m in messages %}<|im_start|>{{ m['role'] }}\n"
    "{% if m['content'] is string %}{{ m['content'] }}{% else %}{% for c in m['content'] %}{{ c['text'] }}{% endfor %}{% endif %}"
    "<|im_end|>\n{% endfor %}"
)


def write_tiny_base(params: dict[str, Any]) -> dict[str, str]:
    """Worker method: write the tiny base model of a `network` into `folder`; its `Base` as JSON values."""
    folder, network = Path(params["folder"]), str(params["network"])
    torch.manual_seed(0)
    {QWEN_LORA: qwen_edit, FLUX_CONTROLNET: flux}[network]().save_pretrained(folder)
    found = inspect_base(folder, network)
    return Base(str(folder), GENERATIVE[network].pipeline, found.fingerprint).to_json()


def qwen_edit() -> Any:
    """A tiny `QwenImageEditPlusPipeline`."""
    diffusers, transformers = _libraries()

    tokens = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|vision_start|>", "<|vision_end|>", "<|image_pad|>"]
    tokens += ["<|video_pad|>"]
    tokenizer = transformers.Qwen2Tokenizer(vocab=_vocabulary(), merges=[], extra_special_tokens=tokens[1:])
    ids = dict(zip(tokens, tokenizer.convert_tokens_to_ids(tokens), strict=True))
    config = transformers.Qwen2_5_VLConfig(
        text_config={
            "vocab_size": len(tokenizer),
            "hidden_size": 16,
            "intermediate_size": 16,
            "num_hidden_layers": 2,
            "num_attention_heads": 2,
            "num_key_value_heads": 2,
            "max_position_embeddings": 2048,
            "bos_token_id": None,
            "eos_token_id": None,
            "rope_scaling": {"mrope_section": [1, 1, 2], "rope_type": "default", "type": "default"},
        },
        vision_config={
            "depth": 1,
            "hidden_size": 16,
            "intermediate_size": 16,
            "num_heads": 2,
            "out_hidden_size": 16,
            "fullatt_block_indexes": [0],
        },
        image_token_id=ids["<|image_pad|>"],
        video_token_id=ids["<|video_pad|>"],
        vision_start_token_id=ids["<|vision_start|>"],
        vision_end_token_id=ids["<|vision_end|>"],
    )
    z_dim = 4
    vae = diffusers.AutoencoderKLQwenImage(
        base_dim=2,
        z_dim=z_dim,
        dim_mult=[1, 1, 1, 1],
        num_res_blocks=1,
        temperal_downsample=[False, True, True],
        latents_mean=[0.0] * z_dim,
        latents_std=[1.0] * z_dim,
    )
    return diffusers.QwenImageEditPlusPipeline(
        scheduler=diffusers.FlowMatchEulerDiscreteScheduler(use_dynamic_shifting=True),
        vae=vae,
        text_encoder=transformers.Qwen2_5_VLForConditionalGeneration(config),
        tokenizer=tokenizer,
        processor=transformers.Qwen2VLProcessor(
            transformers.Qwen2VLImageProcessor(), tokenizer, transformers.Qwen2VLVideoProcessor(), chat_template=_CHAT
        ),
        transformer=diffusers.QwenImageTransformer2DModel(
            patch_size=2,
            in_channels=z_dim * 4,
            out_channels=z_dim,
            num_layers=1,
            attention_head_dim=16,
            num_attention_heads=3,
            joint_attention_dim=16,
            axes_dims_rope=(8, 4, 4),
            zero_cond_t=True,
        ),
    )


def flux() -> Any:
    """A tiny `FluxPipeline`, guided as FLUX.1-dev is."""
    diffusers, transformers = _libraries()

    pieces = {"<|startoftext|>": 0, "<|endoftext|>": 1}
    letters = [*_bytes(), *(f"{byte}</w>" for byte in _bytes())]
    pieces |= {letter: number for number, letter in enumerate(letters, 2)}
    words = transformers.CLIPTokenizer(vocab=pieces, merges=[], model_max_length=77)
    clip = transformers.CLIPTextConfig(
        vocab_size=len(pieces),
        hidden_size=16,
        intermediate_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        bos_token_id=0,
        eos_token_id=1,
    )
    unigrams = [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), ("▁", -1.0)]
    unigrams += [(chr(number), -2.0) for number in range(33, 127)]
    sentence = transformers.T5Tokenizer(vocab=unigrams, extra_ids=0)
    t5 = transformers.T5Config(
        vocab_size=len(sentence) + 8, d_model=16, d_kv=8, d_ff=16, num_layers=1, num_heads=2, is_encoder_decoder=False
    )
    vae = diffusers.AutoencoderKL(
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        block_out_channels=(4, 4, 4, 4),
        layers_per_block=1,
        latent_channels=4,
        norm_num_groups=1,
        sample_size=64,
        scaling_factor=0.3611,
        shift_factor=0.1159,
        use_quant_conv=False,
        use_post_quant_conv=False,
    )
    return diffusers.FluxPipeline(
        scheduler=diffusers.FlowMatchEulerDiscreteScheduler(use_dynamic_shifting=True),
        vae=vae,
        text_encoder=transformers.CLIPTextModel(clip),
        tokenizer=words,
        text_encoder_2=transformers.T5EncoderModel(t5),
        tokenizer_2=sentence,
        transformer=diffusers.FluxTransformer2DModel(
            patch_size=1,
            in_channels=16,
            num_layers=2,
            num_single_layers=1,
            attention_head_dim=16,
            num_attention_heads=2,
            joint_attention_dim=16,
            pooled_projection_dim=16,
            guidance_embeds=True,
            axes_dims_rope=(4, 6, 6),
        ),
    )


def _libraries() -> tuple[Any, Any]:
    return libraries.diffusers(), importlib.import_module("transformers")


def _bytes() -> list[str]:
    pre_tokenizers: Any = importlib.import_module("tokenizers.pre_tokenizers")
    return sorted(pre_tokenizers.ByteLevel.alphabet())


def _vocabulary() -> dict[str, int]:
    return {text: number for number, text in enumerate([*_bytes(), "<|endoftext|>"])}
