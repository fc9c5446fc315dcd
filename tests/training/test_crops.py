"""Crops as training takes them: the draw's pixels, the same again, in any process."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from skimage import data

from ggt_studio.core.errors import StudioError
from ggt_studio.training.crops import Crops, place
from ggt_studio.training.mixing import Mix, MixSet, MixSource
from ggt_studio.training.packing import write_pack
from ggt_studio.training.pairs import PairFiles


@pytest.fixture(scope="module")
def photo() -> np.ndarray:
    return np.ascontiguousarray(data.coffee()[:150, :220])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, photo: np.ndarray) -> Path:
    folder = tmp_path_factory.mktemp("data")
    Image.fromarray(photo).save(folder / "hq.png")
    Image.fromarray(255 - photo).save(folder / "lq.png")
    Image.fromarray(photo[:20, :30]).save(folder / "tiny.png")
    write_pack([PairFiles("a", folder / "lq.png", folder / "hq.png")], folder / "pairs.pack")
    tiny = folder / "tiny.png"
    write_pack([PairFiles("a", None, folder / "hq.png"), PairFiles("b", None, tiny)], folder / "clean.pack")
    write_pack([PairFiles("a", tiny, tiny)], folder / "tiny.pack")
    return folder


def mix_of(*sets: MixSet) -> Mix:
    return Mix((MixSource("only", 1, sets),), seed=3)


def test_both_sides_are_cut_mirrored_and_turned_alike(folder: Path, photo: np.ndarray) -> None:
    mix = mix_of(MixSet("pairs", "pairs.pack", 1))
    crops, plain = Crops(mix, folder, 64), Crops(mix, folder, 64, augment=False)
    turns = set()
    for k in range(40):
        lq, hq = crops[k]
        assert lq.shape == hq.shape == (64, 64, 3)
        assert lq.flags.c_contiguous
        assert hq.flags.c_contiguous
        assert np.array_equal(lq, 255 - hq)
        draw = mix.draw(k)
        top, left, height, width = place(draw, 150, 220, 64)
        cut = photo[top : top + height, left : left + width]
        assert np.array_equal(plain[k][1], cut)
        assert np.array_equal(hq, np.rot90(cut[:, ::-1] if draw.flip else cut, draw.turns))
        turns.add((draw.flip, draw.turns))
    assert len(turns) == 8


def test_every_place_of_a_crop_can_be_drawn() -> None:
    mix = mix_of(MixSet("pairs", "pairs.pack", 1))
    places = {place(mix.draw(k), 66, 67, 64)[:2] for k in range(300)}
    assert places == {(top, left) for top in range(3) for left in range(4)}


def test_pairs_below_the_crop_are_mirrored_on(folder: Path, photo: np.ndarray) -> None:
    _, hq = Crops(mix_of(MixSet("tiny", "tiny.pack", 1)), folder, 64, augment=False)[0]
    assert np.array_equal(hq[:20, :30], photo[:20, :30])
    assert np.array_equal(hq[20:40, :30], photo[:20, :30][::-1])
    assert np.array_equal(hq[:20, 30:60], photo[:20, :30][:, ::-1])


def test_clean_photos_are_degraded_anew_at_each_visit_and_the_same_at_each_number(folder: Path) -> None:
    mix = mix_of(MixSet("clean", "clean.pack", 2, degradation="mild"))
    crops, again = Crops(mix, folder, 64, augment=False), Crops(mix, folder, 64, augment=False)
    for k in reversed(range(8)):
        lq, hq = crops[k]
        assert lq.shape == hq.shape == (64, 64, 3)
        assert not np.array_equal(lq, hq)
        assert np.abs(lq.astype(int) - hq).mean() < 40
        assert all(np.array_equal(a, b) for a, b in zip(again[k], (lq, hq), strict=True))


def test_packs_that_are_not_those_of_the_mix_are_refused(folder: Path) -> None:
    for one, words in (
        (MixSet("a", "pairs.pack", 2), "speaks of 2 in a"),
        (MixSet("a", "clean.pack", 2), "needs a degradation"),
        (MixSet("a", "pairs.pack", 1, degradation="mild"), "leave its degradation out"),
        (MixSet("a", "clean.pack", 2, degradation="such"), "no degradation such"),
        (MixSet("a", "none.pack", 2), "Cannot read the pack"),
    ):
        with pytest.raises(StudioError, match=words):
            Crops(mix_of(one), folder, 64)


@pytest.mark.ml
def test_loading_processes_give_what_one_process_gives(folder: Path) -> None:
    torch_data = pytest.importorskip("torch.utils.data")
    mix = mix_of(MixSet("pairs", "pairs.pack", 1), MixSet("clean", "clean.pack", 2, degradation="mild"))
    crops = Crops(mix, folder, 48)
    numbers = range(100, 112)
    loader = torch_data.DataLoader(crops, batch_size=4, sampler=numbers, num_workers=2)
    loaded = [pixels for lq, hq in loader for pixels in zip(lq.numpy(), hq.numpy(), strict=True)]
    for k, (lq, hq) in zip(numbers, loaded, strict=True):
        assert np.array_equal(lq, crops[k][0])
        assert np.array_equal(hq, crops[k][1])
