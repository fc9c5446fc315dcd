"""Photos through a model on this machine: a real pipeline with tiny random weights, in a real worker."""

from __future__ import annotations

import asyncio
import importlib.util
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from skimage import data

from ggt_studio.core.errors import StudioError
from ggt_studio.pipeline.offers import make_registry
from ggt_studio.pipeline.restoring import Generated, ModelSettings, RestoreChoice, RestoreQueue, Standing, named_model
from ggt_studio.pipeline.restoring.journal import RECEIVED
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


async def test_a_pipeline_is_asked_with_the_sentence_and_what_it_made_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tests = str(Path(__file__).parents[2])
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([tests, os.environ.get("PYTHONPATH", "")]))
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hub"))
    photo = tmp_path / "in" / "a.png"
    await asyncio.to_thread(photo.parent.mkdir)
    Image.fromarray(data.astronaut()[:160, 100:260]).save(photo)
    model = tmp_path / "klein"
    settings = Settings(local_models={"flux.2-klein": {"model": str(model), "steps": 2, "device": "cpu"}})
    registry, services, pool = make_registry(settings, Keys({}), processes=1)
    try:
        chosen = named_model("flux.2-klein", ModelSettings(), registry)
        assert isinstance(chosen, Generated)
        assert not chosen.info.paid
        queue = RestoreQueue(pool, RestoreChoice(chosen), tmp_path / "out")
        queue.add([photo.parent])
        with pytest.raises(StudioError, match="is not on this machine"):
            await queue.run()
        await pool.call(
            "fakes.tiny_pipelines:save", {"pipeline": "Flux2KleinPipeline", "folder": str(model)}, lane=GPU_LANE
        )
        shares: list[float] = []
        queue._on_change = lambda: shares.append(queue.items[0].share)
        assert await queue.run()
        # Random weights make a picture of nothing: it is kept, and refused for what it shows.
        (item,) = queue.items
        assert item.standing is Standing.FAILED
        assert f"What came is kept in {RECEIVED}" in item.message
        assert any(0.1 < share < 0.9 for share in shares), "its steps are told of"
        (made,) = (tmp_path / "out" / RECEIVED).rglob("*.png")
        assert np.asarray(Image.open(made)).std() > 0
        queue.begin_anew()
        await queue.run()
        assert len(list((tmp_path / "out" / RECEIVED).rglob("*.png"))) == 1, "an hour's work is not done again"
    finally:
        services.clients.close()
        pool.close()
