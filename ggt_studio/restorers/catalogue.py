"""What is known of restorers before any is loaded: papers, licences, and what a network can do. Light, for every process."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Tiling = Literal["plain", "shared", "local"]
Padding = Literal["mirror", "zero"]


@dataclass(frozen=True, slots=True)
class Architecture:
    """A network by name. `licence` is that of the authors' code and released weights; `commercial`: whether it allows such use."""

    id: str
    label: str
    paper: str
    licence: str
    commercial: bool | None


@dataclass(frozen=True, slots=True)
class Capability:
    """What one loaded network can do, as data.

    `scale`: output px per input px and side. `colours`: channels of input and output. `multiple`: sides that it takes are
    multiples of so many px; others are filled up to them, as its authors do (`padding`), and cropped again. `grid`: tiles begin
    at multiples of so many px. `receptive_radius`: how many px away an input can change an output through convolutions and
    windows, None where unknown. `tiling`: `plain` (nothing is global), `shared` (tiles answer together what layers ask of the whole
    image), `local` (as `shared`, with global average pools made local ones over `window` px, TLC). `half`: number formats besides
    fp32 that it bears.
    """

    scale: int
    colours: int
    multiple: int
    grid: int
    receptive_radius: int | None
    tiling: Tiling
    window: int
    half: tuple[Literal["fp16", "bf16"], ...]
    padding: Padding = "mirror"


_ACADEMIC = "Academic Public License (non-commercial)"

_KNOWN = (
    Architecture("NAFNet", "NAFNet", "arXiv 2204.04676", "MIT", True),
    Architecture("SwinIR", "SwinIR", "arXiv 2108.10257", "Apache-2.0", True),
    Architecture("MPRNet", "MPRNet", "arXiv 2102.02808", _ACADEMIC, False),
    Architecture("X-Restormer", "X-Restormer", "arXiv 2310.11881", "MIT", True),
    Architecture("PromptIR", "PromptIR", "arXiv 2306.13090", _ACADEMIC, False),
    Architecture("MoCE-IR", "MoCE-IR", "arXiv 2411.18466", "Apache-2.0", True),
    Architecture("DA-CLIP", "DA-CLIP", "arXiv 2310.01018", "MIT", True),
    Architecture("FoundIR", "FoundIR", "arXiv 2412.01427", "MIT", True),
)
ARCHITECTURES = {architecture.id: architecture for architecture in _KNOWN}


def architecture(name: str) -> Architecture:
    """What is known of an architecture; of one that is not in the list, only its name."""
    return ARCHITECTURES.get(name) or Architecture(name, name, "", "unknown: see where you got the checkpoint", None)
