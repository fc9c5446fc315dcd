"""Two hundred damaged files of every format: each is imported, or unusable with a reason; nothing else happens."""

from __future__ import annotations

import io
import random
import struct
import time
import zlib
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pillow_heif
import pytest
import skimage.data
from PIL import Image

from ggt_studio.dataset.prepare import prepare_photo

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:PIL", "ignore::PIL.Image.DecompressionBombWarning:PIL")

FORMATS = {
    ".jpg": ("JPEG", {"quality": 85}),
    ".jpeg": ("JPEG", {"quality": 85, "progressive": True}),
    ".png": ("PNG", {}),
    ".webp": ("WEBP", {"quality": 80}),
    ".tif": ("TIFF", {"compression": "tiff_lzw"}),
    ".tiff": ("TIFF", {}),
    ".bmp": ("BMP", {}),
    ".gif": ("GIF", {}),
    ".avif": ("AVIF", {"quality": 70, "speed": 10}),
    ".heic": ("HEIF", {"quality": 70}),
}
Damage = Callable[[bytes, random.Random], bytes]


def cut_anywhere(data: bytes, rng: random.Random) -> bytes:
    return data[: rng.randrange(1, len(data))]


def flip_in_header(data: bytes, rng: random.Random) -> bytes:
    return _flipped(data, rng, min(len(data), 400), rng.randrange(1, 4))


def flip_anywhere(data: bytes, rng: random.Random) -> bytes:
    return _flipped(data, rng, len(data), rng.randrange(1, 30))


def _flipped(data: bytes, rng: random.Random, end: int, count: int) -> bytes:
    damaged = bytearray(data)
    for _ in range(count):
        damaged[rng.randrange(end)] ^= 1 << rng.randrange(8)
    return bytes(damaged)


def overwrite_a_stretch(data: bytes, rng: random.Random) -> bytes:
    at, length = rng.randrange(len(data)), rng.randrange(1, 2000)
    return data[:at] + rng.randbytes(min(length, len(data) - at)) + data[at + length :]


def drop_a_stretch(data: bytes, rng: random.Random) -> bytes:
    at = rng.randrange(len(data))
    return data[:at] + data[at + rng.randrange(1, 3000) :]


def zero_the_end(data: bytes, rng: random.Random) -> bytes:
    at = rng.randrange(len(data))
    return data[:at] + bytes(len(data) - at)


def claim_a_huge_size(data: bytes, rng: random.Random) -> bytes:
    """Large numbers in place of the width and height, wherever the format keeps them."""
    size = rng.choice([40_000, 65_500, 20_000])
    if data.startswith(b"\x89PNG"):
        header = b"IHDR" + struct.pack(">II", size, size) + data[24:29]
        return data[:12] + header + struct.pack(">I", zlib.crc32(header)) + data[33:]
    for width, height in ((300, 200), (301, 201)):
        for layout in ("<HH", ">HH", "<II", ">II"):
            for pair in ((width, height), (height, width)):
                data = data.replace(struct.pack(layout, *pair), struct.pack(layout, size, size))
    for layout in ("<HHIHH", "<HHII"):
        for tag, value in ((256, 300), (257, 200)):
            entry = struct.pack(layout, tag, 3 if layout == "<HHIHH" else 4, 1, *((value, 0)[: len(layout) - 4]))
            data = data.replace(entry, struct.pack("<HHII", tag, 4, 1, size))
    return data


def double_it(data: bytes, rng: random.Random) -> bytes:
    return data[: rng.randrange(20, len(data))] + data


def text_instead(_: bytes, rng: random.Random) -> bytes:
    return ("not an image " * rng.randrange(1, 50)).encode()


def nothing(_: bytes, __: random.Random) -> bytes:
    return b""


def unharmed(data: bytes, _: random.Random) -> bytes:
    return data


DAMAGES: list[Damage] = [
    *[cut_anywhere] * 4,
    *[flip_in_header] * 4,
    *[flip_anywhere] * 3,
    *[overwrite_a_stretch] * 2,
    *(drop_a_stretch, zero_the_end, claim_a_huge_size, double_it, text_instead, nothing, unharmed),
]


def originals() -> dict[str, bytes]:
    pillow_heif.register_heif_opener()
    photo = Image.fromarray(np.ascontiguousarray(skimage.data.coffee()[100:300, 150:450]))
    encoded = {}
    for suffix, (name, options) in FORMATS.items():
        buffer = io.BytesIO()
        photo.save(buffer, name, **options)
        encoded[suffix] = buffer.getvalue()
    return encoded


def damaged_files(folder: Path, seed: int) -> list[tuple[Path, Damage]]:
    """20 damaged files of each of 10 formats; a quarter of them under another format's extension."""
    rng = random.Random(seed)
    files = []
    for suffix, data in originals().items():
        for index, damage in enumerate(DAMAGES):
            shown = rng.choice(list(FORMATS)) if index % 4 == 3 else suffix
            path = folder / f"{damage.__name__}-{suffix[1:]}-{index}{shown}"
            path.write_bytes(damage(data, rng))
            files.append((path, damage))
    return files


def outcome(path: Path, patches: Path) -> str:
    """Prepare the photo; only a real answer may come back, within seconds."""
    started = time.monotonic()
    params = {"path": str(path), "category": "general-mixed", "prepare": "auto", "patches_dir": str(patches)}
    answer = prepare_photo(params)
    assert time.monotonic() - started < 10, f"{path.name} took too long"
    if answer["status"] == "unusable":
        assert answer["reason"].startswith(f"{path.name}: ")
        assert answer["reason"].endswith(".")
        assert "\n" not in answer["reason"]
    else:
        assert answer["patches"]
    return answer["status"]


def check(folder: Path, seed: int) -> None:
    files = damaged_files(folder, seed)
    assert len(files) == 200
    statuses: Counter[tuple[str, str]] = Counter()
    for path, damage in files:
        statuses[damage.__name__, outcome(path, folder / "patches")] += 1
    for hopeless in ("text_instead", "nothing"):
        assert statuses[hopeless, "ok"] == 0
    assert statuses["unharmed", "unusable"] == 0, "a wrong extension alone is no damage"
    assert statuses["cut_anywhere", "unusable"] >= 36
    assert statuses["claim_a_huge_size", "ok"] <= 3


def test_two_hundred_damaged_files(tmp_path: Path) -> None:
    check(tmp_path, seed=50)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(20))
def test_thousands_of_damaged_files(tmp_path: Path, seed: int) -> None:
    check(tmp_path, seed)


@pytest.mark.shared
def test_damaged_sample_photos(tmp_path: Path, shared_data: Path) -> None:
    rng = random.Random(5)
    for original in sorted((shared_data / "lq").glob("*/*")):
        data = original.read_bytes()
        for damage in (cut_anywhere, flip_in_header):
            path = tmp_path / f"{damage.__name__}-{original.name}"
            path.write_bytes(damage(data, rng))
            outcome(path, tmp_path / "patches")
