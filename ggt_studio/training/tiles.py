"""Pixels as small losslessly compressed tiles, so that a crop decodes only what it covers; runs in the worker (cv2)."""

from __future__ import annotations

import io

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

Pixels = NDArray[np.uint8]

TILE = 64
"""Side of a tile in px; those at the right and lower edge of a picture are smaller. Measured: docs/performance.md."""


def encode_tile(pixels: Pixels) -> bytes:
    """uint8 H x W x 3 as lossless WebP with the quickest of its methods; the same pixels give the same bytes."""
    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels)).save(buffer, "WEBP", lossless=True, method=0, quality=0)
    return buffer.getvalue()


def decode_tile(data: Pixels) -> Pixels:
    """The pixels, uint8 H x W x 3, of a tile's bytes (one-dimensional uint8). Raises `ValueError` for what is no picture."""
    # OpenCV needs a third of Pillow's time, which decodes WebP by way of an animation with alpha.
    try:
        pixels = cv2.imdecode(data, cv2.IMREAD_COLOR_RGB)
    except cv2.error as error:
        raise ValueError(str(error)) from error
    if pixels is None:
        raise ValueError("not a picture")
    return np.asarray(pixels, np.uint8)


def tile_counts(height: int, width: int, tile: int = TILE) -> tuple[int, int]:
    """How many rows and columns of tiles a picture has."""
    return -(-height // tile), -(-width // tile)
