"""`ggt-studio doctor` as a person and a script see it: lines with a way to mend, one JSON document, exit codes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from fakes.vendor_script import KEY
from fakes.vendor_server import VendorServer

Call = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def call(tmp_path: Path) -> Call:
    """Runs the doctor in a base install: torch cannot be imported."""
    shadow = tmp_path / "shadow"
    shadow.mkdir()
    (shadow / "torch.py").write_text("raise ModuleNotFoundError('No module named torch', name='torch')\n")

    def run(*arguments: object, code: int = 0, **changes: str) -> subprocess.CompletedProcess[str]:
        result = subprocess.run(
            [sys.executable, "-m", "ggt_studio", "doctor", *map(str, arguments)],
            capture_output=True,
            text=True,
            env={**os.environ, "GGT_STUDIO_HOME": str(tmp_path / "home"), "PYTHONPATH": str(shadow), **changes},
            check=False,
            timeout=120,
        )
        assert result.returncode == code, result.stdout + result.stderr
        assert "Traceback" not in result.stderr
        assert KEY not in result.stdout + result.stderr
        return result

    return run


def test_what_is_set_up_works_and_the_rest_is_not_set_up(call: Call) -> None:
    lines = call().stdout
    assert "NO  " not in lines
    assert "All that is set up works." in lines
    assert "ggt-studio key set google" in lines
    assert "pip install" in lines
    assert max(len(line) for line in lines.splitlines() if "pip install" not in line) <= 130


def test_a_script_gets_one_document_and_an_exit_code(call: Call) -> None:
    with VendorServer() as vendors:
        environment = {**vendors.environment(), "ARK_API_KEY": f"{KEY}-old"}
        document = json.loads(call("--json", code=1, **environment).stdout)
    assert document["ok"] is False
    conditions = {finding["subject"]: finding["condition"] for finding in document["findings"]}
    assert conditions["Google Gemini API"] == "works"
    assert conditions["BytePlus ModelArk"] == "does not work"
    assert conditions["Torch"] == "not set up"


def test_offline_it_asks_nobody(call: Call) -> None:
    with VendorServer() as vendors:
        document = json.loads(call("--json", "--offline", **vendors.environment()).stdout)
        assert vendors.requests == []
    assert document["ok"] is True


def test_without_a_network_it_ends_in_good_time(call: Call) -> None:
    began = time.monotonic()
    # A network that swallows everything: the addresses are for documentation alone, the proxy a port where nobody listens.
    said = call(code=1, GEMINI_API_KEY=KEY, OPENAI_API_KEY=KEY, HTTPS_PROXY="http://127.0.0.1:1").stdout
    assert time.monotonic() - began < 60
    assert "no connection to Google Gemini API" in " ".join(said.split())
    assert "things do not work" in said


def test_a_folder_that_is_no_project_is_said_to_be_none(call: Call, tmp_path: Path) -> None:
    assert "no project in" in " ".join(call("--offline", tmp_path, code=1).stdout.split())
