"""Restore a whole photo, of any size and depth, by classical means: the worker's methods behind Restore."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np

from ggt_studio.core.errors import StudioError
from ggt_studio.core.full_photo import load_full_photo
from ggt_studio.core.metadata import Source
from ggt_studio.core.restored import as_floats
from ggt_studio.core.restored_file import output_of, part_of, write_part, write_restored
from ggt_studio.core.words import Category
from ggt_studio.providers.classical.dispatch import restore_values

_LEAST_SIDE = 32
# Wider than any filter's window; what is measured over the whole photo (its noise, its haze) differs a little all the same.
_AROUND = 64


def restore_photo(params: dict[str, Any]) -> dict[str, Any]:
    """Worker method: restore a photo into a new file, with all that the photo had.

    `params`: `path`, `category` (value of `Category`), `seed`, and how and where it is written (`core.restored_file.write_restored`).
    Returns what that does, and `seconds`. 16 bits stay 16 bits. Raises StudioError.
    """
    output_of(params)
    photo = load_full_photo(Path(params["path"]))
    began = time.monotonic()
    restored = _restored(as_floats(photo), params)
    note = {"Model": "Classical restoration", "Category": str(params["category"])}
    return {
        **write_restored(photo, restored, params, Source.ENHANCED, note),
        "seconds": round(time.monotonic() - began, 3),
    }


def restore_region(params: dict[str, Any]) -> dict[str, Any]:
    """Worker method: restore a part of a photo, to be looked at: `params` as of `restore_photo`, without where it is written, with
    `box`, `lq_path` and `out_path` (see `core.restored_file`). Returns what `write_part` does, and `seconds`. Raises StudioError."""
    output_of(params)
    photo = load_full_photo(Path(params["path"]))
    part = part_of(photo, params["box"])
    began = time.monotonic()
    given = part.around(_AROUND, *photo.pixels.shape[:2])
    floats = given.of(photo.pixels).astype(np.float32) / np.float32(photo.levels)
    restored = part.inside(given, _restored(floats, params))
    return {**write_part(photo, part, restored, params), "seconds": round(time.monotonic() - began, 3)}


def _restored(values: np.ndarray, params: dict[str, Any]) -> np.ndarray:
    """Float32 H x W x 3 of 0 to 1 -> the same of about 0 to 1."""
    height, width = values.shape[:2]
    if min(height, width) < _LEAST_SIDE:
        raise StudioError(
            f"{Path(params['path']).name} has {width} x {height} px; classical restoration needs {_LEAST_SIDE} px a side."
        )
    levels = np.float32(255)
    restored = restore_values(values * levels, Category(params["category"]), frozenset(), int(params["seed"]))
    return np.ascontiguousarray(restored / levels, np.float32)
