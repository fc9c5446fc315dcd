"""The networks that come with the program: the names that give each away in a state dict, and how it is built of one."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from torch import nn

from ggt_studio.restorers.catalogue import Capability
from ggt_studio.restorers.checkpoint import Checkpoint, StateDict
from ggt_studio.restorers.controller import Companion, with_controller
from ggt_studio.restorers.networks.daclip import CONTENT, DACLIP, DACLIPOptions
from ggt_studio.restorers.networks.foundir import FoundIR, FoundIROptions, ResidualDiffusion
from ggt_studio.restorers.networks.irsde import MeanReversion
from ggt_studio.restorers.networks.moceir import MoCEIR, MoCEIROptions
from ggt_studio.restorers.networks.mprnet import MPRNet, MPRNetOptions
from ggt_studio.restorers.networks.promptir import PromptIR, PromptIROptions
from ggt_studio.restorers.networks.sampling import Sampler
from ggt_studio.restorers.networks.xrestormer import XRestormer, XRestormerOptions

_BOTH = ("fp16", "bf16")


@dataclass(frozen=True, slots=True)
class Kind:
    """One of our networks: the names that give it away, and how it is built of a state dict.

    `unused`: what names begin with that are no part of it. `complete`: gives all weights of one that is released in two files.
    """

    id: str
    signs: tuple[str, ...]
    build: Callable[[StateDict, dict[str, Any]], tuple[nn.Module, Capability, tuple[str, ...]]]
    unused: tuple[str, ...] = ()
    sampler: Sampler | None = None
    complete: Callable[[Checkpoint], tuple[StateDict, Companion | None]] | None = None


def _mprnet(weights: StateDict, _options: dict[str, Any]) -> tuple[nn.Module, Capability, tuple[str, ...]]:
    options = MPRNetOptions.of(weights)
    network = MPRNet(options)
    return network, Capability(1, options.colours, 8, 8, network.radius, "shared", 0, _BOTH), ()


def _promptir(weights: StateDict, _options: dict[str, Any]) -> tuple[nn.Module, Capability, tuple[str, ...]]:
    options = PromptIROptions.of(weights)
    network = PromptIR(options)
    return network, Capability(1, options.colours, 8, 8, network.radius, "shared", 0, _BOTH), ()


def _xrestormer(weights: StateDict, given: dict[str, Any]) -> tuple[nn.Module, Capability, tuple[str, ...]]:
    scale = int(given.get("scale") or 1)
    options = XRestormerOptions.of(weights, scale)
    network = XRestormer(options)
    multiple = math.lcm(8 * options.window, scale) // scale
    capability = Capability(scale, options.colours, multiple, multiple, network.radius, "shared", 0, _BOTH)
    notes = () if scale > 1 else ("X-Restormers for super-resolution look the same; for one, give its scale.",)
    return network, capability, notes


def _moceir(weights: StateDict, given: dict[str, Any]) -> tuple[nn.Module, Capability, tuple[str, ...]]:
    # Numbers of a training's options, or the text of a header.
    top = str(given.get("topk") or "")
    options = MoCEIROptions.of(weights, max(1, int(top)) if top.isdecimal() else 1)
    network = MoCEIR(options)
    # Experts work on patches that begin at the image's corner; the coarsest decoder level is a quarter of the size.
    grid = options.patch << (len(options.blocks) - 2)
    return network, Capability(1, options.colours, 8, grid, network.radius, "shared", 0, _BOTH), ()


_SCHEDULE = ("alphas", "delta", "one_minus_alphas", "betas", "posterior_", "initted", "step")


def _foundir(weights: StateDict, _options: dict[str, Any]) -> tuple[nn.Module, Capability, tuple[str, ...]]:
    options = FoundIROptions.of(weights)
    network = FoundIR(options)
    levels = len(options.multiples)
    # 3 x 3 four times on the way down and up at each level, four in the middle; resizing and the ends.
    radius = sum(8 << level for level in range(levels)) + (4 << (levels - 1)) + (3 << levels) + 5
    notes = ("Diffusion: four passes of the network, from noise that the seed draws.",)
    return network, Capability(1, options.colours, 1 << levels, 1 << levels, radius, "shared", 0, ("bf16",)), notes


def _daclip(weights: StateDict, _options: dict[str, Any]) -> tuple[nn.Module, Capability, tuple[str, ...]]:
    options = DACLIPOptions.of(weights)
    network = DACLIP(options)
    levels = len(options.multiples)
    # As FoundIR's, without its last halving; all of it between two resizings where it works at half the size.
    radius = sum(8 << level for level in range(levels)) + (4 << (levels - 1)) + (3 << levels)
    radius = 2 * radius + 10 if options.halved else radius + 6
    notes = ("Diffusion: a hundred passes of the network, from noise that the seed draws; slow without a GPU.",)
    return network, Capability(1, 3, 1 << levels, 1 << levels, radius, "shared", 0, ("bf16",)), notes


KINDS = (
    Kind("MPRNet", ("shallow_feat1.0.weight", "stage1_encoder.down12.down.1.weight", "concat23.weight"), _mprnet),
    Kind("PromptIR", ("prompt1.prompt_param", "noise_level3.attn.qkv.weight"), _promptir, PromptIR.UNUSED),
    Kind("X-Restormer", ("encoder_level1.0.spatial_attn.rel_pos_emb.rel_height", "output.weight"), _xrestormer),
    Kind("MoCE-IR", ("freq_embed.mlp.0.weight", "dec.0.2.layers.0.adapter.routing.freq_gate.weight"), _moceir),
    # Its program saves its noise schedule beside the network.
    Kind(
        "FoundIR",
        ("unet0.init_conv.weight", "unet0.mid_attn.fn.fn.to_qkv.weight"),
        _foundir,
        _SCHEDULE,
        ResidualDiffusion(),
    ),
    Kind(
        "DA-CLIP",
        ("time_mlp.1.weight", "downs.0.2.fn.fn.to_qkv.weight", CONTENT),
        _daclip,
        sampler=MeanReversion(),
        complete=with_controller,
    ),
)
