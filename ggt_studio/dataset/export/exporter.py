"""The export: gather the pairs, split them, write their layout, card, provenance and checksums, then show it at once."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Protocol

from ggt_studio.core.errors import StudioError
from ggt_studio.core.files import sync_folder
from ggt_studio.core.words import Category
from ggt_studio.dataset.export.card import Composition, hq_name, write_card
from ggt_studio.dataset.export.croissant import write_croissant
from ggt_studio.dataset.export.facts import CardFacts, ExportCancelled, ExportFormat, ExportReport, WrittenFile
from ggt_studio.dataset.export.files import HashedFile, write_text
from ggt_studio.dataset.export.imagefolder import ImageFolderWriter
from ggt_studio.dataset.export.rows import Row, Side, to_json
from ggt_studio.dataset.export.selection import Selection
from ggt_studio.dataset.export.split import Split, split
from ggt_studio.dataset.export.staging import publish, require_space, staging
from ggt_studio.dataset.export.webdataset import WebDatasetWriter
from ggt_studio.dataset.records import PairRecord


class Writer(Protocol):
    """Writes one layout. Pairs come side by side: all of train, then all of test."""

    def add(self, side: Side, row: Row) -> None:
        """Write one pair. Raises `StudioError` for a bad source, OSError for a bad target."""
        ...

    def finish(self) -> list[WrittenFile]:
        """Make everything durable and return all files."""
        ...

    def abort(self) -> None:
        """Close what is open; the files are about to be removed."""
        ...


def export_pairs(
    pairs: Iterable[PairRecord],
    dest: Path,
    *,
    format: ExportFormat,  # noqa: A002 - the field's word
    test_count: int,
    seed: int,
    card: CardFacts,
    progress: Callable[[int, int], None] | None = None,
    cancelled: Callable[[], bool] = lambda: False,
) -> ExportReport:
    """Write the pairs as a dataset to the folder `dest`, which must be new or empty; whole or not at all.

    `pairs` is read once, so that an iterator of any length will do. Image files are never re-encoded: the dataset
    holds their exact bytes, checked against the checksums on record. The same pairs, format, test count, seed and card
    give the same bytes in every file, whatever the order of the pairs. Test pairs are chosen by `split`. `progress` is
    called with (pairs done, pairs in all) after each pair; `cancelled` is asked before each.

    Raises `ExportCancelled` when asked to stop, and `StudioError` where there is nothing to export, a file of a pair
    is missing or has changed, or the disk is full or read-only. Nothing stays behind then; what a killed export left
    beside `dest` is removed by the next one.
    """
    dest = Path(os.path.realpath(dest.expanduser()))

    def check() -> None:
        if cancelled():
            raise ExportCancelled

    with staging(dest) as folder:
        selection = Selection(folder / "selection")
        selection.gather(pairs, check)
        if not selection.entries:
            raise StudioError(
                "There is nothing to export: no pair is in the selection. Accept pairs in the review, or choose a wider "
                "selection."
            )
        sides = split(selection.entries, test_count, seed)
        if format is not ExportFormat.IMAGEFOLDER:
            require_space(dest, selection.totals.size)
        made = Composition(_count(selection, sides), selection.totals, seed, test_count)
        root = folder / "dataset"
        files = _write_pairs(root, format, made, selection, sides, check, progress)
        files.append(write_text(root, "README.md", write_card(card, format, made)))
        files.append(write_text(root, "croissant.json", write_croissant(card, format, made, files)))
        files.sort(key=lambda file: file.path)
        write_text(root, "SHA256SUMS", "".join(f"{file.sha256}  {file.path}\n" for file in files))
        check()
        for path in (*(p for p in root.iterdir() if p.is_dir()), root):
            sync_folder(path)
        publish(folder, dest)
    return ExportReport(len(selection.entries), len(sides.train), len(sides.test), dest)


def _write_pairs(
    root: Path,
    format_: ExportFormat,
    made: Composition,
    selection: Selection,
    sides: Split,
    check: Callable[[], None],
    progress: Callable[[int, int], None] | None,
) -> list[WrittenFile]:
    """Write the layout and `provenance.jsonl`; return their files."""
    writer = _writer(root, format_, made)
    provenance = HashedFile(root / "provenance.jsonl")
    done, total = 0, len(selection.entries)
    by_side: tuple[tuple[Side, tuple[int, ...]], ...] = (("train", sides.train), ("test", sides.test))
    try:
        for side, patch_ids in by_side:
            for row in selection.rows(patch_ids):
                check()
                writer.add(side, row)
                line = {"key": row.key, "split": side} | row.provenance
                provenance.write(f"{to_json(line)}\n".encode())
                done += 1
                if progress is not None:
                    progress(done, total)
        return [*writer.finish(), provenance.finish("provenance.jsonl")]
    finally:
        writer.abort()
        provenance.close()


def _writer(root: Path, format_: ExportFormat, made: Composition) -> Writer:
    if format_ is ExportFormat.IMAGEFOLDER:
        return ImageFolderWriter(root)
    if format_ is ExportFormat.WEBDATASET:
        return WebDatasetWriter(root, hq_name(made))
    # pyarrow takes a while to load: only those who want parquet wait for it.
    from ggt_studio.dataset.export.parquet import ParquetWriter

    return ParquetWriter(root, made.totals.metrics)


def _count(selection: Selection, sides: Split) -> dict[Side, Counter[Category]]:
    test = set(sides.test)
    counts: dict[Side, Counter[Category]] = {"train": Counter(), "test": Counter()}
    for entry in selection.entries:
        counts["test" if entry.patch_id in test else "train"][entry.category] += 1
    return counts
