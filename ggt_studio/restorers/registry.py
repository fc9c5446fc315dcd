"""Which network a state dict belongs to: our own networks by their names, all others as spandrel knows them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from ggt_studio.restorers.catalogue import Architecture, Capability, architecture
from ggt_studio.restorers.checkpoint import Checkpoint, StateDict
from ggt_studio.restorers.controller import SIGN, Companion
from ggt_studio.restorers.files import UnusableCheckpoint
from ggt_studio.restorers.kinds import KINDS
from ggt_studio.restorers.networks.sampling import Sampler
from ggt_studio.restorers.pooling import CELL, make_local
from ggt_studio.restorers.whole import askers

# The window of the NAFNet authors' own TLC: one and a half times their training crops.
TLC_WINDOW = 384


@dataclass(frozen=True, slots=True)
class Restorer:
    """A network ready to run: it takes and gives (1, colours, H, W) of 0 to 1, by itself or in the steps of a `sampler`.

    `autocast`: in half precision its weights stay as they are, since it computes some numbers of its own in fp32. `companion`: the
    file of its other part, where it is released in two.
    """

    architecture: Architecture
    capability: Capability
    network: nn.Module
    checkpoint: Checkpoint
    notes: tuple[str, ...]
    sampler: Sampler | None = None
    autocast: bool = False
    companion: Companion | None = None


def detect(checkpoint: Checkpoint, given: dict[str, Any] | None = None) -> Restorer:
    """The restorer that a checkpoint holds, on the CPU in fp32.

    `given` adds what weights do not tell: `scale` of an X-Restormer. Raises UnusableCheckpoint, saying what was found, for
    weights of networks that are not known and for such that do not fit together.
    """
    weights, companion, name = checkpoint.weights, None, checkpoint.name
    given = {**checkpoint.options, "scale": 1, **(given or {})}
    kind = next((kind for kind in KINDS if all(sign in weights for sign in kind.signs)), None)
    try:
        if kind is None:
            return _by_spandrel(checkpoint)
        if kind.complete is not None:
            weights, companion = kind.complete(checkpoint)
        if companion is not None:
            name = f"{name} with {companion.name}"
        used = {name: value for name, value in weights.items() if not name.startswith(kind.unused or "\0")}
        # Nothing is allocated for what the weights only claim: their own tensors become the network's.
        with torch.device("meta"):
            network, capability, notes = kind.build(used, given)
        _require_fit(network, used, name, kind.id)
        network.load_state_dict(used, assign=True)
        network.eval().requires_grad_(False)
        if companion is not None:
            notes = (*notes, f"Its other part is {companion.name}, beside it.")
        known = architecture(kind.id)
        return Restorer(known, capability, network, checkpoint, notes, kind.sampler, companion=companion)
    except UnusableCheckpoint:
        raise
    except (
        RuntimeError,
        KeyError,
        IndexError,
        ValueError,
        TypeError,
        AttributeError,
        ArithmeticError,
        MemoryError,
    ) as error:
        what = kind.id if kind else "a network that spandrel takes it for"
        raise UnusableCheckpoint(
            f"{name} has the names of {what}, but its parts do not fit together: {_first_line(error)} The file is "
            "damaged, or of a variant that is not known here."
        ) from error


def _require_fit(network: nn.Module, weights: StateDict, name: str, kind: str) -> None:
    """Raises UnusableCheckpoint where names or shapes differ from the network's."""
    wanted = network.state_dict()
    missing = sorted(wanted.keys() - weights.keys())
    unknown = sorted(weights.keys() - wanted.keys())
    odd = sorted(key for key in wanted.keys() & weights.keys() if wanted[key].shape != weights[key].shape)
    kinds = [
        key for key in wanted.keys() & weights.keys() if wanted[key].is_floating_point() != _is_float(weights[key])
    ]
    if missing or unknown:
        lists = [
            f"{len(names)} {word} ({names[0]})"
            for names, word in ((missing, "missing"), (unknown, "too many"))
            if names
        ]
        raise UnusableCheckpoint(f"{name} is a {kind}, but parts of it are {' and '.join(lists)}. It is incomplete.")
    if odd or kinds:
        key = (odd or kinds)[0]
        raise UnusableCheckpoint(
            f"{name} is a {kind}, but {key} is {weights[key].dtype} of {list(weights[key].shape)} where "
            f"{list(wanted[key].shape)} is needed. The file is damaged, or of a variant that is not known here."
        )


def _is_float(tensor: Tensor) -> bool:
    return tensor.is_floating_point()


def _by_spandrel(checkpoint: Checkpoint) -> Restorer:
    from spandrel import MAIN_REGISTRY, ImageModelDescriptor, UnsupportedModelError

    try:
        model = MAIN_REGISTRY.load(dict(checkpoint.weights))
    except UnsupportedModelError as error:
        raise UnusableCheckpoint(_unknown(checkpoint)) from error
    if not isinstance(model, ImageModelDescriptor):
        raise UnusableCheckpoint(
            f"{checkpoint.name} is a {model.architecture.name}, which fills holes and needs a mask."
        )
    if model.input_channels not in {1, 3} or model.output_channels != model.input_channels:
        raise UnusableCheckpoint(
            f"{checkpoint.name} is a {model.architecture.name} of {model.input_channels} to {model.output_channels} channels; "
            "restorers map colour (3) or grey (1) images to such."
        )
    network = model.model.eval().requires_grad_(False)
    pools = make_local(network, TLC_WINDOW)
    needs = model.size_requirements
    multiple = math.lcm(needs.multiple_of, _steps(network), CELL if pools else 1)
    radius, grid = _reach(network, model.architecture.id), multiple
    half = tuple(name for name, bears in (("fp16", model.supports_half), ("bf16", model.supports_bfloat16)) if bears)
    capability = Capability(
        model.scale,
        model.input_channels,
        multiple,
        grid,
        radius,
        "local" if pools else "plain",
        TLC_WINDOW if pools else 0,
        half,  # type: ignore[arg-type]
        # NAFNet fills up with black itself; its means have been taken with it.
        "zero" if model.architecture.id == "NAFNet" else "mirror",
    )
    notes = (f"Loaded through spandrel ({', '.join(model.tags)}).",) if model.tags else ("Loaded through spandrel.",)
    return Restorer(architecture(str(model.architecture.id)), capability, network, checkpoint, notes, autocast=True)


def _steps(network: nn.Module) -> int:
    """The px of the image that one place of the coarsest map, or one window, stands for."""
    for name in ("padder_size", "window_size"):
        value = getattr(network, name, 1)
        if isinstance(value, int) and value > 1:
            return value
    return 1


def _reach(network: nn.Module, name: str) -> int | None:
    """The receptive radius in px of the networks that are counted; None for others."""
    if name == "NAFNet":
        encoders, decoders = ([len(level) for level in getattr(network, side)] for side in ("encoders", "decoders"))
        deepest = len(encoders)
        counted = sum(count << level for level, count in enumerate(encoders))
        counted += sum(count << (deepest - 1 - level) for level, count in enumerate(decoders))
        return counted + (len(network.middle_blks) << deepest) + (1 << deepest) + 2  # type: ignore[arg-type]
    if name == "SwinIR":
        # A block's window reaches at most one window less a pixel; each group and the ends add 3 x 3 convolutions.
        blocks = sum(len(layer.residual_group.blocks) for layer in network.layers)  # type: ignore[union-attr]
        return blocks * (network.window_size - 1) + 3 * len(network.layers) + 8  # type: ignore[operator, arg-type]
    return None


def _unknown(checkpoint: Checkpoint) -> str:
    names = list(checkpoint.weights)
    hint = next((what for sign, what in _STRANGERS if any(sign in name for name in names)), "")
    found = (
        f"{len(names)} tensors with {checkpoint.parameters / 1e6:.1f} million parameters ({', '.join(names[:3])}, ...)"
    )
    return (
        f"{checkpoint.name} holds {found}{f', likely {hint}' if hint else ''}, but no restorer that is known here. Choose the "
        "checkpoint of a restorer such as NAFNet, SwinIR, MPRNet, X-Restormer, PromptIR, MoCE-IR, DA-CLIP or FoundIR."
    )


_STRANGERS = (
    ("prompt_mlp", "a variant of DA-CLIP's U-Net"),
    (SIGN, "the CLIP controller of DA-CLIP (choose its U-Net, with this file beside it)"),
    ("lora_", "a LoRA, which belongs to a generator"),
    ("double_blocks.", "a FLUX generator"),
    ("transformer_blocks.0.img_mod", "a Qwen-Image generator"),
    ("controlnet", "a ControlNet, which belongs to a generator"),
    ("visual.transformer", "a CLIP model"),
    ("cond_stage_model", "a Stable Diffusion generator"),
    ("discriminator", "a discriminator, which is used in training only"),
    ("exp_avg", "the state of an optimiser, without the network"),
    ("model.layers.0.self_attn", "a language model"),
)


def shares(restorer: Restorer) -> bool:
    """Whether layers of the network ask for the whole image."""
    return any(True for _ in askers(restorer.network))


def _first_line(error: BaseException) -> str:
    line = str(error).strip().split("\n", 1)[0].rstrip(".:")[:200]
    return f"{line or type(error).__name__}."
