"""The card says what the dataset is and is not, and both descriptions are valid where they are read."""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from ggt_studio.dataset.export import CardFacts, ExportFormat, export_pairs
from ggt_studio.dataset.records import PairRecord

FORMATS = list(ExportFormat)


def export(pairs: list[PairRecord], dest: Path, format_: ExportFormat, card: CardFacts, test_count: int = 4) -> str:
    export_pairs(pairs, dest, format=format_, test_count=test_count, seed=7, card=card)
    return (dest / "README.md").read_text("utf-8")


def test_the_card_counts_what_is_in_the_dataset(pairs: list[PairRecord], card: CardFacts, tmp_path: Path) -> None:
    text = export(pairs, tmp_path / "out", ExportFormat.PARQUET, card)
    assert "| All | 8 | 4 |" in text
    assert "| General mixed | 4 | 3 |" in text or "| General mixed | 5 | 2 |" in text
    assert "| Verified | 12 |" in text
    assert "| CC0-1.0 | 6 |" in text
    assert "No person has looked at 2 of them." in text
    assert "not measured truth" in text
    assert "unfit for metrology, forensics" in text
    assert '"weights": "net.safetensors"' in text
    assert "# Regen &amp; Schnee \\| 雨 &lt;b&gt;" in text


def test_the_cards_header_is_yaml_and_names_only_sides_that_exist(
    pairs: list[PairRecord], card: CardFacts, tmp_path: Path
) -> None:
    yaml = pytest.importorskip("yaml")
    text = export(pairs, tmp_path / "out", ExportFormat.IMAGEFOLDER, card, test_count=0)
    header = yaml.safe_load(text.split("---\n")[1])
    assert header["pretty_name"] == card.project
    assert header["configs"] == [{"config_name": "default", "data_files": [{"split": "train", "path": "train/**"}]}]
    assert header["license"] == ["cc0-1.0", "other"]
    assert "There is no test side" in text


def test_a_test_side_that_groups_made_smaller_is_told(make_pair: Any, card: CardFacts, tmp_path: Path) -> None:
    pairs = [make_pair(i, group=i // 4) for i in range(4, 16)]
    text = export(pairs, tmp_path / "out", ExportFormat.PARQUET, card, test_count=6)
    assert "The 4 test pairs" in text
    assert "6 were asked for" in text


@pytest.mark.parametrize("format_", FORMATS)
def test_croissant_is_valid_and_its_records_can_be_read(
    format_: ExportFormat, pairs: list[PairRecord], card: CardFacts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mlcroissant = pytest.importorskip("mlcroissant")
    epath = importlib.import_module("etils.epath")
    # It unpacks archives below the home folder unless told otherwise before its import.
    extract = importlib.import_module("mlcroissant._src.operation_graph.operations.extract")
    monkeypatch.setattr(extract, "EXTRACT_PATH", epath.Path(tmp_path / "unpacked"))
    export(pairs, tmp_path / "out", format_, card)
    dataset = mlcroissant.Dataset(jsonld=tmp_path / "out" / "croissant.json")
    assert not dataset.metadata.ctx.issues.errors
    assert dataset.metadata.name == card.project
    by_key = {f"{pair.category}-{pair.patch_id:08d}": pair for pair in pairs}

    told = {record["provenance/key"].decode(): record for record in dataset.records("provenance")}
    assert set(told) == set(by_key)
    assert all(told[key]["provenance/source_name"].decode() == f"雨の日 {p.patch_id}.jpg" for key, p in by_key.items())

    seen: dict[str, Image.Image] = {}
    if format_ is ExportFormat.PARQUET:
        seen = {record["pairs/key"].decode(): record["pairs/hq"] for record in dataset.records("pairs")}
    else:
        seen = {record["hq/key"].decode(): record["hq/image"] for record in dataset.records("hq")}
    assert set(seen) == set(by_key)
    for key, image in seen.items():
        np.testing.assert_array_equal(np.asarray(image), np.asarray(Image.open(by_key[key].hq_path)))


@pytest.mark.parametrize("format_", FORMATS)
def test_croissant_states_the_checksum_of_every_single_file(
    format_: ExportFormat, pairs: list[PairRecord], card: CardFacts, tmp_path: Path
) -> None:
    export(pairs, tmp_path / "out", format_, card)
    document = json.loads((tmp_path / "out" / "croissant.json").read_text("utf-8"))
    stated = {f["contentUrl"]: f["sha256"] for f in document["distribution"] if f["@type"] == "cr:FileObject"}
    sums = dict(
        reversed(line.split("  ", 1)) for line in (tmp_path / "out" / "SHA256SUMS").read_text("utf-8").splitlines()
    )
    assert {"README.md", "provenance.jsonl"} <= set(stated)
    assert all(sums[name] == sha256 for name, sha256 in stated.items())
