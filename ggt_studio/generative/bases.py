"""The base models that something is trained into: whether a folder holds one, and where that of a trained file is. Light."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ggt_studio.core.errors import BaseMissing, StudioError
from ggt_studio.generative.options import GENERATIVE
from ggt_studio.providers.local.families import FAMILIES, Family
from ggt_studio.providers.local.folder import ModelFolder, inspect_folder

_FLUX1 = Family(
    pipeline="FluxPipeline",
    weights=("transformer", "text_encoder", "text_encoder_2", "vae"),
    others=("scheduler", "tokenizer", "tokenizer_2"),
    guidance_name="guidance_scale",
    negative_prompt=None,
    steps=28,
    guidance=3.5,
    sizes=FAMILIES["Flux2Pipeline"].sizes,
)
_FAMILIES = {kind.pipeline: FAMILIES.get(kind.pipeline, _FLUX1) for kind in GENERATIVE.values()}


@dataclass(frozen=True, slots=True)
class Base:
    """Which base model: its `folder` (relative to the file or job that names it, where it belongs to that), the class of its pipeline,
    and the `fingerprint` of `inspect_folder`."""

    folder: str
    pipeline: str
    fingerprint: str

    def to_json(self) -> dict[str, str]:
        """As JSON values."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: Any) -> Base:
        """The inverse. Raises TypeError, KeyError for what is none."""
        return cls(*(str(values[name]) for name in ("folder", "pipeline", "fingerprint")))


def inspect_base(folder: Path, network: str) -> ModelFolder:
    """The base model in a folder. Raises StudioError, saying what was found, where it is none that `network` is trained into."""
    kind = GENERATIVE[network]
    try:
        return inspect_folder(folder, kind.pipeline, _FAMILIES)
    except StudioError as error:
        raise StudioError(f"A {network} is trained into {kind.base} or a model of its kind. {error}") from error


def find_base(
    base: Base, network: str, beside: Path, chosen: Path | None = None, others: Iterable[Path] = ()
) -> ModelFolder:
    """The very model that something was trained into: in the folder that a person has `chosen`; else in its own (`beside` is what
    a relative one starts from), or in one of `others`. Raises BaseMissing."""
    kind = GENERATIVE[network]
    why = ""
    for folder in (chosen,) if chosen else (beside / Path(base.folder).expanduser(), *others):
        if not folder.is_dir():
            why = why or f"There is no folder {folder}."
            continue
        try:
            model = inspect_folder(folder, kind.pipeline, _FAMILIES)
        except StudioError as error:
            # What else is on this machine need not be a model of this kind.
            why = why or str(error)
            continue
        if model.fingerprint == base.fingerprint:
            return model
        why = f"{folder} holds another version or size of it (fingerprint {model.fingerprint[:12]})."
    raise BaseMissing(
        f"This {network} needs the very model that it was trained into, {kind.base} (fingerprint {base.fingerprint[:12]}). {why} "
        "Put it back, or choose the folder that holds it (on the command line: --base FOLDER)."
    )
