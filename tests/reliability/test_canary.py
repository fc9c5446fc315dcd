"""A canary: keys of the environment and of a keyring go into requests and nowhere else, whatever fails and however much is logged.

Real processes import, run, screen, export and are asked everything, with all loggers at DEBUG in the program and in its workers.
Then every byte under the temporary home, project, exports, logs and temporary files is searched, all that was said, and the
environments and command lines of all processes that the program starts.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet
import pytest

from fakes.chat_server import Says, _asked, _completions, screening_text, verdict_text
from fakes.file_keyring import environment as keyring_environment
from fakes.http_server import Request, Response, as_json
from fakes.projects import png
from fakes.vendor_script import KEY, SECRET, Fault, Script
from fakes.vendor_server import VendorServer
from ggt_studio.core.words import Category
from reliability.bench import PROC, eventually, look

LAB_KEY = "canary-of-the-lab-90ab12"
CANARIES = (KEY, SECRET, LAB_KEY)
# A signed token, and what a key looks like in a header of basic authentication.
_TOKEN = re.compile(rb"eyJ[\w-]{10,}\.[\w-]{10,}\.[\w-]{10,}")
_ENCODED = [base64.b64encode(canary.encode()).rstrip(b"=")[:-1] for canary in CANARIES]

ENDING = (Fault.BAD_KEY, Fault.BILLING, Fault.UNKNOWN_MODEL)
# Being turned away makes a run slow down, so that comes alone.
PASSING = tuple(fault for fault in Fault if fault not in (*ENDING, Fault.RATE, Fault.HANG))
PHOTOS = len(PASSING) + 2
VENDORS = {
    "google": "nano-banana-2",
    "openai": "gpt-image-2",
    "ark": "seedream-5.0",
    "kling": "kling-image-o1",
}
LAB = """
[[service]]
id = "lab"
label = "Lab server"
protocol = "openai-compatible"
base_url = "{base}/lab/v1"
key_variables = ["LAB_ENTRANCE"]
[[model]]
id = "lab-vlm"
label = "VLM in the lab"
service = "lab"
model = "lab-vlm"
roles = ["prompts", "judge"]
price = {{ per_million_input_tokens = 1.0, per_million_output_tokens = 1.0 }}
"""
# Loaded by every Python process that finds it: what any library has to say is written down.
LOUD = """
import logging, os
logging.basicConfig(level=logging.DEBUG, filename=os.path.join(os.environ["CANARY_LOGS"], f"{os.getpid()}.log"))
logging.captureWarnings(True)
"""
# A plugin in trouble, which says all that it knows.
INDISCREET = """
from ggt_studio.providers.base import ProviderInfo
from ggt_studio.providers.hooks import hookimpl

class Indiscreet:
    info = ProviderInfo(id="indiscreet", label="Indiscreet", description="")
    def __init__(self, services): self.services = services
    async def generate(self, request):
        found = [self.services.keys.find(s) for s in self.services.catalogue.services.values()]
        raise RuntimeError(f"{self.services!r} {vars(self.services.clients)} {found!r} {self.services.keys!r}")

@hookimpl
def generators(services): return [Indiscreet(services)]
"""


async def lab(script: Script, request: Request) -> Response | None:
    """The lab's server: writes prompts and judges, for those who bring its key."""
    if request.path != "/lab/v1/chat/completions":
        return None
    if request.headers.get("authorization") != f"Bearer {LAB_KEY}":
        return as_json({"error": {"message": f"Wrong key {request.headers.get('authorization')}"}}, 401)
    asked = _asked(request.path, request.json(), request.headers)
    text = verdict_text() if len(asked.images) == 2 else "Remove the noise and keep everything else."
    if "usable" in asked.instruction:
        text = screening_text()
    return as_json(_completions(asked, Says(text)))


class Bench:
    """The program in surroundings of its own. `said` is all that it wrote to stdout and stderr."""

    def __init__(self, base: Path, vault: Path, server: VendorServer) -> None:
        self.base, self.server = base, server
        self.said: list[str] = []
        folders = {name: base / name for name in ("home", "logs", "tmp", "site", "photos/rain")}
        for folder in folders.values():
            folder.mkdir(parents=True)
        (base / "site" / "sitecustomize.py").write_text(LOUD)
        # Nothing here needs torch, and importing it takes long.
        (base / "site" / "torch.py").write_text("raise ModuleNotFoundError('No module named torch', name='torch')\n")
        (base / "home" / "models.toml").write_text(LAB.format(base=server.base))
        plugin = base / "home" / "plugins" / "indiscreet"
        plugin.mkdir(parents=True)
        (plugin / "__init__.py").write_text(INDISCREET)
        (plugin / "plugin.toml").write_text('label = "Indiscreet"\ndescription = "Says all that it knows."\n')
        settings = {"version": 1, "enabled_plugins": ["indiscreet"], "worker_processes": 2}
        (base / "home" / "settings.json").write_text(json.dumps(settings))
        keyring = keyring_environment(vault / "keyring.json")
        self.surroundings = {
            **os.environ,
            **{name: value for name, value in server.environment().items() if "KEY" not in name},
            **keyring,
            "PYTHONPATH": os.pathsep.join([str(base / "site"), keyring["PYTHONPATH"]]),
            "GGT_STUDIO_HOME": str(base / "home"),
            "CANARY_LOGS": str(base / "logs"),
            "TMPDIR": str(base / "tmp"),
            "OPENAI_LOG": "debug",
            "OMP_NUM_THREADS": "1",
        }

    def start(self, *arguments: object, **changes: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "ggt_studio", *map(str, arguments)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**self.surroundings, **changes},
        )

    def call(self, *arguments: object, typed: str = "", codes: tuple[int, ...] = (0,), **changes: str) -> str:
        process = self.start(*arguments, **changes)
        try:
            out, err = process.communicate(typed, timeout=100)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=30)
        self.said += [out, err]
        assert process.returncode in codes, f"{arguments}: {process.returncode}\n{out}\n{err}"
        return out

    def environment_of(self, vendor: str) -> dict[str, str]:
        """The keys of a vendor as variables, and the lab's."""
        names = {"google": "GEMINI_", "openai": "OPENAI_", "ark": "ARK_", "kling": "KLING_"}
        ours = {n: v for n, v in self.server.environment().items() if n.startswith(names[vendor]) and "KEY" in n}
        return {**ours, "LAB_ENTRANCE": LAB_KEY}

    def keep(self, vendor: str) -> None:
        """The keys of a vendor and the lab's, in the keyring."""
        self.call("key", "set", vendor, typed=f"{KEY}\n{SECRET}\n")
        self.call("key", "set", "lab", typed=f"{LAB_KEY}\n")

    def forget(self, vendor: str) -> None:
        self.call("key", "remove", vendor)
        self.call("key", "remove", "lab")

    def processes(self, parent: int) -> list[int]:
        """All processes that a process started, and theirs."""
        found = []
        for entry in PROC.glob("[0-9]*"):
            with contextlib.suppress(OSError, IndexError, ValueError):
                if int((entry / "stat").read_text().rpartition(")")[2].split()[1]) == parent:
                    found += [int(entry.name), *self.processes(int(entry.name))]
        return found

    def assert_silent(self) -> None:
        """No canary in anything that was written or said."""
        files = [path for path in self.base.rglob("*") if path.is_file()]
        assert len(files) > PHOTOS
        for path in files:
            # While a run is under way its files get their names; each is looked at after its end.
            with contextlib.suppress(FileNotFoundError):
                assert_clean(path.read_bytes(), str(path))
            if path.suffix == ".parquet":
                assert_clean(repr(pyarrow.parquet.read_table(path).to_pylist()).encode(), str(path))
        for text in self.said:
            assert_clean(text.encode(), text[:2000])


def assert_clean(data: bytes, where: str) -> None:
    for canary in (*(canary.encode() for canary in CANARIES), *_ENCODED):
        assert canary not in data, where
    found = _TOKEN.search(data)
    assert found is None, where


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    with VendorServer(lab) as server:
        made = Bench(tmp_path_factory.mktemp("canary"), tmp_path_factory.mktemp("vault"), server)
        for seed in range(PHOTOS):
            (made.base / "photos" / Category.RAIN / f"{seed}.png").write_bytes(png(seed, 256))
        made.call("new", made.base / "imported")
        made.call("import", made.base / "imported", made.base / "photos", "--licence", "CC0-1.0")
        yield made


@pytest.mark.parametrize(
    ("vendor", "keys_from"),
    [("google", "environment"), ("openai", "keyring"), ("ark", "environment"), ("kling", "keyring")],
)
def test_a_key_goes_into_requests_and_nowhere_else(vendor: str, keys_from: str, bench: Bench) -> None:
    project = bench.base / f"{vendor}-{keys_from}"
    shutil.copytree(bench.base / "imported", project)
    environment = bench.environment_of(vendor) if keys_from == "environment" else {}
    if keys_from == "keyring":
        bench.keep(vendor)
    script = bench.server.script
    script.quote_key, script.retry_after_s = True, 0.2
    run = ("run", project, "--generator", VENDORS[vendor], "--prompts", "lab-vlm", "--judge", "lab-vlm")
    run = (*run, "--metric-gate", "none")
    try:
        # Each of these ends a run; with every vendor, the one in whose words the key is quoted.
        for fault in ENDING if vendor == "google" else ENDING[:1]:
            script.always = fault
            bench.call(*run, "--limit", 1, codes=(0, 1), **environment)
        script.always = None
        script.faults.append(Fault.RATE)
        bench.call(*run, "--limit", 1, **environment)
        script.faults.extend(PASSING)
        bench.call(*run, "--retry-failed", "--json", **environment)
        assert not script.faults, "each fault was met"
        bench.call("key", "test", vendor, "--json", **environment)
        script.always = Fault.BAD_KEY
        bench.call("key", "test", vendor, codes=(1,), **environment)
        script.always = None
        if vendor == "google":
            bench.call("screen", project, "--judge", "lab-vlm", "--limit", 1, **environment)
            for command in ("status", "check", "aside", "doctor"):
                bench.call(command, project, "--json", codes=(0, 1), **environment)
            bench.call("key", "list", "--json", **environment)
            bench.call("models", "--json", **environment)
        for command in ("list", "ledger"):
            bench.call(command, project, "--json", **environment)
        bench.call("show", project, 1, "--json", **environment)
        for layout in ("imagefolder", "parquet"):
            bench.call(
                "export",
                project,
                bench.base / f"{project.name}-{layout}",
                "--format",
                layout,
                "--include",
                "all",
                **environment,
            )
    finally:
        script.faults.clear()
        script.always = None
        if keys_from == "keyring":
            bench.forget(vendor)
    accepted = look(project, "SELECT count(*) FROM patch WHERE state = 'waiting'")[0][0]
    assert accepted > 0, "some patches met no fault"
    sent = repr([(request.headers, request.query) for request in bench.server.requests])
    assert KEY in sent or vendor == "kling"
    assert LAB_KEY in sent
    assert any(path.stat().st_size for path in (bench.base / "logs").iterdir()), "something was logged"
    bench.assert_silent()


@pytest.mark.parametrize("vendor", ["google", "kling"])
def test_processes_that_the_program_starts_never_see_a_key(vendor: str, bench: Bench) -> None:
    project = bench.base / f"{vendor}-hanging"
    shutil.copytree(bench.base / "imported", project)
    bench.server.script.always = Fault.HANG
    environment = bench.environment_of(vendor)
    before = len(bench.server.script.bill)
    # Registering what came, and measuring, is done by workers: the first candidates bring them to life.
    bench.server.script.faults.extend([None] * 6)
    process = bench.start(
        "run",
        *(project, "--generator", VENDORS[vendor], "--prompts", "fix", "--judge", "measured", "--metric-gate", "none"),
        **environment,
    )
    try:
        assert eventually(lambda: len(bench.server.script.bill) > before + 6 and bench.processes(process.pid), 60)
        started = bench.processes(process.pid)
        assert started
        for pid in started:
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                assert_clean((PROC / str(pid) / "environ").read_bytes(), f"environment of {pid}")
                assert_clean((PROC / str(pid) / "cmdline").read_bytes(), f"command line of {pid}")
        assert_clean((PROC / str(process.pid) / "cmdline").read_bytes(), "the program's own command line")
        bench.assert_silent()
    finally:
        process.send_signal(signal.SIGINT)
        bench.said += process.communicate(timeout=60)
        bench.server.script.always = None
        bench.server.script.faults.clear()
    assert process.returncode == 130
    bench.assert_silent()


def test_a_failing_plugin_and_a_crash_tell_no_key(bench: Bench) -> None:
    project = bench.base / "indiscreet"
    shutil.copytree(bench.base / "imported", project)
    environment = {**bench.environment_of("google"), **bench.environment_of("kling")}
    bench.call(
        "run",
        *(project, "--generator", "indiscreet", "--judge", "measured", "--metric-gate", "none", "--limit", 2),
        codes=(0, 1),
        **environment,
    )
    told = [*bench.said, *(repr(row) for row in look(project, "SELECT * FROM fact"))]
    report: Any = bench.base / "home" / "last-error.txt"
    told += [report.read_text()] if report.exists() else []
    assert any("Keys" in text or "RuntimeError" in text for text in told), "it did say something"
    bench.assert_silent()


def test_this_test_would_find_a_key(bench: Bench, tmp_path: Path) -> None:
    noise = np.random.default_rng(0).bytes(1000)
    token = b"eyJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJhYmMifQ.c2lnbmF0dXJlLW9mLWl0"
    for hidden in (KEY.encode(), base64.b64encode(SECRET.encode()), token):
        with pytest.raises(AssertionError):
            assert_clean(noise + hidden + noise, "here")
