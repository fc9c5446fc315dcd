"""A model on this machine in a run: what it had to change to fit is told at once, and is on record with the candidate."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from fakes.hosted_run import HostedRun
from fakes.instant_pool import InstantPool
from fakes.projects import png
from ggt_studio.core.facts import Generated
from ggt_studio.core.recipe import MetricRule, Recipe
from ggt_studio.pipeline.engine import Engine
from ggt_studio.providers.local.generator import LocalGenerator
from ggt_studio.providers.local.registration import generators
from ggt_studio.worker.process import Progress

MODEL = "flux.2-klein"
USED = {"device": "cuda:0", "dtype": "bf16", "quantisation": "none", "offload": "model", "steps": 4, "guidance": 1.0}


class SmallGpu(InstantPool):
    """Runs out of memory without offload, and makes an image with it."""

    async def call(self, method: str, params: dict[str, Any], **options: Any) -> dict[str, Any]:
        if method != "generate_local":
            return await super().call(method, params)
        options["on_progress"](Progress("steps", 1, 4))
        if params["settings"]["offload"] == "none":
            return {"out_of_memory": "CUDA out of memory."}
        await asyncio.to_thread(Path(params["out_path"]).write_bytes, png(7, 64))
        return {"used": USED}


async def test_cheaper_settings_are_told_at_once_and_stand_on_record(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setenv("GGT_STUDIO_HOME", str(tmp_path / "home"))
    run = HostedRun(tmp_path / "p", {}, 1)
    object.__setattr__(run.services, "worker", SmallGpu())
    notices: list[str] = []
    moved: list[Progress] = []
    (local,) = (g for g in generators(run.services) if g.info.id == MODEL)
    assert isinstance(local, LocalGenerator)
    run.registry.generators[MODEL] = local
    monkeypatch.setattr(local, "_find", lambda: None)
    # Who listens comes after the generators were made.
    run.services.telling.on_notice, run.services.telling.on_progress = notices.append, moved.append
    recipe = Recipe(MODEL, "scripted", "scripted", metric_rules=(MetricRule("piqe", True, -10.0),))
    report = await Engine(run.store, InstantPool(), run.registry, recipe).run()  # type: ignore[arg-type]
    (made,) = [fact for fact in await run.facts(1) if isinstance(fact, Generated)]
    run.close()
    assert report.accepted == 1
    (notice,) = notices
    assert "not enough for FLUX.2 klein 4B with none offload. It goes on with model offload" in notice
    assert moved[0] == Progress("steps", 1, 4)
    assert made.notes[0].startswith("Made on cuda:0 with bf16, none quantisation, model offload")
    assert "not enough for none offload; with model offload the picture is the same" in made.notes[1]
