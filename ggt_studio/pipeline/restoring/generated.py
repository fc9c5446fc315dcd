"""Photos through a generator: a copy is sent, what comes back is kept, laid over the photo and resampled to it."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from ggt_studio.core.errors import NotRegistrable
from ggt_studio.core.words import Category
from ggt_studio.pipeline.restoring.journal import RECEIVED
from ggt_studio.pipeline.restoring.models import PhotoTask, Tools
from ggt_studio.providers.base import GeneratedImage, GenerateRequest, Generator, ProviderInfo
from ggt_studio.providers.local.generator import LocalGenerator
from ggt_studio.providers.registry import Registry
from ggt_studio.providers.scratch import scratch_folder
from ggt_studio.worker.client import WorkerPool
from ggt_studio.worker.process import Progress

PROMPTS = "fix"
"""The prompt strategy whose texts are sent unless a person types one."""
_AT_ONCE = 4
# Roughly how the time of a photo is spent: made ready, asked for, written.
_READY, _ANSWERED = 0.05, 0.9


@dataclass(frozen=True, slots=True)
class Generated:
    """A generator of the registry by its `id`. `prompt`: what it is told; empty: the fixed sentence for the photo's category.
    Another `seed` is another sample."""

    id: str
    registry: Registry = field(repr=False, compare=False)
    prompt: str = ""
    seed: int = 0

    @property
    def _generator(self) -> Generator:
        return self.registry.generator(self.id)

    @property
    def info(self) -> ProviderInfo:
        """As of `RestoringModel`."""
        return self._generator.info

    @property
    def at_once(self) -> int:
        """A few where it bears them: a stop gives up no more than these."""
        return min(self.info.concurrency, _AT_ONCE)

    def text(self, category: Category) -> str:
        """What it is told for photos of a category. Raises StudioError where the preset cannot be read."""
        return self.prompt.strip() or self.registry.prompt_writer(PROMPTS).preset_texts()[category]

    def identity(self, category: Category, about: Mapping[str, Any]) -> dict[str, Any]:
        """The model, its options, and what it is told."""
        return self._told(category)

    def _told(self, category: Category) -> dict[str, Any]:
        info = self.info
        told = {"prompt": self.text(category), "category": category, "seed": self.seed}
        return {"model": info.id, "name": info.model, "options": info.options} | told

    def request(self, source: str, category: Category) -> str:
        """As of `RestoringModel`: a photo that was given an answer needs no other one to be written in another way."""
        content = json.dumps({"source": source, **self._told(category)}, sort_keys=True)
        return hashlib.sha256(content.encode()).hexdigest()

    async def ready(self, pool: WorkerPool) -> dict[str, Any]:
        """Raises StudioError where it lacks its key, or its model on this machine."""
        await self.registry.check_one(self._generator)
        return {}

    async def restore(self, task: PhotoTask, tools: Tools) -> dict[str, Any]:
        """As of `RestoringModel`, with `cost_usd`. Raises ProviderError, BudgetReached, MayBeCharged."""
        began, prompt = time.monotonic(), self.text(task.category)
        request = self.request(task.source, task.category)
        received, cost_usd = tools.asking.known(request), 0.0
        used_again = ["what the model gave before was used again"] if received and self.info.paid else []
        if received is None:
            with scratch_folder() as folder:
                lq_path = Path(folder) / "photo.png"
                size = await tools.pool.call("photo_to_send", {"path": str(task.path), "lq_path": str(lq_path)})
                tools.moved(_READY)
                asked = self._asked(task, lq_path, prompt, **size)
                received, cost_usd = await tools.asking.ask(request, lambda: self._ask(asked, tools))
        tools.moved(_ANSWERED)
        params = {
            "received": str(received.path(tools.asking.folder)),
            "canvas": asdict(received.canvas) if received.canvas else None,
            "label": self.info.label,
            "told": {"Model": self._name, "Prompt": prompt, "Seed": str(self.seed)},
        }
        method = "part_from_answer" if task.part else "photo_from_answer"
        try:
            facts = await tools.pool.call(method, task.params() | params)
        except NotRegistrable as error:
            raise NotRegistrable(
                f"{error} What came is kept in {RECEIVED}; another sample may be laid out as the photo is.",
                error.decided_by,
            ) from error
        notes = [*facts.get("notes", ()), *received.notes, *used_again]
        seconds = round(time.monotonic() - began, 3)
        return facts | {"notes": notes, "cost_usd": cost_usd, "model": self.info.id, "seconds": seconds}

    async def _ask(self, asked: GenerateRequest, tools: Tools) -> GeneratedImage:
        """Only a model on this machine tells how far it is."""
        generator = self._generator
        if not isinstance(generator, LocalGenerator):
            return await generator.generate(asked)

        def stepped(progress: Progress) -> None:
            if progress.what == "steps" and progress.total:
                tools.moved(_READY + (_ANSWERED - _READY) * progress.done / progress.total)

        return await generator.generate(asked, stepped)

    @property
    def _name(self) -> str:
        info = self.info
        return f"{info.label} ({info.model})" if info.model else info.label

    def _asked(self, task: PhotoTask, lq_path: Path, prompt: str, width: int, height: int) -> GenerateRequest:
        return GenerateRequest(
            generator=self.id,
            lq_path=lq_path,
            lq_sha256=task.source,
            width=width,
            height=height,
            category=task.category,
            prompt=prompt,
            aspects=(),
            attempt=1,
            seed=self.seed,
            options=self.info.options,
        )
