"""The worker's part of import: one photo file -> its hash, its notes and its patches on disk."""

from __future__ import annotations

import hashlib
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from ggt_studio.core.errors import UnusableImage
from ggt_studio.core.files import write_content_addressed
from ggt_studio.core.geometry import crop, plan_patches, resize_photo
from ggt_studio.core.images import Pixels, decode_photo, encode_png
from ggt_studio.core.measures import content, perceptual_hash, quality
from ggt_studio.core.model import Geometry
from ggt_studio.core.sniff import display_name, read_photo
from ggt_studio.core.words import Category, Prepare


def prepare_photo(params: dict[str, Any]) -> dict[str, Any]:
    """Read a photo once, cut it into patches and keep these, content-addressed, under `patches_dir`.

    `params`: `path`, `category`, `prepare` (values of `Category` and `Prepare`), `patches_dir`.

    Returns JSON-ready `{"status": "ok", "sha256", "perceptual_hash", "width", "height", "notes", "format", "patches":
    [{"sha256", "bytes", "geometry", "content", "quality"}]}`, or `{"status": "unusable", "reason", "sha256"}`, where
    `sha256` is None for what was not read to its end. A disk that cannot be written is no property of the photo: it
    raises `ggt_studio.core.files.WriteError`.
    """
    path = Path(params["path"])
    sha256: str | None = None
    try:
        data = read_photo(path)
        sha256 = hashlib.sha256(data).hexdigest()
        photo = decode_photo(data, path)
        del data
        plan = _plan(path, photo.pixels, Prepare(params["prepare"]), Category(params["category"]))
        resized = resize_photo(photo.pixels, plan[0])
    except UnusableImage as error:
        return {"status": "unusable", "reason": str(error), "sha256": sha256}
    except MemoryError:
        reason = f"{display_name(path)}: preparing it needs more memory than is free."
        return {"status": "unusable", "reason": reason, "sha256": sha256}
    patches_dir = Path(params["patches_dir"])
    return {
        "status": "ok",
        "sha256": sha256,
        "perceptual_hash": perceptual_hash(photo.pixels),
        "width": photo.width,
        "height": photo.height,
        "notes": list(photo.notes),
        "format": photo.format,
        "patches": [_keep(crop(resized, geometry), geometry, patches_dir) for geometry in plan],
    }


def _plan(path: Path, pixels: Pixels, prepare: Prepare, category: Category) -> list[Geometry]:
    height, width = pixels.shape[:2]
    try:
        return plan_patches(width, height, prepare, category)
    except UnusableImage as error:
        reason = str(error)
        raise UnusableImage(f"{display_name(path)}: {reason[0].lower()}{reason[1:]}") from error


def _keep(patch: Pixels, geometry: Geometry, patches_dir: Path) -> dict[str, Any]:
    pixels = np.ascontiguousarray(patch)
    png = encode_png(pixels)
    return {
        "sha256": write_content_addressed(patches_dir, png, ".png"),
        "bytes": len(png),
        "geometry": asdict(geometry),
        "content": content(pixels),
        "quality": quality(pixels),
    }
