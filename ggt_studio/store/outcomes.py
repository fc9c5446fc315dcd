"""What patches came to rest on: counts by what decided, and the candidates that came in last."""

from __future__ import annotations

from array import array
from collections.abc import Collection
from dataclasses import dataclass

from ggt_studio.core.facts import Failed
from ggt_studio.core.model import Patch
from ggt_studio.core.words import Hold, Outcome, State
from ggt_studio.store import patches
from ggt_studio.store.facts import decode
from ggt_studio.store.project import Project

_LOOK_BACK = 1000


@dataclass(frozen=True, slots=True)
class Decided:
    """How many patches of a state rest on the same thing: `decided_by` as in `core.policy.Summary`.

    `message` is what the failure of one of them said; empty for states other than failed.
    """

    decided_by: str
    n: int
    message: str


def decided(project: Project, state: State) -> list[Decided]:
    """The patches of a state by what decided them, most frequent first.

    Reads the rows of that state: some 1.5 us each. For lists that are looked at, not for every tick of a run.
    """
    rows = project.db.execute(
        "SELECT decided_by, count(*) AS n, max(id) FROM patch WHERE state = ? AND hold != 'removed' GROUP BY decided_by ORDER BY n DESC, 1",
        (state,),
    ).fetchall()
    return [Decided(by, n, _failure(project, example) if state is State.FAILED else "") for by, n, example in rows]


def failed_ids(project: Project, outcomes: Collection[Outcome] | None = None, decided_by: str = "") -> array[int]:
    """The failed patches, by id; only those that failed with one of `outcomes`, or as `decided_by` says, where given."""
    found = patches.ids(project, patches.Filter(state=State.FAILED))
    if outcomes is None and not decided_by:
        return found
    which = "SELECT id, decided_by FROM patch WHERE state = ? AND hold != 'removed'"
    why = dict(project.db.execute(which, (State.FAILED,)))
    # As `core.policy.Summary.decided_by` names a failure: step:outcome.
    fitting = {
        i for i, by in why.items() if decided_by in ("", by) and (outcomes is None or by.partition(":")[2] in outcomes)
    }
    return array("q", (i for i in found if i in fitting))


def _failure(project: Project, patch_id: int) -> str:
    row = project.db.execute(
        "SELECT kind, data FROM fact WHERE patch_id = ? AND kind = 'failed' ORDER BY id DESC LIMIT 1", (patch_id,)
    ).fetchone()
    fact = decode(*row) if row else None
    return fact.message if isinstance(fact, Failed) else ""


def latest_candidates(project: Project, limit: int) -> list[Patch]:
    """The patches whose candidates came in last, newest first, each once; only the latest 1,000 calls are looked at."""
    rows = project.db.execute(
        "SELECT patch_id, max(id) AS latest FROM ledger WHERE id > (SELECT max(id) FROM ledger) - ? AND step = 'generate'"
        " AND outcome = 'ok' GROUP BY patch_id ORDER BY latest DESC LIMIT ?",
        (_LOOK_BACK, limit),
    )
    found = patches.by_ids(project, [row[0] for row in rows])
    return [patch for patch in found if patch.hq_sha256 is not None and patch.hold is not Hold.REMOVED]
