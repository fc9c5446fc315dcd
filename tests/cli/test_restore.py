"""`restore` on the command line: what it says, how it ends, and that nothing non-commercial is loaded on the way."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fakes.command_line import run_command

pytestmark = [
    pytest.mark.ml,
    pytest.mark.skipif(importlib.util.find_spec("spandrel") is None, reason="the ml extra is not installed"),
]


def test_a_folder_and_a_file(tmp_path: Path) -> None:
    from fakes.tiny_restorers import save_tiny

    checkpoint = save_tiny(tmp_path, "NAFNet")
    (tmp_path / "in").mkdir()
    pixels = np.random.default_rng(0).integers(0, 255, (40, 56, 3), np.uint8)
    Image.fromarray(pixels).save(tmp_path / "in" / "a.jpg")
    (tmp_path / "in" / "b.jpg").write_text("no photo")
    out = tmp_path / "out"
    said = run_command(
        "restore", checkpoint, tmp_path / "in", "-o", out, "--device", "cpu", "--format", "webp", "--json"
    )
    assert said.returncode == 1, "one of them failed"
    document = json.loads(said.stdout)
    assert (document["restored"], document["skipped"]) == (1, 0)
    assert document["failed"][0]["path"].endswith("b.jpg")
    assert said.stderr.count("b.jpg") >= 1
    (made,) = document["files"]
    assert made["out"] == str(out / "a.webp")
    assert Image.open(out / "a.webp").size == (56, 40)

    one = (
        "restore",
        checkpoint,
        tmp_path / "in" / "a.jpg",
        "-o",
        tmp_path / "one.png",
        "--device",
        "cpu",
        "--tile",
        "48",
    )
    assert run_command(*one).returncode == 0
    assert Image.open(tmp_path / "one.png").format == "PNG"
    again = run_command(*one)
    assert again.returncode == 1
    assert "is there already" in again.stderr
    for wrong, word in ((("--tile", "x"), "neither"), (("--strength", "2"), "0"), (("--format", "gif"), "gif")):
        refused = run_command(*one, *wrong)
        assert refused.returncode == 2
        assert word in refused.stderr
