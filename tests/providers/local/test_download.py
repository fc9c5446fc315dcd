"""Downloads from a hub on 127.0.0.1 by the hub's own client: sizes, progress, going on, cancelling, and what goes wrong."""

from __future__ import annotations

import asyncio
import importlib.util
import json
from collections import namedtuple
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file

from fakes.hub_server import REVISION, Hub, serving
from ggt_studio.core.errors import StudioError
from ggt_studio.providers.catalogue import Model
from ggt_studio.providers.local.fetching import Download, download, download_size
from ggt_studio.providers.local.folder import inspect_folder
from ggt_studio.worker.client import WorkerPool
from ggt_studio.worker.process import Progress

pytestmark = [
    pytest.mark.ml,
    pytest.mark.skipif(importlib.util.find_spec("huggingface_hub") is None, reason="the ml extra is not installed"),
]

KLEIN = "Flux2KleinPipeline"
MODEL = "someone/tiny-klein"
BIG = "transformer/diffusion_pytorch_model.safetensors"
MIB = 1 << 20


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A pipeline as it lies on the hub, with what is not to be fetched beside it. Its transformer has 32 MiB."""
    folder = tmp_path_factory.mktemp("published")
    parts = ("transformer", "text_encoder", "vae", "scheduler", "tokenizer")
    for part in parts:
        (folder / part).mkdir()
        (folder / part / "config.json").write_text(json.dumps({"part": part}))
    index = {"_class_name": KLEIN, **{part: ["diffusers", "X"] for part in parts}, "safety_checker": [None, None]}
    (folder / "model_index.json").write_text(json.dumps(index))
    (folder / "LICENSE.md").write_text("All may use it.")
    noise = np.random.default_rng(0).random((4, 2 * MIB), np.float32)
    save_file({"blocks.0.q": noise}, folder / BIG)
    save_file({"embed": np.zeros(7, np.float32)}, folder / "text_encoder" / "model.safetensors")
    save_file({"conv": np.zeros(3, np.float32)}, folder / "vae" / "diffusion_pytorch_model.safetensors")
    (folder / "vae" / "diffusion_pytorch_model.bin").write_bytes(b"pickled code")
    (folder / "tokenizer" / "tokenizer.py").write_text("import os")
    (folder / "safety_checker").mkdir()
    (folder / "safety_checker" / "model.safetensors").write_bytes(b"x" * 100)
    save_file({"all": np.zeros(1000, np.float32)}, folder / "all-in-one.safetensors")
    return folder


@pytest.fixture
def hub(published: Path) -> Iterator[Hub]:
    with serving(Hub(MODEL, published)) as hub:
        yield hub


@pytest.fixture
def pool(hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[WorkerPool]:
    monkeypatch.setenv("HF_ENDPOINT", hub.url)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hub-home"))
    for name in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
    made = WorkerPool(1)
    yield made
    made.close()


def entry(model: str = MODEL, pipeline: str = KLEIN, **options: Any) -> Model:
    return Model(
        id="tiny",
        label="Tiny",
        service="diffusers",
        model=model,
        roles=("generator",),
        options={"pipeline": pipeline, **options},
    )


def fetched(hub: Hub, name: str) -> list[str]:
    """The ranges in which a file was fetched."""
    return [range_ for method, path, range_ in hub.requests if method == "GET" and path.endswith(name)]


async def test_a_model_arrives_whole_with_its_progress(
    pool: WorkerPool, hub: Hub, published: Path, tmp_path: Path
) -> None:
    folder, told = tmp_path / "models" / "klein", list[Progress]()
    size = await download_size(pool, entry(), folder)
    assert not folder.exists()
    answer = await download(pool, entry(), folder, on_progress=told.append)
    names = {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}
    expected = {
        n for n in hub.files() if not n.endswith((".bin", ".py", "all-in-one.safetensors")) and "safety" not in n
    }
    assert names == expected
    assert all((folder / name).read_bytes() == (published / name).read_bytes() for name in names)
    total = sum((published / name).stat().st_size for name in names)
    assert answer == Download(total, total, REVISION, inspect_folder(folder).fingerprint)
    assert size == Download(total, total, REVISION)
    assert told[0] == Progress("bytes", 0, total)
    assert told[-1] == Progress("bytes", total, total)
    assert [p.done for p in told] == sorted(p.done for p in told)
    assert len(told) > 4, "a large file is told of in pieces"
    hub.requests.clear()
    assert (await download(pool, entry(), folder)).missing_bytes == 0
    assert fetched(hub, BIG) == []


async def test_a_cut_connection_is_taken_up_again(pool: WorkerPool, hub: Hub, published: Path, tmp_path: Path) -> None:
    hub.cut_after[BIG] = 25 * MIB
    await download(pool, entry(), tmp_path / "klein")
    first, second = fetched(hub, BIG)
    assert first == ""
    assert second == f"bytes={20 * MIB}-", "the client keeps what came in whole pieces of 10 MiB"
    assert (tmp_path / "klein" / BIG).read_bytes() == (published / BIG).read_bytes()


async def test_cancelling_keeps_what_arrived_and_the_next_call_goes_on(
    pool: WorkerPool, hub: Hub, published: Path, tmp_path: Path
) -> None:
    folder, told = tmp_path / "klein", list[Progress]()
    hub.slow_s = 0.005
    task = asyncio.create_task(download(pool, entry(), folder, on_progress=told.append))
    while not told or told[-1].done < 15 * MIB:
        assert not task.done()
        await asyncio.sleep(0.005)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    hub.slow_s = 0.0
    size = await download_size(pool, entry(), folder)
    assert not (folder / BIG).exists(), "a file has its name only when it is whole"
    assert 9 * MIB < size.bytes - size.missing_bytes < size.bytes
    told.clear()
    await download(pool, entry(), folder, on_progress=told.append)
    assert told[0].done == size.bytes - size.missing_bytes
    assert told[-1].done == size.bytes
    assert fetched(hub, BIG)[-1].startswith("bytes=")
    assert (folder / BIG).read_bytes() == (published / BIG).read_bytes()
    assert not list(folder.rglob("*.part"))


async def test_a_licence_is_asked_for_and_a_token_opens(
    pool: WorkerPool, hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.gated = True
    monkeypatch.delenv("HF_TOKEN", raising=False)
    with pytest.raises(
        StudioError, match=f"has a licence .* accept first: do so at {hub.url}/{MODEL}, then give a token"
    ):
        await download(pool, entry(), tmp_path / "klein")
    with pytest.raises(StudioError, match="has a licence"):
        await download(pool, entry(), tmp_path / "klein", token="bad-token")
    await download(pool, entry(), tmp_path / "klein", token="good-token")
    monkeypatch.setenv("HF_TOKEN", "good-token")
    await download(pool, entry(), tmp_path / "another")


async def test_what_arrives_damaged_is_thrown_away(pool: WorkerPool, hub: Hub, tmp_path: Path) -> None:
    hub.damaged = BIG
    with pytest.raises(StudioError, match="arrived damaged and was thrown away. Download again"):
        await download(pool, entry(), tmp_path / "klein")
    assert not list((tmp_path / "klein" / "transformer").glob("*.part"))
    hub.damaged = ""
    await download(pool, entry(), tmp_path / "klein")


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"model": "someone/else"}, "The hub has no model someone/else, or it is private"),
        ({"model": "no/such/form"}, "is no hub id. It has the form owner/name"),
        ({"revision": "v99"}, "no such revision"),
        ({"pipeline": "Flux2Pipeline"}, "holds a Flux2KleinPipeline, but this model is a Flux2Pipeline"),
    ],
)
async def test_what_goes_wrong_is_told(pool: WorkerPool, tmp_path: Path, params: dict[str, Any], words: str) -> None:
    with pytest.raises(StudioError, match=words):
        await download(pool, entry(**params), tmp_path / "klein")


async def test_no_connection_and_no_permission_are_told(
    pool: WorkerPool, hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value, words in (
        ("HF_ENDPOINT", "http://127.0.0.1:9", "The connection to http://127.0.0.1:9 failed"),
        ("TRANSFORMERS_OFFLINE", "1", "Downloads are switched off"),
    ):
        monkeypatch.setenv(name, value)
        other = WorkerPool(1)
        try:
            with pytest.raises(StudioError, match=words):
                await download(other, entry(), tmp_path / "klein")
        finally:
            other.close()


def test_a_full_disk_is_told_before_anything_is_fetched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from ggt_studio.providers.local import download as module

    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(module.shutil, "disk_usage", lambda _: usage(10**12, 10**12 - 10**9, 3 * 10**9))
    with pytest.raises(StudioError, match=r"There is no room in .* for 40\.0 GB: 3\.0 GB are free"):
        module._require_room(tmp_path / "deep" / "folder", 40 * 10**9)
