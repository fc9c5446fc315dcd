"""A job's generative model, its base loaded from where it is, ready for the loop."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor

from ggt_studio.core.errors import StudioError
from ggt_studio.generative.bases import Base, find_base
from ggt_studio.generative.flow import FlowModel
from ggt_studio.generative.loading import load_model, put_weights
from ggt_studio.generative.options import GenerativeOptions, LoraOptions, parse_options
from ggt_studio.generative.placing import DTYPES
from ggt_studio.generative.qwen_edit import lora_header
from ggt_studio.generative.sampling import Hearing, sample
from ggt_studio.generative.trained_file import header_of, read_trained
from ggt_studio.training.generative.flow_matching import FlowMatching
from ggt_studio.training.job import CHECKPOINTS, CONTROLNET_FILE, WEIGHTS_FILE, Job
from ggt_studio.training.trained import Restore, Trained


def generative(folder: Path, job: Job, device: torch.device, base: Path | None, start: Path | None) -> Trained:
    """The base model with a new LoRA or ControlNet, or with that of the file `start`. Raises StudioError."""
    recipe = job.recipe
    options = parse_options(recipe.network, recipe.network_options, f"The recipe {recipe.label}")
    if job.base is None:
        raise StudioError(
            f"The run {job.name} does not say which model it trains in. Make it anew, with --base FOLDER."
        )
    found = find_base(job.base, recipe.network, folder, base)
    model = load_model(found, options, DTYPES[recipe.precision], device, job.seed)
    if start is not None:
        _begin_from(model, start, recipe.network, job.base)
    model.to(device)
    lora = isinstance(options, LoraOptions)
    # A file tells where its base model is; one inside of the job folder stays where it is relative to the file.
    named = job.base
    if not Path(named.folder).is_absolute():
        up = Path(*[".."] * len(Path(CHECKPOINTS, "step").parts))
        named = Base((up / named.folder).as_posix(), named.pipeline, named.fingerprint)
    header = header_of(recipe.network, options, named) | (lora_header(options) if lora else {"format": "pt"})
    return Trained(
        FlowMatching(model),
        lambda _weights, _device, check: _restorer(model, options, job.seed, check),
        header,
        # The names by which diffusers finds a LoRA and a ControlNet in their folder.
        WEIGHTS_FILE if lora else CONTROLNET_FILE,
        {} if lora else {"config.json": model.learnt.to_json_string().encode()},  # type: ignore[operator]
    )


def _begin_from(model: FlowModel, start: Path, network: str, base: Base) -> None:
    before = read_trained(start)
    if before.network != network or before.base.fingerprint != base.fingerprint:
        raise StudioError(
            f"{start.name} cannot be trained on here: it is a {before.network} of another model. Choose one of this recipe's "
            "network, trained in the same base model."
        )
    put_weights(model.learnt, start)


def _restorer(model: FlowModel, options: GenerativeOptions, seed: int, check: Callable[[], None]) -> Restore:
    """With the weights as they are at that time, in fewer steps."""

    def restore(photo: Tensor) -> Tensor:
        hearing = Hearing(check=check)
        return sample(model, photo, steps=options.validation_steps, seed=seed, hearing=hearing)[0]

    return restore
