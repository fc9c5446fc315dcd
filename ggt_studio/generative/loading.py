"""Load a base model from its folder, offline, with what is trained into it. Runs where torch is."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import nn

from ggt_studio.core.errors import StudioError
from ggt_studio.generative.flow import FlowModel
from ggt_studio.generative.flux_control import FluxControl, embed
from ggt_studio.generative.options import ControlNetOptions, GenerativeOptions, LoraOptions
from ggt_studio.generative.qwen_edit import QwenEdit
from ggt_studio.providers.local import libraries
from ggt_studio.providers.local.folder import ModelFolder
from ggt_studio.restorers.files import UnusableCheckpoint
from ggt_studio.restorers.memory import free_bytes

_ENCODERS = ("text_encoder", "text_encoder_2")
_TEXT = (*_ENCODERS, "tokenizer", "tokenizer_2")


def load_model(
    base: ModelFolder, options: GenerativeOptions, dtype: torch.dtype, device: torch.device, seed: int = 0
) -> FlowModel:
    """The model in main memory, what is frozen in `dtype`, with a new part to train, its weights drawn with `seed`.

    Text encoders that are not needed after embedding the prompt do that on `device` where they fit, and are never there together with
    the rest.
    Raises StudioError where diffusers cannot make it of the folder.
    """
    if isinstance(options, ControlNetOptions):
        needed = sum(base.sizes[name].parameters for name in _ENCODERS) * dtype.itemsize
        fits = device.type != "cuda" or free_bytes(device) > needed
        encoders = _load(base, dtype, ("transformer", "vae"))
        prompt = embed(encoders, options, device if fits else torch.device("cpu"))
        # Gone before the rest comes.
        del encoders
        pipeline = _load(base, dtype, _TEXT)
        torch.manual_seed(seed)
        return FluxControl(pipeline, options, prompt)
    assert isinstance(options, LoraOptions)
    pipeline = _load(base, dtype, ())
    torch.manual_seed(seed)
    return QwenEdit(pipeline, options)


def put_weights(learnt: nn.Module, path: Path) -> None:
    """Put a file's weights into what is trained. Raises UnusableCheckpoint where they are not its own, or not finite."""
    try:
        weights = load_file(path)
    except (SafetensorError, OSError) as error:
        raise UnusableCheckpoint(f"{path.name} cannot be read: {str(error).splitlines()[0]}.") from error
    for name, value in weights.items():
        if not torch.isfinite(value).all():
            raise UnusableCheckpoint(
                f"{path.name}: {name} holds numbers that are not finite. The training or the file failed."
            )
    try:
        learnt.load_state_dict(weights)
    except RuntimeError as error:
        lines = [line.strip() for line in str(error).splitlines()[1:]] or [str(error)]
        raise UnusableCheckpoint(
            f"{path.name} does not fit the model that it says it was trained into ({lines[0][:200]}). The file is damaged, or "
            "its header is another one's."
        ) from error


def _load(base: ModelFolder, dtype: torch.dtype, without: Sequence[str]) -> Any:
    diffusers = libraries.diffusers()
    given: dict[str, Any] = dict.fromkeys(without)
    given |= {"dtype": dtype, "local_files_only": True, "use_safetensors": True}
    try:
        pipeline = getattr(diffusers, base.family.pipeline).from_pretrained(base.path, **given)
    except (ValueError, OSError, KeyError, TypeError, RuntimeError) as error:
        why = (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".:")
        raise StudioError(
            f"The base model in {base.path} cannot be loaded: {why}. Download it again, or choose another folder."
        ) from error
    pipeline.set_progress_bar_config(disable=True)
    return pipeline
