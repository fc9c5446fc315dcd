"""The header of a trained file comes from a stranger: what is none, damaged or made up is told, and nothing is loaded for it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("safetensors", reason="needs the ml extra")

import torch
from safetensors.torch import save_file

from ggt_studio.core.errors import BaseMissing, StudioError
from ggt_studio.generative.bases import Base, find_base
from ggt_studio.generative.loading import put_weights
from ggt_studio.generative.options import FLUX_CONTROLNET, QWEN_LORA, ControlNetOptions, LoraOptions
from ggt_studio.generative.trained_file import HEADER, header_of, is_trained_file, read_trained
from ggt_studio.restorers.files import UnusableCheckpoint

pytestmark = pytest.mark.ml
BASE = Base("/models/flux", "FluxPipeline", "f" * 64)


def write(path: Path, header: dict[str, str]) -> Path:
    save_file({"a.weight": torch.zeros(2, 3)}, path, header)
    return path


def changed(**values: Any) -> dict[str, str]:
    facts = json.loads(header_of(FLUX_CONTROLNET, ControlNetOptions(), BASE)[HEADER])
    return {HEADER: json.dumps({**facts, **values})}


def test_what_was_written_is_read(tmp_path: Path) -> None:
    options = LoraOptions(rank=3, prompt="Mend: “ä”")
    path = write(tmp_path / "a.safetensors", header_of(QWEN_LORA, options, BASE) | {"dataset": "mine 1"})
    found = read_trained(path)
    assert (found.network, found.options, found.base, found.parameters) == (QWEN_LORA, options, BASE, 6)
    assert found.told["dataset"] == "mine 1"
    assert is_trained_file(path)


@pytest.mark.parametrize(
    ("header", "words"),
    [
        ({}, "does not say which model"),
        ({HEADER: "{"}, "cannot be read"),
        ({HEADER: "[]"}, "cannot be read"),
        (changed(format=99), "newer version"),
        (changed(format="x"), "cannot be read"),
        (changed(network="Sudo"), "a Sudo, which is not known"),
        (changed(network=[1]), "cannot be read"),
        (changed(options={"double_blocks": 10**9}), "double_blocks"),
        (changed(options={"restore_steps": -1}), "restore_steps"),
        (changed(options=None), "options of a FLUX ControlNet do not fit"),
        (changed(base={"folder": "/x"}), "cannot be read"),
        (changed(base=7), "cannot be read"),
    ],
)
def test_hostile_headers_are_told(tmp_path: Path, header: dict[str, str], words: str) -> None:
    with pytest.raises(UnusableCheckpoint, match=words):
        read_trained(write(tmp_path / "a.safetensors", header))


def test_files_of_other_kinds_are_none(tmp_path: Path) -> None:
    short = write(tmp_path / "short.safetensors", changed())
    short.write_bytes(short.read_bytes()[:-4])
    with pytest.raises(UnusableCheckpoint, match="cut short"):
        read_trained(short)
    others = {"empty": b"", "text": b"hello", "huge": b"\xff" * 64, "list": b"\x02" + bytes(7) + b"[]"}
    for name, data in others.items():
        (tmp_path / name).write_bytes(data)
        assert not is_trained_file(tmp_path / name)
    assert not is_trained_file(tmp_path / "nothing")
    torch.save({"a": torch.zeros(1)}, tmp_path / "a.pth")
    assert not is_trained_file(tmp_path / "a.pth")


def test_weights_of_another_shape_or_without_end_are_refused(tmp_path: Path) -> None:
    layer = torch.nn.Module()
    layer.a = torch.nn.Linear(4, 2, bias=False)
    path = write(tmp_path / "a.safetensors", changed())
    with pytest.raises(UnusableCheckpoint, match=r"does not fit the model.*size mismatch for a\.weight"):
        put_weights(layer, path)
    save_file({"a.weight": torch.full((2, 4), torch.nan)}, path)
    with pytest.raises(UnusableCheckpoint, match="not finite"):
        put_weights(layer, path)


def test_a_folder_that_is_no_base_is_told_of(tmp_path: Path) -> None:
    with pytest.raises(
        BaseMissing, match=r"needs the very model.*FLUX\.1-dev.*no folder /models/flux\. Put it back.*--base FOLDER"
    ):
        find_base(BASE, FLUX_CONTROLNET, tmp_path)
    with pytest.raises(StudioError, match="is no pipeline folder"):
        find_base(BASE, FLUX_CONTROLNET, tmp_path, chosen=tmp_path)
