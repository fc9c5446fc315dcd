"""Packs: exact pixels, whole or gone on with, and damage that is told of the pair."""

from __future__ import annotations

import multiprocessing
import os
import pickle
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ggt_studio.core.errors import StudioError, WriteError
from ggt_studio.training.pack import Pack
from ggt_studio.training.pack_format import BLOCK, INDEX, DamagedPack
from ggt_studio.training.packing import write_pack
from ggt_studio.training.pairs import PairFiles

SIZES = ((130, 200), (64, 64), (17, 129))


def picture(seed: int, height: int, width: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    smooth = np.add.outer(np.arange(height), np.arange(width))[..., None] * np.array([1, 2, 3])
    return ((smooth + rng.integers(0, 30, (height, width, 3))) % 256).astype(np.uint8)


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> list[PairFiles]:
    folder = tmp_path_factory.mktemp("pairs")
    made = []
    for number, (height, width) in enumerate(SIZES):
        for side, seed in (("lq", number), ("hq", 100 + number)):
            Image.fromarray(picture(seed, height, width)).save(folder / f"{number}-{side}.png")
        about = {"category": "rain"}
        made.append(PairFiles(f"pair {number}", folder / f"{number}-lq.png", folder / f"{number}-hq.png", about))
    return made


@pytest.fixture(scope="module")
def packed(pairs: list[PairFiles], tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("packs") / "a.pack"
    write_pack(pairs, path)
    return path


def test_every_crop_is_the_pixels_of_the_files(packed: Path) -> None:
    rng = np.random.default_rng(0)
    with Pack(packed) as pack:
        assert len(pack) == len(SIZES)
        pack.verify()
        for number, (height, width) in enumerate(SIZES):
            lq, hq = picture(number, height, width), picture(100 + number, height, width)
            assert pack.size(number) == (height, width)
            assert all(np.array_equal(a, b) for a, b in zip(pack.pair(number), (lq, hq), strict=True))
            for _ in range(20):
                top, left = rng.integers(0, height), rng.integers(0, width)
                tall, wide = rng.integers(1, height - top + 1), rng.integers(1, width - left + 1)
                inside = slice(top, top + tall), slice(left, left + wide)
                found = pack.crop(number, top, left, tall, wide)
                assert np.array_equal(found[0], lq[inside])
                assert np.array_equal(found[1], hq[inside])
                assert np.array_equal(pack.clean_crop(number, top, left, tall, wide), hq[inside])


def test_what_is_told_of_a_pair_is_kept_with_the_hashes_of_its_files(packed: Path, pairs: list[PairFiles]) -> None:
    with Pack(packed) as pack:
        about = pack.about(1)
    assert about["name"] == pairs[1].name
    assert about["category"] == "rain"
    assert len(about["lq_sha256"]) == len(about["hq_sha256"]) == 64


@pytest.mark.parametrize("part", [(0, 0, 131, 10), (-1, 0, 5, 5), (0, 0, 0, 5), (125, 0, 10, 5), (0, 199, 1, 2)])
def test_a_part_outside_is_refused(packed: Path, part: tuple[int, int, int, int]) -> None:
    with Pack(packed) as pack, pytest.raises(ValueError, match="do not lie in a pair of 130 x 200 px"):
        pack.crop(0, *part)


def test_clean_photos_have_no_lq(pairs: list[PairFiles], tmp_path: Path) -> None:
    write_pack([PairFiles("clean", None, pairs[0].hq)], tmp_path / "clean.pack")
    with Pack(tmp_path / "clean.pack") as pack:
        assert pack.is_clean(0)
        assert np.array_equal(pack.clean_crop(0, 3, 5, 70, 90), picture(100, 130, 200)[3:73, 5:95])
        with pytest.raises(ValueError, match="clean photo without an LQ picture"):
            pack.crop(0, 0, 0, 1, 1)


def test_bad_pairs_are_left_out_with_their_reason_and_the_rest_is_packed(
    pairs: list[PairFiles], tmp_path: Path
) -> None:
    (tmp_path / "torn.png").write_bytes(pairs[0].hq.read_bytes()[:-300])
    bad = [
        PairFiles("other size", pairs[0].lq, pairs[1].hq),
        PairFiles("torn", pairs[0].lq, tmp_path / "torn.png"),
        PairFiles("gone", pairs[0].lq, tmp_path / "gone.png"),
    ]
    info = write_pack([*bad, *pairs], tmp_path / "a.pack")
    assert info.pairs == len(pairs)
    assert [refused.name for refused in info.refused] == [pair.name for pair in bad]
    assert "0-lq.png is 200 x 130 px" in info.refused[0].why
    assert "1-hq.png 64 x 64 px" in info.refused[0].why
    assert "torn.png" in info.refused[1].why
    assert "gone.png" in info.refused[2].why
    with pytest.raises(StudioError, match=r"no pair to pack into b\.pack: other size: .*same size"):
        write_pack(bad, tmp_path / "b.pack")
    assert not (tmp_path / "b.pack").exists()


class Stopped(Exception):
    pass


def stop_after(count: int) -> Callable[[], None]:
    calls = iter(range(count))

    def check() -> None:
        if next(calls, None) is None:
            raise Stopped

    return check


def test_a_stopped_pack_is_gone_on_with_to_the_same_bytes(
    pairs: list[PairFiles], packed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.pack"
    with pytest.raises(Stopped):
        write_pack(pairs, path, check=stop_after(3), threads=1)
    part = tmp_path / "a.pack.part"
    assert not path.exists()
    # What a crash may leave behind what is whole.
    with part.open("ab") as file:
        file.write(b"PAIR" + bytes(200))
    encoded = []
    real = write_pack.__globals__["make_block"]
    monkeypatch.setitem(write_pack.__globals__, "make_block", lambda *args: encoded.append(1) or real(*args))
    info = write_pack(pairs, path)
    assert path.read_bytes() == packed.read_bytes()
    assert info.sha256 == Pack(packed).sha256
    assert 0 < len(encoded) < len(pairs)
    assert not part.exists()


def test_a_part_of_other_pairs_or_with_a_flipped_bit_is_not_kept(
    pairs: list[PairFiles], packed: Path, tmp_path: Path
) -> None:
    part = tmp_path / "a.pack.part"
    for spoil in (lambda data: data[:400] + bytes([data[400] ^ 1]) + data[401:], lambda data: b"other" + data):
        part.write_bytes(spoil(packed.read_bytes()))
        path = tmp_path / "a.pack"
        write_pack(pairs, path)
        assert path.read_bytes() == packed.read_bytes()
        path.unlink()
    part.write_bytes(packed.read_bytes())
    write_pack(pairs[::-1], tmp_path / "b.pack")
    with Pack(tmp_path / "b.pack") as pack:
        assert [pack.about(i)["name"] for i in range(3)] == [pair.name for pair in pairs[::-1]]
        pack.verify()


def test_a_damaged_tile_is_told_with_its_pair(packed: Path, tmp_path: Path) -> None:
    data = bytearray(packed.read_bytes())
    with Pack(packed) as pack:
        begin = int(pack._index[2]["at"])  # The last pair's block ends where the index begins.
        end = len(data) - 56 - len(pack) * INDEX.itemsize
    data[end - 5] ^= 0xFF
    (tmp_path / "a.pack").write_bytes(data)
    assert begin < end
    with Pack(tmp_path / "a.pack") as pack:
        pack.pair(0)
        pack.crop(2, 0, 0, 17, 64)
        with pytest.raises(
            DamagedPack, match=r"Pair 2 of the pack .*a\.pack is damaged: the tile at row 0, column 128 is"
        ):
            pack.pair(2)
        with pytest.raises(DamagedPack, match="Pair 2 .*make the pack again"):
            pack.verify()


def test_a_damaged_list_of_tiles_is_told_with_its_pair(packed: Path, tmp_path: Path) -> None:
    with Pack(packed) as pack:
        row = pack._index[0]
        table = int(row["at"]) + BLOCK.size + int(row["text"])
    for place, value in ((0, 0xFF), (3, 0xFF), (12 * 3 + 7, 0x7F)):
        data = bytearray(packed.read_bytes())
        data[table + place] ^= value
        (tmp_path / "a.pack").write_bytes(data)
        with Pack(tmp_path / "a.pack") as pack, pytest.raises(DamagedPack, match="Pair 0 of the pack"):
            pack.pair(0)


def test_a_file_that_is_no_whole_pack_is_refused(packed: Path, tmp_path: Path) -> None:
    data = packed.read_bytes()
    for number, wrong in enumerate((b"", b"GGTPACK1", data[:-1], data[: len(data) // 2], data + b"x", b"x" + data[1:])):
        path = tmp_path / f"{number}.pack"
        path.write_bytes(wrong)
        with pytest.raises(DamagedPack, match="is no pack, or only a part of one"):
            Pack(path)
    listed = bytearray(data)
    listed[-60] ^= 1
    (tmp_path / "list.pack").write_bytes(listed)
    with pytest.raises(DamagedPack, match="list of pairs"):
        Pack(tmp_path / "list.pack")
    newer = bytearray(data)
    newer[10] = 9
    (tmp_path / "newer.pack").write_bytes(newer)
    with pytest.raises(StudioError, match="newer version"):
        Pack(tmp_path / "newer.pack")
    with pytest.raises(StudioError, match="Cannot read the pack"):
        Pack(tmp_path / "none.pack")


def first_pixels(pack: Pack) -> bytes:
    return pack.pair(0)[1].tobytes()


@pytest.mark.parametrize("method", ["spawn", *(["fork"] if os.name == "posix" else [])])
def test_processes_share_a_pack(packed: Path, method: str) -> None:
    with Pack(packed) as pack, ProcessPoolExecutor(2, mp_context=multiprocessing.get_context(method)) as pool:
        here = first_pixels(pack)
        assert list(pool.map(first_pixels, [pack] * 4)) == [here] * 4
        assert first_pixels(pickle.loads(pickle.dumps(pack))) == here


def test_a_full_disk_is_told_and_leaves_no_pack(pairs: list[PairFiles], tmp_path: Path) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("needs /dev/full")
    (tmp_path / "a.pack.part").symlink_to("/dev/full")
    with pytest.raises(WriteError, match="the disk is full"):
        write_pack(pairs, tmp_path / "a.pack")
    assert not (tmp_path / "a.pack").exists()


def test_a_finished_pack_is_never_overwritten(pairs: list[PairFiles], packed: Path) -> None:
    before = packed.read_bytes()
    with pytest.raises(StudioError, match="is there already"):
        write_pack(pairs[:1], packed)
    assert packed.read_bytes() == before


def test_two_writers_of_one_pack_do_not_mix(pairs: list[PairFiles], tmp_path: Path) -> None:
    path = tmp_path / "a.pack"

    def write_meanwhile(done: int) -> None:
        with pytest.raises(StudioError, match="Another process is writing"):
            write_pack(pairs, path)

    assert write_pack(pairs, path, progress=write_meanwhile).pairs == len(pairs)
    assert [one.name for one in tmp_path.iterdir()] == ["a.pack"]
