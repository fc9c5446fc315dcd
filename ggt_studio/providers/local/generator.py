"""A local model as a generator: asks the worker's GPU lane, and goes on with cheaper settings when GPU memory runs out."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from ggt_studio.core.canvas import plan_canvas
from ggt_studio.core.errors import MlExtraMissing, StudioError, WorkerCrashed, WriteError
from ggt_studio.core.words import Outcome
from ggt_studio.providers.base import GeneratedImage, GenerateRequest, ProviderError, ProviderInfo
from ggt_studio.providers.catalogue import Model
from ggt_studio.providers.hooks import Worker
from ggt_studio.providers.local.families import FAMILIES, Family
from ggt_studio.providers.local.fetching import is_cached
from ggt_studio.providers.local.folder import inspect_folder
from ggt_studio.providers.local.proposal import Gpu, Machine
from ggt_studio.providers.local.settings import LocalSettings, Offload
from ggt_studio.providers.scratch import scratch_folder
from ggt_studio.worker.client import GPU_LANE
from ggt_studio.worker.process import Progress

# A large model whose layers come from main memory takes hours on a slow machine; what hangs is stopped by a person.
_TIMEOUT_S = 6 * 3600.0
# A step of a large model with offloading; loading it anew would take longer.
_CANCEL_WITHIN_S = 30.0


class LocalGenerator:
    """Generates with one model of the catalogue (`model.options["pipeline"]` names its class in diffusers).

    What a recipe's options say goes before `settings`. `on_notice` is told what a person should know at once, `on_progress`
    how far loading (`load`) and generating (`steps`) are, whoever asks.
    """

    def __init__(
        self,
        worker: Worker,
        model: Model,
        settings: LocalSettings,
        *,
        on_notice: Callable[[str], None] = lambda _: None,
        on_progress: Callable[[Progress], None] = lambda _: None,
    ) -> None:
        self._worker, self._settings = worker, settings
        self._on_notice, self._on_progress = on_notice, on_progress
        self._family = family_of(model)
        # What was found to be enough, by what was asked for: the next call does not run out of memory first.
        self._enough: dict[LocalSettings, Offload] = {}
        self.info = ProviderInfo(
            id=model.id,
            label=model.label,
            description=model.description,
            model=model.model,
            options=settings.as_options(),
        )

    async def ready(self) -> None:
        """Raises StudioError saying what is missing where the model cannot be loaded from this machine."""
        await asyncio.to_thread(self._find)

    def _find(self) -> None:
        folder = Path(self._settings.model).expanduser()
        if folder.is_dir():
            inspect_folder(folder, self._family.pipeline)
        elif not is_cached(self._settings.model):
            raise StudioError(
                f"{self.info.label} is not on this machine: {self._settings.model} is neither a folder nor in the hub's cache. "
                "Download it, or choose the folder that holds it, in Settings."
            )

    async def generate(
        self, request: GenerateRequest, on_progress: Callable[[Progress], None] | None = None
    ) -> GeneratedImage:
        """Make the image at the patch's size, or the nearest that the model takes (`canvas` says which); see `families`.

        Running out of GPU memory is answered with the next cheaper settings that give the same picture; notes say so.
        """
        wanted = LocalSettings.from_options(request.options) if request.options else self._settings
        canvas = plan_canvas(request.width, request.height, self._family.sizes)
        settings = replace(wanted, offload=self._enough.get(wanted, wanted.offload))
        with scratch_folder() as folder:
            out = Path(folder) / "hq.png"
            params = {
                "pipeline": self._family.pipeline,
                "lq_path": str(request.lq_path),
                "canvas": asdict(canvas),
                "prompt": request.prompt,
                "seed": request.seed,
                "out_path": str(out),
            }
            while True:
                answer = await self._call(params | {"settings": settings.as_params()}, on_progress or self._on_progress)
                if "out_of_memory" not in answer:
                    break
                settings = self._cheaper(settings, answer["out_of_memory"])
                self._enough[wanted] = settings.offload
            data = await asyncio.to_thread(out.read_bytes)
        return GeneratedImage(data, "image/png", notes=_notes(wanted, settings, answer), canvas=canvas)

    async def unload(self) -> None:
        """Free the memory that a loaded model takes up."""
        await self._worker.call("unload_local", {}, lane=GPU_LANE)

    def _cheaper(self, settings: LocalSettings, words: str) -> LocalSettings:
        cheaper = settings.cheaper()
        if cheaper is None:
            advice = "Choose a smaller model" if settings.quantisation == "nf4" else "Choose quantisation"
            raise ProviderError(
                Outcome.CRASHED,
                f"The GPU's memory is not enough for {self.info.label}, even with {settings.offload} offload. {advice}, or "
                f"close what else uses the GPU. ({words})",
            )
        self._on_notice(
            f"The GPU's memory was not enough for {self.info.label} with {settings.offload} offload. It goes on with "
            f"{cheaper.offload} offload, which is slower and gives the same pictures."
        )
        return cheaper

    async def _call(self, params: dict[str, Any], on_progress: Callable[[Progress], None]) -> dict[str, Any]:
        try:
            return await self._worker.call(
                "generate_local",
                params,
                timeout_s=_TIMEOUT_S,
                lane=GPU_LANE,
                on_progress=on_progress,
                cancel_within_s=_CANCEL_WITHIN_S,
            )
        except WorkerCrashed as error:
            raise ProviderError(Outcome.CRASHED, str(error)) from error
        except TimeoutError as error:
            hours = _TIMEOUT_S / 3600
            raise ProviderError(Outcome.CRASHED, f"It took longer than {hours:.0f} hours and was ended.") from error
        except (MlExtraMissing, WriteError):
            raise
        except StudioError as error:
            raise ProviderError(Outcome.MALFORMED, str(error)) from error


def family_of(model: Model) -> Family:
    """The pipeline class of a catalogue entry. Raises StudioError for one that is not understood."""
    name = model.options.get("pipeline")
    if name not in FAMILIES:
        raise StudioError(f"The model {model.id} has the pipeline {name}; there are {', '.join(FAMILIES)}.")
    return FAMILIES[name]


async def find_machine(worker: Worker) -> Machine:
    """What there is to compute with; waits while a local model is at work. Raises MlExtraMissing where torch is not installed."""
    answer = await worker.call("gpus", {}, lane=GPU_LANE)
    gpus = tuple(Gpu(**gpu) for gpu in answer["gpus"])
    return Machine(gpus, answer["free_memory_bytes"], answer["quantisations"])


def _notes(wanted: LocalSettings, settings: LocalSettings, answer: dict[str, Any]) -> tuple[str, ...]:
    used = answer["used"]
    how = (
        f"Made on {used['device']} with {used['dtype']}, {used['quantisation']} quantisation, {used['offload']} offload, "
        f"{used['steps']} steps, guidance {used['guidance']:g}."
    )
    if settings.offload == wanted.offload:
        return (how,)
    return (
        how,
        f"The GPU's memory was not enough for {wanted.offload} offload; with {settings.offload} offload the picture is the same.",
    )
