"""Look at a checkpoint, and restore a photo with it. Runs in the worker, where the last restorer stays loaded."""

from __future__ import annotations

import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ggt_studio.core.errors import StudioError
from ggt_studio.core.files import hash_file
from ggt_studio.core.full_photo import FullPhoto, load_full_photo
from ggt_studio.core.metadata import Source
from ggt_studio.core.restored import as_floats
from ggt_studio.core.restored_file import output_of, part_of, write_part, write_restored
from ggt_studio.restorers.checkpoint import read_checkpoint
from ggt_studio.restorers.controller import standing
from ggt_studio.restorers.registry import Restorer, detect
from ggt_studio.restorers.running import Run, Runner, usable_dtype
from ggt_studio.worker.job import Job

_LUMA = np.array([0.299, 0.587, 0.114], np.float32)
# What is given to a network around a part that is looked at; most of what trained networks use of their receptive field.
_AROUND = 64


class _Holder:
    """The one restorer that is in memory."""

    def __init__(self) -> None:
        self._key: tuple[str, int] | None = None
        self._beside: object = None
        self._restorer: Restorer | None = None

    def get(self, path: Path, sha256: str, scale: int) -> Restorer:
        """The restorer of a file's content, and of what lies beside it if that counts; another one is let go for it."""
        known, key = self._restorer, (sha256, scale)
        if known is None or self._key != key or (known.companion and self._beside != standing(path)):
            self._key = self._restorer = known = None
            known = self._restorer = detect(read_checkpoint(path), {"scale": scale})
            self._key, self._beside = key, standing(path) if known.companion else None
        return known


class _Photos:
    """The one photo that parts are looked at of."""

    def __init__(self) -> None:
        self._key: tuple[str, int, int] | None = None
        self._photo: FullPhoto | None = None

    def get(self, path: Path) -> FullPhoto:
        """The photo; decoded anew when the file has changed. Raises UnusableImage."""
        key = (str(path), path.stat().st_mtime_ns, path.stat().st_size) if path.is_file() else None
        if self._photo is None or key is None or self._key != key:
            self._key = self._photo = None
            self._photo, self._key = load_full_photo(path), key
        return self._photo


_HOLDER = _Holder()
_PHOTOS = _Photos()


def restorer_inspect(params: dict[str, Any]) -> dict[str, Any]:
    """Worker method: what a checkpoint is, without running it.

    `params`: `path`; optionally `scale`, where weights do not tell it (X-Restormer). Returns `architecture`, `label`, `paper`,
    `licence`, `commercial` (True, False, or None where unknown), `container`, `file_bytes`, `sha256`, `companion_sha256` (of the
    file of its other part; empty where there is none), `parameters`, `notes` and the fields of `Capability`. Raises
    UnusableCheckpoint, saying what was found, for everything that is no restorer; StudioError for a scale that it does not have.
    """
    path = Path(params["path"])
    checkpoint = read_checkpoint(path)
    asked = _scale(params)
    restorer = detect(checkpoint, {"scale": asked})
    if asked not in (1, has := restorer.capability.scale):
        size = "at its own size" if has == 1 else f"{has} times as large"
        raise StudioError(f"{path.name} restores a photo {size}, not {asked} times; leave the scale out.")
    known = restorer.architecture
    return {
        "architecture": known.id,
        "label": known.label,
        "paper": known.paper,
        "licence": _licence(restorer),
        "commercial": known.commercial,
        "container": str(checkpoint.container),
        "file_bytes": checkpoint.file_bytes,
        "sha256": hash_file(path),
        "companion_sha256": restorer.companion.sha256 if restorer.companion else "",
        "parameters": checkpoint.parameters,
        "notes": list(restorer.notes),
        **asdict(restorer.capability),
    }


def restore_photo(params: dict[str, Any], job: Job) -> dict[str, Any]:
    """Worker method: restore a photo into a new file, with all that the photo had: orientation, profile, EXIF, alpha, 16 bits.

    `params`: `checkpoint`, `path`, and how and where it is written (`core.restored_file.write_restored`); optionally `tile` (px a
    side that go through at once; 0 chooses), `device` (auto, cpu, cuda, cuda:N, mps), `half` (True where the network bears it),
    `scale` (see `restorer_inspect`), `seed` (of samplers). Returns what `write_restored` does, `seconds`, `architecture`, `sha256`
    of the checkpoint and the fields of `Run`. Reports tiles as `tiles` (in parts, where they go side by side) and stops before the
    next layer when cancelled; then, and on every error, no file is made. Raises StudioError.
    """
    _check(params)
    path = Path(params["checkpoint"])
    photo = load_full_photo(Path(params["path"]))
    job.check()
    began = time.monotonic()
    image = _to_tensor(as_floats(photo), _load(path, params).capability.colours)
    restorer, result, run, sha256 = _run(path, image, params, job)
    job.check()
    written = write_restored(photo, _to_floats(result), params, Source.ENHANCED, _note(restorer, sha256))
    return {
        **written,
        "seconds": round(time.monotonic() - began, 3),
        "architecture": restorer.architecture.id,
        "sha256": sha256,
        **asdict(run),
    }


def restore_region(params: dict[str, Any], job: Job) -> dict[str, Any]:
    """Worker method: restore a part of a photo, to be looked at: `params` as of `restore_photo`, without where it is written.

    `box`: top, left, height, width in px of the upright photo; `lq_path` gets these pixels, `out_path` the restored ones, both as
    8-bit PNG. What lies around the part is given to the network with it. Returns what `core.restored_file.write_part` does, and
    `seconds`. Raises StudioError.
    """
    _check(params)
    photo = _PHOTOS.get(Path(params["path"]))
    part = part_of(photo, params["box"])
    began = time.monotonic()
    given = part.around(_AROUND, *photo.pixels.shape[:2])
    floats = given.of(photo.pixels).astype(np.float32) / np.float32(photo.levels)
    path = Path(params["checkpoint"])
    restorer, result, _, _ = _run(path, _to_tensor(floats, _load(path, params).capability.colours), params, job)
    restored = part.inside(given, _to_floats(result), restorer.capability.scale)
    return {**write_part(photo, part, restored, params), "seconds": round(time.monotonic() - began, 3)}


def _check(params: dict[str, Any]) -> None:
    """Raises StudioError for values out of range, before anything is read."""
    output_of(params)
    if int(params.get("tile") or 0) < 0:
        raise StudioError(f"The tile size is {params['tile']} px; choose 0 to have it chosen, or a size.")


def _load(path: Path, params: dict[str, Any]) -> Restorer:
    if not path.is_file():
        read_checkpoint(path)
    return _HOLDER.get(path, hash_file(path), _scale(params))


def _run(path: Path, image: Tensor, params: dict[str, Any], job: Job) -> tuple[Restorer, Tensor, Run, str]:
    """Put an image through the restorer of a checkpoint: what it is, the result, what was done, and the file's SHA-256."""
    sha256 = hash_file(path)
    restorer = _HOLDER.get(path, sha256, _scale(params))
    job.check()
    device = _device(str(params.get("device") or "auto"))
    dtype = usable_dtype(restorer.capability, device, bool(params.get("half")))

    def progress(done: float, total: float) -> None:
        job.check()
        job.report("tiles", round(done, 3), total)

    runner = Runner(restorer, device, dtype, int(params.get("tile") or 0), progress, job.check)
    return restorer, runner.restore(image, int(params.get("seed") or 0)), runner.run, sha256


def _note(restorer: Restorer, sha256: str) -> dict[str, str]:
    """What a restored file tells of how it came about."""
    told = {"Model": f"{restorer.architecture.label} ({restorer.checkpoint.name})", "ModelSHA256": sha256}
    if restorer.companion is not None:
        told |= {"Companion": restorer.companion.name, "CompanionSHA256": restorer.companion.sha256}
    dataset = restorer.checkpoint.options.get("dataset")
    return told | ({"Dataset": dataset} if isinstance(dataset, str) and dataset else {})


def _licence(restorer: Restorer) -> str:
    network = restorer.architecture.licence
    if restorer.checkpoint.options.get("run"):
        return f"that of the photos and targets that it was trained on; the authors' network: {network}"
    return network


def _scale(params: dict[str, Any]) -> int:
    scale = int(params.get("scale") or 1)
    if scale not in {1, 2, 3, 4, 8}:
        raise StudioError(f"The scale is {scale}; choose 1, 2, 3, 4 or 8.")
    return scale


def _device(wanted: str) -> str:
    cuda, mps = torch.cuda.is_available(), torch.backends.mps.is_available()
    if wanted == "auto":
        return "cuda:0" if cuda else "mps" if mps else "cpu"
    kind, _, number = wanted.partition(":")
    there = {"cpu": not number, "mps": mps and not number, "cuda": cuda and (not number or number.isdecimal())}
    if not there.get(kind) or (kind == "cuda" and int(number or 0) >= torch.cuda.device_count()):
        raise StudioError(f"There is no device {wanted} here. Choose auto, or cpu.")
    return f"cuda:{number or 0}" if kind == "cuda" else kind


def _to_tensor(colours: NDArray[np.float32], channels: int) -> Tensor:
    """Float32 H x W x 3 of 0 to 1 -> (1, channels, H, W); networks for grey images see each colour by its luminance."""
    if channels == 1:
        colours = colours @ _LUMA
        return torch.from_numpy(colours)[None, None]
    return torch.from_numpy(colours).permute(2, 0, 1)[None].contiguous()


def _to_floats(image: Tensor) -> NDArray[np.float32]:
    """(1, 1 or 3, H, W) -> float32 H x W x 3, its own memory."""
    values = image[0].permute(1, 2, 0).numpy()
    return np.repeat(values, 3, -1) if values.shape[-1] == 1 else np.ascontiguousarray(values)
