"""What the steps of a run put on record, as data: so those that wait together are written together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ggt_studio.core.facts import Fact, Prompted
from ggt_studio.store import patches, photos, runs, tryouts
from ggt_studio.store.project import CANDIDATES, Project


@dataclass(frozen=True, slots=True)
class Record:
    """What comes of one step of a patch; kept as a whole or not at all.

    `begun`, `taken` and `ended` are of calls for the ledger, `files` the SHA-256, suffix and size in bytes of candidates that are on
    disk, `facts` what is new of the patch, and `before` the facts that are on record as far as is known. `apart`: the run is a
    try-out's, whose facts stand apart from the patch's own.
    """

    patch_id: int
    run_id: int
    facts: Sequence[Fact] = ()
    before: Sequence[Fact] | None = None
    begun: runs.Call | None = None
    taken: runs.Taken | None = None
    ended: runs.Ending | None = None
    files: Sequence[tuple[str, str, int]] = ()
    apart: bool = False


def write(project: Project, records: Sequence[Record]) -> None:
    """Write records of different patches in one transaction."""
    with project.transaction():
        photos.record_files(project, CANDIDATES, [file for record in records for file in record.files])
        runs.begin_calls(project, [record.begun for record in records if record.begun is not None])
        runs.take_calls(project, [record.taken for record in records if record.taken is not None])
        runs.end_calls(project, [record.ended for record in records if record.ended is not None])
        news = [patches.News(r.patch_id, r.facts, r.run_id, r.before) for r in records if r.facts and not r.apart]
        if apart := [record for record in records if record.facts and record.apart]:
            tryouts.append(project, [(record.run_id, record.patch_id, record.facts) for record in apart])
            # A prompt that was asked for belongs to its patch, whoever asked.
            asked = [record for record in apart if record.ended and record.ended.call.step == "prompt"]
            prompts = [(r, [fact for fact in r.facts if isinstance(fact, Prompted)]) for r in asked]
            news += [patches.News(r.patch_id, facts, r.run_id) for r, facts in prompts if facts]
        if news:
            patches.append_all(project, news)
