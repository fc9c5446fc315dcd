"""The networks of recipes, new or with the weights of a checkpoint to start from; ready to be trained."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn

from ggt_studio.core.errors import StudioError
from ggt_studio.generative.options import GENERATIVE
from ggt_studio.restorers.checkpoint import read_checkpoint
from ggt_studio.restorers.networks.promptir import PromptIR, PromptIROptions
from ggt_studio.restorers.networks.xrestormer import XRestormer, XRestormerOptions
from ggt_studio.training.recipes import TrainingRecipe


def build(recipe: TrainingRecipe, seed: int, start_from: Path | None = None) -> nn.Module:
    """The recipe's network, fp32 on the CPU, its weights drawn with `seed` or those of the checkpoint `start_from`.

    Raises `StudioError` for options that the network does not have, and for a checkpoint of another network.
    """
    torch.manual_seed(seed)
    try:
        network = _BUILDERS[recipe.network](recipe.network_options)
    except (TypeError, ValueError, RuntimeError, AssertionError, ZeroDivisionError) as error:
        raise StudioError(f"{recipe.label}: the options of {recipe.network} do not fit together: {error}.") from error
    if start_from is not None:
        weights = read_checkpoint(start_from).weights
        try:
            network.load_state_dict(weights)
        except RuntimeError as error:
            raise StudioError(
                f"{start_from} cannot be trained on with the recipe {recipe.label}: its weights are not those of such a "
                f"{recipe.network}. Choose the recipe of its network and size."
            ) from error
    return network


def size_multiple(recipe: TrainingRecipe) -> int:
    """Sides of crops must be multiples of so many px; 1 where the network fills up by itself."""
    if recipe.generative:
        return GENERATIVE[recipe.network].multiple
    options = recipe.network_options
    return {"X-Restormer": 8 * int(options.get("window", 8)), "PromptIR": 8}.get(recipe.network, 1)


def _nafnet(options: Mapping[str, Any]) -> nn.Module:
    from spandrel.architectures.NAFNet import NAFNet

    return NAFNet(**_known(NAFNet, options))


def _swinir(options: Mapping[str, Any]) -> nn.Module:
    from spandrel.architectures.SwinIR import SwinIR

    window = int(options.get("window_size", 8))
    return SwinIR(**_known(SwinIR, {"upsampler": "", "mlp_ratio": 2.0, "img_size": 16 * window, **options}))


def _xrestormer(options: Mapping[str, Any]) -> nn.Module:
    return XRestormer(XRestormerOptions(**_tuples(_known(XRestormerOptions, options))))


def _promptir(options: Mapping[str, Any]) -> nn.Module:
    return PromptIR(PromptIROptions(**_tuples(_known(PromptIROptions, options))))


_BUILDERS: dict[str, Callable[[Mapping[str, Any]], nn.Module]] = {
    "NAFNet": _nafnet,
    "SwinIR": _swinir,
    "X-Restormer": _xrestormer,
    "PromptIR": _promptir,
}


def _known(takes: Callable[..., Any], options: Mapping[str, Any]) -> dict[str, Any]:
    names = inspect.signature(takes).parameters
    for name in options:
        if name not in names:
            raise TypeError(f"there is no option {name}")
    return dict(options)


def _tuples(options: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _tuple(value) for name, value in options.items()}


def _tuple(value: Any) -> Any:
    return tuple(_tuple(one) for one in value) if isinstance(value, list | tuple) else value
