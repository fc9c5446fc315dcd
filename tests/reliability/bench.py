"""The program as its user runs it: real processes on a project, to be disturbed, and what is on record afterwards."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from skimage import data

from fakes.command_line import run_command
from ggt_studio.core.words import Category

PLUGINS = Path(__file__).with_name("plugins")
QUICK = ("--generator", "quick", "--judge", "strict", "--metric-gate", "none")
PAID = ("--generator", "paid", "--judge", "strict", "--metric-gate", "none")
PROC = Path("/proc")


class Studio:
    """The command line with a home of its own in `base`, where the rehearsal plugin is enabled."""

    def __init__(self, base: Path) -> None:
        self.home = base / "home"
        shutil.copytree(PLUGINS, self.home / "plugins", ignore=shutil.ignore_patterns("__pycache__"))
        settings = {"version": 1, "enabled_plugins": ["rehearsal"], "worker_processes": 2}
        (self.home / "settings.json").write_text(json.dumps(settings))
        # A key of this test only: the workers it started are found by it.
        self.mark = f"RELIABILITY_BENCH={base}"
        name, value = self.mark.split("=", 1)
        self.environment = {**os.environ, "GGT_STUDIO_HOME": str(self.home), name: value, "OMP_NUM_THREADS": "1"}

    def start(self, *arguments: object, **options: Any) -> subprocess.Popen[str]:
        """Begin a command."""
        return subprocess.Popen(
            [sys.executable, "-m", "ggt_studio", *map(str, arguments)],
            stderr=subprocess.PIPE,
            text=True,
            env=self.environment,
            start_new_session=True,
            **{"stdout": subprocess.PIPE, **options},
        )

    def finish(self, process: subprocess.Popen[str], code: int = 0) -> tuple[str, str]:
        """Wait for its end; what it said."""
        out, err = process.communicate(timeout=120)
        assert process.returncode == code, f"code {process.returncode}\n{out}\n{err}"
        assert "Traceback" not in err, err
        return out, err

    def ask(self, *arguments: object, code: int = 0) -> Any:
        """Run an undisturbed command to its end, in this process; its JSON document."""
        said = run_command(*arguments, "--json", environment=self.environment)
        assert said.returncode == code, said
        assert "Traceback" not in said.stderr, said.stderr
        return json.loads(said.stdout)

    def refused(self, *arguments: object, code: int = 1, **options: Any) -> str:
        """Run a command that must fail with one clear line and nothing else; the line."""
        return one_line(*self.finish(self.start(*arguments, **options), code))

    def refused_here(self, *arguments: object) -> str:
        """As `refused`, for many commands: without a process for each."""
        said = run_command(*arguments, environment=self.environment)
        assert said.returncode == 1, said
        return one_line(said.stdout, said.stderr)

    def workers(self) -> list[int]:
        """Worker processes that this bench's commands started and that are alive."""
        found = []
        for entry in PROC.glob("[0-9]*"):
            with contextlib.suppress(OSError):
                if (
                    b"ggt_studio.worker" in (entry / "cmdline").read_bytes()
                    and self.mark.encode() in (entry / "environ").read_bytes().split(b"\0")
                    and "\nState:\tZ" not in (entry / "status").read_text()
                ):
                    found.append(int(entry.name))
        return found

    def no_workers_survive(self, within_s: float = 10.0) -> bool:
        """Whether all worker processes end by themselves."""
        return eventually(lambda: not self.workers(), within_s)

    def healthy(self, project: Path) -> bool:
        """Whether the project opens and `check` finds nothing wrong."""
        return self.ask("check", project)["ok"] is True


def one_line(out: str, err: str) -> str:
    """The one clear line that a command which fails says, and nothing else."""
    assert out == ""
    lines = err.strip().splitlines()
    assert len(lines) == 1, err
    assert "Traceback" not in err, err
    assert "unexpected error" not in err, err
    return lines[0]


def eventually(condition: Callable[[], object], within_s: float) -> bool:
    """Whether the condition comes true in time."""
    until = time.monotonic() + within_s
    while time.monotonic() < until:
        if condition():
            return True
        time.sleep(0.01)
    return bool(condition())


def look(project: Path, sql: str) -> list[tuple[Any, ...]]:
    """What a second, read-only connection sees: only what is committed."""
    connection = sqlite3.connect(f"{(project / 'project.ggt').as_uri()}?mode=ro", uri=True, timeout=10)
    try:
        return connection.execute(sql).fetchall()
    finally:
        connection.close()


def facts(project: Path) -> list[tuple[Any, ...]]:
    """The whole table of facts, oldest first."""
    return look(project, "SELECT * FROM fact ORDER BY id")


def standing(project: Path) -> list[tuple[Any, ...]]:
    """Where every patch stands, by what it is and not by when it came in."""
    return look(
        project,
        "SELECT patch.sha256, photo.path, patch.category, patch.geometry, level, hold, state, stage, attempts, decided_by,"
        " hq_sha256 FROM patch JOIN photo ON photo.id = photo_id ORDER BY 1, 2, 4",
    )


def kill(process: subprocess.Popen[str]) -> None:
    """`kill -9` of the command itself, not of its workers."""
    process.kill()
    process.communicate(timeout=30)


def write_photos(folder: Path, per_category: int, seed: int = 0) -> Path:
    """Small photos in a folder per category, each another crop of a public-domain photo."""
    rng = np.random.default_rng(seed)
    originals = [data.astronaut(), data.chelsea(), data.coffee(), data.rocket()]
    for category in Category:
        (folder / category).mkdir(parents=True, exist_ok=True)
        for number in range(per_category):
            original = originals[int(rng.integers(len(originals)))]
            width, height = (int(side) for side in rng.integers(160, 240, 2))
            top, left = int(rng.integers(original.shape[0] - height)), int(rng.integers(original.shape[1] - width))
            crop = original[top : top + height, left : left + width].astype(np.int16)
            noisy = np.clip(crop + rng.normal(0, 12, crop.shape), 0, 255).astype(np.uint8)
            Image.fromarray(noisy).save(folder / category / f"{number}.png", compress_level=1)
    return folder


def digests(folder: Path) -> dict[str, str]:
    """SHA-256 of every file under a folder, by relative path."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
