"""What a trained file is, and its base model, told by looking at their files: without torch, so that a person need not wait."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ggt_studio.core.files import hash_file
from ggt_studio.generative.bases import find_base
from ggt_studio.generative.options import GENERATIVE
from ggt_studio.generative.trained_file import TrainedFile, read_trained
from ggt_studio.providers.local.folder import ModelFolder


def generative_inspect(params: dict[str, Any]) -> dict[str, Any]:
    """Worker method: what a trained file is, without loading its base model, of which the files are looked at.

    `params`: `path`; optionally `base`, the folder of its base model, or `others`, folders where that may be, too. Returns what
    `restorers.restorer_inspect` does, and `base`, its folder. Raises UnusableCheckpoint, BaseMissing.
    """
    path = Path(params["path"])
    trained = read_trained(path)
    base = base_of(trained, params)
    kind = GENERATIVE[trained.network]
    steps = f"{trained.options.restore_steps} passes for a photo; slow without a GPU."
    return {
        "architecture": trained.network,
        "label": trained.network,
        "paper": "arXiv 2605.31039",
        "licence": f"that of {kind.base}",
        "commercial": None,
        "container": "safetensors",
        "file_bytes": trained.file_bytes,
        "sha256": hash_file(path),
        "companion_sha256": "",
        "parameters": trained.parameters,
        "notes": [f"Its base model is in {base.path}.", steps],
        "scale": 1,
        "colours": 3,
        "half": (),
        "base": str(base.path),
    }


def base_of(trained: TrainedFile, params: dict[str, Any]) -> ModelFolder:
    """The base model of a trained file, where `params` say that it may be. Raises BaseMissing."""
    chosen, others = params.get("base"), [Path(one) for one in params.get("others") or ()]
    beside = trained.path.absolute().parent
    return find_base(trained.base, trained.network, beside, Path(chosen) if chosen else None, others)
