"""A restorer as an ONNX file, kept only where it gives what the network gives."""

from __future__ import annotations

import logging
import warnings
from pathlib import Path

import numpy as np
import onnxruntime
import torch

from ggt_studio.core.errors import StudioError
from ggt_studio.restorers.registry import Restorer
from ggt_studio.training.model_card import OnnxFile

TOLERANCE = 1e-4
_SIDE = 256
# Their windows' masks are made for one size.
_ONE_SIZE = {"SwinIR", "X-Restormer"}


class NotExportable(StudioError):
    """A network that ONNX cannot hold."""


def write_onnx(restorer: Restorer, path: Path) -> OnnxFile:
    """Write a network and run it beside the original, on another size than it was written with where it takes any.

    Raises `NotExportable` for networks that ONNX cannot hold, and for files that differ by more than 1e-4.
    """
    capability, name = restorer.capability, restorer.architecture.label
    if restorer.sampler is not None:
        raise NotExportable(f"{name} restores in the steps of a sampler, which an ONNX file cannot hold.")
    side = -(-_SIDE // capability.multiple) * capability.multiple
    other = (side - capability.multiple, side + 2 * capability.multiple)
    why = ""
    for any_size in (True, False):
        if any_size and restorer.architecture.id in _ONE_SIZE:
            continue
        try:
            _write(restorer, path, side, any_size=any_size)
            sizes = [(side, side), other] if any_size else [(side, side)]
            difference = max(_difference(restorer, path, size) for size in sizes)
        except Exception as error:  # noqa: BLE001 - torch and the runtime raise what they like for what they cannot do
            why = str(error).strip().split("\n", 1)[0]
            continue
        if difference <= TOLERANCE:
            return OnnxFile(path.name, 0 if any_size else side, capability.multiple, difference, capability.window)
        why = f"what it gives differs by {difference:.1e}"
    path.unlink(missing_ok=True)
    raise NotExportable(f"{name} cannot be written as ONNX: {why[:200] or 'it is not supported'}.")


def _write(restorer: Restorer, path: Path, side: int, *, any_size: bool) -> None:
    image = torch.rand(1, restorer.capability.colours, side, side)
    shapes = ({2: torch.export.Dim.AUTO, 3: torch.export.Dim.AUTO},) if any_size else None
    torch_log = logging.getLogger("torch.onnx")
    before = torch_log.level
    torch_log.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings(), torch.no_grad():
            warnings.simplefilter("ignore")
            program = torch.onnx.export(
                restorer.network,
                (image,),
                dynamo=True,
                verbose=False,
                input_names=["lq"],
                output_names=["hq"],
                dynamic_shapes=shapes,
            )
            assert program is not None
            program.save(path)
    finally:
        torch_log.setLevel(before)


def _difference(restorer: Restorer, path: Path, size: tuple[int, int]) -> float:
    """The largest difference for a random image of this height and width."""
    image = torch.rand(1, restorer.capability.colours, *size, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        wanted = restorer.network(image).numpy()
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    (found,) = session.run(None, {"lq": image.numpy()})
    return float(np.max(np.abs(np.asarray(found) - wanted)))
