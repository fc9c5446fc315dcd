"""A worker pool whose GPU lane also makes tiny pipelines, and those pipelines; shared by a module's tests."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import numpy as np
import pytest
import pytest_asyncio
from PIL import Image

from ggt_studio.worker.client import GPU_LANE, WorkerPool

Tiny = Callable[[str], Awaitable[Path]]

NEEDED = ("torch", "diffusers", "transformers", "accelerate", "peft")

# What only these tests can do in the worker: make pipelines fail as a full GPU makes them fail.
CHORES = """

def fill_gpu(params):
    # The next `times` calls of a pipeline run out of memory in the second step.
    import diffusers, torch
    kind = getattr(diffusers, params["pipeline"])
    real, left = kind.__call__, [params["times"]]
    def full(self, *args, **options):
        if left[0] == 0:
            kind.__call__ = real
            return real(self, *args, **options)
        left[0] -= 1
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.\\nmore words")
    kind.__call__ = full
    return {}

def loaded(params):
    from ggt_studio.providers.local import generation
    import os
    key = generation._HOLDER.key
    return {"pid": os.getpid(), "offload": key and key.offload, "folder": key and str(key.folder)}

steps_done = 0

def slow_steps(params):
    # Each step of the scheduler takes so long from now on; says how many there were since the last call.
    import time
    from diffusers import FlowMatchEulerDiscreteScheduler as S
    global steps_done
    answer = {"steps": steps_done}
    steps_done = 0
    real = getattr(S, "_real_step", S.step)
    S._real_step = real
    def step(self, *args, **options):
        global steps_done
        steps_done += 1
        time.sleep(params["s"])
        return real(self, *args, **options)
    S.step = step
    return answer
"""


@pytest.fixture(scope="module")
def _importable() -> None:
    missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        pytest.skip(f"the ml extra is not installed ({', '.join(missing)})")


@pytest.fixture(scope="module")
def hub_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder in which the hub's client keeps what it has downloaded."""
    return tmp_path_factory.mktemp("hub") / "hub"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def pool(
    _importable: None, hub_cache: Path, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[WorkerPool]:
    folder = tmp_path_factory.mktemp("chores")
    (folder / "local_chores.py").write_text(CHORES)
    tests = str(Path(__file__).parents[2])
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", os.pathsep.join([str(folder), tests, os.environ.get("PYTHONPATH", "")]))
        # Nothing answers there: whoever asks the hub while a model is loaded fails.
        patch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
        patch.setenv("HF_HOME", str(hub_cache.parent))
        made = WorkerPool(1)
        yield made
        made.close()


@pytest.fixture(scope="module")
def tiny(pool: WorkerPool, tmp_path_factory: pytest.TempPathFactory) -> Tiny:
    """Folders of tiny pipelines by class, each with `lora.safetensors` beside it; made once."""
    base = tmp_path_factory.mktemp("models")

    async def get(pipeline: str) -> Path:
        folder = base / pipeline / "model"
        if not folder.exists():
            params = {"pipeline": pipeline, "folder": str(folder), "lora": str(folder.parent / "lora.safetensors")}
            await pool.call("fakes.tiny_pipelines:save", params, lane=GPU_LANE)
        return folder

    return get


@pytest.fixture(scope="module")
def lq_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A patch of 160 x 136 px: its height is between the multiples of 16."""
    rows, columns = np.mgrid[0:136, 0:160]
    pixels = np.stack([rows * 255 / 136, columns * 255 / 160, (rows * columns) % 256], axis=-1).astype(np.uint8)
    path = tmp_path_factory.mktemp("lq") / "lq.png"
    Image.fromarray(pixels).save(path)
    return path
