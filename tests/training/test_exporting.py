"""A checkpoint for others: weights, card and recipe that say what it is, and ONNX that gives what the network gives."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch", reason="needs the ml extra")
pytest.importorskip("onnxruntime", reason="needs the ml extra")

import numpy as np
import onnxruntime
import torch
from safetensors.torch import load_file

from fakes.training_jobs import TINY, make_job, tiny_recipe
from ggt_studio.core.errors import StudioError
from ggt_studio.restorers.checkpoint import read_checkpoint
from ggt_studio.restorers.registry import detect
from ggt_studio.training import loop
from ggt_studio.training.exporting import export_checkpoint
from ggt_studio.training.job import checkpoints
from ggt_studio.training.recipes import load_recipe
from ggt_studio.worker.job import Job as Request

pytestmark = pytest.mark.ml


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = make_job(tmp_path_factory.mktemp("jobs") / "first light", tiny_recipe(steps=4))
    loop.train(folder, device="cpu")
    return folder


def export(folder: Path, out: Path, **params: Any) -> dict[str, Any]:
    values = {"folder": str(folder), "step": 4, "out": str(out), "onnx": False, **params}
    return export_checkpoint(values, Request(lambda _: None))


def test_the_onnx_file_gives_what_the_network_gives_at_any_size(trained: Path, tmp_path: Path) -> None:
    told = export(trained, tmp_path / "out", onnx=True)
    assert told["files"] == ["README.md", "model.onnx", "recipe.toml", "weights.safetensors"]
    assert told["onnx_refused"] == ""
    network = detect(read_checkpoint(tmp_path / "out" / "weights.safetensors")).network
    session = onnxruntime.InferenceSession(tmp_path / "out" / "model.onnx", providers=["CPUExecutionProvider"])
    image = torch.rand(1, 3, 72, 136)
    with torch.no_grad():
        wanted = network(image).numpy()
    (found,) = session.run(None, {"lq": image.numpy()})
    assert np.abs(found - wanted).max() <= 1e-4
    assert "differs by at most" in (tmp_path / "out" / "README.md").read_text("utf-8")


def test_the_card_says_data_recipe_scores_and_licence_and_the_recipe_trains_again(
    trained: Path, tmp_path: Path
) -> None:
    export(trained, tmp_path / "out")
    card = (tmp_path / "out" / "README.md").read_text("utf-8")
    for words in ("first light", "pairs 1", "arXiv 2204.04676", "| existing | 1 | all | 4 |", "4 of 4 steps", "MIT"):
        assert words in card
    assert "photos as they are" in card
    assert "| 4 | (pairs) |" in card
    recipe = load_recipe(str(tmp_path / "out" / "recipe.toml"))
    assert recipe == tiny_recipe(steps=4)
    ours = checkpoints(trained)[-1].weights
    assert (tmp_path / "out" / "weights.safetensors").read_bytes() == ours.read_bytes()
    assert load_file(ours)


def test_nothing_is_overwritten_and_a_step_that_is_not_there_is_told(trained: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    with pytest.raises(StudioError, match="is there already"):
        export(trained, tmp_path / "out")
    with pytest.raises(StudioError, match="no checkpoint of step 3"):
        export(trained, tmp_path / "other", step=3)
    assert not list(tmp_path.glob("*other*"))


def test_windows_are_written_for_one_size(tmp_path: Path) -> None:
    values = {"network": "SwinIR", "crop": 16, "steps": 4, "ema": 0.0, "validation_crop": 32}
    options = {"window_size": 4, "depths": [2], "num_heads": [1], "embed_dim": 8, "img_size": 16}
    folder = make_job(tmp_path / "run", tiny_recipe(**{**TINY, **values, "network_options": options}))
    loop.train(folder, device="cpu")
    told = export(folder, tmp_path / "out", onnx=True)
    assert told["onnx_refused"] == ""
    assert "sides of 256 px" in (tmp_path / "out" / "README.md").read_text("utf-8")
