"""Photos through a generative model with what was trained into it here: a LoRA of Qwen-Image-Edit, a ControlNet of FLUX.1."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ggt_studio.core.errors import StudioError, WorkerCrashed
from ggt_studio.core.words import Category
from ggt_studio.pipeline.restoring.models import PhotoTask, Tools, require_extra
from ggt_studio.providers.base import ProviderInfo
from ggt_studio.training.job import name_of_weights
from ggt_studio.worker.client import GPU_LANE, WorkerPool

# A pass of a large model whose layers come from main memory.
_CANCEL_WITHIN_S = 60.0
_NEEDED = ("torch", "diffusers", "transformers", "accelerate", "peft", "safetensors", "psutil")


@dataclass(frozen=True, slots=True)
class Finetuned:
    """A file that `train` made with a generative recipe; its header says which model it belongs to, and how that is asked.

    `base`: the folder of that model, if a person has chosen it; `others`: where it may be, beside the folder that the file names.
    `tile`: px a side that go through at once, 0 chooses.
    `device`: auto, cpu, cuda, cuda:N, mps. Another `seed` is another sample.
    """

    path: Path
    base: str = ""
    others: tuple[str, ...] = ()
    tile: int = 0
    device: str = "auto"
    seed: int = 0

    @property
    def info(self) -> ProviderInfo:
        """As of `RestoringModel`."""
        return ProviderInfo(str(self.path), name_of_weights(self.path), "")

    @property
    def at_once(self) -> int:
        """One: it is loaded once."""
        return 1

    @property
    def _where(self) -> dict[str, Any]:
        return {"base": self.base, "others": list(self.others)}

    def identity(self, category: Category, about: Mapping[str, Any]) -> dict[str, Any]:
        """The file's content, which says all, and what changes numbers: the sample, and tiles, which share their noise but not
        what they see."""
        return {"finetuned": about["sha256"], "seed": self.seed, "tile": self.tile}

    def request(self, source: str, category: Category) -> str:
        """Nobody is asked."""
        return ""

    async def ready(self, pool: WorkerPool) -> dict[str, Any]:
        """What `generative_inspect` tells. Raises MlExtraMissing, UnusableCheckpoint, BaseMissing."""
        require_extra(_NEEDED)
        return await pool.call("generative_inspect", {"path": str(self.path), **self._where}, lane=GPU_LANE)

    async def restore(self, task: PhotoTask, tools: Tools) -> dict[str, Any]:
        """As of `RestoringModel`; what it tells is that of `generative.restoring`."""
        settings = {
            "checkpoint": str(self.path),
            **self._where,
            "tile": self.tile,
            "device": self.device,
            "seed": self.seed,
        }

        def moved(progress: Any) -> None:
            if progress.what == "steps" and progress.total:
                tools.moved(progress.done / progress.total)

        try:
            return await tools.pool.call(
                "restore_region_generative" if task.part else "restore_photo_generative",
                settings | task.params(),
                lane=GPU_LANE,
                on_progress=moved,
                cancel_within_s=_CANCEL_WITHIN_S,
            )
        except WorkerCrashed as error:
            raise StudioError(f"{error} The model may be too large for this machine's memory.") from error
