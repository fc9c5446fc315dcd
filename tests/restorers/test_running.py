"""A restorer over an image: the size that was asked for, memory that runs out, stopping, and what tiles agree on."""

from __future__ import annotations

import errno
import os
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from fakes.tiny_restorers import load_tiny, photo
from ggt_studio.core.errors import StudioError
from ggt_studio.restorers import parking
from ggt_studio.restorers.catalogue import Capability, architecture
from ggt_studio.restorers.checkpoint import Checkpoint
from ggt_studio.restorers.files import Container
from ggt_studio.restorers.registry import Restorer
from ggt_studio.restorers.running import Runner, usable_dtype
from ggt_studio.restorers.tiling import pad_to
from ggt_studio.worker.job import Cancelled

pytestmark = pytest.mark.ml


class _Narrow(nn.Module):
    """Takes no more pixels than a small GPU would, and says so as torch does."""

    def __init__(self, inner: nn.Module, most: int) -> None:
        super().__init__()
        self.inner, self.most, self.seen = inner, most, []

    def forward(self, x: Tensor) -> Tensor:
        pixels = x.shape[-2] * x.shape[-1]
        self.seen.append(max(x.shape[-2:]))
        if pixels > self.most:
            raise torch.OutOfMemoryError(f"CUDA out of memory. Tried to allocate {pixels} MiB.")
        return self.inner(x)


def _narrow(restorer: Restorer, most: int) -> tuple[Restorer, _Narrow]:
    network = _Narrow(restorer.network, most)
    return replace(restorer, network=network), network


@pytest.mark.parametrize("name", ["SwinIR", "MPRNet", "NAFNet"])
def test_memory_that_runs_out_halves_the_tile(name: str, tmp_path: Path) -> None:
    restorer, image = load_tiny(tmp_path, name), photo(150, 216)
    whole = Runner(restorer).restore(image)
    narrow, network = _narrow(restorer, 130 * 130)
    runner = Runner(narrow)
    result = runner.restore(image)
    assert runner.run.halvings == 1
    assert runner.run.tiles > 1
    assert max(network.seen) >= 216 > runner.run.tile
    assert (result - whole).abs().max() <= 1 / 255


def test_memory_for_no_tile_at_all_is_an_error_that_says_what_to_do(tmp_path: Path) -> None:
    narrow, _ = _narrow(load_tiny(tmp_path, "MPRNet"), 10)
    with pytest.raises(StudioError, match=r"not enough memory .* Close other programs"):
        Runner(narrow, tile=64).restore(photo(100, 100))


def test_other_errors_of_a_network_are_not_taken_for_memory(tmp_path: Path) -> None:
    restorer = replace(load_tiny(tmp_path, "SwinIR"), network=nn.Conv2d(4, 3, 1))
    with pytest.raises(RuntimeError, match="channels"):
        Runner(restorer).restore(photo(64, 64))


def test_a_size_that_was_asked_for_is_kept(tmp_path: Path) -> None:
    restorer = load_tiny(tmp_path, "MPRNet")
    narrow, network = _narrow(restorer, 1 << 30)
    runner = Runner(narrow, tile=72)
    runner.restore(photo(100, 120))
    assert max(network.seen) <= 72
    assert 0 < runner.run.tile <= 72
    assert runner.run.halvings == 0


def test_tells_how_far_it_is_and_stops_when_told(tmp_path: Path) -> None:
    heard: list[tuple[float, float]] = []
    Runner(load_tiny(tmp_path, "SwinIR"), tile=64, progress=lambda *done: heard.append(done)).restore(photo(64, 150))
    assert heard[0][0] == 0
    assert heard[-1][0] == heard[-1][1] >= 3

    def stop(done: float, _total: float) -> None:
        if done >= 1:
            raise Cancelled

    with pytest.raises(Cancelled):
        Runner(load_tiny(tmp_path, "SwinIR"), tile=64, progress=stop).restore(photo(64, 150))


@pytest.mark.parametrize("tile", [0, 72])
def test_stops_before_the_next_layer(tile: int, tmp_path: Path) -> None:
    asked = 0

    def stop() -> None:
        nonlocal asked
        asked += 1
        if asked > 150:
            raise Cancelled

    restorer = load_tiny(tmp_path, "MPRNet")
    with pytest.raises(Cancelled):
        Runner(restorer, tile=tile, check=stop).restore(photo(100, 120))
    # The restorer is as good as new.
    assert torch.isfinite(Runner(restorer).restore(photo(32, 32))).all()


def test_tiles_side_by_side_tell_of_their_parts(tmp_path: Path) -> None:
    heard: list[float] = []
    runner = Runner(load_tiny(tmp_path, "PromptIR"), tile=72, progress=lambda done, _total: heard.append(done))
    runner.restore(photo(64, 120))
    assert heard == sorted(heard)
    assert len(heard) > 3 * runner.run.tiles
    assert heard[0] == 0
    assert heard[-1] == runner.run.tiles


def test_half_precision_leaves_the_weights_as_they_were(tmp_path: Path) -> None:
    restorer, image = load_tiny(tmp_path, "MPRNet"), photo(32, 32)
    before = Runner(restorer).restore(image)
    Runner(restorer, dtype="bf16").restore(image)
    assert torch.equal(Runner(restorer).restore(image), before)


def test_numbers_out_of_range_are_no_image() -> None:
    network = nn.Conv2d(3, 3, 1)
    nn.init.constant_(network.weight, float("inf"))
    capability = Capability(1, 3, 1, 1, 0, "plain", 0, ("fp16",))
    checkpoint = Checkpoint(Path("x.pth"), Container.ZIP, {}, {}, 0)
    with pytest.raises(StudioError, match="numbers out of range"):
        Runner(Restorer(architecture("X"), capability, network, checkpoint, ())).restore(photo(8, 8))


def test_half_precision_is_what_the_network_bears() -> None:
    def able(*formats: str) -> Capability:
        return Capability(1, 3, 1, 1, 0, "plain", 0, formats)  # type: ignore[arg-type]

    assert usable_dtype(able("fp16", "bf16"), "cuda:0", half=True) == "fp16"
    assert usable_dtype(able("fp16", "bf16"), "cpu", half=True) == "bf16"
    assert usable_dtype(able("bf16"), "cuda:0", half=True) == "bf16"
    assert usable_dtype(able(), "cuda:0", half=True) == "fp32"
    assert usable_dtype(able("fp16"), "cuda:0", half=False) == "fp32"


@pytest.mark.parametrize("size", [(1, 1), (3, 70), (64, 64), (65, 8)])
def test_padding_mirrors_up_to_the_multiple(size: tuple[int, int]) -> None:
    padded = pad_to(photo(*size), 64)
    assert [side % 64 for side in padded.shape[-2:]] == [0, 0]
    assert torch.equal(padded[..., : size[0], : size[1]], photo(*size))
    assert padded[..., size[0] :, :].sum() > 0 or size[0] == 64


def test_padding_with_black_where_the_authors_did() -> None:
    padded = pad_to(photo(60, 70), 64, "zero")
    assert padded.shape[-2:] == (64, 128)
    assert padded[..., 60:, :].abs().sum() == padded[..., 70:].abs().sum() == 0


@pytest.mark.parametrize("name", ["NAFNet", "PromptIR"])
def test_where_memory_is_short_waiting_tiles_lie_in_files(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    restorer, image = load_tiny(tmp_path, name), photo(150, 216)
    expected = Runner(restorer, tile=96).restore(image)
    (tmp_path / "files").mkdir()
    monkeypatch.setattr(parking, "_ON_DISK", tmp_path / "files")
    monkeypatch.setattr(parking, "_WORTH_BYTES", 1)
    monkeypatch.setattr(parking, "is_short", lambda: True)
    written: list[Path] = []
    real = Path.unlink

    def unlink(path: Path, missing_ok: bool = False) -> None:
        written.append(path)
        real(path, missing_ok=missing_ok)

    monkeypatch.setattr(Path, "unlink", unlink)
    assert torch.equal(Runner(restorer, tile=96).restore(image), expected)
    assert any(path.is_relative_to(tmp_path / "files") for path in written)
    assert list((tmp_path / "files").iterdir()) == []


def test_a_disk_without_room_leaves_waiting_tiles_in_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    restorer, image = load_tiny(tmp_path, "NAFNet"), photo(150, 216)
    expected = Runner(restorer, tile=96).restore(image)
    (tmp_path / "files").mkdir()
    monkeypatch.setattr(parking, "_ON_DISK", tmp_path / "files")
    monkeypatch.setattr(parking, "_WORTH_BYTES", 1)
    monkeypatch.setattr(parking, "is_short", lambda: True)

    def full(path: Path, *_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "open", full)
    assert torch.equal(Runner(restorer, tile=96).restore(image), expected)
