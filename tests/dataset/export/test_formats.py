"""Every layout holds the exact bytes of all pairs, is the same each time, and opens in the tools people use."""

from __future__ import annotations

import hashlib
import io
import json
import stat
import subprocess
import sys
import tarfile
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from ggt_studio.dataset.export import CardFacts, ExportFormat, ExportReport, export_pairs
from ggt_studio.dataset.export.parquet import ParquetWriter
from ggt_studio.dataset.export.rows import row_of
from ggt_studio.dataset.export.webdataset import WebDatasetWriter
from ggt_studio.dataset.records import PairRecord

FORMATS = list(ExportFormat)
TEST_COUNT = 4


def export(pairs: list[PairRecord], dest: Path, format_: ExportFormat, card: CardFacts) -> ExportReport:
    return export_pairs(pairs, dest, format=format_, test_count=TEST_COUNT, seed=7, card=card)


def contents(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def pixels(image: Image.Image | Path) -> np.ndarray:
    return np.asarray((Image.open(image) if isinstance(image, Path) else image).convert("RGB"))


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Hugging Face `datasets` without network and with a cache of its own."""
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("HF_DATASETS_OFFLINE", "1")
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    datasets = pytest.importorskip("datasets")
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "hf" / "datasets")
    datasets.disable_progress_bars()
    return datasets


@pytest.mark.parametrize("format_", FORMATS)
def test_two_exports_are_the_same_to_the_byte(
    format_: ExportFormat, pairs: list[PairRecord], card: CardFacts, tmp_path: Path
) -> None:
    export(pairs, tmp_path / "first", format_, card)
    export(list(reversed(pairs)), tmp_path / "エクスポート 2", format_, card)
    assert contents(tmp_path / "first") == contents(tmp_path / "エクスポート 2")
    assert sorted(p.name for p in tmp_path.iterdir() if "partial" in p.name) == []


@pytest.mark.parametrize("format_", FORMATS)
def test_the_checksums_cover_every_file(
    format_: ExportFormat, pairs: list[PairRecord], card: CardFacts, tmp_path: Path
) -> None:
    export(pairs, tmp_path / "out", format_, card)
    files = contents(tmp_path / "out")
    lines = files.pop("SHA256SUMS").decode().splitlines()
    assert lines == [f"{hashlib.sha256(files[name]).hexdigest()}  {name}" for name in sorted(files)]


@pytest.mark.parametrize("format_", FORMATS)
def test_no_file_tells_where_the_photos_or_the_project_lie(
    format_: ExportFormat, pairs: list[PairRecord], card: CardFacts, tmp_path: Path
) -> None:
    export(pairs, tmp_path / "out", format_, card)
    for name, data in contents(tmp_path / "out").items():
        assert b"anna" not in data, name
        assert str(tmp_path).encode() not in data, name


@pytest.mark.parametrize("by_folder", [True, False])
@pytest.mark.parametrize("format_", FORMATS)
def test_datasets_loads_both_images_of_every_pair(
    format_: ExportFormat, by_folder: bool, pairs: list[PairRecord], card: CardFacts, tmp_path: Path, hub: Any
) -> None:
    report = export(pairs, tmp_path / "out", format_, card)
    where = {"path": str(report.path)} if by_folder else {"path": format_.value, "data_dir": str(report.path)}
    loaded = hub.load_dataset(**where)
    assert {side: len(rows) for side, rows in loaded.items()} == {"train": report.train, "test": report.test}
    by_id = {pair.patch_id: pair for pair in pairs}
    names = ("lq.png", "hq.png") if format_ is ExportFormat.WEBDATASET else ("lq", "hq")
    seen = set()
    for row in (row for rows in loaded.values() for row in rows):
        pair = by_id[(row["json"] if format_ is ExportFormat.WEBDATASET else row)["patch_id"]]
        seen.add(pair.patch_id)
        np.testing.assert_array_equal(pixels(row[names[0]]), pixels(pair.lq_path))
        np.testing.assert_array_equal(pixels(row[names[1]]), pixels(pair.hq_path))
    assert seen == set(by_id)


@pytest.mark.parametrize("format_", FORMATS)
def test_targets_of_mixed_file_types_keep_their_bytes_and_load(
    format_: ExportFormat, make_pair: Any, card: CardFacts, tmp_path: Path, hub: Any
) -> None:
    types = ["image/png", "image/jpeg", "image/webp"]
    pairs = [make_pair(i, media_type=types[i % 3]) for i in range(1, 10)]
    report = export(pairs, tmp_path / "out", format_, card)
    hq = "hq.png" if format_ is ExportFormat.WEBDATASET else "hq"
    loaded = hub.load_dataset(str(report.path))
    found = {pixels(row[hq]).tobytes() for rows in loaded.values() for row in rows}
    assert found == {pixels(pair.hq_path).tobytes() for pair in pairs}


@pytest.mark.parametrize("format_", FORMATS)
def test_pairs_that_know_more_than_the_first_ones_load(
    format_: ExportFormat, pairs: list[PairRecord], card: CardFacts, tmp_path: Path, hub: Any
) -> None:
    known = pairs[0]
    bare = [
        replace(p, verdict=None, reviewed=None, alignment=None, scores_lq={}, licence="", reviewed_at="")
        for p in pairs[:8]
    ]
    full = [
        replace(p, verdict=known.verdict, reviewed=known.reviewed, alignment=known.alignment, scores_lq={"new": 1.0})
        for p in pairs[8:]
    ]
    report = export([*bare, *full], tmp_path / "out", format_, card)
    loaded = hub.load_dataset(str(report.path))
    assert sum(len(rows) for rows in loaded.values()) == 12
    if format_ is not ExportFormat.PARQUET:
        row = loaded["train"][-1]
        facts = json.loads((row.get("json") or row)["provenance"])
        assert facts["scores_lq"] == {"new": 1.0}


def test_parquet_keeps_exact_bytes_types_and_provenance(
    pairs: list[PairRecord], card: CardFacts, tmp_path: Path, hub: Any
) -> None:
    report = export(pairs, tmp_path / "out", ExportFormat.PARQUET, card)
    rows = hub.load_dataset(str(report.path), split="train")
    assert isinstance(rows.features["lq"], hub.Image)
    rows = rows.cast_column("hq", hub.Image(decode=False))
    by_id = {pair.patch_id: pair for pair in pairs}
    for row in rows:
        pair = by_id[row["patch_id"]]
        assert row["hq"]["bytes"] == pair.hq_path.read_bytes()
        assert row["prompt"] == pair.prompt
        assert row["score_between_lpips"] == 0.125
        assert row["score_lq_musiq"] is None
        assert (row["verdict"] or {}).get("decision") == (pair.verdict and "accept")
        assert row["geometry"]["left"] == 8


def test_webdataset_opens_with_the_webdataset_package(pairs: list[PairRecord], card: CardFacts, tmp_path: Path) -> None:
    webdataset = pytest.importorskip("webdataset")
    report = export(pairs, tmp_path / "out", ExportFormat.WEBDATASET, card)
    samples = list(webdataset.WebDataset(str(report.path / "train-000000.tar"), shardshuffle=False).decode("pil"))
    by_id = {pair.patch_id: pair for pair in pairs}
    assert len(samples) == report.train
    for sample in samples:
        pair = by_id[sample["json"]["patch_id"]]
        np.testing.assert_array_equal(pixels(sample["hq.png"]), pixels(pair.hq_path))


def test_imagefolder_shares_the_files_of_the_project_and_protects_them(
    pairs: list[PairRecord], card: CardFacts, tmp_path: Path
) -> None:
    report = export(pairs, tmp_path / "out", ExportFormat.IMAGEFOLDER, card)
    for pair in pairs:
        (lq,) = report.path.glob(f"*/lq/{pair.category}-{pair.patch_id:08d}.png")
        assert lq.samefile(pair.lq_path)
        assert stat.S_IMODE(pair.lq_path.stat().st_mode) == 0o444


def test_imagefolder_on_another_disk_holds_copies(pairs: list[PairRecord], card: CardFacts) -> None:
    shm = Path("/dev/shm")
    if not shm.is_dir() or shm.stat().st_dev == pairs[0].lq_path.stat().st_dev:
        pytest.skip("needs a second disk; /dev/shm is none here")
    with tempfile.TemporaryDirectory(dir=shm) as folder:
        report = export(pairs, Path(folder) / "out", ExportFormat.IMAGEFOLDER, card)
        for pair in pairs:
            (hq,) = report.path.glob(f"*/hq/{pair.category}-{pair.patch_id:08d}.png")
            assert hq.read_bytes() == pair.hq_path.read_bytes()
            assert not hq.samefile(pair.hq_path)


def test_provenance_has_a_line_per_pair_with_its_side(pairs: list[PairRecord], card: CardFacts, tmp_path: Path) -> None:
    report = export(pairs, tmp_path / "out", ExportFormat.PARQUET, card)
    lines = [json.loads(line) for line in (report.path / "provenance.jsonl").read_text("utf-8").splitlines()]
    assert sorted(line["patch_id"] for line in lines) == [pair.patch_id for pair in pairs]
    assert sum(line["split"] == "test" for line in lines) == report.test == TEST_COUNT
    first = next(line for line in lines if line["patch_id"] == 1)
    assert first["source_name"] == "雨の日 1.jpg"
    assert first["scores_lq"] == {"musiq": None, "niqe": 5.5}
    assert first["review"]["reviewer"] == "Zoë"
    assert first["verdict"]["aspects"]["geometry_alignment"]["score"] == 91.0


def test_shards_stay_within_their_size_and_lose_no_pair(pairs: list[PairRecord], tmp_path: Path) -> None:
    limits = {"tar": 60_000, "parquet": 120_000}
    tar = WebDatasetWriter(tmp_path, "hq.png", limits["tar"])
    table = ParquetWriter(tmp_path, {}, limits["parquet"])
    for pair in pairs:
        row = row_of(pair)
        tar.add("train", row)
        table.add("train", row)
    tars, tables = tar.finish(), table.finish()
    for files in (tars, tables):
        assert len(files) > 1
        assert all(file.size <= limits[file.path.rsplit(".", 1)[1]] for file in files)
        assert all(file.size == (tmp_path / file.path).stat().st_size for file in files)
    keys = []
    for file in tars:
        with tarfile.open(tmp_path / file.path) as archive:
            keys += [name.split(".")[0] for name in archive.getnames() if name.endswith(".json")]
            member = archive.extractfile(f"{keys[-1]}.lq.png")
            assert member is not None
            Image.open(io.BytesIO(member.read())).load()
    assert keys == [row_of(pair).key for pair in pairs]
    assert tables[0].path == f"data/train-00000-of-{len(tables):05d}.parquet"


def test_importing_the_export_does_not_load_pyarrow() -> None:
    code = "import sys, ggt_studio.dataset.export; sys.exit('pyarrow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
