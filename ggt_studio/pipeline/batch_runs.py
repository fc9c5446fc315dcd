"""Candidates ordered in batches: which patches, their prompts, the budget, and each batch on record before it leaves."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass

from ggt_studio.core.errors import StudioError
from ggt_studio.core.facts import Fact, Prompted
from ggt_studio.core.model import Patch
from ggt_studio.core.policy import ASKED_AGAIN, Generate, WritePrompt, next_step
from ggt_studio.core.recipe import Recipe
from ggt_studio.core.words import Outcome, State
from ggt_studio.pipeline.answers import failure
from ggt_studio.pipeline.batch_files import OrderFile, clear_batch_folder
from ggt_studio.pipeline.budget import Budget, BudgetReached
from ggt_studio.pipeline.calls import require_prices
from ggt_studio.pipeline.prompts import write_prompts
from ggt_studio.pipeline.recovery import settle_interrupted_calls
from ggt_studio.pipeline.session import Session
from ggt_studio.pipeline.steps import request_of
from ggt_studio.providers.base import ProviderError, ProviderInfo
from ggt_studio.providers.batching import Batches, BatchLine
from ggt_studio.providers.registry import Registry
from ggt_studio.store import patches, runs
from ggt_studio.store.batch_jobs import (
    BatchItem,
    BatchJob,
    BatchStage,
    batch_job,
    end_batch,
    prepare_batch,
    set_leaving,
    set_message,
    set_running,
)
from ggt_studio.store.project import Project
from ggt_studio.store.records import Record

_PAGE = 256
# Patches whose requests are encoded at the same time.
_AT_ONCE = 4


@dataclass(frozen=True, slots=True)
class Submission:
    """What was ordered: the batches, of so many requests in all. `estimated_usd` is what they cost at the list price,
    `most_usd` the most they can cost. `left_out` patches got no prompt or cannot be sent, which is on record, or were held
    back meanwhile. `ambiguous` paid calls of an earlier, interrupted run were set aside. `message` says why there are not more,
    where something came between.
    """

    jobs: tuple[BatchJob, ...]
    items: int
    estimated_usd: float
    most_usd: float
    left_out: int
    ambiguous: int
    message: str


@dataclass(frozen=True, slots=True)
class _Ready:
    """A patch with the request to be made of it as a line, and the facts that it rests on and are not on record."""

    item: BatchItem
    line: BatchLine
    facts: Sequence[Fact]


def batches_of(registry: Registry, generator: str) -> Batches:
    """How a generator takes batches. Raises StudioError, naming those that do, where it does not."""
    batches = getattr(registry.generator(generator), "batches", None)
    if batches is None:
        able = sorted(key for key, other in registry.generators.items() if getattr(other, "batches", None) is not None)
        raise StudioError(f"{generator} takes no batches. These do: {', '.join(able)}.")
    return batches


async def submit(
    session: Session,
    recipe: Recipe,
    *,
    limit: int | None = None,
    budget_usd: float | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> Submission:
    """Order the next candidate of the open patches (the first `limit`) in one or more batches.

    Prompts that have to be written are written first, one call each. Patches that have a candidate still to be measured or
    judged are left to an ordinary run. The most that all of it can cost, prompts included, is kept under `budget_usd`.
    `on_progress` is told how many requests of how many are ready. Not to be called while a run of the session is under way.

    Raises StudioError where nothing can be ordered; ProviderError where not even the first batch could be. Whatever happens, an
    order that may have reached the vendor stays on record, and `batch_results.refresh` finds out.
    """
    batches = batches_of(session.registry, recipe.generator)
    writer = session.registry.prompt_writer(recipe.prompts).info
    budget = Budget(budget_usd)
    await session.registry.check_ready(recipe)
    require_prices(budget, [batches.info, writer])
    async with session.batches:
        await asyncio.to_thread(clear_batch_folder, session.store.folder)
        ambiguous, run_id = await session.store.call(lambda project: _begin(project, recipe))
        ended = "failed"
        submitting = _Submitting(session, recipe, batches, run_id, on_progress or (lambda _done, _total: None))
        try:
            chosen, message = await _choose(session, recipe, batches.info, writer, budget, limit)
            message = await submitting.order(chosen) or message
            ended = "done"
        except asyncio.CancelledError:
            ended = "stopped"
            raise
        finally:
            session.store.submit(lambda project: runs.end_run(project, run_id, ended))
        jobs = await session.store.call(lambda project: [batch_job(project, name) for name in submitting.sent])
    items = sum(job.items for job in jobs)
    most = items * most_usd(batches.info)
    estimated = sum(job.estimated_usd for job in jobs)
    return Submission(tuple(jobs), items, estimated, most, submitting.left_out, ambiguous, message)


def _begin(project: Project, recipe: Recipe) -> tuple[int, int]:
    return settle_interrupted_calls(project), runs.begin_run(project, recipe)


def most_of_prompt(writer: ProviderInfo) -> float:
    """The most that a patch's prompt can cost, in US dollars: what cannot be read is asked again."""
    return most_usd(writer) * (1 + ASKED_AGAIN)


def most_usd(info: ProviderInfo) -> float:
    """The most that one call can cost, in US dollars."""
    return (info.price_usd if info.most_usd is None else info.most_usd) if info.paid else 0.0


async def _choose(
    session: Session, recipe: Recipe, info: ProviderInfo, writer: ProviderInfo, budget: Budget, limit: int | None
) -> tuple[list[int], str]:
    """The patches that want a candidate, as far as limit and budget go, those first whose prompts are written; and why there are
    not more."""
    wanting: list[tuple[bool, int]] = []
    after = 0
    while page := await session.store.call(lambda project, after=after: _page(project, after)):
        for patch, facts in page:
            step = next_step(facts, recipe, patch.sha256, patch.category)
            if isinstance(step, WritePrompt | Generate):
                wanting.append((isinstance(step, WritePrompt), patch.id))
        if limit is not None and len(wanting) >= limit:
            break
        after = page[-1][0].id
    chosen: list[int] = []
    for unwritten, patch_id in sorted(wanting[:limit]):
        try:
            budget.set_aside(most_usd(info) + (most_of_prompt(writer) if unwritten else 0.0))
        except BudgetReached as reached:
            if not chosen:
                raise
            return chosen, str(reached)
        chosen.append(patch_id)
    return chosen, ""


def _page(project: Project, after: int) -> list[tuple[Patch, list[Fact]]]:
    page = patches.runnable(project, after=after, limit=_PAGE)
    facts = patches.facts_of(project, [patch.id for patch in page])
    return [(patch, facts[patch.id]) for patch in page]


class _Submitting:
    """One submission under way: `sent` are the names of the batches that left, `left_out` how many patches could not be sent."""

    def __init__(
        self,
        session: Session,
        recipe: Recipe,
        batches: Batches,
        run_id: int,
        on_progress: Callable[[int, int], None],
    ) -> None:
        self._session, self._recipe, self._batches, self._run_id = session, recipe, batches, run_id
        self._on_progress = on_progress
        self._store = session.store
        self.sent: list[str] = []
        self.left_out = 0

    async def order(self, chosen: Sequence[int]) -> str:
        """Order a candidate of each of these patches. Returns why not all were, where a batch after the first was refused."""
        order: OrderFile | None = None
        done = 0
        try:
            async for ready in self._ready(chosen):
                done += 1
                self._on_progress(done, len(chosen))
                if ready is None:
                    self.left_out += 1
                    continue
                data = ready.line.data
                if order is not None and not order.has_room(data):
                    full, order = order, None
                    await self._send(full)
                if order is None:
                    order = await asyncio.to_thread(OrderFile, self._store.folder, self._batches.limits)
                await asyncio.to_thread(order.add, data, ready.item, ready.facts)
            if order is not None:
                last, order = order, None
                await self._send(last)
        except ProviderError as error:
            if not self.sent:
                raise
            return f"No further batch was ordered: {error}"
        finally:
            if order is not None:
                order.discard()
        return ""

    async def _ready(self, chosen: Sequence[int]) -> AsyncIterator[_Ready | None]:
        """The requests of patches as lines; None for a patch that cannot be sent, which is on record."""
        session = self._session
        for start in range(0, len(chosen), _PAGE):
            ids = chosen[start : start + _PAGE]
            prompts = await write_prompts(
                session.store, session.pool, session.registry, self._recipe, ids, session.limiters
            )
            works = await self._store.call(lambda project, ids=ids: _works(project, ids))
            for at in range(0, len(works), _AT_ONCE):
                group = works[at : at + _AT_ONCE]
                for ready in await asyncio.gather(*(self._line(*work, prompts.get(work[0].id)) for work in group)):
                    yield ready
            for _ in range(len(ids) - len(works)):
                yield None

    async def _line(self, patch: Patch, known: list[Fact], prompt: Prompted | None) -> _Ready | None:
        # A prompt that costs nothing to write goes on record together with what is made of it.
        new: list[Fact] = [prompt] if prompt is not None and prompt not in known else []
        step = next_step([*known, *new], self._recipe, patch.sha256, patch.category)
        if not isinstance(step, Generate):
            return None
        request = request_of(patch, step, self._recipe)
        try:
            line = await self._batches.line(item_key(patch.id, step.attempt), request)
        except ProviderError as error:
            failed = failure(step.attempt, "generate", error)
            await self._store.record(Record(patch.id, self._run_id, [*new, failed], known))
            return None
        return _Ready(BatchItem(patch.id, step, request.hash, line.canvas, self._recipe.max_attempts), line, new)

    async def _send(self, order: OrderFile) -> None:
        """Record a batch, upload it, and order it; in this order."""
        store, batches, name = self._store, self._batches, order.name
        price = batches.info.price_usd
        try:
            try:
                await asyncio.to_thread(order.finish)
                await store.call(
                    lambda project: prepare_batch(project, name, self._run_id, batches.info.id, price, order.items)
                )
                file = await batches.upload(order.path, name)
                await store.call(lambda project: set_leaving(project, name, file))
            except BaseException as error:
                why = str(error) if isinstance(error, StudioError) else "It was stopped before it was ordered."
                store.submit(lambda project: end_batch(project, name, BatchStage.TAKEN_BACK, why))
                raise
            try:
                vendor_name = await batches.create(file, name)
            except ProviderError as error:
                words = str(error)
                if _certainly_not_taken(error):
                    await store.call(lambda project: end_batch(project, name, BatchStage.TAKEN_BACK, words))
                else:
                    words += " Whether the batch was taken is looked up by its name."
                    await store.call(lambda project: set_message(project, name, words))
                raise
            self.sent.append(name)
            await store.call(lambda project: set_running(project, name, vendor_name))
        finally:
            order.discard()


def item_key(patch_id: int, attempt: int) -> str:
    """The key under which a vendor gives the result of an item back."""
    return f"{patch_id}-{attempt}"


def _works(project: Project, ids: Sequence[int]) -> list[tuple[Patch, list[Fact]]]:
    """Those of the patches that are still to be had, with their facts."""
    facts = patches.facts_of(project, ids)
    free = [patch for patch in patches.by_ids(project, ids) if patch.state is State.OPEN and patch.hold is None]
    return [(patch, facts[patch.id]) for patch in free]


def _certainly_not_taken(error: ProviderError) -> bool:
    """Whether an order was refused. A server in trouble, or a connection that broke, may have taken it all the same."""
    return error.cost_usd == 0.0 and error.outcome is not Outcome.NETWORK
