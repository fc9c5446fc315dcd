"""What a model should run with on this machine: the best pictures first, then speed, within the memory there is."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from ggt_studio.providers.local.folder import ComponentSize
from ggt_studio.providers.local.settings import Dtype, Offload, Quantisation

GB = 1_000_000_000
# For activations at 1024 x 1024 px with the LQ beside it, the VAE's decoding, and CUDA itself: an estimate, on the safe side.
WORKING_BYTES = 4 * GB
# A desktop and our own window draw on the same GPU, and memory gets fragmented.
_USABLE = 0.95
# Bytes per parameter of a quantised layer, with its scales: nf4 keeps 4 bytes for each 64. What is in no layer (embeddings, ...)
# counts as not quantised.
_QUANTISED = {"int8": 1.01, "nf4": 0.5625}
_BYTES = {"bf16": 2, "fp16": 2, "fp32": 4}
_COMPONENTS_QUANTISED = ("transformer", "text_encoder")


@dataclass(frozen=True, slots=True)
class Gpu:
    """A GPU: `device` as torch names it, memory in bytes; `bf16` whether it computes in bfloat16."""

    device: str
    name: str
    total_bytes: int
    free_bytes: int
    bf16: bool = True


@dataclass(frozen=True, slots=True)
class Machine:
    """What there is to compute with: GPUs, free main memory in bytes, and the quantisations that are installed."""

    gpus: tuple[Gpu, ...]
    free_memory_bytes: int
    quantisations: Collection[Quantisation] = ("int8", "nf4")


@dataclass(frozen=True, slots=True)
class Proposal:
    """Settings, what they are expected to need in bytes on the GPU and in main memory, whether that is there, and why."""

    device: str
    dtype: Dtype
    offload: Offload
    quantisation: Quantisation
    gpu_bytes: int
    memory_bytes: int
    fits: bool
    why: str


# Unquantised as long as that is not slow; quantised before layer by layer, which takes minutes a picture.
_CHOICES: tuple[tuple[Quantisation, Offload], ...] = (
    ("none", "none"),
    ("none", "model"),
    ("int8", "none"),
    ("int8", "model"),
    ("nf4", "none"),
    ("nf4", "model"),
    ("none", "group"),
    ("int8", "group"),
    ("none", "sequential"),
)
_WORDS = {
    ("none", "none"): "everything stays on the GPU in full precision",
    ("none", "model"): "in full precision, each component is on the GPU only while it works",
    ("int8", "none"): "8-bit weights let everything stay on the GPU",
    ("int8", "model"): "with 8-bit weights each component fits while it works",
    ("nf4", "none"): "4-bit weights let everything stay on the GPU; pictures differ a little from full precision",
    (
        "nf4",
        "model",
    ): "with 4-bit weights each component fits while it works; pictures differ a little from full precision",
    ("none", "group"): "layers come from main memory as they are needed, which is slow",
    ("int8", "group"): "8-bit layers come from main memory as they are needed, which is slow",
    ("none", "sequential"): "single layers come from main memory as they are needed, which is very slow",
}


def propose(machine: Machine, sizes: Mapping[str, ComponentSize]) -> Proposal:
    """The settings for a model of these component sizes; `fits` is False where nothing does, and the nearest is given."""
    if not machine.gpus:
        return _without_gpu(machine, sizes)
    gpu = max(machine.gpus, key=lambda g: g.free_bytes)
    dtype: Dtype = "bf16" if gpu.bf16 else "fp16"
    usable = int(gpu.free_bytes * _USABLE)
    able = [choice for choice in _CHOICES if choice[0] == "none" or choice[0] in machine.quantisations]
    if "cuda" not in gpu.device:
        able = [_CHOICES[0]]
    tried = [_proposal(gpu.device, dtype, choice, sizes) for choice in able]
    for proposal in tried:
        if proposal.gpu_bytes <= usable and proposal.memory_bytes <= machine.free_memory_bytes:
            why = (
                f"{gpu.name} has {_gb(gpu.free_bytes)} free and about {_gb(proposal.gpu_bytes)} are needed: "
                f"{_WORDS[proposal.quantisation, proposal.offload]}."
            )
            return replace(proposal, fits=True, why=why)
    nearest = min(
        tried,
        key=lambda p: max(0, p.gpu_bytes - usable) + max(0, p.memory_bytes - machine.free_memory_bytes),
    )
    why = (
        f"This model is too large for this machine: even its cheapest settings need about {_gb(nearest.gpu_bytes)} on the "
        f"GPU ({_gb(gpu.free_bytes)} free) and {_gb(nearest.memory_bytes)} of main memory "
        f"({_gb(machine.free_memory_bytes)} free)."
    )
    return replace(nearest, why=why)


def _without_gpu(machine: Machine, sizes: Mapping[str, ComponentSize]) -> Proposal:
    # Full precision is the quicker one on most processors; half of it where that is too large.
    dtypes: Sequence[Dtype] = ("fp32", "bf16")
    tried = [_proposal("cpu", dtype, ("none", "none"), sizes) for dtype in dtypes]
    for proposal in tried:
        if proposal.memory_bytes <= machine.free_memory_bytes:
            why = (
                f"There is no GPU. The model needs about {_gb(proposal.memory_bytes)} of main memory "
                f"({_gb(machine.free_memory_bytes)} are free), and a picture takes very long, for large models hours."
            )
            return replace(proposal, fits=True, why=why)
    why = (
        f"There is no GPU, and the model needs about {_gb(tried[-1].memory_bytes)} of main memory, of which "
        f"{_gb(machine.free_memory_bytes)} are free. Use a hosted model, or a machine with a GPU."
    )
    return replace(tried[-1], why=why)


def _proposal(
    device: str, dtype: Dtype, choice: tuple[Quantisation, Offload], sizes: Mapping[str, ComponentSize]
) -> Proposal:
    quantisation, offload = choice
    weights = {name: _bytes(name, size, dtype, quantisation) for name, size in sizes.items()}
    everything, largest = sum(weights.values()), max(weights.values(), default=0)
    share = {name: weights[name] / max(1, size.parameters) for name, size in sizes.items()}
    if device == "cpu" or device == "mps":
        gpu, memory = (everything + WORKING_BYTES if device == "mps" else 0), everything + WORKING_BYTES
    elif offload == "none":
        # Loading passes through main memory one component after the other.
        gpu, memory = everything + WORKING_BYTES, largest
    elif offload == "model":
        gpu, memory = largest + WORKING_BYTES, everything
    elif offload == "group":
        # The layer at work, the next one, and what is in no layer.
        layers = [(2 * size.largest_block + size.outside_blocks) * share[name] for name, size in sizes.items()]
        gpu, memory = int(max(layers, default=0)) + WORKING_BYTES, everything
    else:
        layers = [max(size.largest_block, size.outside_blocks) * share[name] for name, size in sizes.items()]
        gpu, memory = int(max(layers, default=0)) + WORKING_BYTES, everything
    return Proposal(device, dtype, offload, quantisation, gpu, memory, fits=False, why="")


def _bytes(name: str, size: ComponentSize, dtype: Dtype, quantisation: Quantisation) -> int:
    plain = _BYTES[dtype]
    if size.bytes_per_parameter < 1.5:
        # Saved in a quantised form: it stays what it is.
        return size.file_bytes
    if quantisation == "none" or name not in _COMPONENTS_QUANTISED:
        return size.parameters * plain
    return int((size.parameters - size.outside_blocks) * _QUANTISED[quantisation] + size.outside_blocks * plain)


def _gb(count: int) -> str:
    return f"{count / GB:.0f} GB" if count >= 10 * GB else f"{count / GB:.1f} GB"
