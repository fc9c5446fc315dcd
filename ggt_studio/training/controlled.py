"""DA-CLIP for training: a U-Net to be trained, and the CLIP controller that it is told by, which is given and frozen."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import nn

from ggt_studio.core.errors import StudioError
from ggt_studio.restorers.checkpoint import StateDict, read_checkpoint
from ggt_studio.restorers.controller import controller_alone, network_alone
from ggt_studio.restorers.networks.clip import EncoderOptions
from ggt_studio.restorers.networks.daclip import DACLIP, DACLIPOptions, SpatialTransformer
from ggt_studio.training.known_options import known

_PARTS = ("visual", "visual_control")
_OWN = "seen"


def daclip(options: Mapping[str, Any], controller: Path | None, start: StateDict) -> tuple[DACLIP, StateDict]:
    """A new U-Net with its controller, frozen, and what to start from: `start` with that controller, if it holds weights.

    The controller is that of the file `controller`, else the one that `start` holds, else, where the options give the sizes of
    one as `seen`, one drawn at random, which tells little. Raises `StudioError` where there is none, or the file holds none.
    """
    weights = controller_alone(start) if controller is None else _from_file(controller)
    given = dict(options)
    own = given.pop(_OWN, None)
    if weights:
        seen = EncoderOptions.of(weights, _PARTS[0])
    elif own is not None:
        seen = EncoderOptions(**known(EncoderOptions, own))
    else:
        raise StudioError(
            "DA-CLIP is told by a CLIP controller, which is not trained here: give one with --controller, such as its authors' "
            "daclip_ViT-B-32.pt."
        )
    network = DACLIP(DACLIPOptions(seen, **known(DACLIPOptions, given)))
    if weights:
        _fill(network, weights)
    frozen = {name: value for name, value in network.state_dict().items() if name.startswith(_PARTS)}
    for part in (network.visual, network.visual_control):
        part.requires_grad_(False)
    for layer in network.modules():
        # At first transformers add nothing, as in the authors' program.
        if isinstance(layer, SpatialTransformer):
            nn.init.zeros_(layer.proj_out.weight)
            nn.init.zeros_(layer.proj_out.bias)  # type: ignore[arg-type]
    return network, {**network_alone(dict(start)), **frozen} if start else {}


def _from_file(path: Path) -> StateDict:
    weights = controller_alone(read_checkpoint(path).weights)
    if {name.split(".")[0] for name in weights} != set(_PARTS):
        raise StudioError(
            f"{path.name} is no CLIP controller of DA-CLIP. Choose the file that its authors call daclip_ViT-B-32.pt."
        )
    return weights


def _fill(network: DACLIP, weights: StateDict) -> None:
    wanted = {name for name in network.state_dict() if name.startswith(_PARTS)}
    if missing := sorted(wanted - weights.keys()):
        raise StudioError(f"The CLIP controller is incomplete: {len(missing)} parts are missing ({missing[0]}).")
    network.load_state_dict({name: weights[name] for name in wanted}, strict=False)
