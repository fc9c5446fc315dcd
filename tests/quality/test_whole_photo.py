"""Whole photos through a generator: what is sent, and what an answer of another size, aspect or content becomes."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from skimage import data

from ggt_studio.core.canvas import SizeRule, plan_canvas, render
from ggt_studio.core.errors import NotRegistrable
from ggt_studio.quality import whole_photo
from ggt_studio.quality.whole_photo import part_from_answer, photo_from_answer, photo_to_send

PHOTO = data.astronaut()[:300, 60:460]


def save(path: Path, pixels: np.ndarray) -> Path:
    Image.fromarray(pixels).save(path, compress_level=1)
    return path


def answered(folder: Path, photo: np.ndarray, received: np.ndarray, canvas: dict | None = None) -> dict:
    params = {"path": str(save(folder / "photo.png", photo)), "received": str(save(folder / "answer.png", received))}
    return {**params, "canvas": canvas, "label": "A model", "told": {}, "out_path": str(folder / "out.png")}


def test_a_large_photo_is_sent_smaller_and_laid_back_to_the_px(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(whole_photo, "MOST_SENT_PIXELS", 320 * 320)
    large = PHOTO
    params = {"path": str(save(tmp_path / "large.png", large)), "lq_path": str(tmp_path / "lq.png")}
    size = photo_to_send(params)
    assert size["width"] * size["height"] <= 320 * 320
    sent = np.asarray(Image.open(tmp_path / "lq.png"))
    assert sent.shape == (size["height"], size["width"], 3)
    told = photo_from_answer(answered(tmp_path, large, sent))
    made = np.asarray(Image.open(tmp_path / "out.png")).astype(int)
    assert np.abs(made - large).mean() < 3.0
    assert told["notes"] == [], "so much detail is there that nothing needs to be said"


def test_padding_and_another_size_are_undone_and_a_part_is_cut_from_the_same(tmp_path: Path) -> None:
    canvas = plan_canvas(400, 300, SizeRule(sizes=((512, 512),)))
    received = np.asarray(Image.fromarray(render(PHOTO, canvas)).resize((256, 256), Image.Resampling.LANCZOS))
    params = answered(tmp_path, PHOTO, received, asdict(canvas))
    told = photo_from_answer(params)
    made = np.asarray(Image.open(tmp_path / "out.png")).astype(int)
    assert np.abs(made - PHOTO).mean() < 6
    assert (told["answer_width"], told["answer_height"]) == (256, 256)
    (note,) = told["notes"]
    assert note.startswith("A model gave 256 x 256 px for a photo of 400 x 300: each of its pixels covers ")
    part = {"box": [10, 20, 100, 150], "lq_path": str(tmp_path / "lq.png"), "out_path": str(tmp_path / "part.png")}
    assert part_from_answer(params | part)["notes"] == [note]
    shown = np.asarray(Image.open(tmp_path / "part.png")).astype(int)
    assert np.abs(shown - made[10:110, 20:170]).max() <= 2


def test_what_shows_something_else_is_refused(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (300, 400, 3), np.uint8)
    with pytest.raises(NotRegistrable, match="It seems to show something else"):
        photo_from_answer(answered(tmp_path, PHOTO, noise))
    assert not (tmp_path / "out.png").exists()
