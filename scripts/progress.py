"""Run a long command with its output in a log and one line for people: what it does now and for how long."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TextIO

QUIET_INTERVAL_S = 30.0
"""How often a line is added where the output is not a terminal."""


def elapsed(seconds: float) -> str:
    """A duration in a person's words: `48 s`, `3 min 07 s`."""
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"


def current_activity(line: str) -> str:
    """What a line of pip's output tells a person; empty for lines that tell nothing new."""
    words = line.split()
    if not words:
        return ""
    if words[0] in ("Collecting", "Downloading", "Building", "Preparing", "Get:", "Unpacking") and len(words) > 1:
        name = words[1].rsplit("/", 1)[-1].split("-", 1)[0] if words[0] == "Downloading" else words[1]
        return f"{words[0].lower()} {name}"
    if line.startswith("Installing collected packages:"):
        return f"unpacking {len(words) - 3} packages"
    return ""


class Progress:
    """Numbered steps on a stream; on a terminal the running step's line is rewritten each second."""

    def __init__(self, log: Path, stream: TextIO | None = None) -> None:
        self._log = log
        self._number = 0
        self._stream = stream or sys.stderr

    def run(self, title: str, command: Sequence[str], folder: Path, env: Mapping[str, str]) -> str | None:
        """Run a command in a folder as the next step; None when it succeeded, else all that it wrote."""
        self._number += 1
        label = f"[{self._number}] {title}"
        started = time.monotonic()
        lines: list[str] = []
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=dict(env),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )
        reader = threading.Thread(target=self._collect, args=(process, lines), daemon=True)
        reader.start()
        try:
            self._follow(label, started, lines, reader)
            status = process.wait()
        except BaseException:
            process.terminate()
            process.wait()
            raise
        took = elapsed(time.monotonic() - started)
        self._write(f"{label}: {'done' if status == 0 else 'failed'} after {took}", final=True)
        return None if status == 0 else "".join(lines)

    def _follow(self, label: str, started: float, lines: list[str], reader: threading.Thread) -> None:
        activity, seen, next_quiet = "", 0, started + QUIET_INTERVAL_S
        self._write(f"{label} ...", final=not self._stream.isatty())
        while reader.is_alive():
            reader.join(timeout=1.0)
            for line in lines[seen:]:
                activity = current_activity(line) or activity
            seen = len(lines)
            now = time.monotonic()
            text = f"{label}: {elapsed(now - started)}" + (f", {activity}" if activity else "")
            if self._stream.isatty():
                self._write(text, final=False)
            elif now >= next_quiet and reader.is_alive():
                self._write(text, final=True)
                next_quiet = now + QUIET_INTERVAL_S

    def _write(self, text: str, *, final: bool) -> None:
        clear = "\r\x1b[K" if self._stream.isatty() else ""
        self._stream.write(clear + text + ("\n" if final else ""))
        self._stream.flush()

    def _collect(self, process: subprocess.Popen[str], lines: list[str]) -> None:
        self._log.parent.mkdir(parents=True, exist_ok=True)
        with self._log.open("a", encoding="utf-8") as file:
            for line in process.stdout or ():
                lines.append(line)
                file.write(line)
                file.flush()
