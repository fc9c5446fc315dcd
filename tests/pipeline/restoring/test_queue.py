"""A queue of photos through a real restorer in a real worker: what is done stays done, and nothing is overwritten."""

from __future__ import annotations

import asyncio
import importlib.util
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ggt_studio.core.errors import StudioError
from ggt_studio.core.restored import Output
from ggt_studio.pipeline.restoring import JOURNAL, Checkpoint, RestoreChoice, RestoreQueue, Standing
from ggt_studio.worker.client import WorkerPool

pytestmark = [
    pytest.mark.ml,
    pytest.mark.skipif(importlib.util.find_spec("spandrel") is None, reason="the ml extra is not installed"),
]


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from fakes.tiny_restorers import save_tiny

    return save_tiny(tmp_path_factory.mktemp("checkpoint"), "NAFNet")


@pytest.fixture(scope="module")
def pool() -> Iterator[WorkerPool]:
    made = WorkerPool(1)
    yield made
    made.close()


def photo(path: Path, seed: int, side: int = 48) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.random.default_rng(seed).integers(0, 255, (side, side + 16, 3), np.uint8)).save(path)
    return path


def standings(queue: RestoreQueue) -> list[Standing]:
    return [item.standing for item in queue.items]


async def test_all_that_can_be_is_restored_and_no_file_is_in_the_way_of_another(
    checkpoint: Path, pool: WorkerPool, tmp_path: Path
) -> None:
    photo(tmp_path / "in" / "a.png", 1)
    photo(tmp_path / "in" / "deep" / "写真.jpg", 2)
    (tmp_path / "in" / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n and then nothing")
    other = photo(tmp_path / "elsewhere" / "a.png", 3)
    theirs = photo(tmp_path / "out" / "a.png", 4)
    before = theirs.read_bytes()
    queue = RestoreQueue(pool, RestoreChoice(Checkpoint(checkpoint, device="cpu")), tmp_path / "out")
    queue.add([tmp_path / "in", other])
    assert await queue.run()
    assert sorted(standings(queue)) == [Standing.FAILED, *[Standing.RESTORED] * 3]
    (failed,) = [item for item in queue.items if item.standing is Standing.FAILED]
    assert "broken.png" in failed.message
    made = {path.relative_to(tmp_path / "out").as_posix() for path in (tmp_path / "out").rglob("*") if path.is_file()}
    assert made == {"a.png", "a-2.png", "a-2-2.png", "deep/写真.jpg", JOURNAL} or made == {
        *("a.png", "a-2.png", "a-3.png", "deep/写真.jpg", JOURNAL)
    }
    assert theirs.read_bytes() == before, "what was there is not touched"


async def test_what_was_done_is_skipped_by_content_and_settings(
    checkpoint: Path, pool: WorkerPool, tmp_path: Path
) -> None:
    first = photo(tmp_path / "in" / "a.png", 1)
    out = tmp_path / "out"
    choice = RestoreChoice(Checkpoint(checkpoint, device="cpu"))

    async def run(choice: RestoreChoice, *paths: Path) -> RestoreQueue:
        queue = RestoreQueue(pool, choice, out)
        queue.add(paths)
        assert await queue.run()
        return queue

    await run(choice, tmp_path / "in")
    (tmp_path / "in" / "renamed.png").write_bytes(first.read_bytes())
    again = await run(replace(choice, model=Checkpoint(checkpoint, tile=64, device="cpu")), tmp_path / "in")
    assert standings(again) == [Standing.SKIPPED] * 2
    assert {item.out for item in again.items} == {out / "a.png"}
    weaker = await run(replace(choice, output=Output(strength=0.5)), first)
    assert standings(weaker) == [Standing.RESTORED]
    assert weaker.items[0].out == out / "a-2.png"
    (out / "a.png").unlink()
    assert standings(await run(choice, first)) == [Standing.RESTORED], "it is gone, so it is made again"
    time_before = (out / "a.png").stat().st_mtime_ns
    assert standings(await run(replace(choice, overwrite=True), first)) == [Standing.RESTORED]
    assert (out / "a.png").stat().st_mtime_ns > time_before
    with (out / JOURNAL).open("a") as file:
        file.write('{"source": "cut sho')
    assert standings(await run(choice, first)) == [Standing.SKIPPED], "a line that a crash cut short harms nothing"


async def test_results_beside_the_photos_are_no_photos_to_restore(
    checkpoint: Path, pool: WorkerPool, tmp_path: Path
) -> None:
    lq = photo(tmp_path / "in" / "a.png", 1)
    for folder in (tmp_path / "in", tmp_path / "in" / "restored"):
        for expected in (Standing.RESTORED, Standing.SKIPPED):
            queue = RestoreQueue(pool, RestoreChoice(Checkpoint(checkpoint, device="cpu")), folder)
            queue.add([tmp_path / "in"])
            assert await queue.run()
            standing = {item.path.name: item.standing for item in queue.items}
            assert standing[lq.name] is expected
            assert len(standing) == (1 if folder.name == "in" else 2)


async def test_stop_leaves_no_half_file_and_the_photo_waits(checkpoint: Path, pool: WorkerPool, tmp_path: Path) -> None:
    photo(tmp_path / "in" / "a.png", 1, side=900)
    photo(tmp_path / "in" / "b.png", 2)
    begun = asyncio.Event()

    def look() -> None:
        if queue.items and queue.items[0].share > 0:
            begun.set()

    queue = RestoreQueue(
        pool, RestoreChoice(Checkpoint(checkpoint, tile=64, device="cpu")), tmp_path / "out", on_change=look
    )
    queue.add([tmp_path / "in"])
    running = asyncio.create_task(queue.run())
    await begun.wait()
    queue.stop()
    assert not await running
    assert standings(queue) == [Standing.WAITING] * 2
    assert [path.name for path in (tmp_path / "out").iterdir()] == []


async def test_pause_finishes_what_is_under_way(checkpoint: Path, pool: WorkerPool, tmp_path: Path) -> None:
    for n in range(2):
        photo(tmp_path / "in" / f"{n}.png", n)
    paused = asyncio.Event()

    def look() -> None:
        if queue.count(Standing.RESTORED) == 1 and not queue.paused:
            queue.pause()
            paused.set()

    queue = RestoreQueue(pool, RestoreChoice(Checkpoint(checkpoint, device="cpu")), tmp_path / "out", on_change=look)
    queue.add([tmp_path / "in"])
    running = asyncio.create_task(queue.run())
    await paused.wait()
    assert queue.eta_s is not None
    for _ in range(20):
        await asyncio.sleep(0)
    assert standings(queue) == [Standing.RESTORED, Standing.WAITING]
    queue._on_change = lambda: None
    queue.resume()
    assert await running
    assert standings(queue) == [Standing.RESTORED] * 2


async def test_what_cannot_be_used_at_all_is_told_before_anything_begins(
    checkpoint: Path, pool: WorkerPool, tmp_path: Path
) -> None:
    lq = photo(tmp_path / "a.png", 1)
    queue = RestoreQueue(pool, RestoreChoice(Checkpoint(lq)), tmp_path / "out")
    queue.add([lq])
    with pytest.raises(StudioError, match=r"a\.png is no checkpoint but a PNG image"):
        await queue.run()
    with pytest.raises(StudioError, match="does not exist"):
        queue.add([tmp_path / "nowhere"])
    (tmp_path / "file").write_text("in the way")
    queue = RestoreQueue(pool, RestoreChoice(Checkpoint(checkpoint, device="cpu")), tmp_path / "file" / "out")
    queue.add([lq])
    assert await queue.run()
    assert "Cannot write" in queue.items[0].message
    assert json.dumps(queue.items[0].facts) == "{}"
