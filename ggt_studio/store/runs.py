"""Recipes, runs and the ledger of calls."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from operator import attrgetter

from ggt_studio.core.model import Usage
from ggt_studio.core.recipe import Recipe, ScreeningRecipe
from ggt_studio.core.words import CostBasis, Outcome
from ggt_studio.store import sets
from ggt_studio.store.project import Project, now


def begin_run(project: Project, recipe: Recipe | ScreeningRecipe) -> int:
    """Record a run of a recipe, or a screening; returns its id."""
    with project.transaction():
        project.db.execute("INSERT OR IGNORE INTO recipe VALUES (?, ?)", (recipe.hash, recipe.canonical_json()))
        cursor = project.db.execute("INSERT INTO run (recipe_hash, started_at) VALUES (?, ?)", (recipe.hash, now()))
        assert cursor.lastrowid is not None
        return cursor.lastrowid


def end_run(project: Project, run_id: int, ended: str) -> None:
    """Record how a run ended: `done`, `stopped` or `failed`."""
    with project.transaction():
        project.db.execute("UPDATE run SET finished_at = ?, ended = ? WHERE id = ?", (now(), ended, run_id))


def began_at(project: Project, run_id: int) -> str:
    """When a run began, ISO 8601."""
    return project.db.execute("SELECT started_at FROM run WHERE id = ?", (run_id,)).fetchone()[0]


def left_off(project: Project) -> str:
    """How the latest run ended where it did not come to its end: `stopped`, `halted`, `failed`, or `interrupted` when the
    program ended with it; empty where it was done, or there was none. A run under way counts as interrupted; a try-out and a screening
    are none."""
    row = project.db.execute(
        "SELECT ended FROM run JOIN recipe ON hash = recipe_hash WHERE json ->> 'screener' IS NULL"
        " AND run.id NOT IN (SELECT run_id FROM tryout_entry) ORDER BY run.id DESC LIMIT 1"
    ).fetchone()
    if row is None or row[0] == "done":
        return ""
    return row[0] or "interrupted"


@dataclass(frozen=True, slots=True)
class Call:
    """A call to a provider, which is one request, as the ledger keeps it. A step of a patch has at most one under way in a run.

    `quota` names the service and model whose limits it counts towards; empty where there are none to share. `batch` is the
    name of the batch that it is an item of; empty for a call of its own.
    """

    run_id: int
    patch_id: int
    step: str
    provider: str
    attempt: int
    request_hash: str
    paid: bool
    estimated_usd: float
    quota: str = ""
    batch: str = ""
    started_at: str = field(default_factory=now)


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """One call to a provider. `outcome` None: begun and never completed, so its charge is unknown. Tokens and images are None
    where the provider did not report them. `task` is what the provider calls the task that the call is there; empty without."""

    id: int
    run_id: int
    patch_id: int
    step: str
    provider: str
    attempt: int
    request_hash: str
    paid: bool
    estimated_usd: float
    quota: str
    batch: str
    started_at: str
    finished_at: str | None
    outcome: str | None
    cost_usd: float | None
    cost_basis: str | None
    input_tokens: int | None
    output_tokens: int | None
    image_tokens: int | None
    images: int | None
    task: str

    @property
    def call(self) -> Call:
        """The call as it was begun."""
        return Call(*_values(self))


@dataclass(frozen=True, slots=True)
class Taken:
    """A call under way was taken by its provider as a task of this name."""

    patch_id: int
    run_id: int
    step: str
    task: str


@dataclass(frozen=True, slots=True)
class Settled:
    """What the call that had a task taken came to, now that its provider gave its word on the task."""

    task: str
    cost_usd: float
    cost_basis: CostBasis


@dataclass(frozen=True, slots=True)
class Ending:
    """How a call ended, what it is booked at and how that is known, and what the provider reported. `settled` is what it told of
    an earlier call, whose task it fetched."""

    call: Call
    outcome: Outcome
    cost_usd: float
    cost_basis: CostBasis = CostBasis.NOTHING
    usage: Usage | None = None
    settled: Settled | None = None


def begin_calls(project: Project, calls: Iterable[Call]) -> None:
    """Write the ledger rows of paid calls, which have to be on disk before their requests leave."""
    _insert(project, [(call, _UNKNOWN) for call in calls])


def take_calls(project: Project, taken: Iterable[Taken]) -> None:
    """Note in the rows of paid calls under way under which names their results can be fetched later."""
    rows = [(each.patch_id, each.run_id, each.step, each.task) for each in taken]
    if rows:
        with project.transaction():
            sets.execute(project, _TAKE, rows)


def latest_task(project: Project, patch_id: int, provider: str, request_hash: str) -> tuple[str, str]:
    """The task that a provider took last for such a request, and the outcome of that call; twice empty where there is none."""
    row = project.db.execute(
        "SELECT task, coalesce(outcome, '') FROM ledger"
        " WHERE patch_id = ? AND provider = ? AND request_hash = ? AND task != '' ORDER BY id DESC LIMIT 1",
        (patch_id, provider, request_hash),
    ).fetchone()
    return row or ("", "")


def end_calls(project: Project, endings: Iterable[Ending]) -> None:
    """Complete the rows of paid calls; a free call gets its row only now.

    Where one fetched the result of an earlier call's task, that call's cost is known now, and its row says so.
    """
    endings, at = list(endings), now()
    paid, free = [], []
    for ending in endings:
        (paid if ending.call.paid else free).append((ending.call, (at, *_how(ending))))
    _insert(project, free)
    if paid:
        rows = [(call.patch_id, call.run_id, call.step, *how) for call, how in paid]
        settled = [
            (ending.call.patch_id, ending.call.provider, known.task, known.cost_usd, known.cost_basis)
            for ending in endings
            if (known := ending.settled) is not None
        ]
        with project.transaction():
            sets.execute(project, _END, rows)
            if settled:
                sets.execute(project, _SETTLE, settled)


def _how(ending: Ending) -> tuple[object, ...]:
    usage = ending.usage
    reported = (usage.input_tokens, usage.output_tokens, usage.image_tokens, usage.images) if usage else (None,) * 4
    return ending.outcome, ending.cost_usd, ending.cost_basis, *reported


def _insert(project: Project, rows: Sequence[tuple[Call, tuple[object, ...]]]) -> None:
    if rows:
        with project.transaction():
            sets.execute(project, _INSERT, [(*_values(call), *how) for call, how in rows])


_LONGEST_CALL_S = 600.0
_COLUMNS = tuple(Call.__slots__)
_values = attrgetter(*_COLUMNS)
# What is known of a call once it has ended.
_ENDED = ("finished_at", "outcome", "cost_usd", "cost_basis", "input_tokens", "output_tokens", "image_tokens", "images")
_UNKNOWN: tuple[object, ...] = (None,) * len(_ENDED)
_INSERT = (
    f"INSERT INTO ledger ({', '.join((*_COLUMNS, *_ENDED))})"  # noqa: S608 - our own words
    f" SELECT {sets.values(len(_COLUMNS) + len(_ENDED))} FROM json_each(?) ORDER BY key"
)
_OPEN_ROW = " WHERE patch_id = value ->> 0 AND run_id = value ->> 1 AND step = value ->> 2 AND +finished_at IS NULL"
_TAKE = f"UPDATE ledger SET task = value ->> 3 FROM json_each(?){_OPEN_ROW}"  # noqa: S608 - our own words
_END = (
    f"UPDATE ledger SET {', '.join(f'{name} = value ->> {n}' for n, name in enumerate(_ENDED, 3))}"  # noqa: S608
    f" FROM json_each(?){_OPEN_ROW}"
)
# The row under which a task was taken, and which bears its cost, while nobody knew whether it was charged.
_SETTLE = (
    "UPDATE ledger SET cost_usd = value ->> 3, cost_basis = value ->> 4 FROM json_each(?)"
    " WHERE ledger.id = (SELECT min(id) FROM ledger AS first WHERE first.patch_id = value ->> 0"
    " AND first.provider = value ->> 1 AND first.task = value ->> 2)"
    " AND cost_basis = 'estimate' AND finished_at IS NOT NULL"
)


def ledger(project: Project, *, run_id: int | None = None) -> list[LedgerEntry]:
    """The ledger, oldest first; of one run only where given."""
    return _entries(project, *(("WHERE run_id = ?", (run_id,)) if run_id is not None else ("", ())))


def sent_lately(project: Project, within_s: float = 120.0) -> dict[str, list[float]]:
    """How many seconds ago calls were sent that count towards limits, by quota, of the last `within_s` seconds.

    A call counts from its end, at which it had been sent for certain; one without an end may be sent just now.
    """
    at = datetime.now(UTC)
    ages: dict[str, list[float]] = {}
    rows = project.db.execute(
        "SELECT quota, started_at, finished_at, outcome = ? AND cost_basis = ? FROM ledger ORDER BY id DESC",
        (Outcome.CANCELLED, CostBasis.NOTHING),
    )
    for quota, started_at, finished_at, never_left in rows:
        # Rows stand in the order of their calls' beginnings, but for the length of a call.
        if (at - datetime.fromisoformat(started_at)).total_seconds() > within_s + _LONGEST_CALL_S:
            break
        age = (at - datetime.fromisoformat(finished_at)).total_seconds() if finished_at else 0.0
        if quota and not never_left and age <= within_s:
            ages.setdefault(quota, []).append(max(0.0, age))
    return ages


def unfinished(project: Project) -> list[LedgerEntry]:
    """Calls of their own that were begun and never completed, oldest first; what batches hold is none of these."""
    return _entries(project, "WHERE finished_at IS NULL AND batch = ''", ())


def _entries(project: Project, where: str, values: tuple[object, ...]) -> list[LedgerEntry]:
    columns = ", ".join(LedgerEntry.__slots__)
    rows = project.db.execute(f"SELECT {columns} FROM ledger {where} ORDER BY id", values)  # noqa: S608 - our own words
    return [LedgerEntry(*row) for row in rows]


def recipes(project: Project) -> dict[str, str]:
    """Canonical JSON of every recipe used so far, by hash."""
    return dict(project.db.execute("SELECT hash, json FROM recipe ORDER BY hash"))
