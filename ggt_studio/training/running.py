"""Training in the worker: the job folder's run, as a request that can be asked to pause."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ggt_studio.training.loop import train
from ggt_studio.training.memory import forget
from ggt_studio.worker.job import Job as Request


def train_job(params: dict[str, Any], request: Request) -> dict[str, Any]:
    """Worker method: go on with the run of a job folder. `params`: `folder`; `device` (auto or cpu); optionally `base` (a folder).

    Reports `steps`. When it is cancelled it writes a checkpoint first. Returns `how`, done or paused. Raises StudioError; see
    `loop.train`.
    """

    def progress(done: int, total: int) -> None:
        request.report("steps", done, total)

    base, device = params.get("base"), str(params.get("device") or "auto")
    folder = Path(params["folder"])
    try:
        how = train(folder, device=device, base=Path(base) if base else None, progress=progress, check=request.check)
    finally:
        # The process stays, and photos may be restored meanwhile.
        forget()
    return {"how": how}
