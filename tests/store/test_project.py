"""Creating, opening, locking and copying projects, and what is said of files that are none, or damaged."""

from __future__ import annotations

import contextlib
import multiprocessing
import multiprocessing.synchronize
import os
import random
import shutil
import signal
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fakes.projects import add_patch, waiting_project
from ggt_studio.core.errors import NotAProject, ProjectLocked, ProjectTooNew, StudioError
from ggt_studio.core.words import State
from ggt_studio.pipeline.checkups.project import look_at_project
from ggt_studio.store import patches, runs
from ggt_studio.store.check import check
from ggt_studio.store.database import connect
from ggt_studio.store.details import details
from ggt_studio.store.photos import photos
from ggt_studio.store.project import DATABASE, Project
from ggt_studio.store.schema import APPLICATION_ID, SCHEMA_VERSION
from ggt_studio.store.status import status


@pytest.fixture
def closed(tmp_path: Path) -> Path:
    """A closed project of four waiting pairs."""
    with waiting_project(tmp_path / "p", 4) as project:
        return project.folder


def told(action: Callable[[], object], kind: type[StudioError] = StudioError) -> str:
    """What a person is told; one line."""
    with pytest.raises(kind) as caught:
        action()
    words = str(caught.value)
    assert "\n" not in words
    return words


def read_everything(folder: Path, *, read_only: bool) -> bool:
    with Project.open(folder, read_only=read_only) as project:
        status(project)
        photos(project)
        for patch_id in patches.ids(project, patches.Filter()):
            with contextlib.suppress(KeyError):  # a damaged index names a patch that there is not
                details(project, patch_id)
        return check(project).ok


def complaint(folder: Path, *, read_only: bool) -> str | None:
    """What is said when all of the project is read; None: nothing."""
    try:
        return None if read_everything(folder, read_only=read_only) else f"check: {folder} is damaged"
    except StudioError as error:
        return str(error)


def test_a_new_project_is_empty_and_whole(tmp_path: Path) -> None:
    with Project.create(tmp_path / "deep" / "p") as project:
        assert status(project).photos == 0
        assert check(project).ok
        assert project.db.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert project.db.execute("PRAGMA synchronous").fetchone() == (2,), "FULL: what is recorded is on disk"
        assert project.db.execute("PRAGMA foreign_keys").fetchone() == (1,)
    assert sorted(p.name for p in (tmp_path / "deep" / "p").iterdir()) == sorted(
        [".lock", DATABASE, "cache", "candidates", "exports", "patches"]
    )


def test_creation_respects_what_is_there(tmp_path: Path, closed: Path) -> None:
    assert "already" in told(lambda: Project.create(closed))
    (tmp_path / "letter.txt").write_text("dear all")
    assert "not empty (letter.txt is in it)" in told(lambda: Project.create(tmp_path))
    assert "is a file" in told(lambda: Project.create(tmp_path / "letter.txt"))
    assert (tmp_path / "letter.txt").read_text() == "dear all"


@pytest.mark.parametrize("left", [[".lock"], [".lock", "patches/"], ["patches/", "cache/", "project.ggt.new"]])
def test_an_interrupted_creation_can_be_repeated(tmp_path: Path, left: list[str]) -> None:
    folder = tmp_path / "p"
    folder.mkdir()
    for name in left:
        (folder / name).mkdir() if name.endswith("/") else (folder / name).write_bytes(b"torn" * 1000)
    (folder / "project.ggt.new-journal").write_bytes(b"\xd9\xd5\x05\xf9\x20\xa1\x63\xd7" + b"\0" * 600)
    with Project.create(folder) as project:
        assert check(project).ok
    assert not list(folder.glob("project.ggt.new*"))


def add_and_die(folder: Path) -> None:
    add_patch(Project.create(folder), 1)
    os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="the system cannot kill a process at once")
def test_the_log_of_a_killed_and_deleted_project_does_not_come_into_a_new_one(tmp_path: Path) -> None:
    process = multiprocessing.get_context("spawn").Process(target=add_and_die, args=(tmp_path / "p",))
    process.start()
    process.join()
    assert (tmp_path / "p" / "project.ggt-wal").stat().st_size
    (tmp_path / "p" / DATABASE).unlink()
    with Project.create(tmp_path / "p") as project:
        assert status(project).photos == 0
        assert check(project).ok


def test_one_process_writes_and_others_look(closed: Path) -> None:
    with Project.open(closed) as writer:
        words = told(lambda: Project.open(closed), ProjectLocked)
        assert str(closed) in words
        assert "Close it there" in words
        with Project.open(closed, read_only=True) as looking:
            assert status(looking).count(state=State.WAITING) == 4
            assert "read-only" in told(lambda: looking.set_meta("a", "b"))
            writer.set_meta("seen", "at once")
            assert looking.meta("seen") == "at once"
    with Project.open(closed):
        pass


def _hold(folder: Path, ready: multiprocessing.synchronize.Event) -> None:
    with Project.open(folder):
        ready.set()
        while True:
            os.getppid()


def test_the_lock_goes_with_its_process(closed: Path) -> None:
    context = multiprocessing.get_context("spawn")
    ready = context.Event()
    holder = context.Process(target=_hold, args=(closed, ready), daemon=True)
    holder.start()
    assert ready.wait(30)
    told(lambda: Project.open(closed), ProjectLocked)
    holder.kill()
    holder.join()
    with Project.open(closed) as project:
        assert check(project).ok


def test_a_failed_opening_leaves_no_lock(closed: Path) -> None:
    content = (closed / DATABASE).read_bytes()
    (closed / DATABASE).write_bytes(content[:100] + b"\xff" * (len(content) - 100))
    for _ in range(2):
        told(lambda: Project.open(closed).close() or read_everything(closed, read_only=False))
    (closed / DATABASE).write_bytes(content)
    assert read_everything(closed, read_only=False)


@pytest.mark.parametrize("copy", ["copied", "moved"])
def test_a_project_opens_wherever_it_is_put(closed: Path, tmp_path: Path, copy: str) -> None:
    other = tmp_path / "elsewhere" / "Ünïcode 100%? #1" / "q"
    other.parent.mkdir(parents=True)
    if copy == "copied":
        shutil.copytree(closed, other)
    else:
        closed.rename(other)
    with Project.open(other) as project:
        assert check(project).ok
        for patch in patches.page(project, patches.Filter()):
            assert other in patch.lq_path.parents
            assert patch.hq_path is not None
            assert patch.hq_path.is_file()
    assert read_everything(other, read_only=True)
    columns = sqlite3.connect(other / DATABASE)
    text = "\n".join(line for line in columns.iterdump() if "INSERT INTO" in line and "/photos/" not in line)
    columns.close()
    assert str(tmp_path) not in text, "only photos are named by where they lie"


def test_a_project_written_by_a_newer_version_is_refused_untouched(closed: Path) -> None:
    database = sqlite3.connect(closed / DATABASE)
    database.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 3}")
    database.close()
    before = (closed / DATABASE).read_bytes()
    for read_only in (True, False):
        words = told(lambda read_only=read_only: Project.open(closed, read_only=read_only), ProjectTooNew)
        assert f"format {SCHEMA_VERSION + 3}" in words
        assert "Update GGT Studio" in words
    assert (closed / DATABASE).read_bytes() == before


@pytest.mark.parametrize("read_only", [True, False])
def test_a_project_of_the_first_format_is_brought_up_to_date_after_a_backup(closed: Path, read_only: bool) -> None:
    database = sqlite3.connect(closed / DATABASE)
    database.execute("ALTER TABLE ledger DROP COLUMN task")
    database.execute("DELETE FROM _sqlite_migrations WHERE name != '0001_first_schema'")
    database.execute("PRAGMA user_version = 1")
    database.commit()
    database.close()
    assert "older format" in look_at_project(closed)[0].words
    with Project.open(closed, read_only=read_only) as project:
        assert check(project).ok
        assert runs.ledger(project) == []
    (backup,) = (closed / "backups").iterdir()
    assert "format1" in backup.name
    assert read_everything(closed, read_only=True)


def foreign_database(path: Path) -> None:
    database = sqlite3.connect(path)
    database.execute("CREATE TABLE recipes (cake TEXT)")
    database.commit()
    database.close()


@pytest.mark.parametrize("read_only", [True, False])
@pytest.mark.parametrize(
    "make",
    [
        foreign_database,
        lambda path: path.write_text("This is my shopping list.\n" * 100),
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(b"SQLite format 3\0"),
        lambda path: path.write_bytes(bytes(range(256)) * 64),
    ],
    ids=["foreign", "text", "empty", "torn", "noise"],
)
def test_what_is_no_project_is_refused_untouched(
    tmp_path: Path, make: Callable[[Path], object], read_only: bool
) -> None:
    make(tmp_path / DATABASE)
    before = (tmp_path / DATABASE).read_bytes()
    words = told(lambda: Project.open(tmp_path, read_only=read_only), NotAProject)
    assert str(tmp_path) in words
    assert "Restore it" in words
    assert (tmp_path / DATABASE).read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == [DATABASE]


def test_a_folder_without_a_project_says_how_to_make_one(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "nothing"):
        assert "ggt-studio new" in told(lambda folder=folder: Project.open(folder), NotAProject)
    (tmp_path / DATABASE).mkdir()
    assert "no project" in told(lambda: Project.open(tmp_path), NotAProject)
    assert not (tmp_path / "nothing").exists()


@pytest.mark.parametrize("share", [0.02, 0.1, 0.3, 0.5, 0.7, 0.9, 0.99])
@pytest.mark.parametrize("read_only", [True, False])
def test_a_truncated_database_is_told(closed: Path, share: float, read_only: bool) -> None:
    database = closed / DATABASE
    content = database.read_bytes()
    database.write_bytes(content[: int(len(content) * share)])
    words = complaint(closed, read_only=read_only)
    assert words is not None, "it must not be overlooked"
    assert "damaged" in words
    assert str(closed) in words


@pytest.mark.parametrize("seed", range(40))
def test_a_corrupted_database_is_told(closed: Path, seed: int) -> None:
    rng = random.Random(seed)
    database = closed / DATABASE
    content = bytearray(database.read_bytes())
    for _ in range(rng.choice([1, 3, 20])):
        start = rng.randrange(100, len(content))
        length = min(rng.choice([1, 8, 300, 4096]), len(content) - start)
        content[start : start + length] = rng.randbytes(length)
    database.write_bytes(content)
    words = complaint(closed, read_only=bool(seed % 2)) or str(closed)
    assert "\n" not in words
    assert str(closed) in words


def test_a_lost_log_is_no_damage(closed: Path, tmp_path: Path) -> None:
    """What was committed and not yet folded back lies in the log beside the database; without it, earlier facts stand."""
    with Project.open(closed) as project:
        project.set_meta("late", "1")
        shutil.copytree(closed, tmp_path / "with")
        shutil.copytree(closed, tmp_path / "without", ignore=shutil.ignore_patterns("*-wal", "*-shm"))
    for name, value in (("with", "1"), ("without", "")):
        with Project.open(tmp_path / name) as copy:
            assert copy.meta("late") == value
            assert check(copy).ok


def set_and_raise(project: Project, key: str) -> None:
    project.set_meta(key, "1")
    raise ZeroDivisionError


def test_transactions_keep_all_or_nothing(closed: Path) -> None:
    with Project.open(closed) as project:
        with pytest.raises(ZeroDivisionError), project.transaction():
            set_and_raise(project, "a")
        assert project.meta("a") == ""
        with project.transaction():
            project.set_meta("b", "1")
            with pytest.raises(ZeroDivisionError), project.savepoint():
                set_and_raise(project, "c")
            project.set_meta("d", "1")
        assert [project.meta(key) for key in "bcd"] == ["1", "", "1"]


def test_a_writer_of_another_program_is_waited_for_and_told(closed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Project.open(closed) as project:
        project.db.execute("PRAGMA busy_timeout = 50")
        other = connect(closed / DATABASE)
        other.execute("BEGIN IMMEDIATE")
        assert "locked" in told(lambda: project.set_meta("a", "1"))
        other.execute("ROLLBACK")
        other.close()
        project.set_meta("a", "1")


@pytest.fixture
def held_back(tmp_path: Path) -> Iterator[Path]:
    if os.geteuid() == 0:
        pytest.skip("needs an account that permissions hold back, unlike root")
    yield tmp_path
    for path in [tmp_path, *tmp_path.rglob("*")]:
        path.chmod(0o755)


def test_permissions_are_told(held_back: Path) -> None:
    with Project.create(held_back / "p") as project:
        folder = project.folder
    folder.chmod(0o555)
    assert read_everything(folder, read_only=True)
    assert "may not write there" in told(lambda: Project.open(folder))
    held_back.chmod(0o555)
    assert "may not write there" in told(lambda: Project.create(held_back / "q"))


def test_the_application_id_marks_our_files(closed: Path) -> None:
    header = (closed / DATABASE).read_bytes()[:100]
    assert int.from_bytes(header[68:72], "big") == APPLICATION_ID == int.from_bytes(b"ggt1", "big")
