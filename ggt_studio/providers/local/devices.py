"""What there is to compute with, asked of torch. Runs in the worker."""

from __future__ import annotations

from typing import Any

from ggt_studio.core.errors import StudioError
from ggt_studio.providers.local import libraries
from ggt_studio.providers.local.settings import Dtype


def describe_machine(_params: dict[str, Any]) -> dict[str, Any]:
    """Worker method: `gpus` (fields of `proposal.Gpu`), `free_memory_bytes`, `quantisations`.

    What a model that is loaded here takes up counts as free: it goes when another one comes. Raises MlExtraMissing.
    """
    torch = libraries.torch()
    gpus = []
    if torch.cuda.is_available():
        for number in range(torch.cuda.device_count()):
            free, total = torch.cuda.mem_get_info(number)
            with torch.cuda.device(number):
                bf16 = torch.cuda.is_bf16_supported(including_emulation=False)
            gpus.append(
                {
                    "device": f"cuda:{number}",
                    "name": torch.cuda.get_device_name(number),
                    "total_bytes": total,
                    "free_bytes": free + torch.cuda.memory_reserved(number),
                    "bf16": bf16,
                }
            )
    elif torch.backends.mps.is_available():
        total = torch.mps.recommended_max_memory()
        free = total - torch.mps.driver_allocated_memory() + torch.mps.current_allocated_memory()
        gpus.append({"device": "mps", "name": "Apple GPU", "total_bytes": total, "free_bytes": free, "bf16": True})
    return {"gpus": gpus, "free_memory_bytes": _free_memory(), "quantisations": libraries.quantisations()}


def choose_device(wanted: str) -> str:
    """The device for a setting. Raises StudioError where it is not there."""
    torch = libraries.torch()
    cuda, mps = torch.cuda.is_available(), torch.backends.mps.is_available()
    if wanted == "auto":
        return "cuda:0" if cuda else "mps" if mps else "cpu"
    kind, _, number = wanted.partition(":")
    there = {"cpu": True, "mps": mps, "cuda": cuda and (not number or number.isdecimal())}
    if not there.get(kind) or (kind == "cuda" and int(number or 0) >= torch.cuda.device_count()):
        raise StudioError(f"There is no device {wanted} here. Choose auto, or cpu.")
    return f"cuda:{number or 0}" if kind == "cuda" else kind


def choose_dtype(wanted: Dtype, device: str) -> Dtype:
    """The number format for a setting on a device."""
    if wanted != "auto":
        return wanted
    if device.startswith("cuda"):
        torch = libraries.torch()
        with torch.cuda.device(device):
            return "bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "fp16"
    return "bf16" if device == "mps" else "fp32"


def _free_memory() -> int:
    # Comes with accelerate.
    import psutil

    return psutil.virtual_memory().available
