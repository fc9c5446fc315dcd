"""How much memory a network takes per pixel, how much there is, and which errors say that it was not enough."""

from __future__ import annotations

import contextlib
import ctypes
import sys
from collections.abc import Callable
from typing import Any

import psutil
import torch
from torch import Tensor, nn

# A layer's input and output, and what waits meanwhile (residuals, skips, other stages) and is worked with. Whole networks of
# the authors' sizes took 3.3 (NAFNet), 3.0 (PromptIR), 3.4 (SwinIR), 5.0 (MoCE-IR) and 7.7 times (MPRNet) their largest layer.
_HELD = 5
_SHARE = {"cuda": 0.8, "mps": 0.5, "cpu": 0.5}
_KEPT_FREE = 0.2
_WORDS = ("out of memory", "allocate memory", "CUBLAS_STATUS_ALLOC_FAILED", "CUDNN_STATUS_ALLOC_FAILED")


def bytes_per_pixel(network: nn.Module, call: Callable[[Tensor], Tensor], probe: Tensor) -> float:
    """Bytes that a network takes at its peak per px of its input, estimated from one small image (1, C, h, w)."""
    most = 0

    def look(_layer: nn.Module, given: tuple[Any, ...], made: Any) -> None:
        nonlocal most
        tensors = [tensor for tensor in (*given, made) if isinstance(tensor, Tensor)]
        most = max(most, sum(tensor.numel() * tensor.element_size() for tensor in tensors))

    hooks = [layer.register_forward_hook(look) for layer in network.modules() if not any(layer.children())]
    try:
        with torch.no_grad():
            call(probe)
    finally:
        for hook in hooks:
            hook.remove()
    return _HELD * most / (probe.shape[-2] * probe.shape[-1])


def free_bytes(device: torch.device) -> int:
    """What a run may take on a device without pushing others out."""
    if device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(device)
        free += torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
    else:
        free = psutil.virtual_memory().available
    return int(free * _SHARE.get(device.type, 0.5))


def is_short() -> bool:
    """Whether little of this machine's memory is left for others, and for what comes."""
    memory = psutil.virtual_memory()
    return memory.available < _KEPT_FREE * memory.total


def is_out_of_memory(error: BaseException) -> bool:
    """Whether less memory would have helped."""
    return isinstance(error, torch.OutOfMemoryError | MemoryError) or (
        isinstance(error, RuntimeError) and any(word in str(error) for word in _WORDS)
    )


def release(device: torch.device) -> None:
    """Give back what torch, and on a CPU the C library, keeps for later."""
    if device.type == "cuda":
        torch.cuda.empty_cache()
    elif device.type == "mps":
        torch.mps.empty_cache()
    elif sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):
            # Of this size tiles' tensors lie on a heap that does not shrink by itself.
            ctypes.CDLL(None).malloc_trim(0)
