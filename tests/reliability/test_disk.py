"""Disks that are full or read-only: exit code 1, one clear line, nothing lost, and the same command goes on afterwards."""

from __future__ import annotations

import resource
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from reliability.bench import QUICK, Studio, digests, facts, standing
from reliability.conftest import Undisturbed

SIZE_KB = 16_000
IMPORT = ("--licence", "CC0-1.0")


class Disk:
    """A small disk of its own (tmpfs) that can be filled up to a rest, freed and made read-only."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._ballast = folder / ".ballast"

    def leave(self, free_kb: int) -> None:
        """Fill the disk but for `free_kb`."""
        self._ballast.unlink(missing_ok=True)
        with self._ballast.open("wb") as file:
            file.write(b"\0" * (shutil.disk_usage(self.folder).free - 1024 * free_kb))

    def make_room(self) -> None:
        self._ballast.unlink()

    def remount(self, how: str) -> None:
        subprocess.run(["mount", "-o", f"remount,{how}", str(self.folder)], check=True)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={SIZE_KB}k", "tmpfs", str(folder)]
    try:
        told = subprocess.run(mount, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        pytest.skip("there is no `mount` here")
    if told.returncode:
        pytest.skip(f"a small disk cannot be mounted here: {told.stderr.strip()}")
    yield Disk(folder)
    subprocess.run(["umount", str(folder)], check=True)


def file_limit(size: int) -> Callable[[], None]:
    """No file of the process and its workers may grow beyond `size` bytes."""
    return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


@pytest.mark.parametrize("free_kb", [0, 40, 150, 900])
def test_import_on_a_full_disk(bench: Studio, undisturbed: Undisturbed, disk: Disk, free_kb: int) -> None:
    project = disk.folder / "p"
    bench.ask("new", project)
    disk.leave(free_kb)
    line = bench.refused("import", project, undisturbed.photos, *IMPORT)
    assert "full" in line
    assert str(project) in line
    disk.make_room()
    assert bench.healthy(project)
    assert bench.ask("status", project)["quarantined"] == [], "a full disk is no property of a photo"
    bench.ask("import", project, undisturbed.photos, *IMPORT)
    assert standing(project) == undisturbed.standing_imported
    assert bench.healthy(project)


@pytest.mark.parametrize("free_kb", [0, 40, 150, 900])
def test_run_on_a_full_disk(bench: Studio, undisturbed: Undisturbed, disk: Disk, free_kb: int) -> None:
    project = shutil.copytree(undisturbed.imported, disk.folder / "p")
    disk.leave(free_kb)
    line = bench.refused("run", project, *QUICK)
    assert "full" in line
    assert str(project) in line
    disk.make_room()
    recorded = facts(project)
    assert bench.healthy(project)
    bench.ask("run", project, *QUICK)
    assert facts(project)[: len(recorded)] == recorded
    assert standing(project) == undisturbed.standing_ran, "no patch has failed for it"
    assert bench.healthy(project)


@pytest.mark.parametrize("layout", ["imagefolder", "parquet", "webdataset"])
def test_export_to_a_full_disk(
    bench: Studio, undisturbed: Undisturbed, disk: Disk, layout: str, tmp_path: Path
) -> None:
    choice = ("--include", "accepted", "--format", layout)
    for free_kb in (0, 60, 1000):
        disk.leave(free_kb)
        line = bench.refused("export", undisturbed.ran, disk.folder / "set", *choice)
        assert "full" in line or "has" in line
        assert str(disk.folder) in line
        assert [p.name for p in disk.folder.iterdir()] == [".ballast"]
    disk.make_room()
    bench.ask("export", undisturbed.ran, disk.folder / "set", *choice)
    bench.ask("export", undisturbed.ran, tmp_path / "set", *choice)
    assert digests(disk.folder / "set") == digests(tmp_path / "set")


@pytest.mark.parametrize("free_kb", [0, 4, 20, 60])
def test_new_on_a_full_disk(bench: Studio, disk: Disk, free_kb: int) -> None:
    disk.leave(free_kb)
    assert "full" in bench.refused("new", disk.folder / "p")
    disk.make_room()
    bench.ask("new", disk.folder / "p")
    assert bench.healthy(disk.folder / "p")


def test_looking_works_on_a_full_disk(bench: Studio, undisturbed: Undisturbed, disk: Disk) -> None:
    project = shutil.copytree(undisturbed.ran, disk.folder / "p")
    disk.leave(0)
    assert bench.ask("status", project)["funnel"] == undisturbed.funnel
    assert len(bench.ask("list", project)) == 30


def test_output_to_a_full_disk(bench: Studio, undisturbed: Undisturbed) -> None:
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("there is no /dev/full here")
    for arguments in (("list", undisturbed.ran), ("status", undisturbed.ran, "--json")):
        with full.open("w") as out:
            process = bench.start(*arguments, stdout=out)
            _, err = bench.finish(process, 1)
        assert err == "ggt-studio: Cannot write to the output: the disk is full; free some space there.\n"


@pytest.mark.parametrize("limit_kb", [40, 150, 250])
def test_a_database_that_may_not_grow(bench: Studio, undisturbed: Undisturbed, tmp_path: Path, limit_kb: int) -> None:
    """Where no disk can be mounted, a limit on the size of files stops SQLite's log and larger patches."""
    project = shutil.copytree(undisturbed.imported, tmp_path / "p")
    line = bench.refused("run", project, *QUICK, preexec_fn=file_limit(1024 * limit_kb))
    assert str(project) in line
    recorded = facts(project)
    assert bench.healthy(project)
    bench.ask("run", project, *QUICK, "--retry-failed")
    assert facts(project)[: len(recorded)] == recorded
    assert standing(project) == undisturbed.standing_ran


def test_a_read_only_disk(bench: Studio, undisturbed: Undisturbed, disk: Disk, tmp_path: Path) -> None:
    project = shutil.copytree(undisturbed.ran, disk.folder / "p")
    patch = bench.ask("list", project, "--state", "waiting")[0]["patch"]
    disk.remount("ro")
    try:
        assert bench.ask("status", project)["funnel"] == undisturbed.funnel
        assert len(bench.ask("list", project)) == 30
        assert bench.ask("show", project, patch)["patch"] == patch
        assert bench.healthy(project)
        for arguments in (
            ("run", project),
            ("import", project, undisturbed.photos),
            ("review", project, patch, "accept"),
            ("sample", project),
            ("new", disk.folder / "q"),
            ("export", undisturbed.ran, disk.folder / "set", "--include", "accepted"),
        ):
            line = bench.refused(*arguments)
            assert "read-only" in line
            assert str(disk.folder) in line
    finally:
        disk.remount("rw")
    assert bench.ask("review", project, patch, "accept")["state"] == "verified"
