"""Random crops of pairs out of a pack against decoding the whole PNGs, per second and on disk.

The pairs have 1024 px and are made of real photos: those beside the checkout where there are some, and public-domain ones
otherwise. PNGs are compared as a project stores them (level 4) and at level 9, as services send them.
"""

from __future__ import annotations

import io
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from multiprocessing import get_context
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from bench.report import Figure
from ggt_studio.core.images import PNG_COMPRESSION
from ggt_studio.dataset.degradations import load_degradation
from ggt_studio.dataset.second_order import degrade_again
from ggt_studio.training.crops import Crops
from ggt_studio.training.mixing import Mix, MixSet, MixSource
from ggt_studio.training.packing import write_pack
from ggt_studio.training.pairs import PairFiles

SIDE, CROP, ROUNDS, WHOLE, PACKED, PROCESSES = 1024, 256, 5, 10, 60, 2
SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"
NAME = "crops of 256 px from 1024 px pairs"


def measure() -> list[Figure]:
    """Crops per second in one process and in two, as multiples of whole PNGs; bytes on disk as a share of theirs."""
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        folder = Path(name)
        pairs = write_pairs(folder, PNG_COMPRESSION)
        best = write_pairs(folder / "best", 9)
        began = time.perf_counter()
        info = write_pack(pairs, folder / "a.pack")
        seconds = (time.perf_counter() - began) / info.pairs
        mix = Mix((MixSource("all", 1, (MixSet("all", "a.pack", info.pairs),)),), seed=0)
        crops = Crops(mix, folder, CROP)
        cv2.setNumThreads(1)
        ratios, rates = _in_turns(lambda k: _whole(pairs, k), crops.__getitem__)
        return [
            Figure(f"{NAME}: rate", statistics.median(ratios), 5, at_least=True, unit="x"),
            Figure(f"{NAME}: rate", statistics.median(rates), None, at_least=True, unit="/s"),
            Figure(f"{NAME}, {PROCESSES} processes: rate", _with_processes(pairs, crops), 5, at_least=True, unit="x"),
            Figure("pack: share of the pairs' PNGs", info.bytes / _bytes(pairs), 1.1, at_least=False),
            Figure("pack: share of the pairs' PNGs at level 9", info.bytes / _bytes(best), 1.1, at_least=False),
            Figure("pack: writing a pair", seconds, None, at_least=False, unit="s"),
            Figure("degrading a crop (real-esrgan)", _degrading(crops), None, at_least=False, unit="ms"),
        ]


def _in_turns(whole: Callable[[int], object], packed: Callable[[int], object]) -> tuple[list[float], list[float]]:
    """What both do by turns: the rate of the pack over that of whole files, and itself in crops per second."""
    ratios, rates = [], []
    for turn in range(ROUNDS):
        slow = _rate(whole, range(turn * WHOLE, (turn + 1) * WHOLE))
        rates.append(_rate(packed, range(turn * PACKED, (turn + 1) * PACKED)))
        ratios.append(rates[-1] / slow)
    return ratios, rates


def _rate(work: Callable[[int], object], numbers: range) -> float:
    began = time.perf_counter()
    for number in numbers:
        work(number)
    return len(numbers) / (time.perf_counter() - began)


def _whole(pairs: list[PairFiles], number: int) -> tuple[np.ndarray, ...]:
    """The usual way: both files decoded, then cut at the same place."""
    pair = pairs[number % len(pairs)]
    top, left = np.random.default_rng(number).integers(0, SIDE - CROP + 1, 2)
    pictures = []
    for path in (pair.lq, pair.hq):
        assert path is not None
        with Image.open(io.BytesIO(path.read_bytes())) as image:
            pictures.append(np.asarray(image)[top : top + CROP, left : left + CROP].copy())
    return tuple(pictures)


def _with_processes(pairs: list[PairFiles], crops: Crops) -> float:
    """As one process does it, in several at the same time; they are started before either clock."""
    with get_context("spawn").Pool(PROCESSES, _start, (pairs, crops)) as pool:
        pool.map(_whole_there, range(PROCESSES), 1)
        pool.map(_packed_there, range(PROCESSES), 1)
        ratios = []
        for _ in range(ROUNDS):
            slow = _rate_of_pool(lambda: pool.map(_whole_there, range(WHOLE * PROCESSES), WHOLE), WHOLE)
            fast = _rate_of_pool(lambda: pool.map(_packed_there, range(PACKED * PROCESSES), PACKED), PACKED)
            ratios.append(fast / slow)
    return statistics.median(ratios)


def _rate_of_pool(work: Callable[[], object], each: int) -> float:
    began = time.perf_counter()
    work()
    return each * PROCESSES / (time.perf_counter() - began)


_there: dict[str, object] = {}


def _start(pairs: list[PairFiles], crops: Crops) -> None:
    cv2.setNumThreads(1)
    _there.update(whole=lambda k: _whole(pairs, k), packed=crops.__getitem__)


def _whole_there(number: int) -> None:
    _there["whole"](number)


def _packed_there(number: int) -> None:
    _there["packed"](number)


def _degrading(crops: Crops) -> float:
    preset = load_degradation("real-esrgan")
    pictures = [crops[k][1] for k in range(20)]
    return 1000 / _rate(lambda k: degrade_again(pictures[k % 20], preset, k), range(60))


def _bytes(pairs: list[PairFiles]) -> int:
    return sum(path.stat().st_size for pair in pairs for path in (pair.lq, pair.hq) if path is not None)


def write_pairs(folder: Path, level: int) -> list[PairFiles]:
    """Pairs of 1024 px as PNG files of this level of compression."""
    folder.mkdir(parents=True, exist_ok=True)
    pairs = []
    for number, sides in enumerate(_pictures()):
        files = [folder / f"{number}-{side}.png" for side in ("lq", "hq")]
        for path, pixels in zip(files, sides, strict=True):
            Image.fromarray(pixels).save(path, compress_level=level)
        pairs.append(PairFiles(str(number), *files))
    return pairs


def _pictures() -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """LQ and HQ of 1024 px: captured pairs, cut, and four clean photos laid side by side and degraded mildly."""
    for lq in sorted((SHARED / "pairs" / "lq").glob("*.png")):
        both = [np.asarray(Image.open(path).convert("RGB")) for path in (lq, SHARED / "pairs" / "gt" / lq.name)]
        yield tuple(np.ascontiguousarray(pixels[:SIDE, :SIDE]) for pixels in both)
    clean = [np.asarray(Image.open(path).convert("RGB")) for path in sorted((SHARED / "clean").glob("*.png"))]
    if not clean:
        from skimage import data

        clean = [data.astronaut(), data.coffee(), data.chelsea(), data.rocket()]
    for number, four in enumerate(_fours(clean)):
        hq = _laid(four)
        yield degrade_again(hq, load_degradation("mild"), number), hq


def _fours(pictures: list[np.ndarray]) -> Iterator[list[np.ndarray]]:
    for begin in range(0, len(pictures), 4):
        yield pictures[begin : begin + 4]


def _laid(four: list[np.ndarray]) -> np.ndarray:
    """Four photos side by side, mirrored on to 1024 px where they are smaller."""
    half = SIDE // 2
    parts = [np.pad(p[:half, :half], ((0, half - min(half, p.shape[0])), (0, half - min(half, p.shape[1])), (0, 0)),
                    mode="symmetric") for p in four]  # fmt: skip
    return np.vstack([np.hstack(parts[:2]), np.hstack(parts[2:])])
