"""Classical restoration of whole photos, end to end: a real worker, real files, and nothing of a photo lost."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import ExifTags, Image, ImageCms
from skimage import data

from fakes.command_line import run_command
from ggt_studio.core.full_photo import load_full_photo
from ggt_studio.core.metadata import read_note
from ggt_studio.core.photo_files import FileFormat, encode_photo
from ggt_studio.core.restored import Output
from ggt_studio.core.words import Category
from ggt_studio.pipeline.restoring import Classical, RestoreChoice, RestoreQueue, Standing
from ggt_studio.providers.classical.dispatch import restore
from ggt_studio.worker.client import WorkerPool

SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
CLEAN = data.astronaut()[60:220, 150:350]


@pytest.fixture(scope="module")
def pool() -> Iterator[WorkerPool]:
    made = WorkerPool(1)
    yield made
    made.close()


def noisy(dtype: type = np.uint8) -> np.ndarray:
    levels = np.iinfo(dtype).max
    values = CLEAN / 255 + np.random.default_rng(1).normal(0, 0.05, CLEAN.shape)
    return (np.clip(values, 0, 1) * levels).round().astype(dtype)


def save(path: Path, pixels: np.ndarray, orientation: int = 1) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation], exif[ExifTags.Base.Make] = orientation, "A camera"
    formats = {".tif": FileFormat.TIFF, ".png": FileFormat.PNG}
    path.write_bytes(encode_photo(pixels, formats[path.suffix], icc=SRGB, exif=b"Exif\0\0" + exif.tobytes()))
    return path


async def restored(pool: WorkerPool, choice: RestoreChoice, out: Path, *paths: Path) -> RestoreQueue:
    queue = RestoreQueue(pool, choice, out)
    queue.add(paths)
    assert await queue.run()
    return queue


async def test_a_deep_turned_photo_keeps_all_that_it_has(pool: WorkerPool, tmp_path: Path) -> None:
    alpha = np.full((*CLEAN.shape[:2], 1), 40_000, np.uint16)
    lq = save(tmp_path / "a.tif", np.concatenate([noisy(np.uint16), alpha], -1), orientation=6)
    queue = await restored(pool, RestoreChoice(Classical()), tmp_path / "out", lq)
    (item,) = queue.items
    assert item.standing is Standing.RESTORED
    made = load_full_photo(tmp_path / "out" / "a.tif")
    assert made.pixels.dtype == np.uint16
    assert made.pixels.shape == (200, 160, 3), "upright"
    assert np.unique(made.pixels[..., 0] % 257).size > 200, "sixteen bits, not eight written as sixteen"
    assert made.icc == SRGB
    assert b"A camera" in made.exif
    assert made.alpha is not None
    assert (made.alpha == 40_000).all()
    note = read_note(made.xmp)
    assert (note["Model"], note["Category"]) == ("Classical restoration", "general-mixed")
    assert "Not for measurement" in note["Notice"]
    clean = np.rot90(CLEAN, -1) / 255
    before, after = (np.abs(p / 65535 - clean).mean() for p in (load_full_photo(lq).pixels, made.pixels))
    assert after < 0.8 * before, "noise went"


async def test_it_does_what_curation_does_and_strength_and_category_count(pool: WorkerPool, tmp_path: Path) -> None:
    lq = save(tmp_path / "night" / "a.png", noisy() // 4)
    choice = RestoreChoice(Classical())
    queue = await restored(pool, choice, tmp_path / "out", tmp_path)
    made = load_full_photo(queue.items[0].out or Path()).pixels
    expected = restore(noisy() // 4, Category.LOW_LIGHT, frozenset(), 0)
    assert np.abs(made.astype(int) - expected).max() <= 1, "its folder says that it is of the night"
    again = await restored(pool, replace(choice, category=Category.LOW_LIGHT), tmp_path / "out", lq)
    assert [item.standing for item in again.items] == [Standing.SKIPPED]
    for other in (
        replace(choice, category=Category.GENERAL_MIXED),
        replace(choice, model=Classical(seed=1)),
        replace(choice, output=Output(strength=0.0)),
    ):
        queue = await restored(pool, other, tmp_path / "out", tmp_path / "night")
        assert [item.standing for item in queue.items] == [Standing.RESTORED]
    assert np.array_equal(load_full_photo(queue.items[0].out or Path()).pixels, noisy() // 4)


async def test_a_part_is_looked_at_and_a_tiny_photo_is_refused(pool: WorkerPool, tmp_path: Path) -> None:
    lq = save(tmp_path / "a.png", noisy())
    save(tmp_path / "tiny.png", noisy()[:20])
    queue = await restored(pool, RestoreChoice(Classical()), tmp_path / "out", tmp_path)
    tiny = next(item for item in queue.items if item.path.name == "tiny.png")
    assert "tiny.png has 200 x 20 px; classical restoration needs 32 px a side" in tiny.message
    places = {name: str(tmp_path / f"{name}.png") for name in ("lq_path", "out_path")}
    told = await queue.look(queue.items[0], RestoreChoice(Classical()), {"box": [20, 30, 90, 100], **places})
    assert (told["width"], told["height"]) == (100, 90)
    shown, whole = np.asarray(Image.open(places["out_path"])), load_full_photo(tmp_path / "out" / "a.png").pixels
    assert np.array_equal(np.asarray(Image.open(places["lq_path"])), noisy()[20:110, 30:130])
    assert np.abs(shown.astype(int) - whole[20:110, 30:130]).mean() < 2
    assert lq.read_bytes()


def test_on_the_command_line(tmp_path: Path) -> None:
    lq = save(tmp_path / "in" / "a.png", noisy())
    said = run_command("restore", "classical", tmp_path / "in", "-o", tmp_path / "out", "--category", "rain", "--json")
    assert said.returncode == 0, said.stderr
    (made,) = json.loads(said.stdout)["files"]
    assert made["out"] == str(tmp_path / "out" / "a.png")
    for wrong, code, words in (
        (("classical", lq, "-o", tmp_path / "x.png", "--tile", "64"), 2, "--tile only goes with the checkpoint"),
        (("no-such-model", lq, "-o", tmp_path / "x.png"), 1, "neither the file of a checkpoint nor the id"),
        (("seedream-9.9", lq, "-o", tmp_path / "x.png"), 1, "neither the file of a checkpoint nor the id"),
        (("gone.safetensors", lq, "-o", tmp_path / "x.png"), 1, "There is no file gone.safetensors"),
        ((tmp_path, lq, "-o", tmp_path / "x.png"), 1, "is a folder; give the file of a checkpoint in it"),
    ):
        refused = run_command("restore", *wrong)
        assert refused.returncode == code
        assert words in refused.stderr
