"""Generate with a local model, which stays loaded from call to call. Runs in the worker, in a lane of its own."""

from __future__ import annotations

import gc
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from ggt_studio.core.canvas import Canvas, render
from ggt_studio.core.errors import StudioError
from ggt_studio.core.images import Pixels, encode_png, load_photo
from ggt_studio.providers.local import libraries
from ggt_studio.providers.local.folder import ModelFolder
from ggt_studio.providers.local.loading import LoadKey, find_model, load_key, load_pipeline
from ggt_studio.providers.local.settings import LocalSettings
from ggt_studio.worker.held import take_over
from ggt_studio.worker.job import Cancelled, Job


class _Holder:
    """The one pipeline that is in memory."""

    def __init__(self) -> None:
        self._key: LoadKey | None = None
        self._pipeline: Any = None

    def get(self, key: LoadKey, model: ModelFolder, job: Job) -> Any:
        """The pipeline of a key; another one is let go for it."""
        if key != self._key:
            self.drop()
            take_over("local", self.drop)
            job.report("load", 0, 1)
            self._pipeline = load_pipeline(key, model)
            self._key = key
            job.report("load", 1, 1)
        return self._pipeline

    def drop(self) -> bool:
        """Free the memory; whether anything was loaded."""
        was_loaded = self._key is not None
        self._key = self._pipeline = None
        gc.collect()
        torch = libraries.torch()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        elif torch.backends.mps.is_available():
            torch.mps.empty_cache()
        return was_loaded

    @property
    def key(self) -> LoadKey | None:
        """What is loaded."""
        return self._key


_HOLDER = _Holder()


def generate(params: dict[str, Any], job: Job) -> dict[str, Any]:
    """Worker method: make an image of an image.

    `params`: `settings` (of `LocalSettings`), `pipeline` (its class, or empty), `lq_path`, `canvas` (the fields of `Canvas`),
    `prompt`, `seed`, `out_path` for a PNG. Returns `width`, `height`, `seconds`, `loaded` (whether the model had to be loaded) and
    `used`: device, dtype, offload, quantisation, steps, guidance, and on CUDA `peak_bytes`. When GPU memory runs out it returns
    `out_of_memory`, in words, instead, and the model is no longer loaded. Noise is drawn on the processor: a seed means the
    same on each device. Raises StudioError; stops within one step when the job is cancelled, with the model kept.
    """
    settings = LocalSettings.from_options(params["settings"])
    model = find_model(settings, params["pipeline"])
    key = load_key(settings, model)
    lq = load_photo(Path(params["lq_path"])).pixels
    sent = Image.fromarray(render(lq, Canvas(**params["canvas"])))
    job.check()
    loaded = _HOLDER.key != key
    steps = settings.steps or model.family.steps
    guidance = model.family.guidance if settings.guidance is None else settings.guidance
    call = _Call(model, sent, params["prompt"], params["seed"], steps, guidance)
    made = _make(key, call, job)
    if isinstance(made, str):
        # Only now: as long as the error was handled, what it refers to could not be freed.
        _HOLDER.drop()
        return {"out_of_memory": made}
    image, seconds = made
    Path(params["out_path"]).write_bytes(encode_png(image))
    used = {"device": key.device, "dtype": key.dtype, "offload": key.offload, "quantisation": key.quantisation}
    used |= {"steps": steps, "guidance": guidance}
    if key.device.startswith("cuda"):
        used["peak_bytes"] = libraries.torch().cuda.max_memory_allocated(key.device)
    return {
        "width": image.shape[1],
        "height": image.shape[0],
        "seconds": round(seconds, 3),
        "loaded": loaded,
        "used": used,
    }


def unload(_params: dict[str, Any]) -> dict[str, Any]:
    """Worker method: free the memory of the model that is loaded. Returns `was_loaded`."""
    return {"was_loaded": _HOLDER.drop()}


@dataclass(frozen=True, slots=True)
class _Call:
    """What the pipeline is asked for."""

    model: ModelFolder
    image: Image.Image
    prompt: str
    seed: int
    steps: int
    guidance: float


def _make(key: LoadKey, call: _Call, job: Job) -> tuple[Pixels, float] | str:
    """The image and the seconds it took, without loading; or in torch's words that GPU memory ran out."""
    torch = libraries.torch()
    try:
        pipeline = _HOLDER.get(key, call.model, job)
        if key.device.startswith("cuda"):
            torch.cuda.reset_peak_memory_stats(key.device)
        began = time.monotonic()
        return _ask(pipeline, call, job), time.monotonic() - began
    except torch.OutOfMemoryError as error:
        return str(error).split("\n", 1)[0]
    except (MemoryError, RuntimeError) as error:
        words = str(error)
        if "CUBLAS_STATUS_ALLOC_FAILED" in words:
            return words.split("\n", 1)[0]
        if isinstance(error, RuntimeError) and "allocate memory" not in words:
            raise
        _HOLDER.drop()
        raise StudioError(
            "There is not enough main memory for this model. Close other programs, or choose quantisation or a smaller model."
        ) from error


def _ask(pipeline: Any, call: _Call, job: Job) -> Pixels:
    torch = libraries.torch()
    family = call.model.family

    def after_step(_pipeline: Any, step: int, _timestep: Any, _tensors: dict[str, Any]) -> dict[str, Any]:
        job.report("steps", step + 1, call.steps)
        job.check()
        return {}

    words: dict[str, Any] = {family.guidance_name: call.guidance}
    if family.negative_prompt is not None:
        words["negative_prompt"] = family.negative_prompt
    try:
        answer = pipeline(
            image=call.image,
            prompt=call.prompt,
            num_inference_steps=call.steps,
            generator=torch.Generator("cpu").manual_seed(call.seed % 2**63),
            callback_on_step_end=after_step,
            output_type="np",
            **words,
        )
    except Cancelled:
        # What was on the GPU for this call goes back to where it waits.
        pipeline.maybe_free_model_hooks()
        raise
    pixels = answer.images[0]
    if not np.isfinite(pixels).all():
        raise StudioError(
            f"{family.pipeline} gave numbers out of range instead of an image. Choose bf16 or fp32 as dtype."
        )
    return (pixels * 255).round().clip(0, 255).astype(np.uint8)
