"""The command line as its entry point runs it, in this process: what an interpreter needs to start is saved for each command."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Mapping
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from unittest import mock

from ggt_studio.cli.console import guarded
from ggt_studio.cli.main import ggt_studio


@dataclass(frozen=True)
class Said:
    """What a command said and how it ended, as of `subprocess.CompletedProcess`."""

    returncode: int
    stdout: str
    stderr: str


def run_command(*arguments: object, environment: Mapping[str, str] | None = None) -> Said:
    """Run `ggt-studio` with these arguments; `environment` is added to this process's own for as long."""
    out, err = io.StringIO(), io.StringIO()
    words = ["ggt-studio", *map(str, arguments)]
    with (
        mock.patch.dict(os.environ, dict(environment or {})),
        mock.patch.object(sys, "argv", words),
        redirect_stdout(out),
        redirect_stderr(err),
    ):
        code = guarded(ggt_studio)
    return Said(code, out.getvalue(), err.getvalue())
