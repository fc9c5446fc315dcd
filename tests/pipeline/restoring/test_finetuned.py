"""Photos through what was trained into a generative model, in a real worker: tiny random weights, the code of real ones."""

from __future__ import annotations

import asyncio
import importlib.util
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from skimage import data

from ggt_studio.core.errors import BaseMissing
from ggt_studio.core.metadata import Source
from ggt_studio.pipeline.offers import make_registry
from ggt_studio.pipeline.restoring import (
    Finetuned,
    ModelSettings,
    RestoreChoice,
    RestoreItem,
    RestoreQueue,
    Standing,
    named_model,
)
from ggt_studio.providers.keys import Keys
from ggt_studio.settings import Settings
from ggt_studio.worker.client import GPU_LANE

NEEDED = ("torch", "diffusers", "transformers", "accelerate", "peft")
pytestmark = [
    pytest.mark.ml,
    pytest.mark.skipif(
        any(importlib.util.find_spec(n) is None for n in NEEDED), reason="the ml extra is not installed"
    ),
]


async def test_photos_are_restored_by_each_kind_and_a_base_that_is_gone_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tests = str(Path(__file__).parents[2])
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([tests, os.environ.get("PYTHONPATH", "")]))
    photo = tmp_path / "in" / "a.png"
    await asyncio.to_thread(photo.parent.mkdir)
    pixels = data.astronaut()[:50, 100:170]
    Image.fromarray(pixels).save(photo)
    registry, services, pool = make_registry(Settings(), Keys({}), processes=1)
    try:
        files = await pool.call("fakes.generative_jobs:save_trained", {"folder": str(tmp_path)}, lane=GPU_LANE)
        made = {}
        for name, path in files.items():
            chosen = named_model(path, ModelSettings(device="cpu", tile=48), registry)
            assert isinstance(chosen, Finetuned)
            assert not chosen.info.paid
            about = await chosen.ready(pool)
            assert about["parameters"] > 1000
            queue = RestoreQueue(pool, RestoreChoice(chosen), tmp_path / name)
            queue.add([photo.parent])
            (item,) = queue.items
            shares: list[float] = []

            def moved(item: RestoreItem = item, shares: list[float] = shares) -> None:
                shares.append(item.share)

            queue._on_change = moved
            assert await queue.run()
            assert item.standing is Standing.RESTORED, item.message
            assert item.facts["tiles"] > 1
            assert any(0.1 < share < 0.9 for share in shares), "its passes are told of"
            restored = Image.open(tmp_path / name / "a.png")
            assert restored.size == (70, 50)
            assert Source.GENERATED.value.encode() in (tmp_path / name / "a.png").read_bytes()
            made[name] = np.asarray(restored.convert("RGB")).astype(float)
            queue.begin_anew()
            await queue.run()
            assert queue.items[0].standing is Standing.SKIPPED
        # The same noise, the same prompt: what differs is what was learnt.
        assert np.abs(made["trained"] - made["untrained"]).mean() > 1
        looked = named_model(files["trained"], ModelSettings(device="cpu"), registry)
        box = {"box": [0, 0, 32, 32], "lq_path": str(tmp_path / "lq.png"), "out_path": str(tmp_path / "look.png")}
        told = await queue.look(queue.items[0], RestoreChoice(looked), box)
        assert (told["width"], told["height"]) == (32, 32)
        shutil.move(tmp_path / "flux", tmp_path / "elsewhere")
        with pytest.raises(BaseMissing, match=r"FLUX\.1-dev.*There is no folder .*flux.*--base FOLDER"):
            await looked.ready(pool)
        elsewhere = str(tmp_path / "elsewhere")
        found = await named_model(files["trained"], ModelSettings(base=elsewhere), registry).ready(pool)
        assert found["base"] == elsewhere
    finally:
        services.clients.close()
        pool.close()
