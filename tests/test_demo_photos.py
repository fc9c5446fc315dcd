"""The demo's photos: the same each time, varied, and with the four that an import should notice."""

from __future__ import annotations

import hashlib
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ggt_studio import demo_photos
from ggt_studio.core.geometry import plan_patches
from ggt_studio.core.measures import hamming, perceptual_hash
from ggt_studio.core.words import Category, Prepare


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("photos")


@pytest.fixture(scope="module")
def files(folder: Path) -> list[Path]:
    return [Path(file) for file in demo_photos.write_demo_photos({"folder": str(folder)})["files"]]


@pytest.fixture(scope="module")
def distinct(files: list[Path], folder: Path) -> list[Path]:
    special = {demo_photos.DUPLICATE, demo_photos.NEAR_DUPLICATE, demo_photos.DAMAGED}
    return [file for file in files if file.relative_to(folder).as_posix() not in special]


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def perceptual(path: Path) -> int:
    with Image.open(path) as photo:
        return perceptual_hash(np.asarray(photo.convert("RGB")))


def test_every_category_has_its_folder_with_two_or_three_photos(files: list[Path]) -> None:
    counts = {category: [p.parent.name for p in files].count(category) for category in Category}
    assert sum(counts.values()) == len(files) == 18
    assert min(counts.values()) >= 2


def test_the_same_bytes_each_time(files: list[Path], tmp_path: Path) -> None:
    again = demo_photos.write_demo_photos({"folder": str(tmp_path)})["files"]
    assert [digest(file) for file in files] == [digest(Path(file)) for file in again]


def test_no_two_resemble_each_other_but_the_duplicates(distinct: list[Path]) -> None:
    hashes = [perceptual(file) for file in distinct]
    assert min(hamming(one, other) for one, other in combinations(hashes, 2)) > 10


def test_sizes_vary_and_two_photos_give_several_patches(distinct: list[Path]) -> None:
    sizes = [Image.open(file).size for file in distinct]
    assert len(set(sizes)) == len(sizes)
    plans = [
        plan_patches(*size, Prepare.AUTO, Category(file.parent.name))
        for size, file in zip(sizes, distinct, strict=True)
    ]
    assert sum(len(plan) > 1 for plan in plans) == 2


def test_an_exact_and_a_near_duplicate(folder: Path, files: list[Path]) -> None:
    assert digest(folder / demo_photos.DUPLICATE) == digest(folder / "general-mixed/cat.jpg")
    original, again = folder / "rain/launch pad.jpg", folder / demo_photos.NEAR_DUPLICATE
    assert digest(original) != digest(again)
    assert hamming(perceptual(original), perceptual(again)) <= 2


def test_a_damaged_file_that_opens_and_does_not_decode(folder: Path, files: list[Path]) -> None:
    with Image.open(folder / demo_photos.DAMAGED) as photo, pytest.raises(OSError, match="truncated"):
        photo.load()


def test_a_photo_with_nearly_no_content(folder: Path, files: list[Path]) -> None:
    sky = np.asarray(Image.open(folder / demo_photos.EMPTY).convert("L"), float)
    assert np.abs(np.diff(sky, axis=1)).mean() < 2


def test_every_source_is_named_with_its_licence(folder: Path, files: list[Path]) -> None:
    text = (folder / "SOURCES.txt").read_text(encoding="utf-8")
    for photo in demo_photos.PHOTOS:
        assert f"{photo.category}/{photo.name}: {photo.source}" in text
        assert demo_photos.SOURCES[photo.source].endswith(("public domain", "CC0 1.0"))
