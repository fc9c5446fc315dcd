"""A whole photo through a generator that takes and gives limited sizes: what is sent of it, and its answer laid over it. Runs in
the worker.

A patch is sent as it is; a photo may have ten times the pixels of what comes back. So a smaller copy is sent, what comes back is
registered to that copy, and resampled once, straight to the photo's own size.
"""

from __future__ import annotations

import math
import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ggt_studio.core.canvas import Canvas
from ggt_studio.core.full_photo import FullPhoto, load_full_photo
from ggt_studio.core.images import Pixels, encode_png, load_photo
from ggt_studio.core.metadata import Source
from ggt_studio.core.restored_file import Part, at_eight_bits, output_of, part_of, write_part, write_restored
from ggt_studio.quality.overlay import Placement
from ggt_studio.quality.registration import find, resample

MOST_SENT_PIXELS = 2048 * 2048
"""A larger photo is sent at this size: more than most models give back, and within what vendors take in one request."""
DETAIL_FACTOR = 1.25
"""From so many px of a photo per px of an answer on, and side, people are told that fine detail is limited."""


def photo_to_send(params: dict[str, Any]) -> dict[str, Any]:
    """Worker method: write the copy of the photo `path` that is sent to the PNG `lq_path`, 8-bit RGB, upright.

    Colours stay those of the photo's profile, as with restorers. Returns `width` and `height` of it. Raises UnusableImage.
    """
    copy = _copy(load_full_photo(Path(params["path"])))
    Path(params["lq_path"]).write_bytes(encode_png(copy))
    return {"width": copy.shape[1], "height": copy.shape[0]}


def photo_from_answer(params: dict[str, Any]) -> dict[str, Any]:
    """Worker method: make the restored photo of an answer.

    `params`: `path` of the photo, `received` of the answer, `canvas` (the fields of `Canvas` about what was sent; None: as it was),
    `label` of the model, `told` (for XMP), and how and where it is written (`core.restored_file.write_restored`). Returns what
    that does, `seconds`, and `answer_width` and `answer_height`. Raises NotRegistrable where the answer is not laid out as the photo is.
    """
    output_of(params)
    began = time.monotonic()
    photo, received, placement = _laid(params)
    height, width = photo.pixels.shape[:2]
    restored = _sampled(received, placement, Part(0, 0, height, width))
    written = write_restored(photo, restored, params, Source.GENERATED, params["told"])
    written["notes"] += _limits(photo, received, placement, params["label"])
    return {
        **written,
        "answer_width": received.shape[1],
        "answer_height": received.shape[0],
        "seconds": round(time.monotonic() - began, 3),
    }


def part_from_answer(params: dict[str, Any]) -> dict[str, Any]:
    """Worker method: as `photo_from_answer`, of a part that is looked at: with `box`, `lq_path` and `out_path` (see
    `core.restored_file.write_part`). Returns what that does, `seconds` and `notes`."""
    output_of(params)
    began = time.monotonic()
    photo, received, placement = _laid(params)
    part = part_of(photo, params["box"])
    shown = write_part(photo, part, _sampled(received, placement, part), params)
    notes = _limits(photo, received, placement, params["label"])
    return {**shown, "seconds": round(time.monotonic() - began, 3), "notes": notes}


def _copy(photo: FullPhoto) -> Pixels:
    pixels = at_eight_bits(photo.pixels)
    height, width = pixels.shape[:2]
    if height * width <= MOST_SENT_PIXELS:
        return pixels
    factor = math.sqrt(MOST_SENT_PIXELS / (height * width))
    size = (max(1, math.floor(width * factor)), max(1, math.floor(height * factor)))
    return np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.LANCZOS))


def _laid(params: dict[str, Any]) -> tuple[FullPhoto, Pixels, Placement]:
    """The photo, its answer, and where each px of the photo is found in it."""
    photo, received = load_full_photo(Path(params["path"])), load_photo(Path(params["received"])).pixels
    copy = _copy(photo)
    (height, width), (rows, columns) = photo.pixels.shape[:2], copy.shape[:2]
    canvas = Canvas(**params["canvas"]) if params["canvas"] else Canvas.whole(columns, rows)
    _, found = find(received, copy, canvas)
    return (
        photo,
        received,
        Placement(found.scale_x * columns / width, found.scale_y * rows / height, found.left, found.top),
    )


def _sampled(received: Pixels, placement: Placement, part: Part) -> NDArray[np.float32]:
    """The part of the photo as the answer shows it, float32 of 0 to 1."""
    at = Placement(
        placement.scale_x,
        placement.scale_y,
        placement.left + placement.scale_x * part.left,
        placement.top + placement.scale_y * part.top,
    )
    target = resample(received, at, part.right - part.left, part.bottom - part.top)
    return target.astype(np.float32) / np.float32(255)


def _limits(photo: FullPhoto, received: Pixels, placement: Placement, label: str) -> list[str]:
    """What the answer cannot give, for people."""
    notes = []
    factor = 1 / min(placement.scale_x, placement.scale_y)
    if factor > DETAIL_FACTOR:
        (height, width), (rows, columns) = photo.pixels.shape[:2], received.shape[:2]
        notes.append(
            f"{label} gave {columns} x {rows} px for a photo of {width} x {height}: each of its pixels covers {factor:.1f} of the "
            "photo's a side, so fine detail is limited"
        )
    if photo.levels > 255:
        notes.append(f"{label} gives 8 bits per channel; the photo has 16")
    return notes
