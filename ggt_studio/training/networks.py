"""The networks of recipes, new or with the weights of a checkpoint to start from, and what they are asked; ready to be trained."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn

from ggt_studio.core.errors import StudioError
from ggt_studio.generative.options import GENERATIVE
from ggt_studio.restorers.checkpoint import StateDict, read_checkpoint
from ggt_studio.restorers.kinds import KINDS
from ggt_studio.restorers.networks.foundir import FoundIR, FoundIROptions
from ggt_studio.restorers.networks.moceir import MoCEIR, MoCEIROptions
from ggt_studio.restorers.networks.mprnet import MPRNet, MPRNetOptions
from ggt_studio.restorers.networks.promptir import PromptIR, PromptIROptions
from ggt_studio.restorers.networks.xrestormer import XRestormer, XRestormerOptions
from ggt_studio.training.controlled import daclip
from ggt_studio.training.known_options import known
from ggt_studio.training.objectives.asking import Objective, RestoredImage
from ggt_studio.training.objectives.balance import BalancedImage
from ggt_studio.training.objectives.residual import ResidualAtALevel
from ggt_studio.training.objectives.reversion import LikeliestStep
from ggt_studio.training.objectives.stages import StagedImages
from ggt_studio.training.recipes import TrainingRecipe


def build(
    recipe: TrainingRecipe, seed: int, start_from: Path | None = None, controller: Path | None = None
) -> Objective:
    """The recipe's network and what it is asked, fp32 on the CPU, its weights drawn with `seed` or those of the checkpoint
    `start_from`. `controller`: DA-CLIP's CLIP controller, where the checkpoint does not hold it.

    Raises `StudioError` for options that the network does not have, for a checkpoint of another network and without a controller
    where one is needed.
    """
    start = _weights(recipe, start_from) if start_from is not None else {}
    torch.manual_seed(seed)
    try:
        if recipe.takes_controller:
            network, start = daclip(recipe.network_options, controller, start)
        else:
            network = _BUILDERS[recipe.network](recipe.network_options)
    except (TypeError, ValueError, RuntimeError, AssertionError, ZeroDivisionError) as error:
        raise StudioError(f"{recipe.label}: the options of {recipe.network} do not fit together: {error}.") from error
    if recipe.begins_unchanged:
        _change_nothing(recipe, network)
    if start:
        try:
            network.load_state_dict(start)
        except RuntimeError as error:
            raise StudioError(
                f"{start_from} cannot be trained on with the recipe {recipe.label}: its weights are not those of such a "
                f"{recipe.network}. Choose the recipe of its network and size."
            ) from error
    return _OBJECTIVES.get(recipe.network, RestoredImage)(network)


def _change_nothing(recipe: TrainingRecipe, network: nn.Module) -> None:
    last = _LAST.get(recipe.network)
    if last is None:
        raise StudioError(f"{recipe.label}: begins_unchanged does not go with {recipe.network}; leave it out.")
    for parameter in network.get_submodule(last).parameters():
        nn.init.zeros_(parameter)


def size_multiple(recipe: TrainingRecipe) -> int:
    """Sides of crops must be multiples of so many px; 1 where the network fills up by itself."""
    if recipe.generative:
        return GENERATIVE[recipe.network].multiple
    options = recipe.network_options
    match recipe.network:
        case "X-Restormer":
            return 8 * int(options.get("window", 8))
        case "PromptIR" | "MPRNet":
            return 8
        case "MoCE-IR":
            return 1 << (len(options.get("blocks", (4, 6, 6, 8))) - 1)
        case "FoundIR" | "DA-CLIP":
            halvings = len(options.get("multiples", (1, 2, 4, 8))) - 1
            return 1 << (halvings + bool(options.get("halved")))
        case _:
            return 1


def untold(recipe: TrainingRecipe) -> dict[str, str]:
    """What the network needs to restore that its weights do not tell: for their file's header."""
    return {"topk": str(recipe.network_options.get("top", 1))} if recipe.network == "MoCE-IR" else {}


def _nafnet(options: Mapping[str, Any]) -> nn.Module:
    from spandrel.architectures.NAFNet import NAFNet

    return NAFNet(**known(NAFNet, options))


def _swinir(options: Mapping[str, Any]) -> nn.Module:
    from spandrel.architectures.SwinIR import SwinIR

    window = int(options.get("window_size", 8))
    return SwinIR(**known(SwinIR, {"upsampler": "", "mlp_ratio": 2.0, "img_size": 16 * window, **options}))


def _xrestormer(options: Mapping[str, Any]) -> nn.Module:
    return XRestormer(XRestormerOptions(**known(XRestormerOptions, options)))


def _promptir(options: Mapping[str, Any]) -> nn.Module:
    return PromptIR(PromptIROptions(**known(PromptIROptions, options)))


def _mprnet(options: Mapping[str, Any]) -> nn.Module:
    return MPRNet(MPRNetOptions(**known(MPRNetOptions, options)))


def _moceir(options: Mapping[str, Any]) -> nn.Module:
    return MoCEIR(MoCEIROptions(**known(MoCEIROptions, options)))


def _foundir(options: Mapping[str, Any]) -> nn.Module:
    return FoundIR(FoundIROptions(**known(FoundIROptions, options)))


_BUILDERS: dict[str, Callable[[Mapping[str, Any]], nn.Module]] = {
    "NAFNet": _nafnet,
    "SwinIR": _swinir,
    "X-Restormer": _xrestormer,
    "PromptIR": _promptir,
    "MPRNet": _mprnet,
    "MoCE-IR": _moceir,
    "FoundIR": _foundir,
}
_LAST = {"NAFNet": "ending", "SwinIR": "conv_last", "X-Restormer": "output", "PromptIR": "output", "MoCE-IR": "output"}
"""The last layers of networks that add what they say to the photo."""
_OBJECTIVES: dict[str, Callable[[Any], Objective]] = {
    "MPRNet": StagedImages,
    "MoCE-IR": BalancedImage,
    "FoundIR": ResidualAtALevel,
    "DA-CLIP": LikeliestStep,
}


def _weights(recipe: TrainingRecipe, path: Path) -> StateDict:
    """Those of a checkpoint that are the network's."""
    unused = next((kind.unused for kind in KINDS if kind.id == recipe.network), ())
    return {name: value for name, value in read_checkpoint(path).weights.items() if not name.startswith(unused)}
