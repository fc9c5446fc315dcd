"""Restorers small enough for tests, with random weights, as the checkpoints that their authors' programs would write."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import torch
from spandrel.architectures.NAFNet import NAFNet
from spandrel.architectures.SwinIR import SwinIR
from torch import Tensor, nn

from ggt_studio.restorers.checkpoint import read_checkpoint
from ggt_studio.restorers.networks.clip import EncoderOptions
from ggt_studio.restorers.networks.daclip import DACLIP, DACLIPOptions
from ggt_studio.restorers.networks.foundir import FoundIR, FoundIROptions
from ggt_studio.restorers.networks.irsde import MeanReversion
from ggt_studio.restorers.networks.moceir import MoCEIR, MoCEIROptions
from ggt_studio.restorers.networks.mprnet import MPRNet, MPRNetOptions
from ggt_studio.restorers.networks.promptir import PromptIR, PromptIROptions
from ggt_studio.restorers.networks.xrestormer import XRestormer, XRestormerOptions
from ggt_studio.restorers.registry import Restorer, detect


def _nafnet() -> nn.Module:
    return NAFNet(width=8, middle_blk_num=1, enc_blk_nums=[1, 1], dec_blk_nums=[1, 1])


def _swinir() -> nn.Module:
    return SwinIR(window_size=8, embed_dim=8, depths=[2], num_heads=[2], img_size=16, upsampler="")


def _swinir_x2() -> nn.Module:
    options = {"window_size": 8, "embed_dim": 8, "depths": [2], "num_heads": [2], "img_size": 16}
    return SwinIR(**options, upscale=2, upsampler="pixelshuffledirect")


def _mprnet() -> nn.Module:
    return MPRNet(MPRNetOptions(width=8, growth=4, wider=4, blocks=1))


def _promptir() -> nn.Module:
    prompts = ((8, 3, 16), (8, 3, 8), (8, 3, 4))
    return PromptIR(PromptIROptions(width=8, blocks=(1, 1, 1, 1), refinement=1, heads=(1, 1, 2, 2), prompts=prompts))


def _xrestormer() -> nn.Module:
    heads = (1, 1, 2, 2)
    options = XRestormerOptions(
        width=8,
        blocks=(1, 1, 1, 1),
        refinement=1,
        channel_heads=heads,
        spatial_heads=heads,
        head_channels=4,
        window=4,
        reach=6,
    )
    return XRestormer(options)


def _moceir() -> nn.Module:
    ranks = ((4, 8), (4, 8), (2, 4))
    shape = {"blocks": (1, 1, 1, 1), "decoder_blocks": (1, 1, 1), "refinement": 1}
    return MoCEIR(MoCEIROptions(width=8, **shape, heads=(1, 1, 2, 2), ranks=ranks))


def _foundir() -> nn.Module:
    return FoundIR(FoundIROptions(width=8, multiples=(1, 2, 2, 2), heads=1))


def _daclip() -> nn.Module:
    seen = EncoderOptions(side=16, patch=8, width=64, layers=2, inner=64, embedding=16)
    return DACLIP(DACLIPOptions(seen, width=8, multiples=(1, 2, 4, 4), heads=1))


def _daclip_wild() -> nn.Module:
    seen = EncoderOptions(side=16, patch=4, width=64, layers=1, inner=64, embedding=24)
    return DACLIP(DACLIPOptions(seen, width=8, multiples=(1, 2, 4, 4), heads=1, degradation=False, halved=True))


BUNDLED: dict[str, Callable[[], nn.Module]] = {
    "NAFNet": _nafnet,
    "SwinIR": _swinir,
    "SwinIR x2": _swinir_x2,
    "MPRNet": _mprnet,
    "PromptIR": _promptir,
    "X-Restormer": _xrestormer,
    "MoCE-IR": _moceir,
    "FoundIR": _foundir,
    "DA-CLIP": _daclip,
    "DA-CLIP wild": _daclip_wild,
}


def tiny_weights(name: str, seed: int = 0) -> dict[str, Tensor]:
    """A state dict whose every layer has a say in the result: none is at its neutral initial value."""
    torch.manual_seed(seed)
    network = BUNDLED[name]()
    with torch.no_grad():
        for key, parameter in network.named_parameters():
            if "beta" in key or "gamma" in key:
                parameter.normal_(0, 0.5)
            elif parameter.dim() == 1:
                parameter.add_(torch.randn_like(parameter) * 0.1)
    return {key: value.clone() for key, value in network.state_dict().items()}


def save_tiny(folder: Path, name: str) -> Path:
    """The checkpoint of a tiny restorer, as `torch.save` writes it; for DA-CLIP, with its controller beside it."""
    path = folder / f"{name.replace(' ', '_')}.pth"
    weights = tiny_weights(name)
    if name.startswith("DA-CLIP"):
        controller = {key: weights.pop(key) for key in list(weights) if key.startswith("visual")}
        save_controller(path.with_suffix(".pt"), controller)
    torch.save({"params": weights}, path)
    return path


def save_controller(path: Path, weights: dict[str, Tensor]) -> Path:
    """A controller of DA-CLIP as OpenCLIP's training saves it: with the text encoder, and the image encoder under two names."""
    twice = {f"clip.{key}": value for key, value in weights.items() if key.startswith("visual.")}
    text = {"logit_scale": torch.zeros(()), "clip.logit_scale": torch.zeros(()), "clip.ln_final.weight": torch.ones(8)}
    state = {f"module.{key}": value for key, value in {**text, **twice, **weights}.items()}
    torch.save({"epoch": 1, "name": "daclip", "state_dict": state, "optimizer": {"param_groups": [{"lr": 1e-5}]}}, path)
    return path


def load_tiny(folder: Path, name: str) -> Restorer:
    """A tiny restorer, by way of its file. DA-CLIP takes few steps, over which what no training has learnt does not grow."""
    found = detect(read_checkpoint(save_tiny(folder, name)))
    if isinstance(found.sampler, MeanReversion):
        return replace(found, sampler=replace(found.sampler, steps=3, rest=0.5))
    return found


def photo(height: int, width: int, seed: int = 0) -> Tensor:
    """An image (1, 3, H, W) of 0 to 1: brighter to the right, stripes, noise; so its parts differ."""
    generator = torch.Generator().manual_seed(seed)
    down, across = torch.linspace(0, 1, height)[:, None], torch.linspace(0, 1, width)[None, :]
    planes = torch.stack(
        [down.expand(height, width), across.expand(height, width), (down * across * 40).sin() / 2 + 0.5]
    )
    return planes[None] * 0.7 + 0.3 * torch.rand(1, 3, height, width, generator=generator)
