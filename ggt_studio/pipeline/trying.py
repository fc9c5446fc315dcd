"""Try recipes on a few patches, side by side: the same steps as a run, with what comes of them kept apart (`store.tryouts`)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from ggt_studio.core.errors import MlExtraMissing
from ggt_studio.core.facts import Failed, Generated
from ggt_studio.core.model import Patch
from ggt_studio.core.policy import Rest, next_step
from ggt_studio.core.prompts import serving_prompt
from ggt_studio.core.recipe import Recipe
from ggt_studio.core.words import Outcome, State
from ggt_studio.pipeline.budget import Budget, BudgetReached
from ggt_studio.pipeline.calls import Terms, require_prices
from ggt_studio.pipeline.estimate import Estimate, ProjectFacts, estimate
from ggt_studio.pipeline.progress import Meter, Progress
from ggt_studio.pipeline.recipes import MetricGate
from ggt_studio.pipeline.recovery import settle_interrupted_calls
from ggt_studio.pipeline.session import Session
from ggt_studio.pipeline.steps import Steps, Work
from ggt_studio.pipeline.stoppable import Stoppable, whatever_comes
from ggt_studio.providers.base import ProviderInfo
from ggt_studio.store import patches, runs, tryouts
from ggt_studio.store.experience import course, paces
from ggt_studio.store.named_recipes import Choice
from ggt_studio.store.project import Project
from ggt_studio.store.records import Record
from ggt_studio.store.thread import StoreThread
from ggt_studio.store.tryouts import Tryout

T = TypeVar("T")

_HOPELESS = (Outcome.BAD_KEY, Outcome.QUOTA)
_TICK_S = 0.25


@dataclass(frozen=True, slots=True)
class TryoutReport:
    """What a try-out came to: `passed` of `made` results, what was spent, how it `ended` (`done`, `stopped`, `halted`) and why."""

    tryout: Tryout
    made: int
    passed: int
    failed: int
    cost_usd: float
    ended: str
    message: str


def recipe_of(session: Session, choice: Choice) -> Recipe:
    """Freeze a choice. Raises StudioError for what cannot be run."""
    gate = MetricGate(choice.metric_gate)
    return session.recipe(choice.generator, choice.prompts, choice.judge, metric_gate=gate, seed=choice.seed)


async def estimate_tryout(session: Session, choices: Sequence[Choice], patch_ids: Sequence[int]) -> list[Estimate]:
    """What each recipe will probably take on these patches. Raises StudioError for a choice that cannot be run."""
    recipes = [recipe_of(session, choice) for choice in choices]

    def known(project: Project) -> list[ProjectFacts]:
        speeds = paces(project)
        chosen = patches.by_ids(project, patch_ids)
        prompts = {patch.id: tryouts.known_prompts(project, patch.id) for patch in chosen}
        return [
            ProjectFacts(
                len(chosen),
                sum(serving_prompt(prompts[patch.id], recipe, patch.category) is not None for patch in chosen),
                course(project, recipe.generator, recipe.judge),
                speeds,
            )
            for recipe in recipes
        ]

    facts = await session.store.call(known)
    return [estimate(of, recipe, session.registry) for of, recipe in zip(facts, recipes, strict=True)]


class _Apart:
    """Stands before the store's thread, and has facts put on record apart from the patches' own."""

    def __init__(self, store: StoreThread) -> None:
        self._store = store

    @property
    def folder(self) -> Path:
        return self._store.folder

    async def record(self, record: Record) -> None:
        await self._store.record(replace(record, apart=True))

    def submit_record(self, record: Record) -> None:
        self._store.submit_record(replace(record, apart=True))

    async def call(self, function: Callable[[Project], T]) -> T:
        return await self._store.call(function)


class Trying:
    """One try-out. Make one each; `run` once. The recipes of a patch take turns, so that a prompt is paid for once."""

    def __init__(
        self,
        session: Session,
        recipes: Sequence[tuple[str, Choice]],
        patch_ids: Sequence[int],
        *,
        budget_usd: float | None = None,
        on_progress: Callable[[Progress], None] = lambda _: None,
    ) -> None:
        self._session, self._patch_ids, self._on_progress = session, tuple(patch_ids), on_progress
        self._recipes = [(name, choice, recipe_of(session, choice)) for name, choice in recipes]
        self._budget = Budget(budget_usd)
        self._meter = Meter(len(self._recipes) * len(self._patch_ids), budget_usd=budget_usd)
        self._work_under_way = Stoppable()
        self._message = ""
        self._hopeless: set[int] = set()
        self.tryout: Tryout | None = None

    def stop(self) -> None:
        """End it at once; what was recorded stays."""
        self._work_under_way.stop()

    async def run(self) -> TryoutReport:
        """Try everything. Raises StudioError before anything is begun where a provider lacks its key, model or, under a budget, price."""
        session = self._session
        for _, _, recipe in self._recipes:
            await session.registry.check_ready(recipe)
            require_prices(self._budget, _infos(session, recipe))
        self.tryout, sent = await session.store.call(self._begin)
        session.limiters.remember(sent)
        ended = "failed"
        ticking = asyncio.create_task(self._tick())
        try:
            whole = await self._work_under_way.run(self._work(self.tryout))
            ended = ("halted" if self._message else "done") if whole else "stopped"
        except asyncio.CancelledError:
            ended = "stopped"
            raise
        finally:
            ticking.cancel()
            self._tell()
            for entry in self.tryout.entries:
                session.store.submit(lambda project, run_id=entry.run_id: runs.end_run(project, run_id, ended))
        return await self._report(self.tryout, ended)

    def _begin(self, project: Project) -> tuple[Tryout, dict[str, list[float]]]:
        sent = runs.sent_lately(project)
        settle_interrupted_calls(project)
        return tryouts.begin(project, self._patch_ids, self._recipes), sent

    async def _work(self, tried: Tryout) -> None:
        session, going = self._session, asyncio.Event()
        going.set()
        steps: list[Steps] = []
        try:
            for entry, (_, _, recipe) in zip(tried.entries, self._recipes, strict=True):
                terms = Terms(_Apart(session.store), entry.run_id, going, self._meter, session.limiters, self._budget)
                steps.append(Steps(terms, session.pool, session.registry, recipe, session.settings.niqe_parameters))
            found = await session.store.call(lambda project: patches.by_ids(project, tried.patch_ids))
            async with asyncio.TaskGroup() as group:
                for patch in found:
                    group.create_task(self._patch(patch, steps))
        finally:
            await whatever_comes(_finish(steps))

    async def _patch(self, patch: Patch, steps: Sequence[Steps]) -> None:
        """One recipe after the other: what the one had written, the next may use."""
        for index, ((_, _, recipe), doing) in enumerate(zip(self._recipes, steps, strict=True)):
            if index in self._hopeless:
                self._meter.finish(State.FAILED)
                continue
            self._meter.in_work += 1
            try:
                prompts = await self._session.store.call(lambda project: tryouts.known_prompts(project, patch.id))
                await self._advance(index, doing, Work(patch, list(prompts)), recipe)
            except (MlExtraMissing, BudgetReached) as error:
                self._message = self._message or str(error)
                self._meter.finish(State.OPEN)
            finally:
                self._meter.in_work -= 1

    async def _advance(self, index: int, steps: Steps, work: Work, recipe: Recipe) -> None:
        while True:
            step = next_step(work.history, recipe, work.patch.sha256, work.patch.category)
            if isinstance(step, Rest):
                self._meter.finish(step.state)
                return
            known = len(work.history)
            await steps.do(work, step)
            for fact in work.history[known:]:
                self._meter.attempts += isinstance(fact, Generated)
                if isinstance(fact, Failed) and fact.outcome in _HOPELESS:
                    # Every other call of this recipe would end the same.
                    self._hopeless.add(index)
                    self._message = self._message or fact.message

    async def _tick(self) -> None:
        while True:
            self._tell()
            await asyncio.sleep(_TICK_S)

    def _tell(self) -> None:
        self._on_progress(self._meter.snapshot(self._session.limiters.waiting_s))

    async def _report(self, tried: Tryout, ended: str) -> TryoutReport:
        found = (await self._session.store.call(lambda project: tryouts.results(project, tried))).values()
        return TryoutReport(
            tried,
            sum(result.summary.candidate is not None for result in found),
            sum(result.summary.state is State.WAITING for result in found),
            sum(result.summary.state is State.FAILED for result in found),
            self._meter.cost_usd,
            ended,
            self._message,
        )


def _infos(session: Session, recipe: Recipe) -> list[ProviderInfo]:
    registry = session.registry
    return [
        registry.generator(recipe.generator).info,
        registry.prompt_writer(recipe.prompts).info,
        registry.judge(recipe.judge).info,
    ]


async def _finish(steps: Sequence[Steps]) -> None:
    """Finish them all, also where one cannot; what one raised is raised afterwards."""
    for problem in await asyncio.gather(*(each.finish() for each in steps), return_exceptions=True):
        if problem is not None:
            raise problem
