"""Import throughput against a bare loop of the same decode, hash and PNG writes on the same cores."""

from __future__ import annotations

import asyncio
import hashlib
import io
import statistics
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from PIL import Image

from bench.report import Figure
from ggt_studio.core.geometry import plan_patches
from ggt_studio.core.images import PNG_COMPRESSION
from ggt_studio.core.words import Category, Prepare
from ggt_studio.dataset.importer import ImportOptions, import_photos
from ggt_studio.store.project import Project
from ggt_studio.store.thread import StoreThread
from ggt_studio.worker.client import WorkerPool, available_cores

COUNT, ROUNDS, WIDTH, HEIGHT = 24, 3, 2400, 1700


def measure(count: int = COUNT) -> Figure:
    """Photos per second of the import over those of the bare loop; processes are started before either clock.

    The median of a few rounds in which both take turns, so that a busy moment of the machine does not decide.
    """
    ratios = []
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        photos = _write_photos(Path(name) / "photos", count)
        for turn in range(ROUNDS):
            folder = Path(name) / str(turn)
            folder.mkdir()
            ratios.append(_bare(photos, folder / "bare") / _import(photos, folder))
    return Figure("import: share of a bare decode-hash-write loop", statistics.median(ratios), 0.60, at_least=True)


def _write_photos(folder: Path, count: int) -> list[Path]:
    folder.mkdir()
    paths = []
    for seed in range(count):
        rng = np.random.default_rng(seed)
        coarse = Image.fromarray(rng.integers(0, 256, (HEIGHT // 40, WIDTH // 40, 3), np.uint8))
        smooth = np.asarray(coarse.resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC), np.int16)
        noisy = np.clip(smooth + rng.normal(0, 6, smooth.shape), 0, 255).astype(np.uint8)
        paths.append(folder / f"{seed:03}.jpg")
        Image.fromarray(noisy).save(paths[-1], quality=90)
    return paths


def _bare(photos: list[Path], folder: Path) -> float:
    folder.mkdir()
    cores = available_cores()
    with ProcessPoolExecutor(cores, mp_context=get_context("spawn")) as pool:
        list(pool.map(abs, range(4 * cores)))
        began = time.perf_counter()
        list(pool.map(_bare_photo, photos, [folder] * len(photos)))
        return time.perf_counter() - began


def _bare_photo(path: Path, folder: Path) -> None:
    data = path.read_bytes()
    hashlib.sha256(data).hexdigest()
    with Image.open(io.BytesIO(data)) as image:
        pixels = image.convert("RGB")
    for g in plan_patches(pixels.width, pixels.height, Prepare.CROP, Category.GENERAL_MIXED):
        patch = pixels.crop((g.left, g.top, g.left + g.width, g.top + g.height))
        buffer = io.BytesIO()
        patch.save(buffer, "PNG", compress_level=PNG_COMPRESSION)
        (folder / f"{path.stem}-{g.left}-{g.top}.png").write_bytes(buffer.getvalue())


def _import(photos: list[Path], folder: Path) -> float:
    Project.create(folder / "p").close()

    async def work() -> float:
        store, pool = StoreThread(folder / "p"), WorkerPool()
        store.start()
        try:
            params = {
                "path": str(photos[0]),
                "category": "rain",
                "prepare": "crop",
                "patches_dir": str(folder / "warm"),
            }
            await asyncio.gather(*(pool.call("prepare_photo", params) for _ in range(pool.size)))
            began = time.perf_counter()
            report = await import_photos(store, pool, [photos[0].parent], ImportOptions(prepare=Prepare.CROP))
            seconds = time.perf_counter() - began
        finally:
            pool.close()
            store.close()
        if report.photos != len(photos):
            raise RuntimeError(f"only {report.photos} photos were imported")
        return seconds

    return asyncio.run(work())
