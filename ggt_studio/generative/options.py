"""What is trained into which generative model, and how it is asked, as data. Light, for every process."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ggt_studio.core.errors import StudioError

PROMPT = "Restore this photo: remove its degradation and keep everything else as it is."
QWEN_LORA, FLUX_CONTROLNET = "Qwen-Image-Edit LoRA", "FLUX ControlNet"

Steps = Annotated[int, Field(ge=1, le=1000)]


class GenerativeOptions(BaseModel):
    """What both have: how the model is asked, and how noise levels are drawn.

    `prompt` is the same for all photos. `timesteps`: noise levels of training are uniform in 0 to 1, or the logistic function of
    numbers of a normal distribution of `logit_mean` and `logit_std` (arXiv 2403.03206); `shift`: moved towards noise as much as the
    model's scheduler does for pictures of that size. `restore_steps` and `validation_steps`: passes through the model for a
    photo. `base` `tiny`: where no model is chosen, one of a few thousand
    random weights is made, which shows that all works and restores nothing.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    prompt: str = Field(default=PROMPT, min_length=1, max_length=2000)
    guidance: float = Field(default=1.0, ge=0, le=100)
    timesteps: Literal["uniform", "logit-normal"] = "logit-normal"
    logit_mean: float = Field(default=0.0, ge=-10, le=10)
    logit_std: float = Field(default=1.0, gt=0, le=10)
    shift: bool = False
    restore_steps: Steps = 28
    validation_steps: Steps = 8
    base: Literal["", "tiny"] = ""


class LoraOptions(GenerativeOptions):
    """A LoRA (arXiv 2106.09685) of Qwen-Image-Edit's transformer.

    `alpha` 0: as `rank`. `targets`: the linear layers that get one, as the ends of their names. `guidance` above 1 is guidance without
    a classifier, against an empty prompt, which doubles the work.
    """

    rank: int = Field(default=8, ge=1, le=1024)
    alpha: float = Field(default=0.0, ge=0, le=4096)
    targets: tuple[str, ...] = Field(default=("to_q", "to_k", "to_v", "to_out.0"), min_length=1)
    restore_steps: Steps = 40


class ControlNetOptions(GenerativeOptions):
    """A ControlNet (arXiv 2302.05543) of FLUX.1: a copy of its first `double_blocks` and `single_blocks`, shown the LQ photo.

    `guidance` is the number that the distilled model is told. `prompt_tokens`: length that the prompt is filled up to.
    """

    guidance: float = Field(default=3.5, ge=0, le=100)
    double_blocks: int = Field(default=4, ge=0, le=64)
    single_blocks: int = Field(default=0, ge=0, le=128)
    prompt_tokens: int = Field(default=512, ge=16, le=512)


@dataclass(frozen=True, slots=True)
class GenerativeKind:
    """One way of training: the class of the base model's pipeline in diffusers, its name for people, and the options."""

    pipeline: str
    base: str
    options: type[GenerativeOptions]
    multiple: int
    """Sides that it takes are multiples of so many px."""


GENERATIVE = {
    QWEN_LORA: GenerativeKind("QwenImageEditPlusPipeline", "Qwen-Image-Edit-2511", LoraOptions, 16),
    FLUX_CONTROLNET: GenerativeKind("FluxPipeline", "FLUX.1-dev", ControlNetOptions, 16),
}
"""By the name that recipes use as their network."""


def parse_options(network: str, values: dict[str, Any], whose: str) -> GenerativeOptions:
    """The options of a generative network. Raises StudioError, naming what does not fit; `whose` says where they stand."""
    try:
        options = GENERATIVE[network].options.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "it"
        raise StudioError(f"{whose}: the options of a {network} do not fit: {where}: {first['msg']}.") from error
    if isinstance(options, ControlNetOptions) and not options.double_blocks + options.single_blocks:
        raise StudioError(f"{whose}: a ControlNet needs at least one double or single block.")
    return options
