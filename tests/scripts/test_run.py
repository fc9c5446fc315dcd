"""run.py: what a person meets before anything is installed."""

from __future__ import annotations

import ast
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / "run.py"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def test_old_pythons_can_read_it() -> None:
    ast.parse((ROOT / "run.py").read_text(encoding="utf-8"), feature_version=(3, 6))


def test_an_old_python_is_told_what_is_needed() -> None:
    run_it = f"runpy.run_path({str(ROOT / 'run.py')!r}, run_name='__main__')"
    code = f"import sys, runpy; sys.version_info = (3, 8, 2); sys.argv = ['run.py', 'demo']; {run_it}"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60)
    assert answer.returncode == 1
    assert answer.stderr.startswith("GGT Studio needs Python 3.11 or newer; this is Python 3.8.2")
    assert len(answer.stderr.splitlines()) == 1


def test_without_a_verb_it_explains_itself() -> None:
    assert run().returncode == 2
    assert run("fly").returncode == 2
    answer = run("--help")
    assert answer.returncode == 0
    for verb in ("demo", "test", "setup"):
        assert f"run.py {verb}" in answer.stderr


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")
def test_make_calls_the_same_commands() -> None:
    for verb in ("demo", "test", "setup"):
        shown = subprocess.run(["make", "-n", verb], cwd=ROOT, capture_output=True, text=True, check=True).stdout
        assert shown.strip() == f"python3 run.py {verb}"
