"""What the doctor promises: each thing that is set up is really tried, named when it does not work, and nothing waits for ever."""

from __future__ import annotations

import asyncio
import json
import struct
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from fakes.projects import waiting_project
from fakes.vendor_script import KEY, Fault
from fakes.vendor_server import VendorServer
from ggt_studio.pipeline.doctor import Condition, Finding, examine, is_sound
from ggt_studio.settings import Settings
from ggt_studio.store.project import Project

KLEIN = "FLUX.2 klein 4B"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of its own, and a Python without the ml extra: what needs it has tests of its own."""
    shadow = tmp_path / "shadow"
    shadow.mkdir()
    (shadow / "torch.py").write_text("raise ModuleNotFoundError('No module named torch', name='torch')\n")
    monkeypatch.setenv("PYTHONPATH", str(shadow))
    monkeypatch.setenv("GGT_STUDIO_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hub"))
    for name in ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    (tmp_path / "home").mkdir()
    return tmp_path / "home"


@pytest.fixture
def vendors(monkeypatch: pytest.MonkeyPatch) -> Iterator[VendorServer]:
    """Vendors on this machine, whose addresses the environment names without their keys."""
    with VendorServer() as server:
        for name, value in server.environment().items():
            if "KEY" not in name:
                monkeypatch.setenv(name, value)
        yield server


def of(findings: list[Finding], subject: str) -> Finding:
    found = [finding for finding in findings if finding.subject == subject]
    assert len(found) == 1, [finding.subject for finding in findings]
    return found[0]


def lab_models(base: str, model: str) -> str:
    return f"""
[[service]]
id = "lab"
label = "Lab server"
protocol = "openai-compatible"
base_url = "{base}/lab/v1"
[[model]]
id = "lab-vlm"
label = "VLM in the lab"
service = "lab"
model = "{model}"
roles = ["judge"]
"""


def save_tiny_weights(folder: Path, pipeline: str = "Flux2KleinPipeline") -> None:
    """A folder in the layout of diffusers with a few real numbers in it."""
    parts = ("transformer", "text_encoder", "vae", "scheduler", "tokenizer")
    for part in parts:
        (folder / part).mkdir(parents=True)
    (folder / "model_index.json").write_text(
        json.dumps({"_class_name": pipeline, **{part: ["diffusers", "X"] for part in parts}})
    )
    header = json.dumps({"blocks.0.w": {"dtype": "F32", "shape": [4], "data_offsets": [0, 16]}}).encode()
    for part in parts[:3]:
        path = folder / part / "diffusion_pytorch_model.safetensors"
        path.write_bytes(struct.pack("<Q", len(header)) + header + bytes(16))


async def test_a_fresh_base_install_is_sound_and_says_what_is_not_set_up(home: Path, vendors: VendorServer) -> None:
    began = time.monotonic()
    findings = await examine(Settings())
    assert is_sound(findings), [finding for finding in findings if finding.condition is Condition.BROKEN]
    assert time.monotonic() - began < 60
    assert of(findings, "GGT Studio").condition is Condition.WORKS
    assert of(findings, "Window").words.startswith("Qt 6")
    torch = of(findings, "Torch")
    assert torch.condition is Condition.ABSENT
    assert "pip install" in torch.mend
    google = of(findings, "Google Gemini API")
    assert google.condition is Condition.ABSENT
    assert "ggt-studio key set google" in google.mend
    assert of(findings, KLEIN).condition is Condition.ABSENT
    assert all(disk.facts["free_bytes"] > 0 for disk in findings if disk.area == "Disk")
    assert vendors.requests == [], "without a key nobody is asked"


async def test_keys_are_tried_at_every_service_at_once_and_cost_nothing(
    home: Path, vendors: VendorServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in vendors.environment().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("OPENAI_API_KEY", f"{KEY}-old")
    vendors.script.quote_key = True
    findings = await examine(Settings())
    good = of(findings, "Google Gemini API")
    assert (good.condition, good.facts["key"]) == (Condition.WORKS, "environment")
    bad = of(findings, "OpenAI API")
    assert (bad.condition, bad.facts["outcome"]) == (Condition.BROKEN, "bad_key")
    assert of(findings, "Kling AI API").condition is Condition.WORKS
    assert not is_sound(findings)
    assert KEY not in repr(findings)
    assert len(vendors.requests) == 4
    assert vendors.script.bill == []


async def test_services_that_never_answer_are_given_up_together(
    home: Path, vendors: VendorServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in vendors.environment().items():
        monkeypatch.setenv(name, value)
    vendors.script.always = Fault.HANG
    began = time.monotonic()
    findings = await examine(Settings())
    assert time.monotonic() - began < 25, "ten seconds for all of them, not for each"
    silent = [finding for finding in findings if finding.facts.get("outcome") == "network"]
    assert len(silent) == 4


async def test_offline_nobody_is_asked_and_keys_are_named_all_the_same(
    home: Path, vendors: VendorServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GEMINI_API_KEY", KEY)
    monkeypatch.setenv("HTTPS_PROXY", "http://person:hush@proxy.invalid:3128")
    findings = await examine(Settings(), offline=True)
    google = of(findings, "Google Gemini API")
    assert (google.condition, google.facts["key"]) == (Condition.UNKNOWN, "environment")
    proxy = of(findings, "HTTPS_PROXY")
    assert proxy.condition is Condition.UNKNOWN
    assert "proxy.invalid:3128" in proxy.words
    assert "hush" not in repr(findings)
    assert vendors.requests == []
    assert is_sound(findings), [f for f in findings if f.condition is Condition.BROKEN]


async def test_proxies_that_do_not_answer_or_are_none_are_named(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "ftp://person:hush@somewhere")
    monkeypatch.setenv("NO_PROXY", "localhost,.lab")
    findings = await examine(Settings())
    assert "nothing answers" in of(findings, "HTTPS_PROXY").words
    assert of(findings, "ALL_PROXY").condition is Condition.BROKEN
    assert of(findings, "NO_PROXY").words.endswith("localhost,.lab")
    assert "hush" not in repr(findings)


async def test_a_server_of_one_s_own_is_asked_for_the_model_that_is_named(home: Path, vendors: VendorServer) -> None:
    (home / "models.toml").write_text(lab_models(vendors.base, "lab-vlm"))
    findings = await examine(Settings())
    assert of(findings, "Lab server").condition is Condition.WORKS
    assert of(findings, "models.toml").condition is Condition.WORKS
    (home / "models.toml").write_text(lab_models(vendors.base, "something-else"))
    lab = of(await examine(Settings()), "Lab server")
    assert lab.condition is Condition.BROKEN
    assert "does not serve something-else" in lab.words


async def test_own_additions_with_mistakes_are_named(home: Path) -> None:
    (home / "models.toml").write_text('[[model]]\nid = "mine"\nservice = "nowhere"\n')
    (home / "prompts").mkdir()
    (home / "prompts" / "half.toml").write_text("label = ")
    plugin = home / "plugins" / "torn"
    plugin.mkdir(parents=True)
    (plugin / "__init__.py").write_text("raise RuntimeError('torn in the middle')\n")
    (plugin / "plugin.toml").write_text('label = "Torn"\ndescription = ""\n')
    findings = await examine(Settings(enabled_plugins=("torn", "gone")))
    broken = {finding.subject: finding for finding in findings if finding.condition is Condition.BROKEN}
    assert broken.keys() == {"models.toml", "Prompts half", "Plugin torn", "Plugin gone"}
    assert "torn in the middle" in broken["Plugin torn"].words
    assert "plugins disable torn" in broken["Plugin torn"].mend


async def test_a_niqe_file_and_a_model_that_were_chosen_and_are_gone_are_named(home: Path, tmp_path: Path) -> None:
    chosen = {"flux.2-klein": {"model": str(tmp_path / "unplugged")}}
    klein = of(await examine(Settings(local_models=chosen)), KLEIN)
    assert klein.condition is Condition.BROKEN
    assert "unplugged" in klein.words


async def test_weights_are_whole_or_the_download_is_said_to_be_incomplete(home: Path) -> None:
    folder = home / "models" / "flux.2-klein"
    save_tiny_weights(folder)
    whole = of(await examine(Settings()), KLEIN)
    assert "complete in" in whole.words
    assert "torch does not work" in whole.words
    torn = folder / "transformer" / "diffusion_pytorch_model.safetensors"
    torn.write_bytes(torn.read_bytes()[:-4])
    assert "not whole" in of(await examine(Settings()), KLEIN).words
    torn.unlink()
    assert "incomplete" in of(await examine(Settings()), KLEIN).words


@pytest.mark.ml
async def test_with_the_ml_extra_metrics_are_computed_and_weights_are_held_against_the_machine(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("torch")
    monkeypatch.setenv("PYTHONPATH", "")
    save_tiny_weights(home / "models" / "flux.2-klein")
    findings = await examine(Settings(niqe_parameters=str(tmp_path / "niqe.mat")), offline=True)
    assert of(findings, "Torch").facts["torch"]
    assert {"PIQE", "PSNR", "SSIM"} <= set(of(findings, "Metrics").facts["metrics"])
    niqe = of(findings, "NIQE")
    assert niqe.condition is Condition.BROKEN
    assert "niqe.mat" in niqe.words
    klein = of(findings, KLEIN)
    assert klein.condition in (Condition.WORKS, Condition.BROKEN)
    assert "GB" in klein.words


async def test_a_project_is_looked_at_and_left_as_it_is(home: Path, tmp_path: Path) -> None:
    waiting_project(tmp_path / "p", 2).close()
    before = (tmp_path / "p" / "project.ggt").read_bytes()
    findings = await examine(Settings(), tmp_path / "p", offline=True)
    assert is_sound(findings), [f for f in findings if f.condition is Condition.BROKEN]
    assert of(findings, str(tmp_path / "p")).facts["patches"] == 2
    assert of(findings, "Lock").facts["held"] is False
    assert (tmp_path / "p" / "project.ggt").read_bytes() == before
    with Project.open(tmp_path / "p"):
        assert of(await examine(Settings(), tmp_path / "p", offline=True), "Lock").facts["held"] is True
    next(path for path in (tmp_path / "p" / "candidates").rglob("*.png")).unlink()
    files = of(await examine(Settings(), tmp_path / "p", offline=True), "Files")
    assert (files.condition, files.facts["missing"]) == (Condition.BROKEN, 1)


async def test_what_is_no_project_or_a_damaged_one_is_said(home: Path, tmp_path: Path) -> None:
    assert "no project in" in of(await examine(Settings(), tmp_path, offline=True), "Project").words
    waiting_project(tmp_path / "p", 1).close()
    database = tmp_path / "p" / "project.ggt"
    data = bytearray(database.read_bytes())
    data[8192:] = bytes(len(data) - 8192)
    database.write_bytes(data)
    findings = await examine(Settings(), tmp_path / "p", offline=True)
    assert [f for f in findings if f.area == "Project" and f.condition is Condition.BROKEN]


async def test_cancelling_ends_it_and_its_processes(
    home: Path, vendors: VendorServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GEMINI_API_KEY", KEY)
    vendors.script.always = Fault.HANG
    task = asyncio.create_task(examine(replace(Settings(), worker_processes=1)))
    while not vendors.requests:
        await asyncio.sleep(0.01)
    began = time.monotonic()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert time.monotonic() - began < 5
