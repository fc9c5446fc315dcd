"""Restore photos with what was trained into a generative model. Runs in the worker, where the last one stays loaded."""

from __future__ import annotations

import gc
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ggt_studio.core.errors import StudioError
from ggt_studio.core.files import hash_file
from ggt_studio.core.full_photo import load_full_photo
from ggt_studio.core.metadata import Source
from ggt_studio.core.restored import as_floats
from ggt_studio.core.restored_file import output_of, part_of, write_part, write_restored
from ggt_studio.generative.flow import FlowModel
from ggt_studio.generative.inspecting import base_of
from ggt_studio.generative.loading import load_model, put_weights
from ggt_studio.generative.placing import DTYPES, put_on
from ggt_studio.generative.sampling import Hearing, Sampled, sample
from ggt_studio.generative.trained_file import TrainedFile, read_trained
from ggt_studio.providers.local import libraries
from ggt_studio.providers.local.devices import choose_device, choose_dtype
from ggt_studio.providers.local.folder import ModelFolder
from ggt_studio.restorers.memory import release
from ggt_studio.worker.held import take_over
from ggt_studio.worker.job import Job

# What is shown to the model around a part that is looked at.
_AROUND = 64


class _Holder:
    """The one model that is in memory."""

    def __init__(self) -> None:
        self._key: tuple[str, str, str] | None = None
        self._model: FlowModel | None = None

    def get(self, trained: TrainedFile, sha256: str, base: ModelFolder, device: str, job: Job) -> FlowModel:
        """The model of a file's content on a device; another one is let go for it."""
        key = (sha256, str(base.path), device)
        if self._model is None or self._key != key:
            self.drop()
            take_over("generative", self.drop)
            job.report("load", 0, 1)
            dtype = choose_dtype("auto", device)
            model = load_model(base, trained.options, DTYPES[dtype], torch.device(device))
            put_weights(model.learnt, trained.path)
            put_on(model, base, device, dtype)
            self._model, self._key = model, key
            job.report("load", 1, 1)
        return self._model

    def drop(self) -> None:
        """Free the memory."""
        before = self._model
        self._key = self._model = None
        if before is not None:
            device = before.device
            del before
            gc.collect()
            release(device)


_HOLDER = _Holder()


def restore_photo_generative(params: dict[str, Any], job: Job) -> dict[str, Any]:
    """Worker method: restore a photo into a new file, at its own resolution, with all that the photo had.

    `params`: `checkpoint`, `path`, and how and where it is written (`core.restored_file.write_restored`); optionally `base` and
    `others` (see `generative_inspect`), `tile` (px a side that go through at once; 0 chooses), `device` (auto, cpu, cuda, cuda:N,
    mps), `seed`. Returns what `write_restored` does, `seconds`, `architecture`, `sha256` of the file and the fields of `Sampled`.
    Reports `steps` and stops after the next when cancelled; then, and on every error, no file is made. Raises StudioError.
    """
    output_of(params)
    photo = load_full_photo(Path(params["path"]))
    job.check()
    began = time.monotonic()
    trained, restored, sampled, sha256 = _restore(as_floats(photo), params, job)
    job.check()
    written = write_restored(photo, restored, params, Source.GENERATED, _note(trained, sha256, params))
    seconds = round(time.monotonic() - began, 3)
    about = {"seconds": seconds, "architecture": trained.network, "sha256": sha256}
    return {**written, **about, **asdict(sampled)}


def restore_region_generative(params: dict[str, Any], job: Job) -> dict[str, Any]:
    """Worker method: restore a part of a photo, to be looked at: `params` as of `restore_photo_generative` without where it is
    written, with `box`, `lq_path` and `out_path` (see `core.restored_file.write_part`). Returns what that does, and `seconds`."""
    output_of(params)
    photo = load_full_photo(Path(params["path"]))
    part = part_of(photo, params["box"])
    began = time.monotonic()
    given = part.around(_AROUND, *photo.pixels.shape[:2])
    floats = given.of(photo.pixels).astype(np.float32) / np.float32(photo.levels)
    _, restored, _, _ = _restore(floats, params, job)
    shown = write_part(photo, part, part.inside(given, restored), params)
    return {**shown, "seconds": round(time.monotonic() - began, 3)}


def _restore(
    colours: NDArray[np.float32], params: dict[str, Any], job: Job
) -> tuple[TrainedFile, NDArray[np.float32], Sampled, str]:
    """Float32 H x W x 3 of 0 to 1 -> the same restored; the file it was done with, what was done, and the file's SHA-256."""
    libraries.diffusers()
    path = Path(params["checkpoint"])
    trained = read_trained(path)
    base = base_of(trained, params)
    device, sha256 = choose_device(str(params.get("device") or "auto")), hash_file(path)
    model = _HOLDER.get(trained, sha256, base, device, job)
    image = torch.from_numpy(colours).permute(2, 0, 1)[None].contiguous()
    hearing = Hearing(lambda done, total: job.report("steps", done, total), job.check)
    tile = int(params.get("tile") or 0)
    if tile < 0:
        raise StudioError(f"The tile size is {tile} px; choose 0 to have it chosen, or a size.")
    steps, seed = trained.options.restore_steps, int(params.get("seed") or 0)
    restored, sampled = sample(model, image, steps=steps, seed=seed, tile=tile, hearing=hearing)
    return trained, np.ascontiguousarray(restored[0].permute(1, 2, 0).numpy()), sampled, sha256


def _note(trained: TrainedFile, sha256: str, params: dict[str, Any]) -> dict[str, str]:
    """What a restored file tells of how it came about."""
    note = {
        "Model": f"{trained.network} ({trained.name})",
        "ModelSHA256": sha256,
        "Base": f"{trained.base.pipeline} {trained.base.fingerprint[:12]}",
        "Prompt": trained.options.prompt,
        "Seed": str(int(params.get("seed") or 0)),
    }
    dataset = trained.told.get("dataset", "")
    return note | ({"Dataset": dataset} if dataset else {})
