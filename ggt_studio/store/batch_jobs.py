"""Batches at vendors: what is in them and how far they are. Their calls stand in the ledger like all others."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Any

from pydantic import TypeAdapter

from ggt_studio.core.canvas import Canvas
from ggt_studio.core.errors import StudioError
from ggt_studio.core.facts import Fact
from ggt_studio.core.policy import Generate
from ggt_studio.core.words import CostBasis, Outcome
from ggt_studio.store import patches, runs, sets
from ggt_studio.store.project import Project, now


class BatchStage(StrEnum):
    """How far a batch is.

    PREPARED: on record, and nothing that costs has left. LEAVING: the request that orders it has left, and no answer is on
    record; `vendor_name` is that of its file until then. RUNNING: the vendor has it. The others are ends: COLLECTED, also
    where parts of it failed; TAKEN_BACK: nothing of
    it is charged, and its patches are as they were; SET_ASIDE: what became of it cannot be known any more.
    """

    PREPARED = "prepared"
    LEAVING = "leaving"
    RUNNING = "running"
    COLLECTED = "collected"
    TAKEN_BACK = "taken-back"
    SET_ASIDE = "set-aside"


ENDS = frozenset({BatchStage.COLLECTED, BatchStage.TAKEN_BACK, BatchStage.SET_ASIDE})


@dataclass(frozen=True, slots=True)
class BatchItem:
    """One request of a batch: the step that it makes of a patch, its request's hash, and how the patch is sent."""

    patch_id: int
    step: Generate
    request_hash: str
    canvas: Canvas | None
    max_attempts: int


@dataclass(frozen=True, slots=True)
class BatchJob:
    """A batch and where it stands. `items` are all of its requests, `open_items` those of which nothing is known yet,
    `made` those that gave an image. `cost_usd` is what it came to so far, `estimated_usd` what all of it may cost.

    `left_at` is when the request that orders it left. Times are ISO 8601, UTC.
    """

    name: str
    run_id: int
    provider: str
    stage: BatchStage
    vendor_name: str
    message: str
    created_at: str
    left_at: str | None
    ended_at: str | None
    items: int
    open_items: int
    made: int
    estimated_usd: float
    cost_usd: float


@dataclass(frozen=True, slots=True)
class OpenItem:
    """An item that has no result yet, and its call in the ledger."""

    item: BatchItem
    call: runs.Call


def prepare_batch(
    project: Project,
    name: str,
    run_id: int,
    provider: str,
    estimated_usd: float,
    items: Sequence[tuple[BatchItem, Sequence[Fact]]],
) -> None:
    """Record a batch with its items, the facts that each of these rests on and are not on record yet, and their calls.

    Nothing may have left before this. Raises StudioError, and records nothing, where a patch is in another batch or not open.
    """
    with project.transaction():
        ids = [item.patch_id for item, _ in items]
        if taken := [patch_id for (patch_id,) in sets.execute(project, _NOT_FREE, ids)]:
            raise StudioError(f"Patch {taken[0]} is in another batch, or is not open any more. Nothing was sent.")
        project.db.execute(
            "INSERT INTO batch (name, run_id, provider, stage, created_at) VALUES (?, ?, ?, ?, ?)",
            (name, run_id, provider, BatchStage.PREPARED, now()),
        )
        rows = [(name, item.patch_id, _adapter().dump_json(item).decode()) for item, _ in items]
        sets.execute(project, _ADD_ITEMS, rows)
        calls = [
            runs.Call(
                run_id,
                item.patch_id,
                "generate",
                provider,
                item.step.attempt,
                item.request_hash,
                paid=True,
                estimated_usd=estimated_usd,
                batch=name,
            )
            for item, _ in items
        ]
        runs.begin_calls(project, calls)
        if news := [patches.News(item.patch_id, facts, run_id) for item, facts in items if facts]:
            patches.append_all(project, news)


def set_leaving(project: Project, name: str, file: str) -> None:
    """Record that the request that orders a batch leaves now; `file` is what the vendor calls its file."""
    _update(project, name, "stage = ?, vendor_name = ?, left_at = ?", BatchStage.LEAVING, file, now())


def set_running(project: Project, name: str, vendor_name: str) -> None:
    """Record under which name the vendor has a batch."""
    _update(project, name, "stage = ?, vendor_name = ?, message = ''", BatchStage.RUNNING, vendor_name)


def set_message(project: Project, name: str, message: str) -> None:
    """Record what is known of a batch under way, in words."""
    _update(project, name, "message = ?", message)


def end_batch(project: Project, name: str, stage: BatchStage, message: str = "") -> int:
    """End a batch; items without a result are taken back, at no cost. Returns how many these were."""
    with project.transaction():
        items = open_items(project, name)
        runs.end_calls(project, [taken_back(item) for item in items])
        _update(project, name, "stage = ?, message = ?, ended_at = ?", stage, message, now())
        return len(items)


def taken_back(item: OpenItem) -> runs.Ending:
    """The end of a call that was not made, or certainly not charged: its patch is as it was."""
    return runs.Ending(item.call, Outcome.CANCELLED, 0.0, CostBasis.NOTHING)


def open_items(project: Project, name: str) -> list[OpenItem]:
    """The items of a batch that have no result yet, by patch."""
    rows = project.db.execute(
        f"SELECT data, {_LEDGER} FROM batch_item JOIN ledger USING (batch, patch_id)"  # noqa: S608 - our own words
        " WHERE batch = ? AND finished_at IS NULL ORDER BY patch_id",
        (name,),
    ).fetchall()
    return [OpenItem(_adapter().validate_json(row[0]), runs.Call(*row[1:])) for row in rows]


def generator_options(project: Project, name: str) -> dict[str, Any]:
    """The options that the recipe of a batch gives its generator."""
    sql = (
        "SELECT json ->> 'generator_options' FROM batch JOIN run ON run.id = run_id JOIN recipe ON hash = recipe_hash"
        " WHERE name = ?"
    )
    return json.loads(project.db.execute(sql, (name,)).fetchone()[0])


def batch_jobs(project: Project, *, open_only: bool = False) -> list[BatchJob]:
    """The batches, oldest first."""
    where = "WHERE ended_at IS NULL" if open_only else ""
    rows = project.db.execute(f"{_JOBS} {where} GROUP BY batch.name ORDER BY batch.created_at, batch.name")
    return [_job(row) for row in rows]


def batch_job(project: Project, name: str) -> BatchJob:
    """One batch. Raises StudioError where there is none of this name."""
    row = project.db.execute(f"{_JOBS} WHERE batch.name = ? GROUP BY batch.name", (name,)).fetchone()
    if row is None:
        raise StudioError(f"There is no batch {name} in {project.folder}. `ggt-studio batch list` names all.")
    return _job(row)


def _job(row: Sequence[Any]) -> BatchJob:
    named = dict(zip(BatchJob.__slots__, row, strict=True))
    return BatchJob(**{**named, "stage": BatchStage(named["stage"])})


def _update(project: Project, name: str, what: str, *values: object) -> None:
    with project.transaction():
        project.db.execute(f"UPDATE batch SET {what} WHERE name = ?", (*values, name))  # noqa: S608 - our own words


@cache
def _adapter() -> TypeAdapter[Any]:
    return TypeAdapter(BatchItem)


_LEDGER = ", ".join(f"ledger.{column}" for column in runs.Call.__slots__)
_NOT_FREE = (
    "SELECT value FROM json_each(?) WHERE NOT EXISTS (SELECT 1 FROM patch WHERE id = value AND state = 'open')"
    " OR EXISTS (SELECT 1 FROM ledger WHERE patch_id = value AND paid AND finished_at IS NULL)"
)
_ADD_ITEMS = f"INSERT INTO batch_item SELECT {sets.values(3)} FROM json_each(?)"  # noqa: S608
_JOBS = (
    "SELECT batch.name, batch.run_id, batch.provider, stage, vendor_name, message, batch.created_at, left_at, ended_at,"
    " count(ledger.id), count(ledger.id) - count(finished_at), count(CASE outcome WHEN 'ok' THEN 1 END),"
    " total(estimated_usd), total(cost_usd) FROM batch LEFT JOIN ledger ON ledger.batch = batch.name"
)
