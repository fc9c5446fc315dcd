"""Content-addressed writes and file hashes."""

from __future__ import annotations

import hashlib
import os
import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ggt_studio.core.errors import StudioError
from ggt_studio.core.files import (
    TEMPORARY_PREFIX,
    WriteError,
    content_path,
    hash_file,
    write_all_content_addressed,
    write_content_addressed,
)

needs_permissions = pytest.mark.skipif(
    getattr(os, "geteuid", lambda: 0)() == 0, reason="needs an account that permissions hold back, unlike root"
)


def files_under(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def test_bytes_are_found_under_their_hash(tmp_path: Path) -> None:
    data = b"restored"
    sha256 = write_content_addressed(tmp_path / "new" / "patches", data, ".png")
    path = content_path(tmp_path / "new" / "patches", sha256, ".png")
    assert sha256 == hashlib.sha256(data).hexdigest() == hash_file(path)
    assert path.read_bytes() == data
    assert files_under(tmp_path) == [path]


def test_same_bytes_are_written_once(tmp_path: Path) -> None:
    sha256 = write_content_addressed(tmp_path, b"x", ".png")
    before = content_path(tmp_path, sha256, ".png").stat().st_ino
    assert write_content_addressed(tmp_path, b"x", ".png") == sha256
    assert content_path(tmp_path, sha256, ".png").stat().st_ino == before


def test_a_torn_file_is_replaced(tmp_path: Path) -> None:
    sha256 = write_content_addressed(tmp_path, b"whole", ".png")
    content_path(tmp_path, sha256, ".png").write_bytes(b"wh")
    write_content_addressed(tmp_path, b"whole", ".png")
    assert content_path(tmp_path, sha256, ".png").read_bytes() == b"whole"


def test_many_writers_of_the_same_bytes_agree(tmp_path: Path) -> None:
    data = os.urandom(200_000)
    with ThreadPoolExecutor(8) as pool:
        hashes = set(pool.map(lambda _: write_content_addressed(tmp_path, data, ".bin"), range(32)))
    assert len(hashes) == 1
    assert [path.read_bytes() for path in files_under(tmp_path)] == [data]


def test_a_size_limit_is_told_and_leaves_nothing(tmp_path: Path) -> None:
    resource = pytest.importorskip("resource")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    previous = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
    try:
        with pytest.raises(WriteError, match="Cannot write to") as told:
            write_content_addressed(tmp_path, bytes(200_000), ".png")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, previous)
    assert isinstance(told.value, StudioError)
    assert str(tmp_path) in str(told.value)
    assert files_under(tmp_path) == []


@needs_permissions
def test_a_forbidden_folder_is_told(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(WriteError, match="may not write"):
            write_content_addressed(tmp_path, b"x", ".png")
    finally:
        tmp_path.chmod(0o700)


def test_temporary_names_start_with_the_known_prefix() -> None:
    assert TEMPORARY_PREFIX == ".tmp-"


def test_many_files_at_once(tmp_path: Path) -> None:
    contents = [(f"file {n % 50}".encode(), ".png") for n in range(60)]
    hashes = write_all_content_addressed(tmp_path / "new", contents)
    assert hashes == [hashlib.sha256(data).hexdigest() for data, _ in contents]
    assert len(files_under(tmp_path)) == 50
    for data, suffix in contents:
        assert content_path(tmp_path / "new", hashlib.sha256(data).hexdigest(), suffix).read_bytes() == data


def test_what_prevents_one_file_does_not_prevent_the_others(tmp_path: Path) -> None:
    contents = [(f"file {n}".encode(), ".png") for n in range(20)]
    hashes = [hashlib.sha256(data).hexdigest() for data, _ in contents]
    (tmp_path / hashes[4][:2]).write_text("in the way of a folder")
    content_path(tmp_path, hashes[11], ".png").mkdir(parents=True)
    written = write_all_content_addressed(tmp_path, [*contents, contents[4]])
    blocked = {4, 11, 20}
    assert [w for n, w in enumerate(written) if n not in blocked] == [
        h for n, h in enumerate(hashes) if n not in blocked
    ]
    for n in blocked:
        assert isinstance(written[n], WriteError)
        assert str(tmp_path) in str(written[n])
    assert not [path for path in files_under(tmp_path) if path.name.startswith(TEMPORARY_PREFIX)]
