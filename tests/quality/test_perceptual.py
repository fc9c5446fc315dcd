"""LPIPS only where its weights lie on this machine, through pyiqa's own loading."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("pyiqa", reason="needs the ml extra")

import torch
import torchvision

from ggt_studio.quality.perceptual import lpips, lpips_files

pytestmark = pytest.mark.ml


@pytest.fixture
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder for torch's and pyiqa's weights."""
    import pyiqa.utils.download_util as download

    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setattr(download, "DEFAULT_CACHE_DIR", str(tmp_path / "hub" / "pyiqa"))
    return tmp_path


def test_without_weights_there_is_none(own_folder: Path) -> None:
    assert all(own_folder in path.parents for path in lpips_files())
    assert lpips("cpu") is None


def test_with_weights_equal_images_differ_by_nothing_and_others_do(own_folder: Path) -> None:
    from pyiqa.archs.lpips_arch import LPIPS

    linear, alexnet = lpips_files()
    for path in (linear, alexnet):
        path.parent.mkdir(parents=True)
    torch.manual_seed(0)
    torch.save(torchvision.models.alexnet(weights=None).state_dict(), alexnet)
    layers = LPIPS(pretrained=False).state_dict()
    torch.save({name: value.abs() for name, value in layers.items() if name.startswith("lin")}, linear)
    score = lpips("cpu")
    assert score is not None
    rng = np.random.default_rng(0)
    image, other = rng.integers(0, 255, (2, 64, 64, 3), np.uint8)
    assert score(image, image) == pytest.approx(0, abs=1e-6)
    assert (score(image, other) or 0) > 1e-4
    assert score(image[:16], other[:16]) is None


def test_weights_that_cannot_be_read_are_as_none(own_folder: Path) -> None:
    for path in lpips_files():
        path.parent.mkdir(parents=True)
        path.write_bytes(b"no weights")
    assert lpips("cpu") is None
