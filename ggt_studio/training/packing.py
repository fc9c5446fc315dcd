"""Writes packs: reads and checks pairs, encodes them in threads, and leaves a whole pack or a part that is gone on with."""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
from filelock import FileLock, Timeout

from ggt_studio.core.errors import StudioError, UnusableImage
from ggt_studio.core.files import sync_folder, write_error
from ggt_studio.core.images import Pixels, decode_photo
from ggt_studio.core.sniff import display_name, read_photo
from ggt_studio.training.pack_format import (
    BLOCK,
    END,
    FOOTER,
    HEADER,
    INDEX,
    MAGIC,
    VERSION,
    BlockHead,
    about_text,
    index_row,
    make_block,
    read_block_head,
)
from ggt_studio.training.pairs import PairFiles, Refused
from ggt_studio.training.tiles import TILE, encode_tile, tile_counts
from ggt_studio.worker.client import available_cores

BYTES_PER_PIXEL = 1.2
"""What a picture takes in a pack, in bytes per px: photos 0.9 to 1.2, smooth ones less. For estimates before packing."""

MAX_PAIR_PIXELS = 100_000_000
"""Larger pictures are refused: in each thread one pair is held as pixels, 3 bytes per px and picture."""

_MAX_THREADS = 8
_COPY_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class PackInfo:
    """A pack that was written: its pairs, its size, its hash (of its index, which holds the hash of each pair)."""

    path: Path
    pairs: int
    bytes: int
    sha256: str
    refused: tuple[Refused, ...]


def write_pack(
    pairs: Iterable[PairFiles],
    path: Path,
    *,
    progress: Callable[[int], None] = lambda done: None,
    check: Callable[[], None] = lambda: None,
    threads: int | None = None,
) -> PackInfo:
    """Pack the pairs, in their order, into the file `path`, which appears when it is whole and on disk.

    Pairs that cannot be read, or whose pictures differ in size, are left out and told in `refused`. `progress` gets the
    number of pairs that are done. `check` is called before each pair; what it raises (`Cancelled`) ends the work. Until
    the end the bytes are in `path` + `.part`: whatever ended an earlier call, what it packed is compared with its hash and
    with the files and is not packed again. The same pairs give the same bytes. Memory: per thread (as many as processors,
    8 at most) one pair as pixels, plus one encoded pair. Raises `WriteError` for the disk, `StudioError` where `path` is
    there already, another process is writing it, or no pair is left.
    """
    if path.exists():
        raise StudioError(f"{path} is there already; choose another place or delete it.")
    part = path.with_name(path.name + ".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(path.with_name(path.name + ".lock"))
        with lock.acquire(timeout=0), _opened(part) as file:
            info = _write(file, pairs, path, progress, check, threads or min(available_cores(), _MAX_THREADS))
        part.replace(path)
        sync_folder(path.parent)
    except Timeout as error:
        raise StudioError(f"Another process is writing {path} at this moment; wait for it, or stop it.") from error
    except OSError as error:
        raise write_error(path, error) from error
    with contextlib.suppress(OSError):
        Path(lock.lock_file).unlink(missing_ok=True)
    return info


@contextlib.contextmanager
def _opened(part: Path) -> Iterator[BinaryIO]:
    """The part, to read and go on with; on disk when it is left, however it is left."""
    with part.open("r+b" if part.exists() else "x+b") as file:
        try:
            yield file
        finally:
            file.flush()
            os.fsync(file.fileno())


def _write(
    file: BinaryIO,
    pairs: Iterable[PairFiles],
    path: Path,
    progress: Callable[[int], None],
    check: Callable[[], None],
    threads: int,
) -> PackInfo:
    part = _Part(file, check)
    refused: list[Refused] = []
    for done, (pair, result) in enumerate(_in_threads(lambda pair: _packed(pair, part), pairs, check, threads), 1):
        if isinstance(result, str):
            refused.append(Refused(pair.name, result))
        else:
            part.take(result)
        progress(done)
    if not part.rows:
        reasons = "; ".join(f"{r.name}: {r.why}" for r in refused[:3])
        raise StudioError(f"There is no pair to pack into {path.name}{': ' + reasons if reasons else ''}.")
    size, sha256 = part.finish()
    return PackInfo(path, len(part.rows), size, sha256, tuple(refused))


def _in_threads(
    work: Callable[[PairFiles], _Packed | str],
    pairs: Iterable[PairFiles],
    check: Callable[[], None],
    threads: int,
) -> Iterator[tuple[PairFiles, _Packed | str]]:
    """Each pair with its result, in their order; no more are under way or waiting than there are threads, and one."""
    waiting: deque[tuple[PairFiles, Future[_Packed | str]]] = deque()
    with ThreadPoolExecutor(threads, thread_name_prefix="packing") as pool:
        try:
            for pair in pairs:
                check()
                waiting.append((pair, pool.submit(work, pair)))
                if len(waiting) > threads:
                    first, future = waiting.popleft()
                    yield first, future.result()
            while waiting:
                check()
                first, future = waiting.popleft()
                yield first, future.result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


@dataclass(frozen=True, slots=True)
class _Packed:
    """A pair on its way: what is told of it, and how to get its block, which a part that holds it already need not."""

    text: bytes
    block: Callable[[], bytes]


def _packed(pair: PairFiles, part: _Part) -> _Packed | str:
    """Runs in a thread: the block of a pair, made unless the part may hold it; in words why there is none."""
    try:
        files = [path for path in (pair.lq, pair.hq) if path is not None]
        data = [read_photo(path) for path in files]
        hashes = dict(zip(("lq_sha256", "hq_sha256")[-len(files) :], map(_sha256, data), strict=True))
        text = about_text({**pair.about, "name": pair.name, **hashes})
        if part.may_hold(text):
            return _Packed(text, lambda: _block(text, files, [read_photo(path) for path in files]))
        block = _block(text, files, data)
        return _Packed(text, lambda: block)
    except (UnusableImage, ValueError) as error:
        return str(error)


def _block(text: bytes, files: list[Path], data: list[bytes]) -> bytes:
    pictures = [decode_photo(d, path).pixels for d, path in zip(data, files, strict=True)]
    height, width = pictures[0].shape[:2]
    if pictures[0].shape != pictures[-1].shape:
        other = pictures[-1].shape
        raise UnusableImage(
            f"{_named(files[0])} is {width} x {height} px and {_named(files[-1])} {other[1]} x {other[0]} px; "
            "the two pictures of a pair must have the same size."
        )
    if height * width > MAX_PAIR_PIXELS:
        raise UnusableImage(f"{_named(files[-1])} is {width} x {height} px; cut it into parts below 100 megapixels.")
    return make_block(text, height, width, len(pictures), list(_tiles(pictures, height, width)))


def _tiles(pictures: list[Pixels], height: int, width: int) -> Iterator[bytes]:
    rows, columns = tile_counts(height, width)
    for row in range(rows):
        for column in range(columns):
            for picture in pictures:
                top, left = row * TILE, column * TILE
                yield encode_tile(picture[top : top + TILE, left : left + TILE])


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _named(path: Path) -> str:
    """The folder and the name: the two files of a pair often have the same name."""
    return f"{path.parent.name}/{display_name(path)}"


class _Part:
    """The file under way. What an earlier call left in it is kept as far as it is whole and the pairs are the same."""

    def __init__(self, file: BinaryIO, check: Callable[[], None]) -> None:
        self.rows: list[tuple[int, int, int, int, int, int, bytes]] = []
        self._file = file
        self._end = HEADER.size
        self._kept: deque[tuple[bytes, BlockHead]] = deque()
        header = HEADER.pack(MAGIC, TILE, VERSION)
        file.seek(0)
        if file.read(HEADER.size) == header:
            self._kept.extend(_whole_blocks(file, check))
        else:
            file.seek(0)
            file.write(header)
            file.truncate()
        self._texts = frozenset(text for text, _ in self._kept)

    def may_hold(self, text: bytes) -> bool:
        """Whether the file held such a pair when it was opened; safe in threads."""
        return text in self._texts

    def take(self, packed: _Packed) -> None:
        """Put the next pair where it belongs, or find it there. Raises `UnusableImage` for files that changed meanwhile."""
        if self._kept and self._kept[0][0] == packed.text:
            _, head = self._kept.popleft()
        else:
            self._kept.clear()
            block = packed.block()
            head = read_block_head(block)
            if head is None:
                raise AssertionError("a block without a head")
            self._file.seek(self._end)
            self._file.truncate()
            self._file.write(block)
        self.rows.append(index_row(self._end, head))
        self._end += BLOCK.size + head.bytes

    def finish(self) -> tuple[int, str]:
        """Write index and footer; bytes of the pack and its hash."""
        index = np.array(self.rows, INDEX).tobytes()
        sha256 = hashlib.sha256(index)
        self._file.seek(self._end)
        self._file.truncate()
        self._file.write(index)
        self._file.write(FOOTER.pack(self._end, len(self.rows), sha256.digest(), END))
        return self._file.tell(), sha256.hexdigest()


def _whole_blocks(file: BinaryIO, check: Callable[[], None]) -> Iterator[tuple[bytes, BlockHead]]:
    """What the blocks from the file's position on tell of their pairs, up to the first that is not whole."""
    while (head := read_block_head(file.read(BLOCK.size))) is not None:
        check()
        body = hashlib.sha256()
        text = file.read(head.text)
        body.update(text)
        left = head.bytes - len(text)
        while left > 0 and (chunk := file.read(min(left, _COPY_BYTES))):
            body.update(chunk)
            left -= len(chunk)
        if left or body.digest() != head.sha256:
            return
        yield text, head
