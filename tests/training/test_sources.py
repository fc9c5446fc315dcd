"""Pairs found in folders as published sets lay them out, and what is said where there are none."""

from __future__ import annotations

from pathlib import Path

import pytest

from ggt_studio.core.errors import StudioError
from ggt_studio.training.sources import find_clean, find_pairs, match_folders


def lay(root: Path, *names: str) -> Path:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    return root


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["lq/1.png", "hq/1.jpg"], {"lq/1.png": "hq/1.jpg"}),
        (["Input/A.PNG", "Target/a.png"], {"Input/A.PNG": "Target/a.png"}),
        (["LQ/1.png", "GT/1.png"], {"LQ/1.png": "GT/1.png"}),
        (["our485/low/1.png", "our485/high/1.png"], {"our485/low/1.png": "our485/high/1.png"}),
        (["train/s1/blur/1.png", "train/s1/sharp/1.png"], {"train/s1/blur/1.png": "train/s1/sharp/1.png"}),
        (["lq/s1/1.png", "lq/s2/1.png", "hq/s1/1.png", "hq/s2/1.png"],
         {"lq/s1/1.png": "hq/s1/1.png", "lq/s2/1.png": "hq/s2/1.png"}),
        (["rain/rain-001.png", "norain/norain-001.png"], {"rain/rain-001.png": "norain/norain-001.png"}),
        (["hazy/0025_0.8_0.04.jpg", "hazy/0025_1_0.1.jpg", "clear/0025.png"],
         {"hazy/0025_0.8_0.04.jpg": "clear/0025.png", "hazy/0025_1_0.1.jpg": "clear/0025.png"}),
        (["1_lq.png", "1_hq.png", "2_lq.png", "2_hq.png"], {"1_lq.png": "1_hq.png", "2_lq.png": "2_hq.png"}),
        (["rain/7-input.png", "rain/7-gt.png"], {"rain/7-input.png": "rain/7-gt.png"}),
        (["rain/lq/1.png", "rain/gt/1.png", "snow/lq/1.png", "snow/gt/1.png"],
         {"rain/lq/1.png": "rain/gt/1.png", "snow/lq/1.png": "snow/gt/1.png"}),
    ],
)  # fmt: skip
def test_customary_layouts_are_understood(tmp_path: Path, names: list[str], expected: dict[str, str]) -> None:
    found = find_pairs(lay(tmp_path, *names))
    assert found.unmatched == ()
    assert {
        pair.lq.relative_to(tmp_path).as_posix(): pair.hq.relative_to(tmp_path).as_posix()
        for pair in found.pairs
        if pair.lq
    } == expected


def test_files_without_a_partner_are_listed_and_the_rest_is_taken(tmp_path: Path) -> None:
    found = find_pairs(
        lay(tmp_path, "lq/1.png", "lq/2.png", "lq/3.png", "hq/1.png", "hq/4.png", "hq/3.png", "hq/3.jpg", "x.png")
    )
    assert [pair.name for pair in found.pairs] == ["lq/1"]
    reasons = {path.relative_to(tmp_path).as_posix(): why for path, why in found.unmatched}
    assert reasons == {
        "lq/2.png": "no HQ file has its name",
        "hq/4.png": "no LQ file has its name",
        "lq/3.png": "more than one file could be its target (3.jpg and 3.png)",
        "x.png": "neither its name nor its folder says whether it is LQ or HQ",
    }
    assert "1 pair; 4 files without a partner" in found.words()


def test_folders_for_tests_are_left_out_unless_chosen(tmp_path: Path) -> None:
    lay(tmp_path, "train/lq/1.png", "train/hq/1.png", "test/lq/2.png", "test/hq/2.png")
    found = find_pairs(tmp_path)
    assert [pair.name for pair in found.pairs] == ["train/lq/1"]
    assert found.left_out == (tmp_path / "test",)
    assert "not looked into: test" in found.words()
    assert [pair.name for pair in find_pairs(tmp_path / "test").pairs] == ["lq/2"]


def test_where_there_are_no_pairs_it_is_said_what_was_found(tmp_path: Path) -> None:
    lay(tmp_path, "holiday/1.png", "family/2.png")
    with pytest.raises(StudioError, match=r"No pairs .*\(2 photos\)\. Its folders with photos: family, holiday\."):
        find_pairs(tmp_path)
    with pytest.raises(StudioError, match="is no folder"):
        find_pairs(tmp_path / "none")
    with pytest.raises(StudioError, match="no photos"):
        find_clean(lay(tmp_path / "empty", "notes.txt"))


def test_two_chosen_folders_are_matched_whatever_they_are_called(tmp_path: Path) -> None:
    lay(tmp_path, "vor/a/1.png", "nach/a/1.png", "vor/a/2.png")
    found = match_folders(tmp_path / "vor", tmp_path / "nach")
    assert [(pair.name, pair.hq) for pair in found.pairs] == [("a/1", tmp_path / "nach/a/1.png")]
    assert [path.name for path, _ in found.unmatched] == ["2.png"]
    with pytest.raises(StudioError, match="No file in .* has a partner"):
        match_folders(tmp_path / "vor", lay(tmp_path / "other", "b.png"))


def test_clean_photos_are_named_by_their_place(tmp_path: Path) -> None:
    clean = find_clean(lay(tmp_path, "a/1.png", "rain/2.jpg"))
    assert [(pair.name, pair.lq) for pair in clean] == [("a/1", None), ("rain/2", None)]
    assert clean[1].about == {"category": "rain"}
