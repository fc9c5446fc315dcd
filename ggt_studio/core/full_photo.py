"""A photo with all that is to survive its restoration: every bit of its channels, alpha, colour profile, EXIF and XMP."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms, TiffImagePlugin

from ggt_studio.core.colour import split_alpha, to_srgb
from ggt_studio.core.depth import at_eight_bits, at_sixteen_bits
from ggt_studio.core.images import (
    UPRIGHT,
    check_size,
    open_image,
    orientation_of,
    refusing,
    require_single,
    require_whole,
)
from ggt_studio.core.metadata import read_exif, read_xmp
from ggt_studio.core.raw import develop
from ggt_studio.core.sniff import Kind, display_name, kind_of, read_photo

_DNG_VERSION = 50706
# Middle grey of sRGB and of gamma 1.8 to 2.4 lies here when it is read as sRGB; that of linear profiles far above.
_DISPLAY_GREY = range(96, 168)


Levels = NDArray[np.uint8 | np.uint16]
"""Values of 0 to 255 or 0 to 65535."""


@dataclass(frozen=True, slots=True)
class FullPhoto:
    """A photo as it is to be restored and written again.

    `pixels`: uint8 or uint16, H x W x 3, upright, in the colour space of `icc` (sRGB where that is None). `alpha`: the same type,
    H x W, or None. `grey`: the file has one colour channel, and all three here are equal. `exif`: a TIFF structure behind
    `Exif\\0\\0`, its orientation 1; empty where there is none. `xmp`: the packet; empty where there is none. `kind`: what the
    content is. `notes` say, for people, what was converted.
    """

    pixels: Levels
    alpha: Levels | None
    grey: bool
    icc: bytes | None
    exif: bytes
    xmp: bytes
    kind: Kind
    notes: tuple[str, ...]

    @property
    def levels(self) -> int:
        """The value of white: 255 or 65535."""
        return 65535 if self.pixels.dtype == np.uint16 else 255


def load_full_photo(path: Path) -> FullPhoto:
    """Read a photo with all its bits and metadata. Raises UnusableImage as `core.images.load_photo` does."""
    return read_full_photo(read_photo(path), path)


def read_full_photo(data: bytes, path: Path) -> FullPhoto:
    """As `load_full_photo`, of the bytes of a file; `path` is only its name.

    Pixels of RGB and grey profiles that are made for displays stay as they are, and the profile with them: nothing is clipped.
    Others (CMYK, Lab, linear light) become 8-bit sRGB, which is what restorers know.
    """
    kind, name = kind_of(data[:512], path), display_name(path)
    with refusing(name):
        if kind is Kind.RAW:
            return _developed(data, name)
        require_whole(data, kind, name)
        image = open_image(data, kind)
        if isinstance(image, TiffImagePlugin.TiffImageFile) and _DNG_VERSION in image.tag_v2:
            return _developed(data, name)
        check_size(name, image.width, image.height, len(data))
        notes = [*require_single(image, name)]
        icc = image.info.get("icc_profile") or None
        deep = at_sixteen_bits(image, data)
        if deep is not None and deep[1] != "CMYK" and _is_display(icc, "L" if deep[1][0] == "L" else "RGB"):
            pixels, alpha, grey = _channels(deep[0])
        else:
            if deep is not None:
                # Both bytes have been read from it; what follows begins anew.
                image = open_image(data, kind)
            eight, _, depth_notes = at_eight_bits(image, data)
            pixels, alpha, grey, icc, colour_notes = _eight_bits(eight, icc)
            notes += [*depth_notes, *colour_notes]
        # After the pixels: in some formats metadata come behind them, and TIFF and HEIC files are upright only now.
        turn = UPRIGHT.get(orientation_of(image)[0])
        pixels, alpha = _turned(pixels, turn), None if alpha is None else _turned(alpha, turn)
        return FullPhoto(pixels, alpha, grey, icc, read_exif(image), read_xmp(image), kind, tuple(notes))


def _developed(data: bytes, name: str) -> FullPhoto:
    pixels = develop(data, name, lambda width, height: check_size(name, width, height, len(data)), bits=16)
    notes = ("it was developed with the camera's white balance and its exposure as shot",)
    return FullPhoto(pixels, None, False, None, b"", b"", Kind.RAW, notes)


def _channels(values: NDArray[np.uint16]) -> tuple[NDArray[np.uint16], NDArray[np.uint16] | None, bool]:
    """Colour, alpha and whether it is grey, of H x W or H x W x (2, 3, 4)."""
    if values.ndim == 2:
        values = values[..., None]
    count = values.shape[-1]
    alpha = np.ascontiguousarray(values[..., -1]) if count in (2, 4) else None
    grey = count < 3
    colour = np.repeat(values[..., :1], 3, -1) if grey else np.ascontiguousarray(values[..., :3])
    return colour, alpha, grey


def _eight_bits(
    image: Image.Image, icc: bytes | None
) -> tuple[NDArray[np.uint8], NDArray[np.uint8] | None, bool, bytes | None, list[str]]:
    """Colour, alpha, whether it is grey, the profile that goes with it, and notes."""
    plain, alpha = split_alpha(image)
    alpha_values = None if alpha is None else np.array(alpha)
    notes: list[str] = []
    grey = plain.mode == "L"
    if plain.mode not in ("RGB", "L") or not _is_display(icc, plain.mode):
        plain, _, notes = to_srgb(plain, icc)
        icc = None
    return np.array(plain.convert("RGB")), alpha_values, grey, icc, notes


def _is_display(icc: bytes | None, mode: str) -> bool:
    """Whether values of this profile look right to what knows sRGB: the same kind of colours, and a customary tone curve."""
    if icc is None:
        return True
    try:
        profile = ImageCms.getOpenProfile(io.BytesIO(icc))
        transform = ImageCms.buildTransform(profile, ImageCms.createProfile("sRGB"), mode, "RGB")
        shown = ImageCms.applyTransform(Image.new(mode, (1, 1), 128 if mode == "L" else (128, 128, 128)), transform)
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return False
    return shown is not None and all(value in _DISPLAY_GREY for value in np.asarray(shown).flat)


def _turned(values: NDArray, turn: Image.Transpose | None) -> NDArray:
    """Pillow's transposition of H x W (x C) values of any type."""
    match turn:
        case None:
            return values
        case Image.Transpose.FLIP_LEFT_RIGHT:
            turned = values[:, ::-1]
        case Image.Transpose.FLIP_TOP_BOTTOM:
            turned = values[::-1]
        case Image.Transpose.TRANSPOSE:
            turned = values.swapaxes(0, 1)
        case Image.Transpose.TRANSVERSE:
            turned = np.rot90(values, 2).swapaxes(0, 1)
        case _:
            turned = np.rot90(values, {Image.Transpose.ROTATE_90: 1, Image.Transpose.ROTATE_180: 2}.get(turn, 3))
    return np.ascontiguousarray(turned)
