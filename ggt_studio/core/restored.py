"""What a restorer made of a photo -> the file that a person gets: blended, its colours locked, with all that the photo had."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ggt_studio import __version__
from ggt_studio.core.difference import lab
from ggt_studio.core.full_photo import FullPhoto
from ggt_studio.core.metadata import Source, Strip, exif_for, xmp_for
from ggt_studio.core.photo_files import FileFormat, encode_photo
from ggt_studio.core.sniff import Kind

NOTICE = "An estimate: details may be invented. Not for measurement or evidence."
_FORMATS = {
    Kind.JPEG: FileFormat.JPEG,
    Kind.HEIC: FileFormat.JPEG,
    Kind.TIFF: FileFormat.TIFF,
    Kind.RAW: FileFormat.TIFF,
    Kind.WEBP: FileFormat.WEBP,
    Kind.AVIF: FileFormat.AVIF,
}
_COARSE_SIDE = 48
_WHITE = 1.0


@dataclass(frozen=True, slots=True)
class Output:
    """How restored photos are written. `file_format` None: as the photo came, where that can be written.

    `strength`: 0 the photo to 1 restored. `lock_colour`: large areas keep the photo's colours. `quality`: 1 to 100.
    """

    file_format: FileFormat | None = None
    quality: int = 95
    strip: Strip = Strip.NOTHING
    strength: float = 1.0
    lock_colour: bool = False


@dataclass(frozen=True, slots=True)
class Finished:
    """A restored photo as a file: its bytes, format, size in px and bits per channel.

    `colour_shift`: the mean CIE76 Delta E of large areas against the photo, `colour_shift_most` that of the 95th percentile, both
    of what is in the file. `notes` say, for people, what could not be kept.
    """

    data: bytes
    file_format: FileFormat
    width: int
    height: int
    bits: int
    colour_shift: float
    colour_shift_most: float
    notes: tuple[str, ...]


def format_for(kind: Kind, alpha: bool) -> FileFormat:
    """The format that suits a photo of a kind: its own where that can be written, else a customary one."""
    chosen = _FORMATS.get(kind, FileFormat.PNG)
    return FileFormat.PNG if alpha and not chosen.transparent else chosen


def as_floats(photo: FullPhoto) -> NDArray[np.float32]:
    """The photo's colours as float32 H x W x 3 of 0 to 1."""
    return photo.pixels.astype(np.float32) / np.float32(photo.levels)


def finish(
    photo: FullPhoto, restored: NDArray[np.float32], output: Output, source: Source, note: Mapping[str, str]
) -> Finished:
    """Make the file. `restored`: float32 H s x W s x 3 of about 0 to 1, s being the restorer's scale; it is overwritten.

    `note`: names and texts for XMP, beside the program and the notice.
    """
    height, width = restored.shape[:2]
    if output.strength < 1:
        restored *= np.float32(output.strength)
        restored += np.float32(1 - output.strength) * _resized(as_floats(photo), width, height)
    if output.lock_colour:
        _lock_colour(restored, photo)
    np.clip(restored, 0, 1, out=restored)
    file_format = output.file_format or format_for(photo.kind, photo.alpha is not None)
    alpha = (
        None
        if photo.alpha is None
        else _resized(photo.alpha[..., None].astype(np.float32) / np.float32(photo.levels), width, height)
    )
    notes = []
    if alpha is not None and not file_format.transparent:
        restored += (_WHITE - restored) * (1 - np.clip(alpha, 0, 1))
        alpha = None
        notes.append(f"{file_format.upper()} holds no transparency; transparent parts were laid over white")
    levels = 65535 if photo.levels > 255 and file_format.deep else 255
    if photo.levels > levels:
        notes.append(f"{file_format.upper()} holds 8 bits per channel here; the photo has 16")
    colours = restored.mean(axis=-1, keepdims=True) if photo.grey else restored
    pixels = _quantised(colours if alpha is None else np.concatenate([colours, alpha], -1), levels)
    shift = _colour_shift(photo, restored)
    data = encode_photo(
        pixels,
        file_format,
        quality=output.quality,
        icc=photo.icc,
        exif=exif_for(photo.exif, output.strip, width, height),
        xmp=xmp_for(
            photo.xmp, output.strip, source, {"Program": f"GGT Studio {__version__}", **note, "Notice": NOTICE}
        ),
    )
    bits = 16 if levels > 255 else 8
    return Finished(data, file_format, width, height, bits, *shift, tuple(notes))


def _quantised(values: NDArray[np.float32], levels: int) -> NDArray:
    scaled = np.clip(values, 0, 1) * np.float32(levels)
    return np.rint(scaled, out=scaled).astype(np.uint16 if levels > 255 else np.uint8)


def _resized(
    values: NDArray[np.float32], width: int, height: int, how: Image.Resampling = Image.Resampling.BICUBIC
) -> NDArray[np.float32]:
    """Float32 H x W x C at another size."""
    if values.shape[:2] == (height, width):
        return values
    channels = [
        np.asarray(Image.fromarray(np.ascontiguousarray(values[..., channel])).resize((width, height), how))
        for channel in range(values.shape[-1])
    ]
    return np.stack(channels, axis=-1)


def _coarse(values: NDArray[np.float32], photo: FullPhoto) -> NDArray[np.float32]:
    """The means of large areas, the same ones whatever the size."""
    height, width = photo.pixels.shape[:2]
    step = max(1, math.ceil(max(height, width) / _COARSE_SIDE))
    return _resized(values, math.ceil(width / step), math.ceil(height / step), Image.Resampling.BOX)


def _lock_colour(restored: NDArray[np.float32], photo: FullPhoto) -> None:
    lost = _coarse(as_floats(photo), photo) - _coarse(restored, photo)
    restored += _resized(lost, restored.shape[1], restored.shape[0])


def _colour_shift(photo: FullPhoto, restored: NDArray[np.float32]) -> tuple[float, float]:
    before, after = (lab(_quantised(_coarse(values, photo), 255)) for values in (as_floats(photo), restored))
    distance = np.sqrt(((before - after) ** 2).sum(-1))
    return round(float(distance.mean()), 2), round(float(np.percentile(distance, 95)), 2)
