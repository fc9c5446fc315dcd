"""A photo of 8 or 16 bits with alpha and metadata -> the bytes of a file: JPEG, PNG, TIFF, WebP, AVIF."""

from __future__ import annotations

import io
import struct
import zlib
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, PngImagePlugin, TiffImagePlugin

from ggt_studio.core.images import PNG_COMPRESSION
from ggt_studio.core.metadata import exif_tags, loaded_exif

_ALPHA_UNASSOCIATED = 2
_STRIP_BYTES = 1 << 20
_DEFLATE_LEVEL = 6


class FileFormat(StrEnum):
    """The formats that restored photos are written in."""

    JPEG = "jpeg"
    PNG = "png"
    TIFF = "tiff"
    WEBP = "webp"
    AVIF = "avif"

    @property
    def suffix(self) -> str:
        """The customary suffix, with its dot."""
        return {"jpeg": ".jpg", "tiff": ".tif"}.get(self, f".{self}")

    @property
    def deep(self) -> bool:
        """Whether it can hold 16 bits per channel."""
        return self in (FileFormat.PNG, FileFormat.TIFF)

    @property
    def transparent(self) -> bool:
        """Whether it can hold alpha."""
        return self is not FileFormat.JPEG


def encode_photo(
    pixels: NDArray,
    file_format: FileFormat,
    *,
    quality: int = 95,
    icc: bytes | None = None,
    exif: bytes = b"",
    xmp: bytes = b"",
) -> bytes:
    """The bytes of a file. `pixels`: uint8 or uint16 (PNG and TIFF only), H x W x 1, 2, 3 or 4: grey or colour, with alpha or not.

    `quality`: 1 to 100, of JPEG, WebP and AVIF. `exif`: a TIFF structure behind `Exif\\0\\0`. Raises ValueError for what the format
    cannot hold, and what Pillow raises for sizes that it cannot.
    """
    channels = pixels.shape[-1]
    if (pixels.dtype == np.uint16 and not file_format.deep) or (channels in (2, 4) and not file_format.transparent):
        raise ValueError(f"{file_format} cannot hold {pixels.dtype} with {channels} channels")
    if file_format is FileFormat.TIFF:
        # Grey of 16 bits with alpha is a variant that many programs do not read.
        deep_grey = channels == 2 and pixels.dtype == np.uint16
        return _tiff(pixels[..., [0, 0, 0, 1]] if deep_grey else pixels, icc, exif, xmp)
    if pixels.dtype == np.uint16:
        return _deep_png(pixels, icc, exif, xmp)
    image = Image.fromarray(
        pixels[..., 0] if channels == 1 else pixels, {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}[channels]
    )
    about: dict[str, Any] = {
        name: value for name, value in (("icc_profile", icc), ("exif", exif), ("xmp", xmp)) if value
    }
    buffer = io.BytesIO()
    match file_format:
        case FileFormat.JPEG:
            image.save(buffer, "JPEG", quality=quality, subsampling=0 if quality >= 90 else 2, optimize=True, **about)
        case FileFormat.PNG:
            about.pop("xmp", None)
            image.save(buffer, "PNG", compress_level=PNG_COMPRESSION, pnginfo=_itxt(xmp), **about)
        case FileFormat.WEBP:
            image.save(buffer, "WEBP", quality=quality, method=4, **about)
        case FileFormat.AVIF:
            # Pillow writes EXIF anew here.
            about |= {"exif": loaded_exif(exif)} if exif else {}
            image.save(buffer, "AVIF", quality=quality, subsampling="4:4:4" if quality >= 90 else "4:2:0", **about)
    return buffer.getvalue()


def _itxt(xmp: bytes) -> PngImagePlugin.PngInfo:
    info = PngImagePlugin.PngInfo()
    if xmp:
        info.add_itxt("XML:com.adobe.xmp", xmp.decode("utf-8"))
    return info


def _deep_png(pixels: NDArray[np.uint16], icc: bytes | None, exif: bytes, xmp: bytes) -> bytes:
    """16 bits per channel, which Pillow does not write: each row less the one above (filter 2), as the standard has it."""
    height, width, channels = pixels.shape
    rows = pixels.astype(">u2").view(np.uint8).reshape(height, width * channels * 2)
    filtered = np.empty((height, rows.shape[1] + 1), np.uint8)
    filtered[:, 0] = 2
    filtered[0, 1:] = rows[0]
    np.subtract(rows[1:], rows[:-1], out=filtered[1:, 1:])
    header = struct.pack(">IIBBBBB", width, height, 16, {1: 0, 2: 4, 3: 2, 4: 6}[channels], 0, 0, 0)
    chunks = [(b"IHDR", header)]
    if icc:
        chunks.append((b"iCCP", b"ICC Profile\0\0" + zlib.compress(icc)))
    if exif:
        chunks.append((b"eXIf", exif.removeprefix(b"Exif\0\0")))
    if xmp:
        chunks.append((b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + xmp))
    chunks += [(b"IDAT", zlib.compress(filtered.data, PNG_COMPRESSION)), (b"IEND", b"")]
    parts = [b"\x89PNG\r\n\x1a\n"]
    for name, data in chunks:
        parts += [struct.pack(">I", len(data)), name, data, struct.pack(">I", zlib.crc32(data, zlib.crc32(name)))]
    return b"".join(parts)


def _tiff(pixels: NDArray, icc: bytes | None, exif: bytes, xmp: bytes) -> bytes:
    """8 or 16 bits per channel, in deflated strips with horizontal differences; EXIF as directories of the file itself."""
    height, width, channels = pixels.shape
    bits = pixels.dtype.itemsize * 8
    differences = pixels.copy()
    np.subtract(pixels[:, 1:], pixels[:, :-1], out=differences[:, 1:])
    differences = differences.astype(pixels.dtype.newbyteorder("<"), copy=False)
    rows = max(1, _STRIP_BYTES // (width * channels * bits // 8))
    strips = [zlib.compress(differences[row : row + rows].tobytes(), _DEFLATE_LEVEL) for row in range(0, height, rows)]
    directory = TiffImagePlugin.ImageFileDirectory_v2()
    for tag, value in exif_tags(exif).items() if exif else ():
        directory[tag] = value
    offsets, at = [], 0
    for strip in strips:
        offsets.append(at)
        at += len(strip)
    directory[TiffImagePlugin.IMAGEWIDTH], directory[TiffImagePlugin.IMAGELENGTH] = width, height
    directory[TiffImagePlugin.BITSPERSAMPLE] = (bits,) * channels
    directory[TiffImagePlugin.SAMPLESPERPIXEL] = channels
    directory[TiffImagePlugin.COMPRESSION], directory[TiffImagePlugin.PREDICTOR] = 8, 2
    directory[TiffImagePlugin.PHOTOMETRIC_INTERPRETATION] = 2 if channels > 2 else 1
    directory[TiffImagePlugin.PLANAR_CONFIGURATION] = 1
    directory[TiffImagePlugin.ROWSPERSTRIP] = rows
    directory[TiffImagePlugin.STRIPOFFSETS] = tuple(offsets)
    directory[TiffImagePlugin.STRIPBYTECOUNTS] = tuple(len(strip) for strip in strips)
    if channels in (2, 4):
        directory[TiffImagePlugin.EXTRASAMPLES] = _ALPHA_UNASSOCIATED
    if icc:
        directory.tagtype[TiffImagePlugin.ICCPROFILE] = 7
        directory[TiffImagePlugin.ICCPROFILE] = icc
    if xmp:
        directory.tagtype[700] = 1
        directory[700] = xmp
    buffer = io.BytesIO()
    directory.save(buffer)
    for strip in strips:
        buffer.write(strip)
    return buffer.getvalue()
