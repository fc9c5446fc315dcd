"""Candidates of generators whose vendor takes a call as a task: submitted once, fetched as often as that needs, paid once."""

from __future__ import annotations

from dataclasses import replace

from ggt_studio.core.words import CostBasis, Outcome
from ggt_studio.pipeline.answers import checked_image
from ggt_studio.pipeline.calls import Answered, Ask, Lane, ProjectRecorder, Unanswered
from ggt_studio.providers.base import GeneratedImage, GenerateRequest, ProviderError
from ggt_studio.providers.tasking import UNFETCHED, Tasks
from ggt_studio.store import runs
from ggt_studio.store.records import Record

# What a vendor says of a task that failed, which it then does not charge.
_ITS_WORD = frozenset({Outcome.SAFETY_BLOCK, Outcome.NO_IMAGE})


async def by_task(
    store: ProjectRecorder, run_id: int, lane: Lane, tasks: Tasks, request: GenerateRequest, ask: Ask
) -> tuple[Answered, runs.Settled | None]:
    """Have a task taken and fetch its result. Where an earlier call's was never fetched, that is done, which costs nothing.

    Returns the answer, and what it settles of that earlier call. Raises as `Lane.call` does; what it settled then is in the
    ending that `Unanswered` carries.
    """
    task, outcome = await store.call(
        lambda project: runs.latest_task(project, ask.patch_id, lane.info.id, ask.request_hash)
    )
    if outcome in UNFETCHED:
        ask = replace(ask, task=task)
    taken, settled = False, None

    async def generate() -> GeneratedImage:
        nonlocal taken, settled
        task = ask.task or await tasks.submit(request)
        taken = True
        await store.record(Record(ask.patch_id, run_id, taken=runs.Taken(ask.patch_id, run_id, ask.step, task)))
        if not ask.task:
            return await tasks.fetch(request, task)
        try:
            image = await tasks.fetch(request, task)
        except ProviderError as error:
            if error.cost_usd == 0.0 and error.outcome in _ITS_WORD:
                settled = runs.Settled(task, 0.0, CostBasis.NOTHING)
            error.cost_usd = 0.0
            raise
        if image.cost_usd:
            settled = runs.Settled(task, image.cost_usd, image.cost_basis)
        return replace(image, cost_usd=0.0)

    try:
        return await lane.call(ask, generate, checked_image, lambda: taken), settled
    except Unanswered as unanswered:
        unanswered.ending = replace(unanswered.ending, settled=settled)
        raise
