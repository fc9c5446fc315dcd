"""Preparing a photo: patches on disk that are what their geometry says, and disk trouble that is told as such."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import skimage.data
from PIL import Image

from ggt_studio.core.errors import StudioError
from ggt_studio.core.files import content_path
from ggt_studio.core.geometry import cut
from ggt_studio.core.images import load_photo
from ggt_studio.core.model import Geometry
from ggt_studio.dataset.prepare import prepare_photo

needs_permissions = pytest.mark.skipif(
    getattr(os, "geteuid", lambda: 0)() == 0, reason="needs an account that permissions hold back, unlike root"
)


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("photos") / "large.jpg"
    image = Image.fromarray(skimage.data.astronaut()).resize((2000, 1500), Image.Resampling.BICUBIC)
    image.save(path, quality=90)
    return path


def prepared(path: Path, patches_dir: Path, **changes: Any) -> dict[str, Any]:
    params = {"path": str(path), "category": "haze", "prepare": "auto", "patches_dir": str(patches_dir)}
    answer = prepare_photo({**params, **changes})
    assert json.loads(json.dumps(answer)) == answer
    return answer


def files_under(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize(("category", "count"), [("haze", 2), ("rain", 1)])
def test_patches_on_disk_are_what_their_geometry_says(large: Path, tmp_path: Path, category: str, count: int) -> None:
    answer = prepared(large, tmp_path, category=category)
    photo = load_photo(large)
    assert answer["status"] == "ok"
    assert answer["sha256"] == hashlib.sha256(large.read_bytes()).hexdigest()
    assert (answer["width"], answer["height"]) == (2000, 1500)
    assert -(2**63) <= answer["perceptual_hash"] < 2**63
    assert len(answer["patches"]) == count
    for patch in answer["patches"]:
        file = content_path(tmp_path, patch["sha256"], ".png")
        assert file.stat().st_size == patch["bytes"]
        assert hashlib.sha256(file.read_bytes()).hexdigest() == patch["sha256"]
        expected = cut(photo.pixels, Geometry(**patch["geometry"]))
        np.testing.assert_array_equal(load_photo(file).pixels, expected)
        assert 0 < patch["content"] <= 1
        assert 0 < patch["quality"] <= 1
    assert len(files_under(tmp_path)) == len({patch["sha256"] for patch in answer["patches"]})


def test_the_photo_is_not_touched_and_again_gives_the_same(large: Path, tmp_path: Path) -> None:
    before = (large.read_bytes(), large.stat().st_mtime_ns)
    first = prepared(large, tmp_path)
    inodes = [path.stat().st_ino for path in files_under(tmp_path)]
    assert prepared(large, tmp_path) == first
    assert [path.stat().st_ino for path in files_under(tmp_path)] == inodes
    assert (large.read_bytes(), large.stat().st_mtime_ns) == before


def test_unusable_photos_have_a_reason(large: Path, tmp_path: Path) -> None:
    cut_short = tmp_path / "cut.jpg"
    cut_short.write_bytes(large.read_bytes()[:20_000])
    answer = prepared(cut_short, tmp_path / "patches")
    assert answer["status"] == "unusable"
    assert answer["reason"] == "cut.jpg: the file is cut short; copy it again from where it came."
    assert answer["sha256"] == hashlib.sha256(cut_short.read_bytes()).hexdigest()
    tiny = tmp_path / "tiny.png"
    Image.new("RGB", (100, 300)).save(tiny)
    assert prepared(tiny, tmp_path / "patches")["reason"].startswith("tiny.png: it is 100 x 300 px")
    gone = prepared(tmp_path / "gone.png", tmp_path / "patches")
    assert (gone["status"], gone["sha256"]) == ("unusable", None)
    assert not (tmp_path / "patches").exists()


def test_a_write_limit_is_no_fault_of_the_photo(large: Path, tmp_path: Path) -> None:
    resource = pytest.importorskip("resource")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    previous = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, hard))
    try:
        with pytest.raises(StudioError, match="Cannot write to"):
            prepared(large, tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, previous)
    assert files_under(tmp_path) == []


@needs_permissions
def test_a_read_only_folder_is_no_fault_of_the_photo(large: Path, tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(StudioError, match="may not write"):
            prepared(large, tmp_path)
    finally:
        tmp_path.chmod(0o700)


_FULL_DISK = """
import sys
from ggt_studio.core.files import WriteError
from ggt_studio.dataset.prepare import prepare_photo
try:
    prepare_photo({"path": sys.argv[1], "category": "haze", "prepare": "auto", "patches_dir": sys.argv[2]})
except WriteError as error:
    print(error)
"""


@pytest.mark.skipif(sys.platform != "linux" or shutil.which("unshare") is None, reason="needs Linux namespaces")
def test_a_full_disk_is_no_fault_of_the_photo(large: Path, tmp_path: Path) -> None:
    """On a real file system of 256 KiB, mounted in a namespace of its own."""
    mount = f"mount -t tmpfs -o size=256k full {tmp_path} && "
    run = f'{sys.executable} -c "$SCRIPT" {large} {tmp_path}/patches && find {tmp_path} -type f'
    done = subprocess.run(
        ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", mount + run],
        capture_output=True,
        text=True,
        env={**os.environ, "SCRIPT": _FULL_DISK},
        check=False,
        timeout=60,
    )
    if "unshare" in done.stderr or "mount" in done.stderr:
        pytest.skip(f"this system allows no mounts in a namespace: {done.stderr.strip()}")
    assert done.stdout.splitlines() == [
        f"Cannot write to {tmp_path}/patches: the disk is full; free some space there."
    ], done.stderr
