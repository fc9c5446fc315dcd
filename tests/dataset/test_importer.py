"""Import into a real project through real workers: what is added, what is not, and why."""

from __future__ import annotations

import io
import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from fakes.projects import png
from ggt_studio.core.geometry import put_back
from ggt_studio.core.images import load_photo
from ggt_studio.core.measures import hamming, perceptual_hash
from ggt_studio.core.words import Category, Hold, Origin, Prepare
from ggt_studio.dataset.importer import (
    NEAR_DUPLICATE_BITS,
    ImportOptions,
    ImportProgress,
    ImportReport,
    import_photos,
)
from ggt_studio.store import patches, photos
from ggt_studio.store.check import check
from ggt_studio.store.patches import Filter
from ggt_studio.store.project import Project
from ggt_studio.store.status import status
from ggt_studio.store.thread import StoreThread
from ggt_studio.worker.client import WorkerPool


class Importer:
    def __init__(self, folder: Path) -> None:
        Project.create(folder).close()
        self.store, self.pool = StoreThread(folder), WorkerPool(1)
        self.store.start()

    async def take(self, *paths: Path, **options) -> ImportReport:
        return await import_photos(self.store, self.pool, paths, ImportOptions(**options))

    def close(self) -> None:
        self.pool.close()
        self.store.close()


@pytest.fixture
def importer(tmp_path: Path):
    made = Importer(tmp_path / "project")
    yield made
    made.close()


def write(path: Path, data: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


async def test_photos_come_in_once_with_what_is_known_of_them(importer: Importer, tmp_path: Path) -> None:
    folder = tmp_path / "photos"
    for seed, name in enumerate(["rain/a.png", "Old Photos/b.png", "c.png"]):
        write(folder / name, png(seed, 256))
    report = await importer.take(folder, origin=Origin.INTERNET, licence="CC0-1.0")
    assert (report.photos, report.patches, report.assumed_category) == (3, 3, 1)
    found = await importer.store.call(photos.photos)
    assert {Path(p.path).name: (p.category, p.category_source) for p in found} == {
        "a.png": (Category.RAIN, "folder"),
        "b.png": (Category.OLD_PHOTO, "folder"),
        "c.png": (Category.GENERAL_MIXED, "assumed"),
    }
    assert {(p.origin, p.licence) for p in found} == {(Origin.INTERNET, "CC0-1.0")}
    again = await importer.take(folder, folder / "rain")
    assert (again.photos, again.patches, again.duplicates, again.known) == (0, 0, 0, 3)
    assert (await importer.store.call(check)).ok


async def test_duplicates_are_left_out_and_near_duplicates_share_a_group(importer: Importer, tmp_path: Path) -> None:
    folder = tmp_path / "photos"
    original = write(folder / "1.png", png(1, 512))
    shutil.copy(original, folder / "2 same.png")
    with Image.open(original) as image:
        image.resize((400, 400)).save(folder / "3 smaller.jpg", quality=80)
        image.resize((300, 300)).save(folder / "4 smaller still.webp")
    write(folder / "5 other.png", png(2, 512))
    report = await importer.take(folder)
    assert (report.photos, report.duplicates, report.near_duplicates) == (4, 1, 2)
    groups = [group for group, _ in await importer.store.call(photos.perceptual_hashes)]
    assert groups == [1, 1, 1, 4], "near duplicates of near duplicates belong to the first"


async def test_a_photo_between_two_groups_makes_them_one(importer: Importer, tmp_path: Path) -> None:
    one, other = (np.asarray(Image.open(io.BytesIO(png(seed, 512))), np.float64) for seed in (1, 2))
    fading = [np.rint(one * (1 - a) + other * a).astype(np.uint8) for a in np.linspace(0, 1, 200)]
    hashes = [perceptual_hash(picture) for picture in fading]
    far = next(i for i, h in enumerate(hashes) if hamming(hashes[0], h) > NEAR_DUPLICATE_BITS)
    between = next(i for i in range(far) if max(hamming(hashes[i], hashes[e]) for e in (0, far)) <= NEAR_DUPLICATE_BITS)
    folder = tmp_path / "photos"
    folder.mkdir()
    for number, i in enumerate((0, far, far, between)):
        Image.fromarray(fading[i]).save(folder / f"{number}.png", compress_level=number)
    names = [folder / f"{number}.png" for number in range(4)]
    before = await importer.take(*names[:3])
    assert before.near_duplicates == 1
    assert [g for g, _ in await importer.store.call(photos.perceptual_hashes)] == [1, 2, 2]
    report = await importer.take(names[3])
    assert [g for g, _ in await importer.store.call(photos.perceptual_hashes)] == [1, 1, 1, 1]
    assert report.near_duplicates == 2, "the new photo, and the one that was the first of its kind"
    assert (await importer.store.call(status)).near_duplicates == 3
    assert (await importer.store.call(check)).ok


async def test_what_cannot_be_used_is_listed_and_the_import_goes_on(importer: Importer, tmp_path: Path) -> None:
    folder = tmp_path / "photos"
    write(folder / "a torn.png", png(1, 256)[:500])
    write(folder / "b empty.jpg", b"")
    write(folder / "c text.png", b"I am not an image.")
    write(folder / "d tiny.png", png(2, 96))
    write(folder / "notes.txt", b"ignored quietly")
    write(folder / "z good.png", png(3, 256))
    report = await importer.take(folder)
    assert report.photos == 1
    assert [Path(path).name for path, _ in report.quarantined] == [
        "a torn.png",
        "b empty.jpg",
        "c text.png",
        "d tiny.png",
    ]
    assert len({reason for _, reason in report.quarantined}) == 4
    listed = await importer.store.call(photos.quarantined)
    assert [q.path for q in listed] == [path for path, _ in report.quarantined]
    write(folder / "a torn.png", png(1, 256))
    mended = await importer.take(folder)
    assert mended.photos == 1, "a file that was mended comes in"
    assert "a torn.png" not in {Path(q.path).name for q in await importer.store.call(photos.quarantined)}


async def test_a_photo_that_changed_since_is_named_and_the_first_version_kept(
    importer: Importer, tmp_path: Path
) -> None:
    path = write(tmp_path / "photos" / "a.png", png(1, 256))
    await importer.take(path)
    write(path, png(2, 256))
    os.utime(path, ns=(1, 1))
    report = await importer.take(path)
    assert report.photos == 0
    assert "changed since" in report.quarantined[0][1]
    assert (await importer.store.call(lambda p: photos.photo(p, 1))).sha256


async def test_a_file_that_was_only_touched_is_known(importer: Importer, tmp_path: Path) -> None:
    path = write(tmp_path / "photos" / "a.png", png(1, 256))
    await importer.take(path)
    os.utime(path, ns=(1, 1))
    assert (await importer.take(path)).known == 1
    assert (await importer.take(path)).known == 1


async def test_a_file_that_is_as_it_was_again_leaves_the_quarantine(importer: Importer, tmp_path: Path) -> None:
    path = write(tmp_path / "photos" / "a.png", png(1, 256))
    first = path.stat().st_mtime_ns
    await importer.take(path)
    for restored_ns in (first, first + 1):
        write(path, png(2, 256))
        os.utime(path, ns=(1, 1))
        assert len((await importer.take(path)).quarantined) == 1
        write(path, png(1, 256))
        os.utime(path, ns=(restored_ns, restored_ns))
        assert (await importer.take(path)).known == 1
        assert await importer.store.call(photos.quarantined) == []
        assert (await importer.store.call(check)).ok


async def test_a_duplicate_that_was_only_touched_is_read_once_more_and_then_known(
    importer: Importer, tmp_path: Path
) -> None:
    original = write(tmp_path / "photos" / "a.png", png(1, 256))
    copy = write(tmp_path / "photos" / "b.png", png(1, 256))
    assert (await importer.take(original, copy)).duplicates == 1
    os.utime(copy, ns=(1, 1))
    again = await importer.take(copy)
    assert (again.duplicates, again.known) == (0, 1)
    assert await importer.store.call(lambda p: photos.recognise(p, str(copy), copy.stat().st_size, 1))
    write(copy, png(2, 256))
    assert (await importer.take(copy)).photos == 1, "it is a photo of its own by now"
    assert (await importer.store.call(status)).duplicates == 0
    assert (await importer.store.call(check)).ok


class ShortOfMemory(WorkerPool):
    """Real workers, which have no memory left for a photo called `large`."""

    async def call(self, method: str, params: dict[str, Any], *, timeout_s: float | None = None) -> dict[str, Any]:
        if method == "prepare_photo" and Path(params["path"]).stem == "large":
            method = "hungry:prepare"
        return await super().call(method, params, timeout_s=timeout_s)


async def test_a_photo_that_takes_too_much_memory_is_listed_and_the_import_goes_on(
    importer: Importer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "code" / "hungry.py", b"def prepare(params):\n    raise MemoryError\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "code"), prepend=os.pathsep)
    for seed, name in enumerate(("a", "large", "z")):
        write(tmp_path / "photos" / f"{name}.png", png(seed, 256))
    importer.pool.close()
    importer.pool = ShortOfMemory(1)
    report = await importer.take(tmp_path / "photos")
    assert report.photos == 2
    assert [(Path(path).name, "memory" in reason) for path, reason in report.quarantined] == [("large.png", True)]


async def test_big_photos_are_cut_and_can_be_put_together_again(importer: Importer, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    coarse = Image.fromarray(rng.integers(0, 256, (40, 70, 3), np.uint8))
    path = tmp_path / "photos" / "wide.png"
    path.parent.mkdir()
    coarse.resize((2100, 1200)).save(path)
    report = await importer.take(path, category=Category.HAZE)
    assert report.patches == 2
    whole = load_photo(path).pixels
    for patch in await importer.store.call(lambda p: patches.page(p, Filter())):
        assert (patch.geometry.width, patch.geometry.height) == (1024, 1024)
        restored = put_back(whole, load_photo(patch.lq_path).pixels, patch.geometry)
        assert np.array_equal(restored, whole)


async def test_how_photos_are_prepared_can_be_said(importer: Importer, tmp_path: Path) -> None:
    path = tmp_path / "photos" / "big.png"
    path.parent.mkdir()
    Image.fromarray(np.asarray(Image.open(write(tmp_path / "small.png", png(1, 256))).resize((2048, 2048)))).save(path)
    report = await importer.take(path, category=Category.GENERAL_MIXED, prepare=Prepare.RESIZE_CROP)
    assert report.patches == 1
    patch = await importer.store.call(lambda p: patches.patch(p, 1))
    assert patch.geometry.resized_width == 1024


async def test_empty_pictures_are_held_back_and_listed(importer: Importer, tmp_path: Path) -> None:
    path = tmp_path / "sky.png"
    Image.new("RGB", (512, 512), (120, 160, 210)).save(path)
    report = await importer.take(path)
    assert (report.photos, report.content_poor) == (1, 1)
    assert (await importer.store.call(lambda p: patches.patch(p, 1))).hold is Hold.CONTENT_POOR


async def test_links_in_circles_and_names_in_any_script_are_fine(importer: Importer, tmp_path: Path) -> None:
    folder = tmp_path / "photos"
    write(folder / "Фото с дождём" / "雨 ☔ 'quoted' \"x\".png", png(1, 256))
    (folder / "loop").symlink_to(folder)
    (folder / "dangling.png").symlink_to(folder / "nowhere.png")
    report = await importer.take(folder)
    assert report.photos == 1
    assert len(report.quarantined) == 1


async def test_progress_counts_every_file(importer: Importer, tmp_path: Path) -> None:
    for seed in range(5):
        write(tmp_path / "photos" / f"{seed}.png", png(seed, 256))
    seen: list[ImportProgress] = []
    await import_photos(importer.store, importer.pool, [tmp_path / "photos"], ImportOptions(), seen.append)
    assert [p.done for p in seen] == [1, 2, 3, 4, 5]
    assert seen[-1].total == 5


@pytest.mark.shared
async def test_every_sample_photo_comes_in(importer: Importer, shared_data: Path) -> None:
    report = await importer.take(shared_data / "lq")
    assert report.photos == 18
    assert report.quarantined == []
    assert report.content_poor == 0
    assert report.assumed_category == 0
