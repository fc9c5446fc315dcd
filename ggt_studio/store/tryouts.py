"""Try-outs: several recipes on a few patches, on record apart from the patches' own, and adopted from there when wanted.

Calls stand in the ledger and candidates on disk like any others: they were paid for. What was found stands in `tryout_fact`, so
that no patch changes its state. A prompt that was paid for belongs to its patch, and is put on the patch's record, too.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ggt_studio.core.errors import StudioError
from ggt_studio.core.facts import Fact, Failed, Generated, Prompted, Reopened
from ggt_studio.core.files import content_path
from ggt_studio.core.policy import Summary, summarise
from ggt_studio.core.recipe import Recipe
from ggt_studio.core.words import State
from ggt_studio.store import patches, runs, sets
from ggt_studio.store.facts import decode, encode
from ggt_studio.store.named_recipes import Choice
from ggt_studio.store.project import CANDIDATES, Project, now

MOST_PATCHES, MOST_RECIPES = 10, 4


@dataclass(frozen=True, slots=True)
class Entry:
    """One recipe of a try-out: the run that it is, what a person calls it, and what was chosen."""

    run_id: int
    name: str
    choice: Choice


@dataclass(frozen=True, slots=True)
class Tryout:
    """Patches and recipes that are tried on them, in the order in which they were chosen."""

    id: int
    at: str
    patch_ids: tuple[int, ...]
    entries: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class Result:
    """What one recipe made of one patch so far. `hq_path` is the latest candidate's file."""

    run_id: int
    patch_id: int
    facts: tuple[Fact, ...] = ()
    cost_usd: float = 0.0
    hq_path: Path | None = None
    summary: Summary = field(default_factory=lambda: summarise(()))


def begin(project: Project, patch_ids: Sequence[int], recipes: Sequence[tuple[str, Choice, Recipe]]) -> Tryout:
    """Put a try-out on record. Raises StudioError for too many or too few of either."""
    if not 1 <= len(patch_ids) <= MOST_PATCHES:
        raise StudioError(f"A try-out takes 1 to {MOST_PATCHES} patches, not {len(patch_ids)}.")
    if not 1 <= len(recipes) <= MOST_RECIPES:
        raise StudioError(f"A try-out takes 1 to {MOST_RECIPES} recipes, not {len(recipes)}.")
    with project.transaction():
        there = patches.by_ids(project, patch_ids)
        if len(there) != len(patch_ids):
            missing = sorted(set(patch_ids) - {patch.id for patch in there})
            raise StudioError(f"There is no patch {missing[0]} in {project.folder}.")
        cursor = project.db.execute(
            "INSERT INTO tryout (at, patches) VALUES (?, ?)", (now(), json.dumps(list(patch_ids)))
        )
        tryout_id = cursor.lastrowid
        assert tryout_id is not None
        for name, choice, recipe in recipes:
            run_id = runs.begin_run(project, recipe)
            values = (run_id, tryout_id, name, choice.to_json())
            project.db.execute("INSERT INTO tryout_entry VALUES (?, ?, ?, ?)", values)
        return tryout(project, tryout_id)


def tryout(project: Project, tryout_id: int) -> Tryout:
    """One try-out. Raises StudioError where there is none."""
    row = project.db.execute("SELECT id, at, patches FROM tryout WHERE id = ?", (tryout_id,)).fetchone()
    if row is None:
        raise StudioError(f"There is no try-out {tryout_id} in {project.folder}.")
    entries = project.db.execute(
        "SELECT run_id, name, choice FROM tryout_entry WHERE tryout_id = ? ORDER BY run_id", (tryout_id,)
    )
    made = tuple(Entry(run_id, name, Choice.from_json(choice)) for run_id, name, choice in entries)
    return Tryout(row[0], row[1], tuple(json.loads(row[2])), made)


def ids(project: Project) -> list[int]:
    """All try-outs, newest first."""
    return [row[0] for row in project.db.execute("SELECT id FROM tryout ORDER BY id DESC")]


def among(project: Project, run_ids: Iterable[int]) -> set[int]:
    """Those of these runs that belong to try-outs."""
    sql = "SELECT run_id FROM tryout_entry WHERE run_id IN (SELECT value FROM json_each(?))"
    return {row[0] for row in sets.execute(project, sql, list(set(run_ids)))}


def append(project: Project, news: Sequence[tuple[int, int, Sequence[Fact]]]) -> None:
    """Put facts on a try-out's record: (run, patch, facts) each."""
    at = now()
    rows = [(run_id, patch_id, at, *encode(fact)) for run_id, patch_id, facts in news for fact in facts]
    sets.execute(project, _APPEND, rows)


_APPEND = (
    f"INSERT INTO tryout_fact (run_id, patch_id, at, kind, data) SELECT {sets.values(5)}"  # noqa: S608 - our own words
    " FROM json_each(?) ORDER BY key"
)


def results(project: Project, of: Tryout) -> dict[tuple[int, int], Result]:
    """What came of a try-out so far, by run and patch."""
    run_ids = [entry.run_id for entry in of.entries]
    facts: dict[tuple[int, int], list[Fact]] = {(run, patch): [] for run in run_ids for patch in of.patch_ids}
    sql = "SELECT run_id, patch_id, kind, data FROM tryout_fact WHERE run_id IN (SELECT value FROM json_each(?)) ORDER BY id"
    for run_id, patch_id, kind, data in sets.execute(project, sql, run_ids):
        facts.setdefault((run_id, patch_id), []).append(decode(kind, data))
    spent = (
        "SELECT run_id, patch_id, total(cost_usd) FROM ledger WHERE patch_id IN (SELECT value FROM json_each(?))"
        " GROUP BY run_id, patch_id"
    )
    costs = {(run, patch): cost for run, patch, cost in sets.execute(project, spent, list(of.patch_ids))}
    return {key: _result(project, key, tuple(found), costs.get(key, 0.0)) for key, found in facts.items()}


def _result(project: Project, key: tuple[int, int], facts: tuple[Fact, ...], cost_usd: float) -> Result:
    summary = summarise(facts)
    path = None
    if summary.candidate is not None:
        sha256 = summary.candidate.target_sha256
        row = project.db.execute(
            "SELECT suffix FROM file WHERE sha256 = ? AND folder = ?", (sha256, CANDIDATES)
        ).fetchone()
        path = content_path(project.candidates_dir, sha256, row[0]) if row else None
    return Result(*key, facts, cost_usd, path, summary)


def known_prompts(project: Project, patch_id: int) -> list[Prompted]:
    """The prompts on a patch's own record, in their order: a try-out uses those that serve again."""
    return [fact for fact in patches.facts(project, patch_id) if isinstance(fact, Prompted)]


def pick(project: Project, count: int, seed: int) -> list[int]:
    """Up to `count` patches at random, from as many categories as there are: open ones where possible, none held back."""
    rng = random.Random(seed)
    found: list[int] = []
    for states in ((State.OPEN,), (State.WAITING, State.REJECTED, State.FAILED, State.VERIFIED)):
        categories = [
            row[0]
            for row in project.db.execute(
                "SELECT DISTINCT category FROM tally WHERE n > 0 AND hold = '' AND state IN (SELECT value FROM json_each(?))"
                " ORDER BY 1",
                (json.dumps(states),),
            )
        ]
        rng.shuffle(categories)
        while categories and len(found) < count:
            category = categories.pop(0)
            tried = (_one_of(project, state, category, rng, found) for state in rng.sample(states, len(states)))
            patch_id = next((each for each in tried if each is not None), None)
            if patch_id is not None:
                found.append(patch_id)
                categories.append(category)
    return sorted(found)


def _one_of(project: Project, state: State, category: str, rng: random.Random, taken: Sequence[int]) -> int | None:
    (last,) = project.db.execute("SELECT max(id) FROM patch").fetchone()
    start = rng.randint(1, max(1, last or 1))
    for condition in (">=", "<"):
        row = project.db.execute(
            "SELECT id FROM patch WHERE state = ? AND category = ? AND hold = ''"  # noqa: S608 - our own words
            f" AND id {condition} ? AND id NOT IN (SELECT value FROM json_each(?)) ORDER BY id LIMIT 1",
            (state, category, start, json.dumps(list(taken))),
        ).fetchone()
        if row is not None:
            return row[0]
    return None


def adopt(project: Project, run_id: int, patch_id: int) -> Summary:
    """Make what a try-out's recipe made of a patch the patch's own, without paying again; the patch's earlier candidates stay on record.

    Raises StudioError where nothing came of it, it did not pass, or a person has accepted the patch's candidate.
    """
    with project.transaction():
        row = project.db.execute("SELECT tryout_id FROM tryout_entry WHERE run_id = ?", (run_id,)).fetchone()
        found = results(project, tryout(project, row[0])).get((run_id, patch_id)) if row else None
        if found is None or found.summary.candidate is None:
            raise StudioError(f"The try-out has no result of patch {patch_id} that could be adopted.")
        if found.summary.state is not State.WAITING:
            raise StudioError(
                f"The result of patch {patch_id} did not pass, so it cannot become the patch's candidate."
            )
        patch = patches.patch(project, patch_id)
        if patch.state is State.VERIFIED:
            raise StudioError(
                f"Patch {patch_id} has a candidate that a person accepted. Undo that in Review first, then adopt this one."
            )
        if patch.hq_sha256 == found.summary.candidate.target_sha256:
            raise StudioError(f"This result is the candidate of patch {patch_id} already.")
        before = patches.facts(project, patch_id)
        fresh: list[Fact] = []
        if any(isinstance(fact, Generated | Failed) for fact in before):
            fresh.append(Reopened("a result of a try-out was adopted"))
        known = [fact for fact in before if isinstance(fact, Prompted)]
        fresh += [fact for fact in found.facts if not isinstance(fact, Failed) and fact not in known]
        return patches.append(project, patch_id, fresh, run_id)
