"""A hosted model from the command line: real processes, the vendor's client, HTTP to a fake vendor, real facts on record."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from skimage import data

from fakes.command_line import run_command
from fakes.vendor_script import KEY, Fault
from fakes.vendor_server import VendorServer
from ggt_studio.core.words import Outcome
from ggt_studio.store import patches
from ggt_studio.store.project import CANDIDATES, Project

RUN = ("--generator", "nano-banana-2", "--judge", "measured", "--metric-gate", "none")
PHOTOS = 3


@pytest.fixture(scope="module")
def imported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project of three noisy photos, one of them of an odd shape."""
    base = tmp_path_factory.mktemp("hosted")
    (base / "photos" / "general-mixed").mkdir(parents=True)
    rng = np.random.default_rng(0)
    for number, (height, width) in enumerate([(256, 256), (256, 256), (200, 300)]):
        crop = data.astronaut()[40 * number : 40 * number + height, 60 : 60 + width].astype(np.int16)
        noisy = np.clip(crop + rng.normal(0, 6, crop.shape), 0, 255).astype(np.uint8)
        Image.fromarray(noisy).save(base / "photos" / "general-mixed" / f"{number}.png")
    for arguments in (("new", base / "p"), ("import", base / "p", base / "photos", "--licence", "CC0-1.0")):
        _call({}, base / "home", *arguments)
    return base / "p"


@pytest.fixture
def project(imported: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(imported, tmp_path / "p"))


@pytest.fixture
def vendors() -> Iterator[VendorServer]:
    with VendorServer() as server:
        yield server


def _call(environment: dict[str, str], home: Path, *arguments: object, code: int = 0) -> Any:
    result = run_command(*arguments, "--json", environment={"GGT_STUDIO_HOME": str(home), **environment})
    assert result.returncode == code, result.stderr
    assert "Traceback" not in result.stderr
    assert KEY not in result.stdout + result.stderr
    return result.stderr if code else json.loads(result.stdout)


def test_a_run_with_a_hosted_model_makes_targets_and_books_what_they_cost(
    project: Path, vendors: VendorServer, tmp_path: Path
) -> None:
    environment = {"GEMINI_API_KEY": KEY, "GOOGLE_GEMINI_BASE_URL": vendors.base}
    report = _call(environment, tmp_path, "run", project, *RUN)
    assert (report["patches"], report["failed"], report["ended"]) == (PHOTOS, 0, "done")
    assert report["waiting"] + report["rejected"] == PHOTOS
    assert report["attempts"] == sum(vendors.script.bills.values()) >= PHOTOS
    assert report["cost_usd"] == pytest.approx(report["attempts"] * 0.06807, rel=1e-3)
    with Project.open(project, read_only=True) as opened:
        for patch_id in patches.ids(opened, patches.Filter()):
            patch = patches.patch(opened, patch_id)
            assert patch.hq_path is not None
            with Image.open(patch.hq_path) as hq, Image.open(patch.lq_path) as lq:
                assert hq.size == lq.size, "registered to the patch, whatever size came"
        received = {path.stem for path in (project / CANDIDATES).rglob("*.png")}
        assert len(received) >= PHOTOS
    assert not _holds(project, KEY), "no key is on disk"


def test_without_a_key_nothing_begins_and_it_says_how_to_give_one(
    project: Path, vendors: VendorServer, tmp_path: Path
) -> None:
    said = _call({"GOOGLE_GEMINI_BASE_URL": vendors.base}, tmp_path, "run", project, *RUN, code=1)
    assert "Settings, or set GEMINI_API_KEY" in said
    assert vendors.requests == []


def test_a_key_that_is_refused_halts_the_run(project: Path, vendors: VendorServer, tmp_path: Path) -> None:
    environment = {"GEMINI_API_KEY": "another", "GOOGLE_GEMINI_BASE_URL": vendors.base}
    report = _call(environment, tmp_path, "run", project, *RUN)
    assert report["ended"] == "halted"
    assert "refused the key" in report["message"]
    assert report["cost_usd"] == 0.0


@pytest.mark.parametrize(
    ("fault", "outcome"),
    [(Fault.BLOCKED_IMAGE, Outcome.SAFETY_BLOCK), (Fault.NO_IMAGE, Outcome.NO_IMAGE), (Fault.HALF, Outcome.NETWORK)],
)
def test_each_fault_is_on_record_as_what_it_was(
    fault: Fault, outcome: Outcome, project: Path, vendors: VendorServer, tmp_path: Path
) -> None:
    vendors.script.always = fault
    environment = {"GEMINI_API_KEY": KEY, "GOOGLE_GEMINI_BASE_URL": vendors.base}
    report = _call(environment, tmp_path, "run", project, *RUN)
    assert report["failed"] == PHOTOS
    assert len(vendors.requests) == PHOTOS, "what may have been charged is not asked again by itself"
    with Project.open(project, read_only=True) as opened:
        outcomes = [row[0] for row in opened.db.execute("SELECT outcome FROM ledger").fetchall()]
    assert outcomes == [outcome] * PHOTOS


def _holds(folder: Path, text: str) -> bool:
    return any(text.encode() in path.read_bytes() for path in folder.rglob("*") if path.is_file())
