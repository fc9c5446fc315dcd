"""Any pixel layout that Pillow opens -> 8 bits per channel, with one stated rounding rule, or all 16 bits of those that have them.

16-bit values become round(value / 257), so that 0 stays 0 and 65535 becomes 255. Pillow itself reads 16-bit colour by
dropping the low byte, which darkens by half a level; here both bytes are read.
"""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image, TiffImagePlugin

_TO_EIGHT_BITS = ((np.arange(65536, dtype=np.uint32) + 128) // 257).astype(np.uint8)
_OTHER_BYTE = {"16L": "16B", "16B": "16L", "16N": "16B" if np.little_endian else "16L"}
_PHOTOMETRIC, _PLANAR, _BITS, _WHITE_IS_ZERO, _SEPARATE = 262, 284, 258, 0, 2


class NotUnderstood(ValueError):
    """The pixel layout is known but its values have no agreed meaning; the message is the reason."""


def at_eight_bits(image: Image.Image, data: bytes) -> tuple[Image.Image, int, list[str]]:
    """Load `image`, opened lazily from `data`, and give it with 8 bits per channel, its bits per channel in the file,
    and notes for people.

    Floating-point values are read as 0 to 1, 0 to 255 or 0 to 65535, whichever is the smallest range that holds them;
    anything else raises `NotUnderstood`. Formats decoded to 8 bits by their library (AVIF, HEIC) count as 8.
    """
    deep = at_sixteen_bits(image, data)
    if deep is not None:
        values, mode = deep
        return Image.fromarray(_TO_EIGHT_BITS[values], mode), 16, []
    if image.mode in ("I", "F"):
        return _wide(image)
    image.load()
    return image, 1 if image.mode == "1" else 8, []


def at_sixteen_bits(image: Image.Image, data: bytes) -> tuple[NDArray[np.uint16], str] | None:
    """Load `image`, opened lazily from `data`, with both bytes of its channels; None where it has not 16 bits per channel.

    The values are uint16, H x W for grey and H x W x channels otherwise; the text is Pillow's name of the channels (`L`, `LA`,
    `RGB`, `RGBA`, `CMYK`). Raises `NotUnderstood` for layouts that Pillow misreads.
    """
    raw_mode = _raw_mode(image)
    if isinstance(image, TiffImagePlugin.TiffImageFile):
        _require_interleaved(image)
    if image.mode.startswith("I;16"):
        return _grey_sixteen(image), "L"
    if raw_mode == "LA;16B":
        return _grey_alpha_sixteen(image), "LA"
    if raw_mode[-3:] in _OTHER_BYTE and image.mode in ("RGB", "RGBA", "CMYK"):
        return _colour_sixteen(image, raw_mode, data), image.mode
    return None


def _raw_mode(image: Image.Image) -> str:
    """How the file packs its pixels, in Pillow's words (`RGB;16B`); empty where its decoder does not say."""
    tile = getattr(image, "tile", None)
    if not tile:
        return ""
    args = tile[0].args
    first = args[0] if isinstance(args, tuple) and args else args
    return first if isinstance(first, str) else ""


def _require_interleaved(image: TiffImagePlugin.TiffImageFile) -> None:
    """Pillow reads 16-bit channels in separate planes as if they were 8-bit, without a word."""
    bits = image.tag_v2.get(_BITS, (8,))
    if image.tag_v2.get(_PLANAR, 1) == _SEPARATE and max(bits) > 8:
        raise NotUnderstood("its colour channels of more than 8 bits lie in separate planes; save it interleaved")


def _grey_sixteen(image: Image.Image) -> NDArray[np.uint16]:
    values = np.asarray(image).astype(np.uint16, copy=False)
    tags = getattr(image, "tag_v2", {})
    return 65535 - values if tags.get(_PHOTOMETRIC) == _WHITE_IS_ZERO else values


def _grey_alpha_sixteen(image: Image.Image) -> NDArray[np.uint16]:
    """Grey + alpha at 2 x 16 bits is as wide as RGBA at 4 x 8: read so, the channels are the four bytes."""
    image.tile = [tile._replace(args="RGBA") for tile in image.tile]  # type: ignore[attr-defined]
    return _joined(np.asarray(image)[..., 0::2], np.asarray(image)[..., 1::2])


def _colour_sixteen(image: Image.Image, raw_mode: str, data: bytes) -> NDArray[np.uint16]:
    """Read the high bytes, then, told the other byte order, the low bytes."""
    other = raw_mode[:-3] + _OTHER_BYTE[raw_mode[-3:]]
    again = Image.open(io.BytesIO(data), formats=(image.format or "",))
    tiles = []
    for tile in again.tile:  # type: ignore[attr-defined]
        args = (other, *tile.args[1:]) if isinstance(tile.args, tuple) else other
        tiles.append(tile._replace(args=args))
    again.tile = tiles  # type: ignore[attr-defined]
    return _joined(np.asarray(image), np.asarray(again))


def _joined(high: NDArray[np.uint8], low: NDArray[np.uint8]) -> NDArray[np.uint16]:
    return high.astype(np.uint16) * np.uint16(256) + low


def _wide(image: Image.Image) -> tuple[Image.Image, int, list[str]]:
    """Floating-point and 32-bit integer grey."""
    values = np.asarray(image)
    low, high = float(values.min()), float(values.max())
    whole = image.mode == "I"
    tops = (255.0, 65535.0) if whole else (1.0, 255.0, 65535.0)
    top = next((top for top in tops if high <= top), None)
    if not low >= 0 or top is None:
        raise NotUnderstood(f"its pixel values run from {low:g} to {high:g}; 0 to 1, 255 or 65535 are understood")
    grey = np.rint(values.astype(np.float64) * (255.0 / top)).astype(np.uint8)
    kind = "whole" if whole else "floating-point"
    return Image.fromarray(grey), 32, [f"its {kind} values were read as 0 to {top:g}"]
