"""`python -m ggt_studio.training JOB`: train a job folder here; or several processes of it by `accelerate launch -m`."""

from __future__ import annotations

import argparse
import signal
import sys
from pathlib import Path

from ggt_studio.core.errors import StudioError
from ggt_studio.training.loop import train
from ggt_studio.worker.job import Cancelled


def main(arguments: list[str]) -> int:
    """Train, or go on; Ctrl-C (or SIGTERM) writes a checkpoint first. Returns 0 done, 1 failed, 130 paused."""
    parser = argparse.ArgumentParser(prog="python -m ggt_studio.training", description="Train the run of a job folder.")
    parser.add_argument("job", type=Path, help="the folder, with its job.json")
    parser.add_argument("--device", choices=["auto", "cpu"], default="auto")
    parser.add_argument("--base", type=Path, help="the folder of the base model, if it is elsewhere on this machine")
    chosen = parser.parse_args(arguments)
    asked: list[int] = []
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda got, _frame: asked.append(got))

    def check() -> None:
        if asked:
            raise Cancelled

    def progress(done: int, total: int) -> None:
        sys.stderr.write(f"step {done:,} of {total:,}\n")

    try:
        how = train(chosen.job, device=chosen.device, base=chosen.base, progress=progress, check=check)
    except StudioError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stderr.write(f"{how}\n")
    return 0 if how == "done" else 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
