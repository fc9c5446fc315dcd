"""DA-CLIP comes in two files: the controller is found beside the U-Net by what it holds, or it is said what to put where."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file
from torch import Tensor

from fakes.tiny_restorers import load_tiny, photo, save_controller, save_tiny, tiny_weights
from ggt_studio.core.full_photo import load_full_photo
from ggt_studio.core.metadata import read_note
from ggt_studio.pipeline.restoring import Checkpoint, RestoreChoice, RestoreQueue, Standing
from ggt_studio.restorers.checkpoint import read_checkpoint
from ggt_studio.restorers.files import UnusableCheckpoint
from ggt_studio.restorers.registry import Restorer, detect
from ggt_studio.restorers.running import Runner
from ggt_studio.worker.client import WorkerPool

pytestmark = pytest.mark.ml


def _controller(name: str = "DA-CLIP", seed: int = 0) -> dict[str, Tensor]:
    return {key: value for key, value in tiny_weights(name, seed).items() if key.startswith("visual")}


@pytest.fixture
def unet(tmp_path: Path) -> Path:
    """A U-Net's file, with its controller's beside it: `DA-CLIP.pt`."""
    folder = tmp_path / "models"
    folder.mkdir()
    return save_tiny(folder, "DA-CLIP")


def _load(path: Path) -> Restorer:
    return detect(read_checkpoint(path))


def test_the_controller_is_found_whatever_its_name_and_its_neighbours(unet: Path) -> None:
    unet.with_suffix(".pt").rename(unet.with_name("any name.ckpt"))
    save_tiny(unet.parent, "NAFNet")
    save_tiny(unet.parent, "DA-CLIP wild")
    unet.with_name("notes.txt").write_text("visual_control.proj")
    unet.with_name("broken.pth").write_bytes(b"PK\x03\x04")
    found = _load(unet)
    assert found.companion is not None
    assert found.companion.name == "any name.ckpt"
    assert "any name.ckpt" in found.notes[-1]


def test_one_file_may_hold_both(tmp_path: Path) -> None:
    path = tmp_path / "both.safetensors"
    weights = tiny_weights("DA-CLIP")
    save_file({(f"clip.{key}" if key.startswith("visual.") else key): value for key, value in weights.items()}, path)
    found = _load(path)
    assert found.companion is None
    assert torch.equal(found.network.state_dict()["visual.proj"], weights["visual.proj"])


def test_what_the_controller_sees_has_a_say(unet: Path) -> None:
    image = photo(32, 32)
    first = load_tiny(unet.parent, "DA-CLIP")
    assert first.sampler is not None
    results = [Runner(first).restore(image)]
    for part in ("visual.", "visual_control.transformer.zero", "visual_control.proj"):
        changed = {key: value * (2 if key.startswith(part) else 1) for key, value in _controller().items()}
        save_controller(unet.with_suffix(".pt"), changed)
        results.append(Runner(replace(_load(unet), sampler=first.sampler)).restore(image))
    assert all((results[0] - result).abs().max() > 1e-5 for result in results[1:])


def _none(unet: Path) -> None:
    unet.with_suffix(".pt").unlink()


def _of_another_size(unet: Path) -> None:
    save_controller(unet.with_suffix(".pt"), _controller("DA-CLIP wild"))


def _two(unet: Path) -> None:
    shutil.copy(unet.with_suffix(".pt"), unet.with_name("mix.pt"))


def _cut_short(unet: Path) -> None:
    file = unet.with_suffix(".pt")
    file.write_bytes(file.read_bytes()[:-500])


def _incomplete(unet: Path) -> None:
    weights = _controller()
    del weights["visual.ln_post.weight"]
    save_controller(unet.with_suffix(".pt"), weights)


def _without_encoder(unet: Path) -> None:
    weights = {key: value for key, value in _controller().items() if key.startswith("visual_control.")}
    save_controller(unet.with_suffix(".pt"), weights)


def _of_an_odd_width(unet: Path) -> None:
    weights = _controller()
    weights["visual.conv1.weight"] = torch.zeros(200, 3, 8, 8)
    save_controller(unet.with_suffix(".pt"), weights)


class _Touches:
    def __init__(self, path: Path) -> None:
        self._path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, (f"touch {self._path}",)


def _hostile(unet: Path) -> None:
    content = {"state_dict": _controller(), "extra": _Touches(unet.with_name("canary"))}
    torch.save(content, unet.with_suffix(".pt"))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            _none,
            r"DA-CLIP.pth is the U-Net of DA-CLIP.* none beside it\. Put the controller's file into the folder .*models",
        ),
        (_of_another_size, r"takes embeddings of 16 numbers from it, but DA-CLIP.pt gives 24"),
        (_two, r"2 that fit lie beside it: DA-CLIP.pt, mix.pt\. .*leave only that one"),
        (_cut_short, r"DA-CLIP.pt is cut short or damaged"),
        (_incomplete, r"DA-CLIP.pth with DA-CLIP.pt is a DA-CLIP, but .*missing \(visual.ln_post.weight\)"),
        (_without_encoder, r"DA-CLIP.pth with DA-CLIP.pt has the names of DA-CLIP"),
        (_of_an_odd_width, r"do not fit together: an encoder of width 200 has no whole number of heads"),
        (_hostile, r"DA-CLIP.pt holds more than weights: .*system"),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_what_is_missing_or_wrong_is_told(change: Callable[[Path], None], said: str, unet: Path) -> None:
    change(unet)
    with pytest.raises(UnusableCheckpoint, match=said):
        _load(unet)
    assert not unet.with_name("canary").exists()


def test_the_controller_alone_is_told_what_it_is(unet: Path) -> None:
    with pytest.raises(UnusableCheckpoint, match="the CLIP controller of DA-CLIP .choose its U-Net"):
        _load(unet.with_suffix(".pt"))


async def test_another_controller_makes_another_restorer(unet: Path, tmp_path: Path) -> None:
    pixels = (photo(24, 40)[0].permute(1, 2, 0).numpy() * 255).astype(np.uint8)
    Image.fromarray(pixels).save(tmp_path / "lq.png")
    pool = WorkerPool(1)

    async def restore() -> RestoreQueue:
        queue = RestoreQueue(pool, RestoreChoice(Checkpoint(unet, device="cpu")), tmp_path / "out")
        queue.add([tmp_path / "lq.png"])
        await queue.run()
        return queue

    try:
        (first,) = (await restore()).items
        (again,) = (await restore()).items
        save_controller(unet.with_suffix(".pt"), _controller(seed=1))
        (other,) = (await restore()).items
    finally:
        pool.close()
    assert [item.standing for item in (first, again, other)] == [Standing.RESTORED, Standing.SKIPPED, Standing.RESTORED]
    notes = [read_note(load_full_photo(item.out).xmp) for item in (first, other) if item.out]
    assert notes[0]["Companion"] == "DA-CLIP.pt"
    assert notes[0]["ModelSHA256"] == notes[1]["ModelSHA256"]
    assert notes[0]["CompanionSHA256"] != notes[1]["CompanionSHA256"]
