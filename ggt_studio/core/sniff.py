"""Reads a file that may be a photo, once and safely, and says by its first bytes what it is."""

from __future__ import annotations

import os
import stat
from enum import StrEnum
from pathlib import Path

from ggt_studio.core.errors import UnusableImage

MAX_FILE_BYTES = 2 << 30
RAW_SUFFIXES = frozenset({".dng", ".cr2", ".cr3", ".nef", ".arw", ".raf", ".orf", ".rw2"})


class Kind(StrEnum):
    """The kinds of files that are read, named for people; the content decides, not the extension."""

    JPEG = "JPEG"
    PNG = "PNG"
    TIFF = "TIFF"
    WEBP = "WebP"
    BMP = "BMP"
    GIF = "GIF"
    AVIF = "AVIF"
    HEIC = "HEIC"
    RAW = "camera RAW"


_SIGNATURES = (
    (b"\xff\xd8\xff", Kind.JPEG),
    (b"\x89PNG\r\n\x1a\n", Kind.PNG),
    (b"GIF87a", Kind.GIF),
    (b"GIF89a", Kind.GIF),
    (b"FUJIFILMCCD-RAW", Kind.RAW),
    (b"IIU\0", Kind.RAW),
    (b"IIRO", Kind.RAW),
    (b"IIRS", Kind.RAW),
    (b"MMOR", Kind.RAW),
)
_TIFF_SIGNATURES = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_BMP_HEADER_SIZES = frozenset({12, 16, 40, 52, 56, 64, 108, 124})
_AVIF_BRANDS = frozenset({b"avif", b"avis"})
_HEIC_BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"})
_KNOWN_OTHERS = (
    (b"8BPS", "a Photoshop document"),
    (b"%PDF", "a PDF document"),
    (b"\xff\x0a", "a JPEG XL image"),
    (b"\0\0\0\x0cJXL ", "a JPEG XL image"),
    (b"\0\0\0\x0cjP  ", "a JPEG 2000 image"),
    (b"PK\x03\x04", "a ZIP archive"),
    (b"\x1aE\xdf\xa3", "a video"),
)
_HEAD_BYTES = 512


def display_name(path: Path) -> str:
    """The file's name as text that can be stored and shown; bytes that are not UTF-8 become U+FFFD."""
    return os.fsencode(path.name).decode("utf-8", "replace")


def read_photo(path: Path) -> bytes:
    """The bytes of a regular file; it is opened and read once.

    Raises `UnusableImage` for what is not a regular file (those are never opened), is not readable, is empty, is
    larger than 2 GiB, or holds by its first bytes no kind of image that is read.
    """
    name = display_name(path)
    try:
        _require_regular(path.stat().st_mode, name)
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
        with os.fdopen(descriptor, "rb") as file:
            status = os.fstat(descriptor)
            _require_regular(status.st_mode, name)
            head = file.read(_HEAD_BYTES)
            kind_of(head, path)
            if status.st_size > MAX_FILE_BYTES:
                raise UnusableImage(f"{name}: it is larger than 2 GiB; convert it to a smaller file.")
            return head + file.read(MAX_FILE_BYTES)
    except PermissionError as error:
        raise UnusableImage(f"{name}: this account may not read it; change its permissions.") from error
    except FileNotFoundError as error:
        raise UnusableImage(f"{name}: it is no longer there.") from error
    except OSError as error:
        raise UnusableImage(f"{name}: it cannot be read ({error.strerror or error}).") from error
    except MemoryError as error:
        raise UnusableImage(f"{name}: reading it needs more memory than is free.") from error


def _require_regular(mode: int, name: str) -> None:
    if stat.S_ISDIR(mode):
        raise UnusableImage(f"{name}: it is a folder, not a file.")
    if not stat.S_ISREG(mode):
        raise UnusableImage(f"{name}: it is a device, pipe or socket, not a file.")


def kind_of(head: bytes, path: Path) -> Kind:
    """What a file is, from its first bytes (512 suffice). `path` names it in errors; its suffix only tells the RAW
    formats that are TIFF inside. Raises `UnusableImage` for an empty file, text and formats that are not read."""
    name = display_name(path)
    if not head:
        raise UnusableImage(f"{name}: the file is empty.")
    for signature, kind in _SIGNATURES:
        if head.startswith(signature):
            return kind
    if head.startswith(_TIFF_SIGNATURES):
        is_raw = head[8:10] == b"CR" or path.suffix.lower() in RAW_SUFFIXES
        return Kind.RAW if is_raw else Kind.TIFF
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return Kind.WEBP
    if head.startswith(b"BM") and int.from_bytes(head[14:18], "little") in _BMP_HEADER_SIZES:
        return Kind.BMP
    if head[4:8] == b"ftyp":
        return _kind_of_container(head, name)
    for signature, label in _KNOWN_OTHERS:
        if head.startswith(signature):
            raise UnusableImage(f"{name}: it is {label}, which is not read; convert it to PNG or JPEG.")
    if _is_text(head):
        raise UnusableImage(f"{name}: it holds text, not an image.")
    raise UnusableImage(f"{name}: it is not an image, or its beginning is damaged.")


def _kind_of_container(head: bytes, name: str) -> Kind:
    """AVIF, HEIC, CR3 and videos share one container; its brands tell them apart."""
    end = min(int.from_bytes(head[:4], "big"), len(head))
    brands = {head[8:12], *(head[at : at + 4] for at in range(16, end - 3, 4))}
    if b"crx " in brands:
        return Kind.RAW
    if brands & _AVIF_BRANDS:
        return Kind.AVIF
    if brands & _HEIC_BRANDS:
        return Kind.HEIC
    raise UnusableImage(f"{name}: it is a video or an image container that is not read; convert it to PNG or JPEG.")


def _is_text(head: bytes) -> bool:
    text = head.decode("utf-8", "replace")
    strange = sum(1 for c in text if c == "�" or (ord(c) < 32 and c not in "\t\n\r\f"))
    return strange <= 1
