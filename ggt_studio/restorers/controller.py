"""The CLIP controller of DA-CLIP, which its authors released in a file of its own: found beside the U-Net's, by what it holds."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ggt_studio.core.files import hash_file
from ggt_studio.core.sniff import display_name
from ggt_studio.restorers.checkpoint import Checkpoint, StateDict, read_checkpoint, read_shapes
from ggt_studio.restorers.files import UnusableCheckpoint
from ggt_studio.restorers.networks.daclip import CONTENT
from ggt_studio.restorers.networks.shapes import columns

SIGN = "visual_control."
"""What names in a controller begin with."""
_ENCODER = "visual."
# Under this name, too, the authors' program keeps the encoder; files that hold nothing twice may have it here alone.
_SAME_ENCODER = "clip.visual."
_EMBEDDING = "visual_control.proj"
_SUFFIXES = {".pt", ".pth", ".ckpt", ".bin", ".safetensors"}
# Names come first in all kinds of checkpoints, and take a fraction of this.
_NAMES_WITHIN = 8_000_000
_AUTHORS_NAMES = {512: "daclip_ViT-B-32.pt", 768: "wild-daclip_ViT-L-14.pt"}


@dataclass(frozen=True, slots=True)
class Companion:
    """The file that a restorer's other part came from."""

    path: Path
    sha256: str

    @property
    def name(self) -> str:
        """The file's name, as it can be shown."""
        return display_name(self.path)


def with_controller(checkpoint: Checkpoint) -> tuple[StateDict, Companion | None]:
    """The weights of a U-Net and its controller, and the controller's file; None where the U-Net's file holds both.

    Raises UnusableCheckpoint, saying what to put where, unless exactly one file beside the U-Net's holds a controller that fits it.
    """
    if any(name.startswith(SIGN) for name in checkpoint.weights):
        return network_alone(checkpoint.weights), None
    path = _the_controller(checkpoint)
    companion = Companion(path, hash_file(path))
    return {**checkpoint.weights, **controller_alone(read_checkpoint(path).weights)}, companion


def beside(path: Path) -> list[Path]:
    """The other files in the folder of a checkpoint that may be checkpoints, too, by name. Raises UnusableCheckpoint."""
    try:
        files = [file for file in path.parent.iterdir() if file.suffix.lower() in _SUFFIXES and file.name != path.name]
    except OSError as error:
        raise UnusableCheckpoint(
            f"{path.parent} cannot be looked into ({error.strerror}), where the controller of {display_name(path)} is to be."
        ) from error
    return sorted(file for file in files if file.is_file())


def standing(path: Path) -> tuple[tuple[str, int, int], ...]:
    """What lies beside a checkpoint: equal as long as nothing there has changed."""
    about = ((file.name, file.stat()) for file in beside(path))
    return tuple((name, stat.st_size, stat.st_mtime_ns) for name, stat in about)


def controller_alone(weights: StateDict) -> StateDict:
    """The controller and the encoder that it controls, of weights that may hold more; nothing where they hold neither."""
    return {name: value for name, value in network_alone(weights).items() if name.startswith((SIGN, _ENCODER))}


def network_alone(weights: StateDict) -> StateDict:
    """Without CLIP's text encoder, and with the image encoder under its one name."""
    renamed = {name.removeprefix("clip."): value for name, value in weights.items() if name.startswith(_SAME_ENCODER)}
    return renamed | {
        name: value for name, value in weights.items() if not name.startswith("clip.") and name != "logit_scale"
    }


def _the_controller(checkpoint: Checkpoint) -> Path:
    """The one that fits."""
    name, takes = checkpoint.name, columns(checkpoint.weights, CONTENT)
    usual = _AUTHORS_NAMES.get(takes, _AUTHORS_NAMES[512])
    needs = f"{name} is the U-Net of DA-CLIP, which works together with a CLIP controller (its authors call it {usual})"
    found, closed = [], []
    for file in beside(checkpoint.path):
        try:
            if _holds_controller(file):
                found.append(file)
        except OSError:
            closed.append(display_name(file))
    if not found:
        unread = f" ({', '.join(closed)} could not be read.)" if closed else ""
        raise UnusableCheckpoint(
            f"{needs}, but there is none beside it. Put the controller's file into the folder {checkpoint.path.parent}.{unread}"
        )
    gives = {file: read_shapes(file).get(_EMBEDDING, ())[-1:] for file in found}
    fitting = [file for file in found if gives[file] == (takes,)]
    if not fitting:
        told = ", ".join(f"{display_name(file)} gives {gives[file][0] if gives[file] else 'none'}" for file in found)
        raise UnusableCheckpoint(
            f"{needs} and takes embeddings of {takes} numbers from it, but {told}. Put the controller that it was trained with "
            "beside it."
        )
    if len(fitting) > 1:
        raise UnusableCheckpoint(
            f"{needs}, and {len(fitting)} that fit lie beside it: {', '.join(display_name(file) for file in fitting)}. Which one "
            "it was trained with, the files do not tell: leave only that one in its folder."
        )
    return fitting[0]


def _holds_controller(file: Path) -> bool:
    with file.open("rb") as stream:
        return SIGN.encode() in stream.read(_NAMES_WITHIN)
