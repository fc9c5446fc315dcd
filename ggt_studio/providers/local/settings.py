"""The settings of a local model: all that determines its output beside the request, and what to try when memory runs out."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Literal, get_args

from ggt_studio.core.errors import StudioError

Dtype = Literal["auto", "bf16", "fp16", "fp32"]
Offload = Literal["none", "model", "group", "sequential"]
Quantisation = Literal["none", "int8", "nf4"]

OFFLOADS: dict[Quantisation, tuple[Offload, ...]] = {
    "none": ("none", "model", "group", "sequential"),
    "int8": ("none", "model", "group"),
    "nf4": ("none", "model"),
}
"""The ways of offloading that work with each quantisation, from the quickest to the one that needs the least GPU memory."""


@dataclass(frozen=True, slots=True)
class LocalSettings:
    """What a local model runs with; goes into a recipe's options as JSON.

    - `model`: a folder in the layout of diffusers, or a hub id of which a copy is in the hub's cache on this machine;
      `fingerprint` (from `inspect_folder`) makes sure that it is still the same one, where given.
    - `dtype`: `auto` is bfloat16 on a GPU that has it, float16 on another one and float32 without a GPU.
    - `offload`: what waits in main memory while it is not needed: nothing; whole components; layers, fetched ahead; layers.
      It changes speed, not pictures.
    - `quantisation` of transformer and text encoder: `int8` (torchao, weights only), `nf4` (bitsandbytes, needs a CUDA GPU).
    - `steps` and `guidance`: 0 and None are what the family recommends.
    - `lora`: a `.safetensors` file, at strength `lora_scale`; `lora_sha256` makes sure of its content, where given.
    - `device`: `auto`, `cpu`, `cuda`, `cuda:1`, `mps`.

    Raises StudioError for values that cannot be.
    """

    model: str
    fingerprint: str = ""
    dtype: Dtype = "auto"
    offload: Offload = "none"
    quantisation: Quantisation = "none"
    steps: int = 0
    guidance: float | None = None
    lora: str = ""
    lora_sha256: str = ""
    lora_scale: float = 1.0
    device: str = "auto"

    def __post_init__(self) -> None:
        if not isinstance(self.model, str) or not self.model.strip():
            raise StudioError("The local model has no folder. Choose the folder that it was downloaded to.")
        for name, choices in (("dtype", Dtype), ("offload", Offload), ("quantisation", Quantisation)):
            if getattr(self, name) not in get_args(choices):
                raise StudioError(f"{name} is {getattr(self, name)!r}; it can be {', '.join(get_args(choices))}.")
        if self.offload not in OFFLOADS[self.quantisation]:
            able = ", ".join(OFFLOADS[self.quantisation])
            raise StudioError(
                f"{self.quantisation} quantisation does not go with {self.offload} offload; it goes with {able}."
            )
        if type(self.steps) is not int or not 0 <= self.steps <= 1000:
            raise StudioError(f"steps is {self.steps!r}; it is a whole number from 1 to 1000, or 0 for the usual ones.")
        for name in ("guidance", "lora_scale"):
            value = getattr(self, name)
            if value is not None and (
                not isinstance(value, int | float) or not math.isfinite(value) or abs(value) > 100
            ):
                raise StudioError(f"{name} is {value!r}; it is a number up to 100.")
        if self.lora and not self.lora.endswith(".safetensors"):
            raise StudioError(
                f"The LoRA {self.lora} is no .safetensors file; other formats can hold code and are not read."
            )

    def as_options(self) -> dict[str, Any]:
        """The settings as a recipe's generator options: JSON, without what stands at its default."""
        return {
            f.name: getattr(self, f.name)
            for f in fields(self)
            if f.name == "model" or getattr(self, f.name) != f.default
        }

    @classmethod
    def from_options(cls, options: dict[str, Any]) -> LocalSettings:
        """The settings that a recipe holds. Raises StudioError for what is not understood."""
        unknown = sorted(set(options) - {f.name for f in fields(cls)})
        if unknown:
            raise StudioError(f"The options of a local model have no {', '.join(unknown)}.")
        return cls(**{"model": "", **options})

    def cheaper(self) -> LocalSettings | None:
        """The next settings that need less GPU memory and give the same picture; None where there are none.

        Quantisation is never changed: that would change the pictures of a run in its midst.
        """
        ways = OFFLOADS[self.quantisation]
        place = ways.index(self.offload) + 1
        return replace(self, offload=ways[place]) if place < len(ways) else None

    def as_params(self) -> dict[str, Any]:
        """All settings, for the worker."""
        return asdict(self)
