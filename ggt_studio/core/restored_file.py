"""A restored photo, or a part to look at -> files: what every worker method that restores has in common."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ggt_studio.core.errors import StudioError
from ggt_studio.core.files import write_new
from ggt_studio.core.full_photo import FullPhoto, Levels
from ggt_studio.core.metadata import Source, Strip
from ggt_studio.core.photo_files import FileFormat
from ggt_studio.core.restored import Finished, Output, as_floats, finish


def output_params(output: Output) -> dict[str, Any]:
    """How photos are written, as worker methods take it."""
    return {
        "format": output.file_format,
        "quality": output.quality,
        "strip": output.strip,
        "strength": output.strength,
        "lock_colour": output.lock_colour,
    }


def output_of(params: Mapping[str, Any]) -> Output:
    """The inverse of `output_params`; what is missing has its default. Raises StudioError for values out of range."""
    strength, quality = float(params.get("strength", 1.0)), int(params.get("quality") or 95)
    if not 0 <= strength <= 1:
        raise StudioError(f"The strength is {strength:g}; choose one from 0 to 1.")
    if not 1 <= quality <= 100:
        raise StudioError(f"The quality is {quality}; choose one from 1 to 100.")
    wanted = params.get("format") or None
    strip = Strip(params.get("strip") or Strip.NOTHING)
    return Output(FileFormat(wanted) if wanted else None, quality, strip, strength, bool(params.get("lock_colour")))


def write_restored(
    photo: FullPhoto, restored: NDArray[np.float32], params: Mapping[str, Any], source: Source, note: Mapping[str, str]
) -> dict[str, Any]:
    """Give a restored photo its file.

    `restored` and `note` as `core.restored.finish` takes them; `params` as of `output_params`, with `out_path`, or `out_stem`, to
    which the format's suffix is added, and a number where such a file is there; optionally `overwrite`, and a `note` to add.
    Returns `out`, `width`, `height`, `bits`, `format`, `colour_shift`, `colour_shift_most`, `notes`. Raises StudioError where the
    file would have to take another one's place.
    """
    output = output_of(params)
    told = {**note, "Strength": f"{output.strength:g}"}
    told |= {str(name): str(text) for name, text in (params.get("note") or {}).items()}
    finished = finish(photo, restored, output, source, told)
    return {
        "out": str(_place(finished, params)),
        "width": finished.width,
        "height": finished.height,
        "bits": finished.bits,
        "format": str(finished.file_format),
        "colour_shift": finished.colour_shift,
        "colour_shift_most": finished.colour_shift_most,
        "notes": [*photo.notes, *finished.notes],
    }


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a photo that is looked at, in px: rows `top` to `bottom`, columns `left` to `right`."""

    top: int
    left: int
    bottom: int
    right: int

    def around(self, margin: int, height: int, width: int) -> Part:
        """The part with up to `margin` px more at each side, inside a photo of `height` x `width` px."""
        return Part(
            max(0, self.top - margin),
            max(0, self.left - margin),
            min(self.bottom + margin, height),
            min(self.right + margin, width),
        )

    def of(self, pixels: NDArray) -> NDArray:
        """These pixels of H x W x C."""
        return pixels[self.top : self.bottom, self.left : self.right]

    def inside(self, other: Part, pixels: NDArray, scale: int = 1) -> NDArray:
        """These pixels of what was made of `other`, which holds them, at `scale` times its size; their own memory."""
        rows = pixels[(self.top - other.top) * scale : (self.bottom - other.top) * scale]
        return np.ascontiguousarray(rows[:, (self.left - other.left) * scale : (self.right - other.left) * scale])


def part_of(photo: FullPhoto, box: Sequence[int]) -> Part:
    """The part of `box`: top, left, height, width in px. Raises StudioError where it lies outside of the photo."""
    height, width = photo.pixels.shape[:2]
    top, left, rows, columns = (int(value) for value in box)
    if not (0 <= top < height and 0 <= left < width and rows > 0 and columns > 0):
        raise StudioError(f"The part lies outside of the photo, which has {width} x {height} px.")
    return Part(top, left, min(top + rows, height), min(left + columns, width))


def write_part(
    photo: FullPhoto, part: Part, restored: NDArray[np.float32], params: Mapping[str, Any]
) -> dict[str, Any]:
    """Put a part into two 8-bit PNGs: as it was at `params["lq_path"]`, restored at `params["out_path"]`.

    `restored`: float32 of the part, of about 0 to 1; it is overwritten. Returns `width`, `height` of it, `photo_width`, `photo_height`.
    """
    alpha = None if photo.alpha is None else at_eight_bits(part.of(photo.alpha))
    cut = FullPhoto(at_eight_bits(part.of(photo.pixels)), alpha, photo.grey, photo.icc, b"", b"", photo.kind, ())
    shown = replace(output_of(params), file_format=FileFormat.PNG)
    as_it_is = replace(shown, strength=1.0, lock_colour=False)
    Path(params["lq_path"]).write_bytes(finish(cut, as_floats(cut), as_it_is, Source.ENHANCED, {}).data)
    Path(params["out_path"]).write_bytes(finish(cut, restored, shown, Source.ENHANCED, {}).data)
    return {
        "width": restored.shape[1],
        "height": restored.shape[0],
        "photo_width": photo.pixels.shape[1],
        "photo_height": photo.pixels.shape[0],
    }


def _place(finished: Finished, params: Mapping[str, Any]) -> Path:
    overwrite = bool(params.get("overwrite"))
    if "out_path" in params:
        out = Path(params["out_path"])
        try:
            write_new(out, finished.data, overwrite=overwrite)
        except FileExistsError as error:
            raise StudioError(f"{out} is there already. Choose another place, or let it be overwritten.") from error
        return out
    stem, suffix = str(params["out_stem"]), finished.file_format.suffix
    for number in itertools.count(1):
        out = Path(f"{stem}{suffix}" if number == 1 else f"{stem}-{number}{suffix}")
        with suppress(FileExistsError):
            write_new(out, finished.data, overwrite=overwrite)
            return out
    raise AssertionError


def at_eight_bits(pixels: Levels) -> NDArray[np.uint8]:
    """Values of 0 to 255 or 0 to 65535 as those of 0 to 255, rounded."""
    eight = pixels if pixels.dtype == np.uint8 else (pixels.astype(np.uint32) + 128) // 257
    return np.ascontiguousarray(eight, np.uint8)
