"""Jobs that train in a tiny base model, small enough for tests."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file

from fakes.training_jobs import make_job
from ggt_studio.generative.bases import Base, find_base
from ggt_studio.generative.loading import load_model
from ggt_studio.generative.options import FLUX_CONTROLNET, QWEN_LORA, parse_options
from ggt_studio.generative.tiny import write_tiny_base
from ggt_studio.generative.trained_file import header_of
from ggt_studio.training.job import JOB_FILE, read_job, write_job
from ggt_studio.training.recipes import TrainingRecipe, load_recipe

SMOKE_NAMES = {QWEN_LORA: "qwen-edit-lora-smoke", FLUX_CONTROLNET: "flux-controlnet-smoke"}


def tiny_base(folder: Path, network: str) -> Base:
    """A tiny base model for a network, in a folder."""
    return Base.from_json(write_tiny_base({"folder": str(folder), "network": network}))


def generative_recipe(network: str, options: dict[str, Any] | None = None, **values: Any) -> TrainingRecipe:
    """The smoke recipe of a network, smaller still."""
    recipe = load_recipe(SMOKE_NAMES[network])
    small = {"steps": 6, "batch": 2, "crop": 32, "checkpoint_every": 3, "validation_crop": 32, "log_every": 1}
    small["network_options"] = recipe.network_options | {"validation_steps": 1, "restore_steps": 2} | (options or {})
    return recipe.changed(**{**small, **values})


def generative_job(folder: Path, base: Base, recipe: TrainingRecipe) -> Path:
    """A job folder, ready to be trained in a base model."""
    make_job(folder, recipe)
    job = read_job(folder)
    (folder / JOB_FILE).unlink()
    write_job(folder, replace(job, base=base))
    return folder


def save_trained(params: dict[str, Any]) -> dict[str, str]:
    """Worker method: files in `folder` with a LoRA, and ControlNets of which one has learnt nothing, and their base models."""
    folder = Path(params["folder"])
    files = {}
    for name, network, spread in (
        ("lora", QWEN_LORA, 0.2),
        ("trained", FLUX_CONTROLNET, 0.2),
        ("untrained", FLUX_CONTROLNET, 0.0),
    ):
        place = folder / {QWEN_LORA: "qwen", FLUX_CONTROLNET: "flux"}[network]
        base = tiny_base(place, network)
        recipe = generative_recipe(network)
        options = parse_options(network, recipe.network_options, "test")
        model = load_model(find_base(base, network, folder), options, torch.float32, torch.device("cpu"))
        torch.manual_seed(1)
        weights = {key: value + spread * torch.randn_like(value) for key, value in model.learnt.state_dict().items()}
        files[name] = str(folder / f"{name}.safetensors")
        save_file(weights, files[name], header_of(network, options, base))
    return files
