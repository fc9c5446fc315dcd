"""The bytes of a pack: where what stands in the file, and how a damaged one is told apart.

A pack is one file: `HEADER`, a block per pair, the index (`INDEX`, a row per pair), `FOOTER`. Numbers are little-endian.
A block is `BLOCK`, a JSON text about the pair, a table (`TABLE`, a row per tile), and the tiles: row by row, column by
column, and of each place first the LQ and then the HQ tile. A clean photo has HQ tiles only. So a crop reads one span of
the table and one span of tiles for each row of tiles that it covers. Each tile has a CRC-32, each block a SHA-256 in the
block's head (over all of it that follows the head) and in the index, and the index a SHA-256 in the footer, which is the
hash of the pack.
"""

from __future__ import annotations

import hashlib
import json
import struct
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ggt_studio.core.errors import StudioError

MAGIC, END = b"GGTPACK1", b"GGTPEND1"
HEADER = struct.Struct("<8sHH4x")
"""Magic, side of a tile in px, version of the format."""

BLOCK = struct.Struct("<4sIIIIQ32s")
"""`PAIR`, bytes of JSON, height, width, pictures (1 clean, 2 pair), bytes after this head, their SHA-256."""

FOOTER = struct.Struct("<QQ32s8s")
"""Where the index begins, how many pairs, the SHA-256 of the index, `END`."""

INDEX = np.dtype([("at", "<u8"), ("bytes", "<u8"), ("text", "<u4"), ("height", "<u4"), ("width", "<u4"),
                  ("pictures", "<u4"), ("sha256", "V32")])  # fmt: skip
TABLE = np.dtype([("at", "<u4"), ("bytes", "<u4"), ("crc", "<u4")])

VERSION = 1
MAX_TEXT_BYTES = 1 << 20
MAX_TILES_BYTES = 1 << 30
_BLOCK_MARK = b"PAIR"


class DamagedPack(StudioError):
    """A pack that is cut short, changed or unreadable; the message names the pair where it is one pair's bytes."""


@dataclass(frozen=True, slots=True)
class BlockHead:
    """The head of a block: `text` bytes of JSON and table and tiles follow, `bytes` in all, with this SHA-256."""

    text: int
    height: int
    width: int
    pictures: int
    bytes: int
    sha256: bytes


def about_text(about: Mapping[str, Any]) -> bytes:
    """What is told of a pair, as it stands in its block. Raises `ValueError` above 1 MiB."""
    text = json.dumps(about, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode()
    if len(text) > MAX_TEXT_BYTES:
        raise ValueError(f"what is told of the pair takes {len(text):,} bytes; at most {MAX_TEXT_BYTES:,} fit")
    return text


def make_block(text: bytes, height: int, width: int, pictures: int, tiles: Sequence[bytes]) -> bytes:
    """A block. Raises `ValueError` for one above 1 GiB."""
    lengths = np.array([len(tile) for tile in tiles], np.uint64)
    ends = np.cumsum(lengths, dtype=np.uint64)
    if ends[-1] > MAX_TILES_BYTES:
        raise ValueError("its tiles take more than 1 GiB")
    table = np.zeros(len(tiles), TABLE)
    table["at"], table["bytes"] = ends - lengths, lengths
    table["crc"] = [zlib.crc32(tile) for tile in tiles]
    body = b"".join([text, table.tobytes(), *tiles])
    sha256 = hashlib.sha256(body).digest()
    return BLOCK.pack(_BLOCK_MARK, len(text), height, width, pictures, len(body), sha256) + body


def read_block_head(data: bytes) -> BlockHead | None:
    """The head of a block from its first bytes; None for anything else."""
    if len(data) < BLOCK.size:
        return None
    mark, text, height, width, pictures, size, sha256 = BLOCK.unpack(data[: BLOCK.size])
    head = BlockHead(text, height, width, pictures, size, sha256)
    plausible = head.height > 0 < head.width and head.pictures in (1, 2) and head.text <= MAX_TEXT_BYTES
    return head if mark == _BLOCK_MARK and plausible else None


def index_row(at: int, head: BlockHead) -> tuple[int, int, int, int, int, int, bytes]:
    """The row of `INDEX` for the block at this place of the file."""
    return at, head.bytes, head.text, head.height, head.width, head.pictures, head.sha256
