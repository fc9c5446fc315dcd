"""The worker's methods: what a checkpoint is, and a photo restored with it."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fakes.tiny_restorers import photo, save_tiny
from ggt_studio.core.errors import StudioError
from ggt_studio.core.full_photo import load_full_photo
from ggt_studio.core.metadata import read_note
from ggt_studio.worker.client import WorkerPool
from ggt_studio.worker.process import Progress

pytestmark = pytest.mark.ml


def _save_photo(path: Path, height: int, width: int) -> Path:
    pixels = (photo(height, width)[0].permute(1, 2, 0).numpy() * 255).round().astype(np.uint8)
    Image.fromarray(pixels).save(path)
    return path


async def test_inspects_and_restores(tmp_path: Path) -> None:
    checkpoint, lq = save_tiny(tmp_path, "NAFNet"), _save_photo(tmp_path / "lq.png", 50, 70)
    double = save_tiny(tmp_path, "SwinIR x2")
    heard: list[Progress] = []
    pool = WorkerPool(1)

    async def restore(name: str, **more: object) -> tuple[dict[str, object], np.ndarray]:
        params = {
            "checkpoint": str(checkpoint),
            "path": str(lq),
            "out_path": str(tmp_path / name),
            "device": "cpu",
            **more,
        }
        result = await pool.call("restore_photo", params, on_progress=heard.append)
        return result, np.asarray(Image.open(tmp_path / name)).astype(int)

    try:
        about = await pool.call("restorer_inspect", {"path": str(checkpoint)})
        assert about["architecture"] == "NAFNet"
        assert about["licence"] == "MIT"
        assert about["commercial"] is True
        assert about["scale"] == 1
        assert about["file_bytes"] == checkpoint.stat().st_size
        assert about["parameters"] > 1000
        with pytest.raises(StudioError, match="at its own size, not 2 times; leave the scale out"):
            await pool.call("restorer_inspect", {"path": str(checkpoint), "scale": 2})

        result, full = await restore("full.png", strength=1.0, tile=0, half=False)
        assert (result["width"], result["height"]) == (70, 50)
        assert result["sha256"] == about["sha256"]
        assert result["tiles"] == 1
        assert heard[-1].what == "tiles"
        _, none = await restore("none.png", strength=0.0)
        _, half = await restore("half.png", strength=0.5)
        original = np.asarray(Image.open(lq)).astype(int)
        assert np.array_equal(none, original)
        assert np.abs(full - original).max() > 4
        unclipped = (full > 0) & (full < 255)
        assert np.abs(half - (full + original) / 2)[unclipped].max() <= 1

        result, enlarged = await restore("double.png", checkpoint=str(double), strength=0.5)
        assert enlarged.shape == (100, 140, 3)
        note = read_note(load_full_photo(tmp_path / "double.png").xmp)
        assert note["Program"].startswith("GGT Studio")
        assert note["Model"] == f"SwinIR ({double.name})"
        assert note["ModelSHA256"] == result["sha256"]
        assert "Not for measurement" in note["Notice"]

        part = {"path": str(lq), "checkpoint": str(checkpoint), "box": [8, 16, 24, 32], "device": "cpu"}
        places = {"lq_path": str(tmp_path / "part-lq.png"), "out_path": str(tmp_path / "part.png")}
        shown = await pool.call("restore_region", part | places)
        assert (shown["width"], shown["height"], shown["photo_width"], shown["photo_height"]) == (32, 24, 70, 50)
        assert np.array_equal(np.asarray(Image.open(places["lq_path"])), original[8:32, 16:48])
        assert np.abs(np.asarray(Image.open(places["out_path"])).astype(int) - full[8:32, 16:48]).max() <= 1

        for wrong, said in (
            ({"strength": 2}, "strength is 2"),
            ({"device": "cuda:77"}, "no device cuda:77"),
            ({"tile": -1}, "tile size"),
            ({"quality": 300}, "quality is 300"),
            ({"checkpoint": str(tmp_path / "gone.pth")}, "gone.pth is not there"),
            ({"checkpoint": str(lq)}, "a PNG image"),
            ({"path": str(checkpoint)}, "NAFNet.pth"),
        ):
            with pytest.raises(StudioError, match=said):
                await restore("wrong.png", **wrong)
        assert not (tmp_path / "wrong.png").exists()
    finally:
        pool.close()


async def test_stops_soon_and_keeps_the_process(tmp_path: Path) -> None:
    checkpoint, lq = save_tiny(tmp_path, "SwinIR"), _save_photo(tmp_path / "lq.png", 400, 600)
    out = tmp_path / "out.png"
    params = {"checkpoint": str(checkpoint), "path": str(lq), "out_path": str(out), "tile": 64, "device": "cpu"}
    pool = WorkerPool(1)
    try:
        started = asyncio.Event()
        call = pool.call("restore_photo", params, on_progress=lambda _: started.set(), cancel_within_s=30)
        task = asyncio.create_task(call)
        await started.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        # The process that was asked to stop answers this; a killed one would have to load torch again.
        about = await pool.call("restorer_inspect", {"path": str(checkpoint)})
        assert about["architecture"] == "SwinIR"
        assert not out.exists()
    finally:
        pool.close()


def test_needs_nothing_that_is_non_commercial() -> None:
    code = (
        "import sys, ggt_studio.restorers.restore, spandrel; "
        "print([name for name in ('pyiqa', 'PySide6', 'cv2', 'diffusers') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_window_knows_restorers_without_torch() -> None:
    code = (
        "import sys, ggt_studio.restorers, ggt_studio.restorers.catalogue, ggt_studio.restorers.files; "
        "print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
