"""What a generator returned, to disk: the exact bytes, then their registration to the patch, then the facts that speak of both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ggt_studio.core.canvas import Canvas
from ggt_studio.core.facts import Aligned, Fact, Failed, Generated
from ggt_studio.core.files import content_path
from ggt_studio.core.media import SUFFIXES
from ggt_studio.core.model import Alignment, GateResult, Patch, Registration
from ggt_studio.core.policy import Generate
from ggt_studio.core.words import Outcome
from ggt_studio.pipeline.answers import header
from ggt_studio.pipeline.measuring import measure
from ggt_studio.providers.base import GeneratedImage, ProviderError
from ggt_studio.store.filing import FilingThreads
from ggt_studio.store.project import CANDIDATES
from ggt_studio.worker.client import WorkerPool


@dataclass(frozen=True, slots=True)
class Made:
    """An image that a generator made in a step; `seconds` it took, `max_attempts` that were allowed."""

    step: Generate
    generator: str
    max_attempts: int
    image: GeneratedImage
    seconds: float


@dataclass(frozen=True, slots=True)
class Kept:
    """What goes on record of an image: facts, the files that are on disk, and how its call ended."""

    facts: Sequence[Fact]
    files: Sequence[tuple[str, str, int]] = ()
    outcome: Outcome = Outcome.OK


class Keeper:
    """Puts received images on disk and registers them. `close` ends its threads."""

    def __init__(self, project: Path, pool: WorkerPool) -> None:
        self._candidates, self._pool = project / CANDIDATES, pool
        self._filing = FilingThreads(self._candidates)

    async def keep(self, patch: Patch, made: Made) -> Kept:
        """Bytes that are on disk when this returns, and what is to go on record of them.

        Raises MlExtraMissing, and WriteError where the bytes cannot be written.
        """
        image, step = made.image, made.step
        suffix = SUFFIXES[image.media_type]
        received = await self._filing.write(image.data, suffix)
        files = [(received, suffix, len(image.data))]
        wanted = (patch.geometry.width, patch.geometry.height)
        registered: dict[str, Any] = {"sha256": received, "registration": None, "refused": None}
        if image.canvas is not None or header(image.data)[1] != wanted:
            try:
                registered = await self._register(patch, received, suffix, image.canvas)
            except ProviderError as error:
                # It was paid for and is no image: the call ends as malformed, and is booked at what it cost.
                return Kept([Failed(step.attempt, "generate", error.outcome, str(error))], outcome=error.outcome)
            if registered["sha256"] != received:
                files.append((registered["sha256"], registered["suffix"], registered["bytes"]))
        registration, refused = registered["registration"], registered["refused"]
        facts: list[Fact] = [
            Generated(
                attempt=step.attempt,
                max_attempts=made.max_attempts,
                generator=made.generator,
                prompt=step.prompt,
                strengthened=step.aspects,
                seed=step.seed,
                received_sha256=received,
                target_sha256=registered["sha256"],
                media_type=image.media_type,
                seconds=round(made.seconds, 3),
                cost_usd=image.cost_usd,
                registration=Registration(**registration) if registration else None,
                notes=image.notes,
            )
        ]
        if refused:
            # What cannot be laid over the patch has failed its alignment gate: another attempt may do better.
            gate = GateResult(False, refused["decided_by"], refused["reason"])
            facts.append(Aligned(step.attempt, Alignment(**refused["alignment"]), gate))
        return Kept(facts, files)

    async def _register(self, patch: Patch, sha256: str, suffix: str, canvas: Canvas | None) -> dict[str, Any]:
        params = {
            "path": str(content_path(self._candidates, sha256, suffix)),
            "lq_path": str(patch.lq_path),
            "canvas": asdict(canvas) if canvas else None,
            "folder": str(self._candidates),
        }
        return await measure(self._pool, "register", params)

    def close(self) -> None:
        """Finish what was handed over, then end the threads."""
        self._filing.close()
