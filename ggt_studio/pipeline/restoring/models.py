"""What photos are restored with: a checkpoint, classical means, or a generator (`generated`), all of one shape."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from ggt_studio.core.errors import MlExtraMissing, StudioError, WorkerCrashed
from ggt_studio.core.extras import install_command
from ggt_studio.core.words import Category
from ggt_studio.pipeline.restoring.asking import Asking
from ggt_studio.providers.base import ProviderInfo
from ggt_studio.providers.offline import CLASSICAL
from ggt_studio.training.job import name_of_weights
from ggt_studio.worker.client import GPU_LANE, WorkerPool

# A layer of a large network on a large tile, on a CPU.
_CANCEL_WITHIN_S = 20.0
_NEEDED = ("torch", "spandrel", "safetensors", "greenlet", "psutil")


def require_extra(names: Sequence[str]) -> None:
    """Raises MlExtraMissing where packages that restorers need are not installed."""
    missing = [name for name in names if importlib.util.find_spec(name) is None]
    if missing:
        raise MlExtraMissing(f"Restorers need the ml extra ({', '.join(missing)}): {install_command('ml')}")


@dataclass(frozen=True, slots=True)
class PhotoTask:
    """One photo, or a part of it, on its way. `source`: SHA-256 of its file; `written`: params of `core.restored_file`, saying how and
    where the result is written; with a `box` among them it is a part that is only looked at."""

    path: Path
    source: str
    category: Category
    written: Mapping[str, Any]

    @property
    def part(self) -> bool:
        """Whether only a part is wanted, to be looked at."""
        return "box" in self.written

    def params(self) -> dict[str, Any]:
        """As worker methods take it; a restored photo notes what it was made of."""
        return {"path": str(self.path), **self.written} | ({} if self.part else {"note": {"SourceSHA256": self.source}})


@dataclass(frozen=True, slots=True)
class Tools:
    """What models work with; `moved` is told how much of the photo is done, 0 to 1."""

    pool: WorkerPool
    asking: Asking
    moved: Callable[[float], None] = lambda _: None


class RestoringModel(Protocol):
    """What photos are restored with. Immutable; two that are equal restore alike."""

    @property
    def info(self) -> ProviderInfo:
        """What a person needs to know before choosing it: its name, what a photo costs, where photos go."""
        ...

    @property
    def at_once(self) -> int:
        """How many photos go through it side by side."""
        ...

    def identity(self, category: Category, about: Mapping[str, Any]) -> dict[str, Any]:
        """What tells its results for photos of a category from those of other models and settings, as JSON values. `about`: what
        `ready` told."""
        ...

    def request(self, source: str, category: Category) -> str:
        """What identifies the request that a photo of a category is made with; empty where nobody is asked."""
        ...

    async def ready(self, pool: WorkerPool) -> dict[str, Any]:
        """What there is to tell of it. Raises StudioError where it cannot begin, saying what it lacks."""
        ...

    async def restore(self, task: PhotoTask, tools: Tools) -> dict[str, Any]:
        """Make the photo's file, or the two files of its part; returns what is to be told of it. Raises StudioError."""
        ...


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The file of a restorer.

    `tile`: px a side that go through at once, 0 chooses. `device`: auto, cpu, cuda, cuda:N, mps. `half`: half precision where the
    network bears it. `scale`: where weights do not tell it. `seed`: of samplers.
    """

    path: Path
    tile: int = 0
    device: str = "auto"
    half: bool = False
    scale: int = 1
    seed: int = 0

    @property
    def info(self) -> ProviderInfo:
        """As of `RestoringModel`."""
        return ProviderInfo(str(self.path), name_of_weights(self.path), "")

    @property
    def at_once(self) -> int:
        """One: it is loaded once."""
        return 1

    def identity(self, category: Category, about: Mapping[str, Any]) -> dict[str, Any]:
        """The content of its files and what changes numbers; tiles and the device do not."""
        values = {"checkpoint": about["sha256"], "half": self.half, "scale": self.scale, "seed": self.seed}
        return values | ({"companion": about["companion_sha256"]} if about["companion_sha256"] else {})

    def request(self, source: str, category: Category) -> str:
        """Nobody is asked."""
        return ""

    async def ready(self, pool: WorkerPool) -> dict[str, Any]:
        """What `restorer_inspect` tells. Raises MlExtraMissing, and UnusableCheckpoint."""
        require_extra(_NEEDED)
        return await pool.call("restorer_inspect", {"path": str(self.path), "scale": self.scale}, lane=GPU_LANE)

    async def restore(self, task: PhotoTask, tools: Tools) -> dict[str, Any]:
        """As of `RestoringModel`; what it tells is that of `restorers.restore`."""
        settings = {
            "checkpoint": str(self.path),
            "tile": self.tile,
            "device": self.device,
            "half": self.half,
            "scale": self.scale,
            "seed": self.seed,
        }

        def moved(progress: Any) -> None:
            tools.moved(progress.done / progress.total if progress.total else 0.0)

        try:
            return await tools.pool.call(
                "restore_region" if task.part else "restore_photo",
                settings | task.params(),
                lane=GPU_LANE,
                on_progress=moved,
                cancel_within_s=_CANCEL_WITHIN_S,
            )
        except WorkerCrashed as error:
            raise StudioError(f"{error} The photo may be too large for this machine; try a smaller tile.") from error


@dataclass(frozen=True, slots=True)
class Classical:
    """Image processing without a learned model, after the photo's category. Another `seed` acts a little more or less."""

    seed: int = 0

    @property
    def info(self) -> ProviderInfo:
        """As of `RestoringModel`."""
        return CLASSICAL

    @property
    def at_once(self) -> int:
        """One: it takes all cores."""
        return 1

    def identity(self, category: Category, about: Mapping[str, Any]) -> dict[str, Any]:
        """Category and seed decide."""
        return {"model": CLASSICAL.id, "category": category, "seed": self.seed}

    def request(self, source: str, category: Category) -> str:
        """Nobody is asked."""
        return ""

    async def ready(self, pool: WorkerPool) -> dict[str, Any]:
        """Always."""
        return {}

    async def restore(self, task: PhotoTask, tools: Tools) -> dict[str, Any]:
        """As of `RestoringModel`. Nothing is loaded that stopping it could lose."""
        method = "restore_region_classical" if task.part else "restore_photo_classical"
        try:
            return await tools.pool.call(method, task.params() | {"category": task.category, "seed": self.seed})
        except WorkerCrashed as error:
            raise StudioError(f"{error} The photo may be too large for this machine's memory.") from error
