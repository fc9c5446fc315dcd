"""Patches: pages of them, their facts, and appending to those."""

from __future__ import annotations

import json
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ggt_studio.core.facts import Fact, Recorded
from ggt_studio.core.files import content_path
from ggt_studio.core.model import Geometry, Patch
from ggt_studio.core.policy import Summary, summarise
from ggt_studio.core.words import Category, Hold, QualityLevel, Stage, State
from ggt_studio.store import sets
from ggt_studio.store.facts import decode, encode
from ggt_studio.store.project import Project, now

_COLUMNS = (
    "patch.id, photo_id, patch.sha256, geometry, category, content, quality, level, hold, state, stage, attempts,"
    " decided_by, hq_sha256, file.suffix, hold_words"
)
_FROM = "FROM patch LEFT JOIN file ON (file.sha256, file.folder) = (patch.hq_sha256, patch.hq_folder)"

_REMOVED = "SELECT id FROM patch WHERE hold = 'removed'"
_GROUP = "coalesce(near_duplicate_of, id)"
_GROUP_OF_PATCH = f"(SELECT {_GROUP} FROM photo WHERE photo.id = photo_id)"  # noqa: S608 - our own words
_ALIKE = (
    f"photo_id IN (SELECT id FROM photo WHERE {_GROUP} IN"  # noqa: S608 - our own words
    f" (SELECT {_GROUP} FROM photo WHERE removed_at = '' GROUP BY 1 HAVING count(*) > 1))"
)


@dataclass(frozen=True, slots=True)
class Filter:
    """Which patches a person wants to see; None means any. `held` True: only those left out of runs; False: only the others.

    `alike`: only patches of photos that look like another one, group by group. `group`: only those of the photos that look
    like this photo, the first of its group, and its own. Patches of photos that a person removed are never among them,
    unless `removed` asks for these alone.
    """

    state: State | None = None
    category: Category | None = None
    held: bool | None = None
    alike: bool = False
    group: int | None = None
    removed: bool = False

    def where(self) -> tuple[str, list[Any]]:
        """The SQL condition and its values."""
        terms, values = ["1"], list[Any]()
        if self.state is not None:
            terms.append("state = ?")
            values.append(self.state)
        if self.category is not None:
            terms.append("category = ?")
            values.append(self.category)
        if self.held is not None:
            terms.append("hold != ''" if self.held else "hold = ''")
        if self.alike:
            terms.append(_ALIKE)
        if self.group is not None:
            terms.append("photo_id IN (SELECT id FROM photo WHERE id = ? OR near_duplicate_of = ?)")
            values += [self.group, self.group]
        # So that what lists the ids reads them off an index still, which does not know of holds.
        terms.append("hold = 'removed'" if self.removed else f"patch.id NOT IN ({_REMOVED})")
        return " AND ".join(terms), values


def patch(project: Project, patch_id: int) -> Patch:
    """One patch. Raises KeyError when there is none."""
    row = project.db.execute(f"SELECT {_COLUMNS} {_FROM} WHERE patch.id = ?", (patch_id,)).fetchone()
    if row is None:
        raise KeyError(patch_id)
    return _patch(project, row)


def page(project: Project, which: Filter, *, after: int = 0, limit: int = 100) -> list[Patch]:
    """The next `limit` patches after the id `after`, by id."""
    where, values = which.where()
    sql = f"SELECT {_COLUMNS} {_FROM} WHERE {where} AND patch.id > ? ORDER BY patch.id LIMIT ?"
    return [_patch(project, row) for row in project.db.execute(sql, [*values, after, limit])]


def by_ids(project: Project, ids: Sequence[int]) -> list[Patch]:
    """These patches in the order of `ids`; unknown ids are left out."""
    found: dict[int, Patch] = {}
    for start in range(0, len(ids), 500):
        part = list(ids[start : start + 500])
        marks = ",".join("?" * len(part))
        for row in project.db.execute(f"SELECT {_COLUMNS} {_FROM} WHERE patch.id IN ({marks})", part):
            found[row[0]] = _patch(project, row)
    return [found[i] for i in ids if i in found]


def ids(project: Project, which: Filter) -> array[int]:
    """The ids of all patches that fit, 8 bytes each: what a grid needs to know of a million.

    Ascending; alike photos after one another.
    """
    where, values = which.where()
    order = f"{_GROUP_OF_PATCH}, id" if which.alike else "id"
    sql = f"SELECT id FROM patch WHERE {where} ORDER BY {order}"  # noqa: S608
    return array("q", (row[0] for row in project.db.execute(sql, values)))


def runnable(project: Project, *, after: int = 0, limit: int = 256, since: str = "") -> list[Patch]:
    """The next open patches that nothing holds back and no batch has, by id; nor had after `since` (ISO 8601), where given."""
    sql = (
        f"SELECT {_COLUMNS} {_FROM} WHERE state = 'open' AND hold = '' AND patch.id > ? AND NOT EXISTS"  # noqa: S608
        " (SELECT 1 FROM ledger WHERE patch_id = patch.id AND batch != '' AND (finished_at IS NULL OR finished_at > ?))"
        " ORDER BY patch.id LIMIT ?"
    )
    return [_patch(project, row) for row in project.db.execute(sql, (after, since or _NEVER, limit))]


def count_interrupted(project: Project, steps: Sequence[str] = ("prompt", "generate", "judge")) -> int:
    """How many of the runnable patches the next run sets aside, for a paid call of theirs (of these steps) was interrupted."""
    sql = (
        f"SELECT count(*) FROM patch WHERE {_RUNNABLE} AND id IN (SELECT patch_id FROM ledger"  # noqa: S608 - our own words
        " WHERE finished_at IS NULL AND batch = '' AND step IN (SELECT value FROM json_each(?))"
        " AND run_id NOT IN (SELECT run_id FROM tryout_entry))"
    )
    return project.db.execute(sql, (json.dumps(steps),)).fetchone()[0]


def count_unjudged(project: Project) -> int:
    """How many of the runnable patches have a candidate that is still to be aligned, measured or judged."""
    return project.db.execute(_UNJUDGED).fetchone()[0]


def _patch(project: Project, row: Sequence[Any]) -> Patch:
    return Patch(
        id=row[0],
        photo_id=row[1],
        sha256=row[2],
        geometry=Geometry(**json.loads(row[3])),
        category=Category(row[4]),
        content=row[5],
        quality=row[6],
        level=QualityLevel(row[7]),
        hold=Hold(row[8]) if row[8] else None,
        state=State(row[9]),
        stage=Stage(row[10]),
        attempts=row[11],
        decided_by=row[12],
        lq_path=content_path(project.patches_dir, row[2], ".png"),
        hq_sha256=row[13],
        hq_path=content_path(project.candidates_dir, row[13], row[14]) if row[13] else None,
        hold_words=row[15],
    )


def history(project: Project, patch_id: int) -> list[Recorded]:
    """All that happened to a patch, in order."""
    rows = project.db.execute("SELECT id, at, run_id, kind, data FROM fact WHERE patch_id = ? ORDER BY id", (patch_id,))
    return [Recorded(row[0], row[1], row[2], decode(row[3], row[4])) for row in rows]


def facts(project: Project, patch_id: int) -> list[Fact]:
    """As `history`, the bare facts."""
    rows = project.db.execute("SELECT kind, data FROM fact WHERE patch_id = ? ORDER BY id", (patch_id,))
    return [decode(kind, data) for kind, data in rows]


def facts_of(project: Project, patch_ids: Sequence[int]) -> dict[int, list[Fact]]:
    """The bare facts of many patches at once, by patch."""
    found: dict[int, list[Fact]] = {patch_id: [] for patch_id in patch_ids}
    sql = "SELECT patch_id, kind, data FROM fact WHERE patch_id IN (SELECT value FROM json_each(?)) ORDER BY id"
    for patch_id, kind, data in sets.execute(project, sql, list(found)):
        found[patch_id].append(decode(kind, data))
    return found


@dataclass(frozen=True, slots=True)
class News:
    """New facts of a patch.

    `before` are the facts on record as far as is known; they spare reading them where nothing has come in between.
    """

    patch_id: int
    facts: Sequence[Fact]
    run_id: int | None = None
    before: Sequence[Fact] | None = None


def append(project: Project, patch_id: int, new: Sequence[Fact], run_id: int | None = None) -> Summary:
    """Append facts to a patch and bring its derived state up to date, in one transaction."""
    return append_all(project, [News(patch_id, new, run_id)])[0]


def append_all(project: Project, news: Sequence[News]) -> list[Summary]:
    """Append facts to patches, each named once, and bring their derived states up to date, in one transaction."""
    with project.transaction():
        at = now()
        unknown = [of.patch_id for of in news if of.before is None] + _outdated(project, news)
        rows = [(of.patch_id, of.run_id, at, *encode(fact)) for of in news for fact in of.facts]
        sets.execute(project, _APPEND, rows)
        read = facts_of(project, unknown) if unknown else {}
        summaries = [summarise(read.get(of.patch_id) or [*(of.before or ()), *of.facts]) for of in news]
        sets.execute(
            project, _DERIVE, [(of.patch_id, *_derived(summary)) for of, summary in zip(news, summaries, strict=True)]
        )
        return summaries


def _outdated(project: Project, news: Sequence[News]) -> list[int]:
    """The patches of which more is on record than is known: as facts are only ever appended, their number tells."""
    known = [(of.patch_id, len(of.before)) for of in news if of.before is not None]
    return [patch_id for (patch_id,) in sets.execute(project, _OUTDATED, known)] if known else []


def _derived(summary: Summary) -> tuple[str, int, int, str, str | None]:
    hq_sha256 = summary.candidate.target_sha256 if summary.candidate else None
    return summary.state, int(summary.stage), summary.attempts, summary.decided_by, hq_sha256


# Later than all times.
_NEVER = "9999"
_RUNNABLE = (
    "state = 'open' AND hold = '' AND NOT EXISTS"
    " (SELECT 1 FROM ledger WHERE patch_id = patch.id AND batch != '' AND finished_at IS NULL)"
)
# A candidate is still on its way where it is the latest of its patch's facts, or a gate that passed is.
_UNJUDGED = (
    f"SELECT count(*) FROM patch WHERE {_RUNNABLE} AND stage >= {int(Stage.GENERATED)} AND"  # noqa: S608 - our own words
    " (SELECT CASE kind WHEN 'generated' THEN 1 WHEN 'judged' THEN 0 ELSE data ->> '$.gate.passed' END FROM fact"
    " WHERE patch_id = patch.id AND kind IN ('generated', 'aligned', 'scored', 'judged') ORDER BY id DESC LIMIT 1)"
)
_APPEND = f"INSERT INTO fact (patch_id, run_id, at, kind, data) SELECT {sets.values(5)} FROM json_each(?) ORDER BY key"  # noqa: S608
_OUTDATED = (
    "SELECT value ->> 0 AS patch FROM json_each(?)"
    " WHERE (SELECT count(*) FROM fact WHERE patch_id = patch) != value ->> 1"
)
# Rows that stay as they are are not written.
_DERIVE = (
    "UPDATE patch SET (state, stage, attempts, decided_by, hq_sha256)"
    " = (value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5) FROM json_each(?) WHERE patch.id = value ->> 0"
    " AND (state, stage, attempts, decided_by, hq_sha256)"
    " IS NOT (value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5)"
)
