"""The pipelines that are understood, as data: what they consist of, how they are asked, which sizes they take."""

from __future__ import annotations

from dataclasses import dataclass

from ggt_studio.core.canvas import SizeRule


@dataclass(frozen=True, slots=True)
class Family:
    """One pipeline class of diffusers.

    `weights` are its components with weights, `others` those without; `guidance_name` the argument that takes the guidance
    scale, and `negative_prompt` what goes with it where guidance needs a second prompt. `steps` and `guidance` are what the
    publishers of its models recommend. `sizes` is what it takes; what it gives back shows all that it was given, at that size, or
    at about `output_pixels` px (sides multiples of 32) where that is set.
    """

    pipeline: str
    weights: tuple[str, ...]
    others: tuple[str, ...]
    guidance_name: str
    negative_prompt: str | None
    steps: int
    guidance: float
    sizes: SizeRule
    output_pixels: int | None = None


# A larger image would be made smaller, and one between the multiples cropped, by the pipeline itself.
_FLUX2_SIZES = SizeRule(multiple_of=16, min_side=64, max_pixels=1024 * 1024, max_aspect=8.0)

FAMILIES = {
    family.pipeline: family
    for family in (
        Family(
            pipeline="QwenImageEditPlusPipeline",
            weights=("transformer", "text_encoder", "vae"),
            others=("scheduler", "tokenizer", "processor"),
            guidance_name="true_cfg_scale",
            # Guidance is only done against a second prompt; a space is the empty one.
            negative_prompt=" ",
            steps=40,
            guidance=4.0,
            sizes=SizeRule(max_aspect=8.0),
            output_pixels=1024 * 1024,
        ),
        Family(
            pipeline="Flux2Pipeline",
            weights=("transformer", "text_encoder", "vae"),
            others=("scheduler", "tokenizer"),
            guidance_name="guidance_scale",
            negative_prompt=None,
            steps=50,
            guidance=4.0,
            sizes=_FLUX2_SIZES,
        ),
        Family(
            pipeline="Flux2KleinPipeline",
            weights=("transformer", "text_encoder", "vae"),
            others=("scheduler", "tokenizer"),
            guidance_name="guidance_scale",
            negative_prompt=None,
            steps=4,
            guidance=1.0,
            sizes=_FLUX2_SIZES,
        ),
    )
}
