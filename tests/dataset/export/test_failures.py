"""An export is there whole or not at all: full disk, read-only disk, changed files, cancellation, a killed process."""

from __future__ import annotations

import hashlib
import os
import pickle
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from ggt_studio.core.errors import StudioError
from ggt_studio.dataset.export import CardFacts, ExportCancelled, ExportFormat, export_pairs
from ggt_studio.dataset.export.staging import MARKER
from ggt_studio.dataset.records import PairRecord

FORMATS = list(ExportFormat)

CHILD = """
import pickle, resource, sys, time
from pathlib import Path
from ggt_studio.core.errors import StudioError
from ggt_studio.dataset.export import ExportFormat, export_pairs
pairs, card = pickle.loads(Path(sys.argv[1]).read_bytes())
dest, format_, what = Path(sys.argv[2]), ExportFormat(sys.argv[3]), sys.argv[4]
def progress(done, total):
    if what == "hang" and done == total // 2:
        print("half", flush=True)
        time.sleep(60)
if what == "small":
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
try:
    export_pairs(pairs, dest, format=format_, test_count=2, seed=1, card=card, progress=progress)
except StudioError as error:
    print(error)
    sys.exit(3)
"""

Child = Callable[[Path, ExportFormat, str], "subprocess.Popen[str]"]


@pytest.fixture
def child(pairs: list[PairRecord], card: CardFacts, tmp_path: Path) -> Child:
    """Start an export in a process of its own."""
    handed = tmp_path / "handed.pickle"
    handed.write_bytes(pickle.dumps((pairs, card)))

    def start(dest: Path, format_: ExportFormat, what: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", CHILD, str(handed), str(dest), format_.value, what]
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    return start


def export(pairs: list[PairRecord], dest: Path, format_: ExportFormat, card: CardFacts, **more: object) -> None:
    export_pairs(pairs, dest, format=format_, test_count=2, seed=1, card=card, **more)  # type: ignore[arg-type]


def digest(folder: Path) -> dict[str, str]:
    return {
        p.relative_to(folder).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest()
        for p in folder.rglob("*")
        if p.is_file()
    }


@pytest.fixture
def small_disk(pairs: list[PairRecord], tmp_path: Path) -> Iterator[Path]:
    """A disk with a little more room than the images need."""
    disk = tmp_path / "disk"
    disk.mkdir()
    need = sum(p.lq_path.stat().st_size + p.hq_path.stat().st_size for p in pairs)
    mount = shutil.which("mount")
    options = ["-t", "tmpfs", "-o", f"size={need + 40_000}", "tmpfs", str(disk)]
    if mount is None or subprocess.run([mount, *options], capture_output=True, check=False).returncode:
        pytest.skip("this account may not mount a disk")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


@pytest.mark.parametrize("format_", FORMATS)
def test_a_disk_that_fills_up_is_told_and_left_as_it_was(
    format_: ExportFormat, pairs: list[PairRecord], card: CardFacts, small_disk: Path
) -> None:
    with pytest.raises(StudioError, match=r"the disk is full\. Free some space"):
        export(pairs, small_disk / "out", format_, card)
    assert list(small_disk.iterdir()) == []


@pytest.mark.parametrize("format_", [ExportFormat.PARQUET, ExportFormat.WEBDATASET])
def test_a_disk_without_room_is_told_before_anything_is_written(
    format_: ExportFormat, pairs: list[PairRecord], card: CardFacts, small_disk: Path
) -> None:
    (small_disk / "taken").write_bytes(bytes(60_000))
    done: list[int] = []
    with pytest.raises(StudioError, match=r"The dataset needs 0\.2 MB"):
        export(pairs, small_disk / "out", format_, card, progress=lambda n, total: done.append(n))
    assert not done
    assert [p.name for p in small_disk.iterdir()] == ["taken"]


def test_a_disk_mounted_read_only_is_told(pairs: list[PairRecord], card: CardFacts, small_disk: Path) -> None:
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    with pytest.raises(StudioError, match="read-only"):
        export(pairs, small_disk / "out", ExportFormat.PARQUET, card)


@pytest.mark.parametrize("format_", FORMATS)
def test_a_limit_on_file_size_leaves_nothing_and_is_told_in_words(
    format_: ExportFormat, child: Child, tmp_path: Path
) -> None:
    folder = tmp_path / "exports"
    process = child(folder / "out", format_, "small")
    words, noise = process.communicate(timeout=60)
    assert process.returncode == 3, words
    assert noise == ""
    assert "could not be written" in words
    assert "Choose a folder on another disk" in words
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("format_", FORMATS)
def test_a_killed_export_leaves_no_dataset_and_the_next_one_cleans_up(
    format_: ExportFormat, child: Child, pairs: list[PairRecord], card: CardFacts, tmp_path: Path
) -> None:
    folder = tmp_path / "exports"
    process = child(folder / "out", format_, "hang")
    assert process.stdout is not None
    assert process.stdout.readline() == "half\n"
    process.send_signal(signal.SIGKILL)
    process.communicate()
    (left,) = folder.iterdir()
    assert left.name.startswith(".out.partial-")
    export(pairs, folder / "out", format_, card)
    assert [p.name for p in folder.iterdir()] == ["out"]
    export(pairs, folder / "again", format_, card)
    assert digest(folder / "out") == digest(folder / "again")


def test_a_running_export_and_folders_of_others_are_left_alone(
    child: Child, pairs: list[PairRecord], card: CardFacts, tmp_path: Path
) -> None:
    folder = tmp_path / "exports"
    process = child(folder / "out", ExportFormat.WEBDATASET, "hang")
    assert process.stdout is not None
    process.stdout.readline()
    (running,) = folder.iterdir()
    unmarked = folder / ".out.partial-01234567"
    unmarked.mkdir()
    other = folder / ".out.partial-of my own"
    other.mkdir()
    (other / MARKER).touch()
    export(pairs, folder / "out", ExportFormat.WEBDATASET, card)
    assert {p.name for p in folder.iterdir()} == {"out", running.name, unmarked.name, other.name}
    assert (running / "dataset").is_dir()
    process.kill()
    process.communicate()


@pytest.mark.parametrize("format_", FORMATS)
def test_cancelling_midway_leaves_nothing(
    format_: ExportFormat, pairs: list[PairRecord], card: CardFacts, tmp_path: Path
) -> None:
    done: list[int] = []
    folder = tmp_path / "exports"
    with pytest.raises(ExportCancelled):
        export(
            pairs,
            folder / "out",
            format_,
            card,
            progress=lambda n, total: done.append(n),
            cancelled=lambda: len(done) == 5,
        )
    assert done == [1, 2, 3, 4, 5]
    assert list(folder.iterdir()) == []
    assert all(pair.lq_path.exists() for pair in pairs)


def test_progress_counts_every_pair(pairs: list[PairRecord], card: CardFacts, tmp_path: Path) -> None:
    steps: list[tuple[int, int]] = []
    export(
        iter(pairs), tmp_path / "out", ExportFormat.PARQUET, card, progress=lambda n, total: steps.append((n, total))
    )
    assert steps == [(n, 12) for n in range(1, 13)]


@pytest.mark.parametrize("format_", FORMATS)
def test_a_changed_or_missing_file_stops_the_export(
    format_: ExportFormat, pairs: list[PairRecord], card: CardFacts, tmp_path: Path
) -> None:
    folder = tmp_path / "exports"
    data = pairs[3].hq_path.read_bytes()
    pairs[3].hq_path.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    with pytest.raises(StudioError, match="has changed"):
        export(pairs, folder / "out", format_, card)
    pairs[3].hq_path.unlink()
    with pytest.raises(StudioError, match="cannot be read"):
        export(pairs, folder / "out", format_, card)
    assert list(folder.iterdir()) == []


def test_an_empty_selection_says_what_to_do(card: CardFacts, tmp_path: Path) -> None:
    with pytest.raises(StudioError, match="Accept pairs in the review"):
        export_pairs([], tmp_path / "out", format=ExportFormat.PARQUET, test_count=0, seed=1, card=card)
    assert not (tmp_path / "out").exists()


def test_a_folder_with_something_in_it_is_not_touched(pairs: list[PairRecord], card: CardFacts, tmp_path: Path) -> None:
    dest = tmp_path / "out"
    dest.mkdir()
    export(pairs, dest, ExportFormat.WEBDATASET, card)
    before = digest(dest)
    with pytest.raises(StudioError, match="holds a dataset already"):
        export(pairs, dest, ExportFormat.PARQUET, card)
    assert digest(dest) == before
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").touch()
    with pytest.raises(StudioError, match="not empty"):
        export(pairs, tmp_path / "mine", ExportFormat.PARQUET, card)
    with pytest.raises(StudioError, match="is a file"):
        export(pairs, tmp_path / "mine" / "letter.txt", ExportFormat.PARQUET, card)


def test_a_read_only_folder_is_told_in_words(pairs: list[PairRecord], card: CardFacts, tmp_path: Path) -> None:
    folder = tmp_path / "exports"
    folder.mkdir()
    folder.chmod(0o555)
    try:
        if os.access(folder, os.W_OK):
            pytest.skip("this account may write to read-only folders")
        with pytest.raises(StudioError, match="read-only"):
            export(pairs, folder / "out", ExportFormat.PARQUET, card)
    finally:
        folder.chmod(0o755)


def test_a_target_of_an_unknown_type_is_refused(pairs: list[PairRecord], card: CardFacts, tmp_path: Path) -> None:
    strange = replace(pairs[0], hq_media_type="image/x-unknown")
    with pytest.raises(StudioError, match="Leave this pair out"):
        export([strange, *pairs[1:]], tmp_path / "out", ExportFormat.IMAGEFOLDER, card)
