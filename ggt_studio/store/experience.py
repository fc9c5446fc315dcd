"""What earlier runs of a project took: attempts, judgements and time per patch, cost and time per call."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

from ggt_studio.core.facts import Prompted
from ggt_studio.core.words import Category, State
from ggt_studio.store import runs
from ggt_studio.store.facts import decode
from ggt_studio.store.project import Project

_LATEST_CALLS = 2000


@dataclass(frozen=True, slots=True)
class Course:
    """What runs with one generator and judge did: patches that came to rest, candidates and judgements that these took, and
    for how many seconds the runs lasted."""

    patches: int = 0
    generated: int = 0
    judged: int = 0
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Pace:
    """Calls of one provider for one step that were answered lately: how many, and what each took and cost."""

    calls: int
    seconds: float
    cost_usd: float


def course(project: Project, generator: str, judge: str) -> Course:
    """What the runs with this generator and judge did so far. Reads the whole ledger: some 0.3 us a row."""
    hashes = [key for key, text in runs.recipes(project).items() if _uses(json.loads(text), generator, judge)]
    chosen = "SELECT id FROM run WHERE recipe_hash IN (SELECT value FROM json_each(?))"
    values = (json.dumps(hashes),)
    patches, generated, judged = project.db.execute(
        "SELECT count(DISTINCT patch_id), total(step = 'generate'), total(step = 'judge') FROM ledger"  # noqa: S608 - our own words
        " JOIN patch ON patch.id = patch_id"
        f" WHERE outcome = 'ok' AND step IN ('generate', 'judge') AND run_id IN ({chosen}) AND state != '{State.OPEN}'",
        values,
    ).fetchone()
    (seconds,) = project.db.execute(
        "SELECT total(julianday(finished_at) - julianday(started_at)) * 86400 FROM run"  # noqa: S608 - our own words
        f" WHERE ended IN ('done', 'halted', 'stopped') AND id IN ({chosen})",
        values,
    ).fetchone()
    return Course(patches, int(generated), int(judged), seconds)


def _uses(recipe: dict[str, object], generator: str, judge: str) -> bool:
    return recipe.get("generator") == generator and recipe.get("judge") == judge


def paces(project: Project) -> dict[tuple[str, str], Pace]:
    """What calls took and cost lately, by provider and step."""
    rows = project.db.execute(
        "SELECT provider, step, count(*), avg(julianday(finished_at) - julianday(started_at)) * 86400, avg(cost_usd)"
        " FROM (SELECT * FROM ledger WHERE outcome = 'ok' ORDER BY id DESC LIMIT ?) GROUP BY provider, step",
        (_LATEST_CALLS,),
    )
    return {(provider, step): Pace(calls, seconds, cost) for provider, step, calls, seconds, cost in rows}


def prompts_of_open(project: Project, limit: int) -> Iterator[tuple[Category, list[Prompted]]]:
    """Category and prompts on record of the first `limit` patches that a run would take; those without prompts are left out."""
    rows = project.db.execute(
        "SELECT patch.id, category, kind, data FROM (SELECT id, category FROM patch WHERE state = 'open' AND hold = ''"
        " AND NOT EXISTS (SELECT 1 FROM ledger WHERE patch_id = patch.id AND batch != '' AND finished_at IS NULL)"
        " ORDER BY id LIMIT ?) AS patch JOIN fact ON fact.patch_id = patch.id WHERE kind = 'prompted' ORDER BY patch.id, fact.id",
        (limit,),
    )
    at, category, found = 0, "", list[Prompted]()
    for patch_id, of, kind, data in rows:
        if patch_id != at and found:
            yield Category(category), found
            found = []
        at, category = patch_id, of
        fact = decode(kind, data)
        assert isinstance(fact, Prompted)
        found.append(fact)
    if found:
        yield Category(category), found
