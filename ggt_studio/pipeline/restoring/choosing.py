"""From the name that a person gives to the model that it is, with what else they chose for it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ggt_studio.core.errors import StudioError
from ggt_studio.generative.trained_file import is_trained_file
from ggt_studio.pipeline.restoring.finetuned import Finetuned
from ggt_studio.pipeline.restoring.generated import Generated
from ggt_studio.pipeline.restoring.models import Checkpoint, Classical, RestoringModel
from ggt_studio.providers.local.generator import LocalGenerator
from ggt_studio.providers.offline import CLASSICAL
from ggt_studio.providers.registry import Registry

_SUFFIXES = {".safetensors", ".pth", ".pt", ".ckpt", ".bin"}


@dataclass(frozen=True, slots=True)
class ModelSettings:
    """What may be chosen for a model; each takes what it knows. See `Checkpoint`, `Finetuned` and `Generated` for the words."""

    tile: int = 0
    device: str = "auto"
    half: bool = False
    scale: int = 1
    seed: int = 0
    prompt: str = ""
    base: str = ""


def is_checkpoint(name: str) -> bool:
    """Whether a name is that of a file, which goes before the id of a generator."""
    return Path(name).is_file()


def named_model(name: str, settings: ModelSettings, registry: Registry) -> RestoringModel:
    """The model of a name: the path of a checkpoint, or the id of a generator. Raises StudioError for a name that is neither."""
    if is_checkpoint(name):
        if is_trained_file(path := Path(name)):
            return Finetuned(
                path, settings.base, _local_folders(registry), settings.tile, settings.device, settings.seed
            )
        return Checkpoint(Path(name), settings.tile, settings.device, settings.half, settings.scale, settings.seed)
    if name == CLASSICAL.id:
        return Classical(settings.seed)
    if name in registry.generators:
        return Generated(name, registry, settings.prompt, settings.seed)
    path = Path(name)
    if path.is_dir():
        inside = next(iter(sorted(path.glob("*.safetensors"))), None)
        hint = f"give the file, {inside}" if inside else "give the file of a checkpoint in it"
        raise StudioError(f"{name} is a folder; {hint}.")
    # Ids have dots, too.
    if len(path.parts) > 1 or path.suffix.lower() in _SUFFIXES:
        raise StudioError(f"There is no file {name}. Look at its name and where it is.")
    raise StudioError(
        f"{name} is neither the file of a checkpoint nor the id of a generator. There are: {', '.join(sorted(registry.generators))}."
    )


def _local_folders(registry: Registry) -> tuple[str, ...]:
    """The folders of the models on this machine that generate."""
    local = [one for one in registry.generators.values() if isinstance(one, LocalGenerator)]
    return tuple(str(one.info.options["model"]) for one in local if Path(one.info.options["model"]).is_absolute())
