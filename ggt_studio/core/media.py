"""Types of image files, by media type and by suffix."""

from __future__ import annotations

from collections.abc import Mapping

SUFFIXES: Mapping[str, str] = {
    "image/png": ".png",
    "image/jpeg": ".jpg",
    "image/webp": ".webp",
    "image/tiff": ".tif",
    "image/bmp": ".bmp",
}
"""The suffix, with its dot, under which a file of a media type is kept."""

MEDIA_TYPES: Mapping[str, str] = {suffix: media_type for media_type, suffix in SUFFIXES.items()}
"""The media type of a file that is kept under a suffix."""
