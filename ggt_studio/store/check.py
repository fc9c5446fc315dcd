"""Verify a project: the database's integrity, every file's hash, and that states follow from facts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ggt_studio.core.files import TEMPORARY_PREFIX, content_path, hash_file
from ggt_studio.core.policy import summarise
from ggt_studio.store.patches import facts
from ggt_studio.store.project import CANDIDATES, PATCHES, Project


@dataclass(frozen=True, slots=True)
class CheckReport:
    """What a check found. `unreferenced`: files no row speaks of, as an interrupted write leaves them; harmless."""

    files: int
    problems: tuple[str, ...]
    unreferenced: int
    leftovers_removed: int

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problems


def check(project: Project, progress: Callable[[int, int], None] | None = None) -> CheckReport:
    """Check everything. Reads every file once; a project opened for writing is also rid of torn temporary files."""
    problems = [f"database: {row[0]}" for row in project.db.execute("PRAGMA integrity_check") if row[0] != "ok"]
    problems += [
        f"database: a row of {row[0]} points nowhere" for row in project.db.execute("PRAGMA foreign_key_check")
    ]
    rows = project.db.execute("SELECT sha256, folder, suffix, bytes FROM file ORDER BY sha256, folder").fetchall()
    known: set[tuple[str, str]] = set()
    for done, (sha256, folder, suffix, size) in enumerate(rows, 1):
        path = content_path(project.folder / folder, sha256, suffix)
        known.add((folder, path.name))
        problem = _file_problem(path, sha256, size)
        if problem:
            problems.append(f"{path.relative_to(project.folder)}: {problem}")
        if progress:
            progress(done, len(rows))
    problems += _state_problems(project)
    problems += _group_problems(project)
    problems += _removal_problems(project)
    problems += _tally_problems(project)
    unreferenced, removed = _strays(project, known)
    return CheckReport(len(rows), tuple(problems), unreferenced, removed)


def _file_problem(path: Path, sha256: str, size: int) -> str | None:
    try:
        if path.stat().st_size != size:
            return f"has {path.stat().st_size} bytes instead of {size}"
        if hash_file(path) != sha256:
            return "its content has changed"
    except FileNotFoundError:
        return "is missing"
    except OSError as error:
        return f"cannot be read ({error.strerror})"
    return None


def _state_problems(project: Project) -> list[str]:
    problems = []
    after = 0
    while rows := project.db.execute(
        "SELECT id, state, stage, attempts, decided_by, hq_sha256 FROM patch WHERE id > ? ORDER BY id LIMIT 500",
        (after,),
    ).fetchall():
        for patch_id, state, stage, attempts, decided_by, hq in rows:
            s = summarise(facts(project, patch_id))
            expected = (
                s.state,
                int(s.stage),
                s.attempts,
                s.decided_by,
                s.candidate.target_sha256 if s.candidate else None,
            )
            if (state, stage, attempts, decided_by, hq) != expected:
                problems.append(f"patch {patch_id}: is marked {state} but its facts say {s.state}")
        after = rows[-1][0]
    return problems


def _group_problems(project: Project) -> list[str]:
    rows = project.db.execute(
        "SELECT photo.id, photo.near_duplicate_of FROM photo JOIN photo AS first ON first.id = photo.near_duplicate_of"
        " WHERE first.near_duplicate_of IS NOT NULL"
    )
    return [
        f"photo {photo}: belongs to the near duplicates of photo {first}, which is one itself" for photo, first in rows
    ]


def _removal_problems(project: Project) -> list[str]:
    rows = project.db.execute(
        "SELECT patch.id, photo.id FROM patch JOIN photo ON photo.id = photo_id WHERE (removed_at != '') != (hold = 'removed')"
    )
    return [f"patch {patch}: it and its photo {photo} differ about being removed" for patch, photo in rows]


def _tally_problems(project: Project) -> list[str]:
    counted = {
        row[:5]: row[5]
        for row in project.db.execute(
            "SELECT category, state, stage, hold, level, count(*) FROM patch GROUP BY 1, 2, 3, 4, 5"
        )
    }
    kept = {
        row[:5]: row[5]
        for row in project.db.execute("SELECT category, state, stage, hold, level, n FROM tally WHERE n != 0")
    }
    problems = [] if counted == kept else ["counts: the maintained counts of patches differ from the patches"]
    counters = Counter(dict(project.db.execute("SELECT name, n FROM counter")))
    for name, sql in (
        ("photos", "SELECT count(*) FROM photo WHERE removed_at = ''"),
        (
            "near_duplicates",
            "SELECT count(*) - count(DISTINCT coalesce(near_duplicate_of, id)) FROM photo WHERE removed_at = ''",
        ),
        ("duplicates", "SELECT count(*) FROM duplicate"),
        ("quarantined", "SELECT count(*) FROM quarantine"),
        ("removed", "SELECT count(*) FROM photo WHERE removed_at != ''"),
        (
            "in_batches",
            (
                "SELECT count(*) FROM ledger JOIN patch ON patch.id = patch_id"
                " WHERE batch != '' AND finished_at IS NULL AND state = 'open' AND hold = ''"
            ),
        ),
    ):
        if project.db.execute(sql).fetchone()[0] != counters[name]:
            problems.append(f"counts: the maintained count of {name} is wrong")
    return problems


def _strays(project: Project, known: set[tuple[str, str]]) -> tuple[int, int]:
    unreferenced = removed = 0
    for name in (PATCHES, CANDIDATES):
        for path in (project.folder / name).rglob("*"):
            if path.is_dir() or (name, path.name) in known:
                continue
            if not path.name.startswith(TEMPORARY_PREFIX):
                unreferenced += 1
            elif not project.read_only:
                path.unlink(missing_ok=True)
                removed += 1
    return unreferenced, removed
