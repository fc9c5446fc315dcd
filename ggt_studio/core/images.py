"""The one decoder: a file of any supported kind -> upright, opaque 8-bit sRGB pixels; and the one PNG encoder."""

from __future__ import annotations

import io
import struct
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, TiffImagePlugin, UnidentifiedImageError

from ggt_studio.core.colour import to_srgb
from ggt_studio.core.depth import NotUnderstood, at_eight_bits
from ggt_studio.core.errors import UnusableImage
from ggt_studio.core.raw import develop
from ggt_studio.core.sniff import Kind, display_name, kind_of, read_photo

Pixels = NDArray[np.uint8]

MAX_PIXELS = 300_000_000
# Pillow has a smaller limit of its own, for the whole process; ours is checked, from the header, before any pixel is decoded.
Image.MAX_IMAGE_PIXELS = MAX_PIXELS
# What Pillow warns of in damaged files, this module refuses, notes, or finds harmless.
warnings.filterwarnings("ignore", module=r"PIL\.")

# A photo holds more than a byte per 2,000 px, whatever its format; headers that claim more are damaged or bombs.
_PIXELS_PER_BYTE = 2_000
_ALWAYS_PLAUSIBLE_PIXELS = 4_000_000

# On 1024 x 1024 photo patches level 4 takes some 90 ms for 0.8 MB; level 1, 60 ms for 12 % more; level 6, 250 ms for 4 % less.
PNG_COMPRESSION = 4

_PILLOW_FORMATS = {
    Kind.JPEG: ("JPEG",),
    Kind.PNG: ("PNG",),
    Kind.TIFF: ("TIFF",),
    Kind.WEBP: ("WEBP",),
    Kind.BMP: ("BMP",),
    Kind.GIF: ("GIF",),
    Kind.AVIF: ("AVIF",),
    Kind.HEIC: ("HEIF",),
}
_ORIENTATION = 0x0112
UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_DNG_VERSION, _SUBFILE_TYPE, _REDUCED_OR_MASK = 50706, 254, 0b101
_MAX_SMALLER_VERSIONS = 32
_BLANK_END_BYTES = 64
# What Pillow, pillow-heif and their C libraries raise on damaged files: parsers run into wrong lengths, types and tags.
_DECODER_ERRORS = (
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    ArithmeticError,
    AssertionError,
    RuntimeError,
    EOFError,
    struct.error,
    zlib.error,
    Image.DecompressionBombError,
    Warning,
)


@dataclass(frozen=True, slots=True)
class DecodedPhoto:
    """A photo as everything else here sees it.

    `pixels` is uint8 H x W x 3, sRGB, upright. `notes` say, for people, what was converted on the way. `format` is
    what the content is (`JPEG`, whatever the file's name says); `source_bit_depth` the bits per channel in the file (8
    for formats whose library hands out 8); `had_alpha` whether there was an alpha channel; `orientation` the EXIF
    orientation that was applied (1: none was needed).
    """

    pixels: Pixels
    notes: tuple[str, ...]
    format: str
    source_bit_depth: int
    had_alpha: bool
    orientation: int

    @property
    def width(self) -> int:
        """Width in px, upright."""
        return self.pixels.shape[1]

    @property
    def height(self) -> int:
        """Height in px, upright."""
        return self.pixels.shape[0]


def load_photo(path: Path) -> DecodedPhoto:
    """Read and decode a photo. Raises `UnusableImage`, naming the file and the reason, for everything that is not one
    whole still image in a supported format of at most 300 megapixels."""
    return decode_photo(read_photo(path), path)


def decode_photo(data: bytes, path: Path) -> DecodedPhoto:
    """Decode the bytes of a file; `path` is only its name, for errors and to tell RAW formats. Raises as `load_photo`."""
    kind = kind_of(data[:512], path)
    name = display_name(path)
    with refusing(name):
        if kind is Kind.RAW:
            return _decode_raw(data, name)
        require_whole(data, kind, name)
        image = open_image(data, kind)
        if isinstance(image, TiffImagePlugin.TiffImageFile) and _DNG_VERSION in image.tag_v2:
            return _decode_raw(data, name)
        check_size(name, image.width, image.height, len(data))
        notes = require_single(image, name)
        eight, depth, depth_notes = at_eight_bits(image, data)
        rgb, had_alpha, colour_notes = to_srgb(eight, image.info.get("icc_profile"))
        orientation, orientation_notes = orientation_of(image)
        if orientation in UPRIGHT:
            rgb = rgb.transpose(UPRIGHT[orientation])
        notes = (*notes, *depth_notes, *colour_notes, *orientation_notes)
        return DecodedPhoto(np.array(rgb), notes, kind.value, depth, had_alpha, orientation)


def encode_png(pixels: Pixels) -> bytes:
    """Pixels, uint8 H x W x 3 (sRGB) or H x W, as PNG bytes without metadata; the same pixels give the same bytes."""
    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels)).save(buffer, "PNG", compress_level=PNG_COMPRESSION)
    return buffer.getvalue()


def open_image(data: bytes, kind: Kind) -> Image.Image:
    """The image in these bytes, its pixels not yet decoded; raises what Pillow raises."""
    if kind is Kind.HEIC:
        import pillow_heif

        pillow_heif.register_heif_opener()
    return Image.open(io.BytesIO(data), formats=_PILLOW_FORMATS[kind])


def require_whole(data: bytes, kind: Kind, name: str) -> None:
    """Find damage that the C libraries decode without complaint: a PNG's wrong checksums, and a JPEG whose end was never
    written (zeros, with no end-of-image marker before them)."""
    if kind is Kind.PNG:
        open_image(data, kind).verify()
    if kind is Kind.JPEG and data.endswith(bytes(_BLANK_END_BYTES)) and not data.rstrip(b"\0").endswith(b"\xff\xd9"):
        raise UnusableImage(f"{name}: the file is cut short, its end is blank; copy it again from where it came.")


def _decode_raw(data: bytes, name: str) -> DecodedPhoto:
    pixels = develop(data, name, lambda width, height: check_size(name, width, height, len(data)))
    notes = ("it was developed with the camera's white balance and its exposure as shot",)
    return DecodedPhoto(pixels, notes, Kind.RAW.value, 16, had_alpha=False, orientation=1)


@contextmanager
def refusing(name: str) -> Iterator[None]:
    """Turn what decoders raise into `UnusableImage`."""
    try:
        yield
    except UnusableImage:
        raise
    except NotUnderstood as error:
        raise UnusableImage(f"{name}: {error}.") from error
    except MemoryError as error:
        raise UnusableImage(f"{name}: decoding it needs more memory than is free.") from error
    except Image.DecompressionBombError as error:
        raise UnusableImage(f"{name}: it claims more than {MAX_PIXELS // 1_000_000} megapixels.") from error
    except UnidentifiedImageError as error:
        raise UnusableImage(f"{name}: its header is damaged, or it is of a variant that is not read.") from error
    except _DECODER_ERRORS as error:
        words = " ".join(str(error).split())
        if isinstance(error, EOFError) or "truncated" in words.lower() or "end of file" in words.lower():
            raise UnusableImage(f"{name}: the file is cut short; copy it again from where it came.") from error
        detail = f" ({words[:120]})" if words else ""
        raise UnusableImage(f"{name}: the file is damaged{detail}.") from error


def check_size(name: str, width: int, height: int, file_bytes: int) -> None:
    """Refuse, from the header alone, what is too large or cannot be in a file of that size."""
    pixels = width * height
    if pixels > MAX_PIXELS:
        limit = f"the limit is {MAX_PIXELS // 1_000_000} megapixels"
        raise UnusableImage(f"{name}: it claims {width} x {height} px; {limit}.")
    if pixels > max(_ALWAYS_PLAUSIBLE_PIXELS, file_bytes * _PIXELS_PER_BYTE):
        raise UnusableImage(f"{name}: it claims {width} x {height} px, but holds only {file_bytes:,} bytes.")


def require_single(image: Image.Image, name: str) -> tuple[str, ...]:
    """Refuse animations and multi-page documents. Cameras' extra pictures (MPO, HEIC bursts) and a TIFF's smaller
    versions of itself are no reason to: their main picture is taken."""
    frames = getattr(image, "n_frames", 1)
    if frames <= 1:
        return ()
    if isinstance(image, TiffImagePlugin.TiffImageFile):
        for index in range(1, min(frames, _MAX_SMALLER_VERSIONS)):
            image.seek(index)
            if not image.tag_v2.get(_SUBFILE_TYPE, 0) & _REDUCED_OR_MASK:
                raise UnusableImage(f"{name}: it has {frames} pages; save the page you want as a file of its own.")
        image.seek(0)
        return ("its main image was taken; smaller versions in the file were left",)
    if image.format in ("MPO", "HEIF"):
        return (f"the main one of its {frames} pictures was taken",)
    raise UnusableImage(f"{name}: it is animated ({frames} frames); save one frame as a still image.")


def orientation_of(image: Image.Image) -> tuple[int, tuple[str, ...]]:
    """The EXIF orientation still to be applied. Called after loading: Pillow turns TIFF files, and libheif HEIC files,
    upright while loading and then says so."""
    try:
        value = image.getexif().get(_ORIENTATION, 1)
    except _DECODER_ERRORS:
        return 1, ("its EXIF data are damaged and were ignored",)
    return (value, ()) if value in UPRIGHT else (1, ())
