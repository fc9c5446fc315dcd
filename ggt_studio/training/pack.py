"""Pairs in one file, made for random crops: `Pack` reads the crop's tiles and nothing else. Written by `packing`."""

from __future__ import annotations

import hashlib
import json
import os
import threading
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from ggt_studio.core.errors import StudioError
from ggt_studio.training.pack_format import BLOCK, END, FOOTER, HEADER, INDEX, MAGIC, TABLE, VERSION, DamagedPack
from ggt_studio.training.tiles import decode_tile, tile_counts

Pixels = NDArray[np.uint8]

_MADE_ANEW = "make the pack again from its pairs"


class Pack:
    """A finished pack. Safe in any number of threads and processes; pickled, it is opened again where it arrives.

    Memory: the index (68 bytes per pair) and, during a call, the crop and one row of its tiles. Raises `DamagedPack` for a
    file that is no whole pack, `StudioError` where it cannot be read or is of a newer version.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        try:
            self._descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
        except OSError as error:
            raise StudioError(f"Cannot read the pack {path}: {error.strerror or error}.") from error
        try:
            self._index, self._tile, self.sha256 = self._open()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __reduce__(self) -> tuple[type[Pack], tuple[Path]]:
        return Pack, (self.path,)

    def __del__(self) -> None:
        self.close()

    def __len__(self) -> int:
        """How many pairs (or clean photos) it holds."""
        return len(self._index)

    def close(self) -> None:
        """Give the file back; nothing can be read afterwards. May be called again."""
        descriptor, self._descriptor = getattr(self, "_descriptor", -1), -1
        if descriptor >= 0:
            os.close(descriptor)

    def size(self, pair: int) -> tuple[int, int]:
        """Height and width of a pair in px."""
        row = self._index[pair]
        return int(row["height"]), int(row["width"])

    def is_clean(self, pair: int) -> bool:
        """Whether there is only a clean photo, to be degraded as it is read, and no LQ picture."""
        return int(self._index[pair]["pictures"]) == 1

    def about(self, pair: int) -> dict[str, Any]:
        """What was told of the pair when it was packed: `name`, `lq_sha256`, `hq_sha256` of its files, and the caller's own."""
        row = self._index[pair]
        try:
            return json.loads(self._read(pair, int(row["at"]) + BLOCK.size, int(row["text"])))
        except ValueError as error:
            raise self._damaged(pair, "what is told of it cannot be read") from error

    def crop(self, pair: int, top: int, left: int, height: int, width: int) -> tuple[Pixels, Pixels]:
        """LQ and HQ, uint8 sRGB of shape (height, width, 3), of this part of a pair; it must lie inside.

        Raises `ValueError` for a part that does not, and for a clean photo, which has no LQ; `DamagedPack` for bytes that
        are not those that were written.
        """
        if self.is_clean(pair):
            raise ValueError(f"number {pair} of {self.path.name} is a clean photo without an LQ picture")
        lq, hq = self._crop(pair, top, left, height, width)
        return lq, hq

    def clean_crop(self, pair: int, top: int, left: int, height: int, width: int) -> Pixels:
        """The HQ picture alone, of a pair or a clean photo; otherwise as `crop`."""
        return self._crop(pair, top, left, height, width, only_hq=True)[-1]

    def pair(self, pair: int) -> tuple[Pixels, Pixels]:
        """LQ and HQ as a whole; as `crop`."""
        return self.crop(pair, 0, 0, *self.size(pair))

    def verify(self, check: Callable[[], None] = lambda: None) -> None:
        """Read it all and compare every block with its hash. Raises `DamagedPack` naming the first pair that differs, and
        whatever `check`, called before each pair, raises."""
        for pair, row in enumerate(self._index):
            check()
            body = self._read(pair, int(row["at"]) + BLOCK.size, int(row["bytes"]))
            if hashlib.sha256(body).digest() != row["sha256"].tobytes():
                raise self._damaged(pair, "its bytes are not those that were written")

    def _crop(
        self, pair: int, top: int, left: int, height: int, width: int, only_hq: bool = False
    ) -> tuple[Pixels, ...]:
        row = self._index[pair]
        tall, wide, pictures = int(row["height"]), int(row["width"]), int(row["pictures"])
        if not (0 <= top < top + height <= tall and 0 <= left < left + width <= wide):
            raise ValueError(f"{height} x {width} px at {top}, {left} do not lie in a pair of {tall} x {wide} px")
        rows, columns = tile_counts(tall, wide, self._tile)
        first, last = left // self._tile, (left + width - 1) // self._tile
        in_table = int(row["at"]) + BLOCK.size + int(row["text"])
        tiles_begin = in_table + TABLE.itemsize * rows * columns * pictures
        wanted = range(pictures)[-1:] if only_hq else range(pictures)
        found = tuple(np.empty((height, width, 3), np.uint8) for _ in range(pictures))
        for line in range(top // self._tile, (top + height - 1) // self._tile + 1):
            place = (line * columns + first) * pictures
            count = (last - first + 1) * pictures
            raw = self._read(pair, in_table + TABLE.itemsize * place, TABLE.itemsize * count)
            table = np.frombuffer(raw, TABLE).tolist()
            begin, size = table[0][0], table[-1][0] + table[-1][1] - table[0][0]
            if not 0 < size <= int(row["bytes"]):
                raise self._damaged(pair, "its list of tiles is not what was written")
            span = memoryview(self._read(pair, tiles_begin + begin, size))
            for number, (at, size, crc) in enumerate(table):
                if number % pictures not in wanted:
                    continue
                data = span[at - begin : at - begin + size]
                column = first + number // pictures
                tile = self._tile_pixels(pair, line, column, data, crc, tall, wide)
                _lay(tile, line * self._tile - top, column * self._tile - left, found[number % pictures])
        return found

    def _tile_pixels(
        self, pair: int, line: int, column: int, data: memoryview, crc: int, tall: int, wide: int
    ) -> Pixels:
        place = f"the tile at row {line * self._tile}, column {column * self._tile}"
        if zlib.crc32(data) != crc:
            raise self._damaged(pair, f"{place} is not what was written")
        try:
            tile = decode_tile(np.frombuffer(data, np.uint8))
        except ValueError as error:
            raise self._damaged(pair, f"{place} cannot be decoded") from error
        shape = (min(self._tile, tall - line * self._tile), min(self._tile, wide - column * self._tile), 3)
        if tile.shape != shape:
            raise self._damaged(pair, f"{place} has another size than it should")
        return tile

    def _open(self) -> tuple[NDArray[np.void], int, str]:
        whole = os.fstat(self._descriptor).st_size
        no_pack = DamagedPack(f"{self.path} is no pack, or only a part of one; {_MADE_ANEW}.")
        if whole < HEADER.size + FOOTER.size:
            raise no_pack
        magic, tile, version = HEADER.unpack(self._bytes(0, HEADER.size))
        if magic == MAGIC and version > VERSION:
            raise StudioError(f"The pack {self.path} was written by a newer version of GGT Studio; update to read it.")
        begin, count, sha256, end = FOOTER.unpack(self._bytes(whole - FOOTER.size, FOOTER.size))
        if (
            magic != MAGIC
            or end != END
            or begin + count * INDEX.itemsize + FOOTER.size != whole
            or not 0 < tile <= 1024
        ):
            raise no_pack
        data = self._bytes(begin, count * INDEX.itemsize)
        if hashlib.sha256(data).digest() != sha256:
            raise DamagedPack(f"The list of pairs in the pack {self.path} is damaged; {_MADE_ANEW}.")
        index = np.frombuffer(data, INDEX)
        if not np.all((index["bytes"] <= begin) & (index["at"] + index["bytes"] + BLOCK.size <= begin)):
            raise no_pack
        return index, tile, sha256.hex()

    def _read(self, pair: int, at: int, size: int) -> bytes:
        try:
            data = self._bytes(at, size) if size >= 0 else b""
        except OSError as error:
            raise self._damaged(pair, f"the disk did not give its bytes ({error.strerror or error})") from error
        if len(data) != size:
            raise self._damaged(pair, "its bytes end too early")
        return data

    def _bytes(self, at: int, size: int) -> bytes:
        if hasattr(os, "pread"):
            return os.pread(self._descriptor, size, at)
        with self._lock:
            os.lseek(self._descriptor, at, os.SEEK_SET)
            return os.read(self._descriptor, size)

    def _damaged(self, pair: int, why: str) -> DamagedPack:
        return DamagedPack(f"Pair {pair} of the pack {self.path} is damaged: {why}; {_MADE_ANEW}.")


def _lay(tile: Pixels, top: int, left: int, crop: Pixels) -> None:
    """Lay the part of a tile that falls into the crop where it belongs; `top` and `left` are the tile's, in the crop."""
    height, width = tile.shape[:2]
    above, before = max(top, 0), max(left, 0)
    below, after = min(top + height, crop.shape[0]), min(left + width, crop.shape[1])
    crop[above:below, before:after] = tile[above - top : below - top, before - left : after - left]
