"""Prompts apart from a run: have them written, to be read before anything is generated, and put them into one's own words."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from ggt_studio.core.errors import NothingToUndo, StudioError
from ggt_studio.core.facts import Prompted
from ggt_studio.core.policy import WritePrompt, next_step
from ggt_studio.core.prompts import EDITED, serving_prompt, standing_edit
from ggt_studio.core.recipe import Recipe
from ggt_studio.pipeline.budget import Budget, BudgetReached
from ggt_studio.pipeline.calls import Terms, require_prices
from ggt_studio.pipeline.limits import Limiters
from ggt_studio.pipeline.progress import Meter
from ggt_studio.pipeline.steps import Steps, Work
from ggt_studio.pipeline.stoppable import first_cause
from ggt_studio.providers.registry import Registry
from ggt_studio.store import patches, runs
from ggt_studio.store.project import Project
from ggt_studio.store.thread import StoreThread
from ggt_studio.worker.client import WorkerPool

LONGEST_EDIT = 8000
"""Characters of a prompt in a person's words at most."""


def edit_prompt(project: Project, patch_id: int, text: str) -> Prompted:
    """Put a patch's prompt into a person's words: it goes before all written ones, with every generator.

    A patch that has a candidate already uses it once it is started afresh. Raises StudioError for no patch, no words or too many.
    """
    text = text.strip()
    if not text:
        raise StudioError("A prompt needs words. To return to the written one, take the edit back.")
    if len(text) > LONGEST_EDIT:
        raise StudioError(f"The prompt has {len(text):,} characters; at most {LONGEST_EDIT:,} are taken. Shorten it.")
    _prompts(project, patch_id)
    edit = Prompted(EDITED, text)
    patches.append(project, patch_id, [edit])
    return edit


def take_back_edit(project: Project, patch_id: int) -> None:
    """Return to the prompts that strategies wrote. Raises NothingToUndo where no edit stands."""
    if standing_edit(_prompts(project, patch_id)) is None:
        raise NothingToUndo(f"The prompt of patch {patch_id} was not edited.")
    patches.append(project, patch_id, [Prompted(EDITED, "")])


async def write_prompts(
    store: StoreThread,
    pool: WorkerPool,
    registry: Registry,
    recipe: Recipe,
    patch_ids: Sequence[int],
    limiters: Limiters | None = None,
    budget_usd: float | None = None,
) -> dict[int, Prompted]:
    """The prompts that a recipe uses for patches, by patch: those on record where they serve, and the others written now.

    A written one is paid for once and kept with its patch for every later run. A patch whose prompt could not be written has
    failed, which is on record, and is left out here; so is one that has a candidate or rests. Spend never passes `budget_usd`.
    Raises BudgetReached at the end where it allowed no further prompt, and StudioError where there is a budget and no price, or
    when the project cannot be written.
    """
    budget = Budget(budget_usd)
    require_prices(budget, [registry.prompt_writer(recipe.prompts).info])
    run_id = await store.call(lambda project: runs.begin_run(project, recipe))
    going = asyncio.Event()
    going.set()
    terms = Terms(store, run_id, going, Meter(len(patch_ids)), limiters or Limiters(), budget)
    steps = Steps(terms, pool, registry, recipe, "")
    ended = "failed"
    reached: list[BudgetReached] = []
    try:
        works = await store.call(lambda project: _works(project, patch_ids))
        async with asyncio.TaskGroup() as group:
            for work in works:
                group.create_task(_write(steps, recipe, work, reached))
        ended = "halted" if reached else "done"
    except BaseExceptionGroup as error:
        raise first_cause(error) from error
    except asyncio.CancelledError:
        ended = "stopped"
        raise
    finally:
        await steps.finish()
        store.submit(lambda project: runs.end_run(project, run_id, ended))
    if reached:
        raise reached[0]
    found = {work.patch.id: serving_prompt(_prompted(work), recipe, work.patch.category) for work in works}
    return {patch_id: prompt for patch_id, prompt in found.items() if prompt is not None}


async def _write(steps: Steps, recipe: Recipe, work: Work, reached: list[BudgetReached]) -> None:
    patch = work.patch
    try:
        while isinstance(step := next_step(work.history, recipe, patch.sha256, patch.category), WritePrompt):
            await steps.do(work, step)
    except BudgetReached as error:
        # Calls under way are not ended by it.
        reached.append(error)


def _works(project: Project, patch_ids: Sequence[int]) -> list[Work]:
    facts = patches.facts_of(project, patch_ids)
    return [Work(patch, facts[patch.id]) for patch in patches.by_ids(project, patch_ids)]


def _prompted(work: Work) -> list[Prompted]:
    return [fact for fact in work.history if isinstance(fact, Prompted)]


def _prompts(project: Project, patch_id: int) -> list[Prompted]:
    try:
        patches.patch(project, patch_id)
    except KeyError as error:
        raise StudioError(f"There is no patch {patch_id} in {project.folder}.") from error
    return [fact for fact in patches.facts(project, patch_id) if isinstance(fact, Prompted)]
