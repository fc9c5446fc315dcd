"""The log of a run: one JSON event a line for the window and scripts, and the same for TensorBoard."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from ggt_studio.training.job import LOG_FILE, TENSORBOARD


class RunLog:
    """Appends to a job's log. Lines that a full disk does not take are kept and written with the next."""

    def __init__(self, folder: Path, *, active: bool = True) -> None:
        self._folder, self._active = folder, active
        self._unwritten: list[str] = []
        self._writer: Any = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._writer is not None:
            self._writer.close()

    def since(self, step: int) -> None:
        """TensorBoard shows what comes now in place of steps after `step` that an interrupted run had told."""
        if self._active:
            from torch.utils.tensorboard import SummaryWriter

            self._writer = SummaryWriter(self._folder / TENSORBOARD, purge_step=step + 1 if step else None)

    def event(self, event: str, **facts: Any) -> None:
        """Append an event."""
        if not self._active:
            return
        at = datetime.now(UTC).isoformat(timespec="seconds")
        self._unwritten.append(json.dumps({"event": event, "at": at, **facts}) + "\n")
        try:
            with (self._folder / LOG_FILE).open("a", encoding="utf-8") as file:
                file.write(("" if self._whole() else "\n") + "".join(self._unwritten))
        except OSError:
            return
        self._unwritten.clear()

    def _whole(self) -> bool:
        """Whether the last line has its end: a crash may have cut it off."""
        with (self._folder / LOG_FILE).open("rb") as file:
            if not file.seek(0, 2):
                return True
            file.seek(-1, 2)
            return file.read(1) == b"\n"

    def step(self, step: int, **values: float) -> None:
        """What was measured of the steps up to this one: loss, lr, images_per_s, step_s (seconds), data_wait (share)."""
        self.event("step", step=step, **values)
        self._draw(step, "train", values)

    def validated(self, step: int, **values: float | None) -> None:
        """What validation found."""
        self.event("validated", step=step, **values)
        self._draw(step, "validation", values)

    def _draw(self, step: int, group: str, values: Mapping[str, float | None]) -> None:
        if self._writer is None:
            return
        for name, value in values.items():
            if value is None:
                continue
            self._writer.add_scalar(f"{group}/{name}", value, step)
        self._writer.flush()
