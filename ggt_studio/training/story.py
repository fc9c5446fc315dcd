"""What a run's folder tells: where it stands, its curves, its checkpoints. Light."""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from ggt_studio.training.job import CheckpointFiles, Job, checkpoints, read_events, read_job, state_of


@dataclass(frozen=True, slots=True)
class Story:
    """A run as its log tells it. `state` as `job.state_of` says; `why`: why it failed, or waits. `measured`: the log's `step`
    events (step, loss, lr, images_per_s, step_s, data_wait), `validated` those of validation (step, psnr, ssim, psnr_lq, ...),
    both oldest first. `device`: that of the latest attempt, empty before the first."""

    folder: Path
    job: Job
    state: str
    step: int
    why: str
    device: str
    measured: tuple[Mapping[str, Any], ...]
    validated: tuple[Mapping[str, Any], ...]
    checkpoints: tuple[CheckpointFiles, ...]

    @property
    def eta_s(self) -> float | None:
        """Seconds to the end at the speed of late; None where that is not known."""
        if not self.measured:
            return None
        return self.measured[-1]["step_s"] * (self.job.recipe.steps - self.step)

    @property
    def curve(self) -> list[tuple[int, float]]:
        """Steps and the mean losses since the one before; means of less than half as many steps as usual, as at a pause, are left
        out."""
        steps = [one["step"] for one in self.measured]
        over = [step - before for before, step in pairwise((0, *steps))]
        usual = statistics.median(over) if over else 0
        return [
            (one["step"], one["loss"]) for one, count in zip(self.measured, over, strict=True) if 2 * count >= usual
        ]

    def scores_of(self, step: int) -> Mapping[str, Any] | None:
        """What validation found of a checkpoint; None where it was not validated."""
        return next((one for one in reversed(self.validated) if one["step"] == step), None)

    @property
    def best(self) -> Mapping[str, Any] | None:
        """The validation with the highest PSNR; None before the first."""
        return max(self.validated, key=lambda one: one["psnr"], default=None)


def read_story(folder: Path) -> Story:
    """What there is by now. Raises `StudioError` for a folder that is no job's."""
    job = read_job(folder)
    events = read_events(folder)
    state = state_of(folder, events)
    told = {event.get("event"): event for event in events}
    why = ""
    if state == "failed":
        why = str(told["ended"].get("why", ""))
    elif state == "running" and events[-1].get("event") == "waiting":
        why = str(events[-1].get("why", ""))
    return Story(
        folder,
        job,
        state,
        max((event.get("step", 0) for event in events), default=0),
        why,
        str(told["begun"]["device"]) if "begun" in told else "",
        tuple(event for event in events if event.get("event") == "step"),
        tuple(event for event in events if event.get("event") == "validated"),
        tuple(checkpoints(folder)),
    )
