"""A look at received bytes before they are believed to be an image."""

from __future__ import annotations

import base64
import binascii
import io

from PIL import Image

from ggt_studio.providers.catalogue import Service
from ggt_studio.providers.hosted.faults import unreadable

_FORMATS = {"PNG": "image/png", "JPEG": "image/jpeg", "WEBP": "image/webp"}
_LONGEST_SIDE = 16384


def media_type_of(service: Service, data: bytes, declared: str, cost_usd: float | None = None) -> str:
    """The media type that the bytes have. Raises ProviderError `malformed` where they are no whole PNG, JPEG or WebP image;
    `cost_usd` is what they cost all the same.

    Reads every byte, so call it off the event loop: checksums of a PNG, the entropy coding of a JPEG.
    """
    if declared and not declared.lower().startswith(("image/", "application/octet-stream", "binary/")):
        raise unreadable(service, f"it calls it {declared.split(';')[0][:60]}, not an image", cost_usd=cost_usd)
    try:
        with Image.open(io.BytesIO(data), formats=tuple(_FORMATS)) as image:
            media_type = _FORMATS[image.format or ""]
            if max(image.size) > _LONGEST_SIDE:
                raise unreadable(service, f"an image of {image.size[0]} x {image.size[1]} px", cost_usd=cost_usd)
            if image.format == "PNG":
                image.verify()
            else:
                image.draft("L", (64, 64))
                image.load()
    except (OSError, ValueError, KeyError, SyntaxError, Image.DecompressionBombError) as error:
        raise unreadable(service, "bytes that are no whole image", cost_usd=cost_usd) from error
    return media_type


def from_base64(service: Service, text: str, cost_usd: float | None = None) -> bytes:
    """The bytes of a base64 text. Raises ProviderError `malformed` where it is none."""
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise unreadable(service, "an image that is not in base64", cost_usd=cost_usd) from error
