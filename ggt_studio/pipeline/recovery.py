"""After a crash: say of every call that was under way what is known of it."""

from __future__ import annotations

from ggt_studio.core.facts import Failed
from ggt_studio.core.words import CostBasis, Outcome
from ggt_studio.pipeline.calls import TASK_KEPT, price_words
from ggt_studio.store import records, runs, tryouts
from ggt_studio.store.project import Project


def settle_interrupted_calls(project: Project) -> int:
    """Complete the ledger rows that an ended program left open; returns how many there were.

    Only paid calls have such rows; a free one is simply made again. A paid one may have been charged: it is booked at its
    estimate as `ambiguous` and its patch is set aside as failed, so that nothing is paid twice unless a person asks for it.
    """
    with project.transaction():
        project.db.execute("UPDATE run SET finished_at = started_at, ended = 'interrupted' WHERE finished_at IS NULL")
        entries = runs.unfinished(project)
        runs.end_calls(project, [_ambiguous(entry) for entry in entries])
        tried = tryouts.among(project, (entry.run_id for entry in entries)) if entries else ()
        for entry in entries:
            ended, price = f"The program ended while {entry.provider} was at work", price_words(entry.estimated_usd)
            if entry.task:
                message = f"{ended}. {TASK_KEPT}"
            else:
                message = f"{ended}; the call may have been charged ({price}). Retry it if you want it made again."
            failed = Failed(entry.attempt, entry.step, Outcome.AMBIGUOUS, message)
            # To the patch's record, or to the try-out's that the call was made for.
            record = records.Record(entry.patch_id, entry.run_id, [failed], apart=entry.run_id in tried)
            records.write(project, [record])
        return len(entries)


def _ambiguous(entry: runs.LedgerEntry) -> runs.Ending:
    return runs.Ending(entry.call, Outcome.AMBIGUOUS, entry.estimated_usd, CostBasis.ESTIMATE)
