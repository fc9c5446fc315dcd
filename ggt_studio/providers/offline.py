"""The providers that need no network: classical restoration and the measured judge, both done by the worker."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from ggt_studio.core.errors import StudioError, WorkerCrashed, WriteError
from ggt_studio.core.model import AspectScore, Verdict
from ggt_studio.core.words import Aspect, Decision, Outcome
from ggt_studio.providers.base import (
    GeneratedImage,
    GenerateRequest,
    Generator,
    Judge,
    Judgement,
    JudgeRequest,
    ProviderError,
    ProviderInfo,
)
from ggt_studio.providers.hooks import Services, Worker, hookimpl
from ggt_studio.providers.scratch import scratch_folder
from ggt_studio.worker.client import available_cores

_TIMEOUT_S = 300.0

CLASSICAL = ProviderInfo(
    id="classical",
    label="Classical restoration",
    description="Denoising, dehazing, brightening and repair by image processing on this machine. Not a generative model.",
    concurrency=available_cores(),
)


class ClassicalGenerator:
    """Classical image restoration per category. No learned model: it cleans up and never invents detail."""

    def __init__(self, services: Services) -> None:
        self._worker = services.worker
        self.info = CLASSICAL

    async def generate(self, request: GenerateRequest) -> GeneratedImage:
        """Restore the patch. The text of the prompt is not read; category, failed aspects and seed decide."""
        with scratch_folder() as folder:
            out = Path(folder) / "hq.png"
            params = {
                "lq_path": str(request.lq_path),
                "out_path": str(out),
                "category": request.category,
                "aspects": list(request.aspects),
                "seed": request.seed,
            }
            await _call(self._worker, "restore_classical", params)
            data = await asyncio.to_thread(out.read_bytes)
        return GeneratedImage(data, "image/png")


class MeasuredJudge:
    """Scores the five aspects from measurements. It has no eyes: it cannot tell whether content makes sense."""

    def __init__(self, services: Services) -> None:
        self._worker = services.worker
        self.info = ProviderInfo(
            id="measured",
            label="Measured judge",
            description="Scores structure, alignment, colour, edges and gain from measurements on this machine. Not a VLM.",
            concurrency=available_cores(),
        )

    async def judge(self, request: JudgeRequest) -> Judgement:
        """Measure LQ against HQ and score."""
        params = {"lq_path": str(request.lq_path), "hq_path": str(request.hq_path), "category": request.category}
        answer = await _call(self._worker, "judge_measured", params)
        aspects = {Aspect(name): AspectScore(a["score"], a["reason"]) for name, a in answer["aspects"].items()}
        return Judgement(Verdict(aspects, Decision(answer["decision"]), answer["raw"]))


async def _call(worker: Worker, method: str, params: dict[str, Any]) -> dict[str, Any]:
    try:
        return await worker.call(method, params, timeout_s=_TIMEOUT_S)
    except WorkerCrashed as error:
        raise ProviderError(Outcome.CRASHED, str(error)) from error
    except TimeoutError as error:
        raise ProviderError(Outcome.CRASHED, f"It took longer than {_TIMEOUT_S:.0f} s and was ended.") from error
    except WriteError:
        raise
    except StudioError as error:
        raise ProviderError(Outcome.MALFORMED, str(error)) from error


@hookimpl
def generators(services: Services) -> list[Generator]:
    """The built-in generators."""
    return [ClassicalGenerator(services)]


@hookimpl
def judges(services: Services) -> list[Judge]:
    """The built-in judges."""
    return [MeasuredJudge(services)]
