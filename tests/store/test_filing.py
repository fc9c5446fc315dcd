"""The filing threads: bytes are on disk when the wait ends, and an error reaches only who asked for that file."""

from __future__ import annotations

import asyncio
import hashlib
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from ggt_studio.core.errors import StudioError, WriteError
from ggt_studio.core.files import content_path
from ggt_studio.store.filing import FilingThreads


@pytest.fixture
def filing(tmp_path: Path) -> Iterator[FilingThreads]:
    made = FilingThreads(tmp_path / "candidates")
    yield made
    made.close()


def files_under(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


async def test_files_are_there_when_the_wait_ends(filing: FilingThreads, tmp_path: Path) -> None:
    async def write(data: bytes) -> bool:
        sha256 = await filing.write(data, ".png")
        return content_path(tmp_path / "candidates", sha256, ".png").read_bytes() == data

    # Many, some of them the same bytes at the same time.
    contents = [os.urandom(3000 + n) for n in range(200)]
    assert all(await asyncio.gather(*map(write, contents + contents[:50])))
    assert len({path.name for path in files_under(tmp_path)}) == 200


async def test_an_error_reaches_only_who_asked_for_that_file(filing: FilingThreads, tmp_path: Path) -> None:
    contents = [f"file {n}".encode() for n in range(50)]
    blocked = content_path(tmp_path / "candidates", hashlib.sha256(contents[7]).hexdigest(), ".png")
    blocked.mkdir(parents=True)
    results = await asyncio.gather(*(filing.write(data, ".png") for data in contents), return_exceptions=True)
    told = results.pop(7)
    assert isinstance(told, WriteError)
    assert str(tmp_path) in str(told)
    del contents[7]
    assert results == [hashlib.sha256(data).hexdigest() for data in contents]


async def test_a_wait_that_is_cancelled_leaves_the_file_to_be_written(filing: FilingThreads, tmp_path: Path) -> None:
    wait = asyncio.ensure_future(filing.write(b"received", ".png"))
    await asyncio.sleep(0)
    wait.cancel()
    with pytest.raises(asyncio.CancelledError):
        await wait
    filing.close()
    path = content_path(tmp_path / "candidates", hashlib.sha256(b"received").hexdigest(), ".png")
    assert path.read_bytes() == b"received"


async def test_closing_ends_the_threads_and_refuses_what_comes_later(tmp_path: Path) -> None:
    filing = FilingThreads(tmp_path / "closing")
    filing.close()
    filing.close()
    assert not [t for t in threading.enumerate() if t.name == "filing closing"]
    with pytest.raises(StudioError, match="Nothing is written"):
        await filing.write(b"late", ".png")
