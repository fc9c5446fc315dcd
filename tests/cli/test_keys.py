"""`ggt-studio key` as a person and a script use it: kept in a keyring, tested for free, shown by nothing."""

from __future__ import annotations

import contextlib
import json
import os
import select
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from fakes.file_keyring import environment
from fakes.vendor_script import KEY, SECRET, Fault
from fakes.vendor_server import VendorServer

Call = Callable[..., subprocess.CompletedProcess[str]]
RUN = [sys.executable, "-m", "ggt_studio"]


@pytest.fixture
def vendors() -> Iterator[VendorServer]:
    with VendorServer() as server:
        yield server


@pytest.fixture
def surroundings(tmp_path: Path, vendors: VendorServer) -> dict[str, str]:
    """No keys in the environment, a keyring in a file, and vendors on this machine."""
    addresses = {name: value for name, value in vendors.environment().items() if "KEY" not in name}
    keyring = environment(tmp_path / "keyring.json")
    return {**os.environ, **addresses, **keyring, "GGT_STUDIO_HOME": str(tmp_path / "home")}


@pytest.fixture
def call(surroundings: dict[str, str]) -> Call:
    def run(*arguments: str, code: int = 0, typed: str = "", **changes: str) -> subprocess.CompletedProcess[str]:
        result = subprocess.run(
            [*RUN, *arguments],
            input=typed,
            capture_output=True,
            text=True,
            env={**surroundings, **changes},
            check=False,
            timeout=60,
        )
        assert result.returncode == code, result.stderr
        assert "Traceback" not in result.stderr
        assert KEY not in result.stdout + result.stderr
        assert SECRET not in result.stdout + result.stderr
        return result

    return run


def listed(call: Call, **changes: str) -> dict[str, Any]:
    return {entry["service"]: entry for entry in json.loads(call("key", "list", "--json", **changes).stdout)}


def test_a_key_is_kept_tested_listed_and_removed(call: Call, vendors: VendorServer, tmp_path: Path) -> None:
    assert listed(call)["google"]["source"] == "none"
    assert "GEMINI_API_KEY" in call("key", "test", "google", code=1).stdout
    assert vendors.requests == []
    assert "file keyring" in call("key", "set", "google", typed=f"{KEY}\n").stdout
    assert KEY in (tmp_path / "keyring.json").read_text()
    assert listed(call)["google"]["source"] == "keyring"
    assert json.loads(call("key", "test", "google", "--json").stdout)["ok"] is True
    models = json.loads(call("models", "--json").stdout)["models"]
    assert {m["key"] for m in models if m["service"] == "google"} == {"keyring"}
    assert {m["key"] for m in models if m["service"] == "openai"} == {"none"}
    assert json.loads(call("key", "remove", "google", "--json").stdout) == {
        "service": "google",
        "removed": True,
        "source": "none",
    }
    assert "holds no such key" in call("key", "remove", "google").stdout
    assert vendors.script.bill == []


def test_a_key_of_two_secrets_is_read_line_by_line(call: Call, vendors: VendorServer) -> None:
    assert "no secret key" in call("key", "set", "kling", typed=f"{KEY}\n", code=1).stderr
    assert listed(call)["kling"]["source"] == "none"
    call("key", "set", "kling", typed=f"  {KEY} \n{SECRET}\n")
    assert "takes the key" in call("key", "test", "kling").stdout


def test_a_refused_key_and_a_silent_service_are_told_by_the_exit_code(call: Call, vendors: VendorServer) -> None:
    call("key", "set", "openai", typed=f"{KEY}-old\n")
    vendors.script.quote_key = True
    refused = json.loads(call("key", "test", "openai", "--json", code=1).stdout)
    assert (refused["ok"], refused["outcome"]) == (False, "bad_key")
    call("key", "set", "openai", typed=f"{KEY}\n")
    vendors.script.always = Fault.UNAVAILABLE
    assert "out of order" in call("key", "test", "openai", code=1).stdout


def test_the_environment_s_key_stays_when_the_keyring_s_goes(call: Call) -> None:
    call("key", "set", "google", typed="another\n")
    assert listed(call, GEMINI_API_KEY=KEY)["google"]["source"] == "keyring"
    said = call("key", "remove", "google", GEMINI_API_KEY=KEY).stdout
    assert "GEMINI_API_KEY" in said
    assert listed(call, GEMINI_API_KEY=KEY)["google"]["source"] == "environment"


@pytest.mark.parametrize("backend", ["keyring.backends.fail.Keyring", "keyring.backends.null.Keyring"])
def test_without_a_keyring_it_says_so_and_keeps_nothing(call: Call, backend: str) -> None:
    refused = call("key", "set", "google", typed=f"{KEY}\n", code=1, PYTHON_KEYRING_BACKEND=backend)
    assert "no keyring" in refused.stderr
    assert "GEMINI_API_KEY" in refused.stderr
    assert "no keyring" in call("key", "list", PYTHON_KEYRING_BACKEND=backend).stdout
    assert "no such key" in call("key", "remove", "google", PYTHON_KEYRING_BACKEND=backend).stdout


@pytest.mark.parametrize("typed", ["", "\n", "with space\n", "canary\u2026\n"])
def test_what_is_no_key_is_refused_and_changes_nothing(call: Call, typed: str, tmp_path: Path) -> None:
    said = call("key", "set", "google", typed=typed, code=1).stderr
    assert "Nothing is changed" in said
    assert "canary" not in said
    assert not (tmp_path / "keyring.json").exists()


def test_a_service_that_there_is_not_is_named_with_those_that_there_are(call: Call) -> None:
    assert "google, kling, openai" in call("key", "set", "nobody", typed="x\n", code=1).stderr
    call("key", "set", "google", KEY.upper(), code=2)


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo terminal")
def test_a_key_that_is_typed_on_a_terminal_is_not_shown(surroundings: dict[str, str], tmp_path: Path) -> None:
    import pty

    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [*RUN, "key", "set", "google"],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env=surroundings,
        start_new_session=True,
    )
    os.close(theirs)
    shown, typed, until = b"", False, time.monotonic() + 30
    # Reading fails when the other end is closed, which is when the command has ended.
    with contextlib.suppress(OSError):
        while time.monotonic() < until:
            if select.select([ours], [], [], 0.05)[0]:
                shown += os.read(ours, 4096)
            if not typed and b"(not shown)" in shown:
                os.write(ours, f"{KEY}\n".encode())
                typed = True
    os.close(ours)
    assert process.wait(30) == 0, shown
    assert KEY.encode() not in shown
    assert KEY in (tmp_path / "keyring.json").read_text()
