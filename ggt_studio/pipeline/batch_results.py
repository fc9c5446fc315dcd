"""Batches that were ordered: found again by name after a crash, looked up, cancelled, and their results put on record."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from ggt_studio.core.errors import StudioError
from ggt_studio.core.facts import Failed
from ggt_studio.core.outcomes import MAY_BE_CHARGED
from ggt_studio.core.words import CostBasis, Outcome
from ggt_studio.pipeline.answers import checked_image, failure
from ggt_studio.pipeline.batch_files import batch_folder
from ggt_studio.pipeline.batch_runs import batches_of, item_key
from ggt_studio.pipeline.calls import price_words
from ggt_studio.pipeline.keeping import Keeper, Made
from ggt_studio.pipeline.session import Session
from ggt_studio.pipeline.stoppable import first_cause
from ggt_studio.providers.base import GeneratedImage, ProviderError
from ggt_studio.providers.batching import Batches, BatchState, Phase, TakenBack, UnknownBatch
from ggt_studio.store import patches, runs
from ggt_studio.store.batch_jobs import (
    BatchJob,
    BatchStage,
    OpenItem,
    batch_job,
    batch_jobs,
    end_batch,
    generator_options,
    open_items,
    set_message,
    set_running,
    taken_back,
)
from ggt_studio.store.project import Project
from ggt_studio.store.records import Record

SETTLED_S = 60.0
"""A batch that its vendor does not list so long after it was ordered was not taken."""

_ELSEWHERE = (
    "has neither a batch of this name nor its file. It may belong to another account: look at the key and the address. Or cancel "
    "the batch to set its patches aside."
)


@dataclass(frozen=True, slots=True)
class Collected:
    """What was collected: `made` candidates, `failed` patches, `taken_back` ones that are open as before and cost nothing.

    `jobs` are the batches of which nothing was known to be over before: those that ended now, and those still open.
    """

    made: int
    failed: int
    taken_back: int
    cost_usd: float
    jobs: tuple[BatchJob, ...]

    @property
    def open(self) -> int:
        """How many batches are under way still."""
        return sum(job.ended_at is None for job in self.jobs)


@dataclass(slots=True)
class _Count:
    """Counts results while they come."""

    on_progress: Callable[[int, int], None]
    total: int = 0
    done: int = 0
    ended: Counter[Outcome] = field(default_factory=Counter)
    cost_usd: float = 0.0

    def add(self, ending: runs.Ending) -> None:
        self.done += 1
        self.ended[ending.outcome] += 1
        self.cost_usd += ending.cost_usd
        self.on_progress(self.done, self.total)


async def refresh(session: Session) -> list[BatchJob]:
    """Look up every open batch; returns all batches, oldest first, with a message each where there is something to say.

    One that was being ordered when the program ended is adopted where its vendor has it, and taken back where not. What goes
    wrong with one of them is its message. Nothing is collected.
    """
    async with session.batches:
        for job in await _open(session):
            await _look_up(session, job)
    return await session.store.call(batch_jobs)


async def collect(session: Session, on_progress: Callable[[int, int], None] | None = None) -> Collected:
    """Look up every open batch as `refresh` does, and put the results of those that are over on record.

    Each result goes the way of an interactive answer: bytes to disk, registered, on record with what it cost. Interrupted at any
    moment, the rest is collected the next time. Raises StudioError where the project cannot be written.
    """
    count = _Count(on_progress or (lambda _done, _total: None))
    async with session.batches:
        before = await _open(session)
        for job in before:
            found = await _look_up(session, job)
            if found is not None and found[1].phase.over:
                await _collect_one(session, job.name, *found, count)
        jobs = await session.store.call(lambda project: [batch_job(project, job.name) for job in before])
    made, back = count.ended[Outcome.OK], count.ended[Outcome.CANCELLED]
    return Collected(made, count.done - made - back, back, count.cost_usd, tuple(jobs))


async def cancel(session: Session, name: str) -> BatchJob:
    """Ask the vendor to do no more of a batch; what it has done by then is charged, and is collected as ever.

    One that never left is taken back. One that the vendor's account does not know (any more) is set aside: its patches have failed as
    `ambiguous`, booked at what they may have cost. Raises StudioError where it has ended, or is not known to have been taken.
    """
    async with session.batches:
        job = await session.store.call(lambda project: batch_job(project, name))
        if job.ended_at is not None:
            raise StudioError(f"The batch {name} has ended already ({job.stage}).")
        batches = batches_of(session.registry, job.provider)
        if job.stage is BatchStage.RUNNING:
            try:
                await batches.cancel(job.vendor_name)
            except UnknownBatch as error:
                why = str(error)
                await session.store.call(lambda project: _set_aside(project, name, why))
        else:
            await _look_up(session, job)
            job = await session.store.call(lambda project: batch_job(project, name))
            if job.stage is BatchStage.RUNNING:
                await batches.cancel(job.vendor_name)
            elif job.ended_at is None and _ELSEWHERE in job.message:
                why = job.message
                await session.store.call(lambda project: _set_aside(project, name, why))
            elif job.ended_at is None:
                raise StudioError(f"Whether the batch {name} was taken is not known yet. {job.message}")
        return await session.store.call(lambda project: batch_job(project, name))


async def _open(session: Session) -> list[BatchJob]:
    return await session.store.call(lambda project: batch_jobs(project, open_only=True))


async def _look_up(session: Session, job: BatchJob) -> tuple[Batches, BatchState] | None:
    """Bring what is known of an open batch up to date; returns what its vendor says of it, where that has it."""
    store, name = session.store, job.name
    if job.stage is BatchStage.PREPARED:
        why = "The program ended before it was ordered. Nothing was charged."
        await store.call(lambda project: end_batch(project, name, BatchStage.TAKEN_BACK, why))
        return None
    try:
        batches = batches_of(session.registry, job.provider)
        vendor_name = job.vendor_name
        if job.stage is BatchStage.LEAVING:
            found = await batches.find(name)
            if found is None:
                # Where the account has not even its file, it may be another one than that in which the batch runs.
                here = not job.vendor_name or await batches.has_file(job.vendor_name)
                await store.call(lambda project: _not_found(project, job, batches.info.label, here=here))
                return None
            vendor_name = found
            await store.call(lambda project: set_running(project, name, vendor_name))
        state = await batches.state(vendor_name)
    except StudioError as error:
        words = str(error)
        if isinstance(error, UnknownBatch):
            words += " Cancel the batch to set its patches aside."
        await store.call(lambda project: set_message(project, name, words))
        return None
    words = _words(state, job.items)
    await store.call(lambda project: set_message(project, name, words))
    return batches, state


def _not_found(project: Project, job: BatchJob, label: str, *, here: bool) -> None:
    if not here:
        set_message(project, job.name, f"{label} {_ELSEWHERE}")
        return
    age_s = (datetime.now(UTC) - datetime.fromisoformat(job.left_at or job.created_at)).total_seconds()
    if age_s >= SETTLED_S:
        why = f"{label} has no batch of this name: the order did not arrive. Nothing was charged."
        end_batch(project, job.name, BatchStage.TAKEN_BACK, why)
    else:
        why = f"{label} does not list it yet. In a minute it is certain whether the order arrived."
        set_message(project, job.name, why)


def _words(state: BatchState, items: int) -> str:
    words = state.phase.value
    if state.done is not None and not state.phase.over:
        words += f", {state.done} of {items} done"
    return f"{words}: {state.message}" if state.message else words


def _set_aside(project: Project, name: str, why: str) -> None:
    """Nobody can tell any more what became of a batch: its patches have failed, and nothing is paid twice unasked."""
    with project.transaction():
        for open_item in open_items(project, name):
            item, call = open_item.item, open_item.call
            message = (
                f"The results of its batch are lost; the call may have been charged ({price_words(call.estimated_usd)}). "
                "Retry it if you want it made again."
            )
            failed = Failed(item.step.attempt, "generate", Outcome.AMBIGUOUS, message)
            runs.end_calls(project, [runs.Ending(call, Outcome.AMBIGUOUS, call.estimated_usd, CostBasis.ESTIMATE)])
            patches.append(project, item.patch_id, [failed], call.run_id)
        end_batch(project, name, BatchStage.SET_ASIDE, why)


async def _collect_one(session: Session, name: str, batches: Batches, state: BatchState, count: _Count) -> None:
    """Put the results of a batch that is over on record, and end it."""
    store = session.store
    items = await store.call(lambda project: open_items(project, name))
    job = await store.call(lambda project: batch_job(project, name))
    waiting = {item_key(item.item.patch_id, item.item.step.attempt): item for item in items}
    count.total += len(waiting)
    if state.phase is not Phase.FAILED:
        try:
            await _take_results(session, job, batches, waiting, count)
        except ProviderError as error:
            words = f"Its results could not be fetched: {error}"
            await store.call(lambda project: set_message(project, name, words))
            return
    if state.phase is Phase.ENDED:
        for open_item in waiting.values():
            error = ProviderError(Outcome.MALFORMED, f"The results of the batch {name} hold nothing for this patch.")
            await _record_failure(session, open_item, error, count)
        waiting.clear()
    for open_item in waiting.values():
        count.add(taken_back(open_item))
    ended = await store.call(lambda project: batch_job(project, name))
    nothing = ended.open_items == ended.items
    stage = BatchStage.TAKEN_BACK if nothing else BatchStage.COLLECTED
    await store.call(lambda project: end_batch(project, name, stage, _words(state, job.items)))


async def _take_results(
    session: Session, job: BatchJob, batches: Batches, waiting: dict[str, OpenItem], count: _Count
) -> None:
    """Put every result that comes on record, and take its item out of `waiting`."""
    folder = batch_folder(session.store.folder)
    folder.mkdir(parents=True, exist_ok=True)
    options = await session.store.call(lambda project: generator_options(project, job.name))
    canvases = {key: item.item.canvas for key, item in waiting.items()}
    # So many images are in memory at the same time.
    places = asyncio.Semaphore(2 * session.pool.size + 2)
    keeper = Keeper(session.store.folder, session.pool)

    async def record(open_item: OpenItem, result: GeneratedImage | ProviderError) -> None:
        try:
            if isinstance(result, ProviderError):
                await _record_failure(session, open_item, result, count)
            else:
                await _record_image(session, keeper, open_item, result, count)
        finally:
            places.release()

    try:
        async with asyncio.TaskGroup() as group:
            async for key, result in batches.collect(job.vendor_name, folder, options, canvases):
                if (open_item := waiting.pop(key, None)) is not None:
                    await places.acquire()
                    group.create_task(record(open_item, result))
    except BaseExceptionGroup as error:
        raise first_cause(error) from error
    finally:
        await asyncio.to_thread(keeper.close)


async def _record_image(
    session: Session, keeper: Keeper, open_item: OpenItem, image: GeneratedImage, count: _Count
) -> None:
    item, call = open_item.item, open_item.call
    try:
        image = checked_image(image)
    except ProviderError as error:
        await _record_failure(session, open_item, error, count)
        return
    patch = await session.store.call(lambda project: patches.patch(project, item.patch_id))
    # How long the vendor took for this one it does not say.
    made = Made(item.step, call.provider, item.max_attempts, image, seconds=0.0)
    kept = await keeper.keep(patch, made)
    basis = image.cost_basis if image.cost_usd else CostBasis.NOTHING
    ending = runs.Ending(call, kept.outcome, image.cost_usd, basis, image.usage)
    await session.store.record(Record(item.patch_id, call.run_id, kept.facts, ended=ending, files=kept.files))
    count.add(ending)


async def _record_failure(session: Session, open_item: OpenItem, error: ProviderError, count: _Count) -> None:
    item, call = open_item.item, open_item.call
    if isinstance(error, TakenBack) or error.again_after_s is not None:
        # The vendor did nothing and charges nothing: the patch is as it was, for the next batch or run.
        ending = taken_back(open_item)
        await session.store.record(Record(item.patch_id, call.run_id, ended=ending))
    else:
        cost_usd, basis = error.cost_usd, error.cost_basis
        if cost_usd is None:
            cost_usd = call.estimated_usd if error.outcome in MAY_BE_CHARGED else 0.0
            basis = CostBasis.ESTIMATE
        ending = runs.Ending(call, error.outcome, cost_usd, basis if cost_usd else CostBasis.NOTHING, error.usage)
        failed = failure(item.step.attempt, "generate", error)
        await session.store.record(Record(item.patch_id, call.run_id, [failed], ended=ending))
    count.add(ending)
