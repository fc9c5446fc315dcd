"""The engine of a run: takes open patches, asks the policy what to do with each, and keeps limits, pause and stop."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ggt_studio.core.errors import MlExtraMissing
from ggt_studio.core.facts import Fact, Failed, Generated, Judged
from ggt_studio.core.model import Patch
from ggt_studio.core.policy import Generate, Rest, WritePrompt, is_accepted, next_step
from ggt_studio.core.recipe import Recipe
from ggt_studio.core.words import Outcome, Stage, State
from ggt_studio.pipeline.budget import Budget, BudgetReached
from ggt_studio.pipeline.calls import Terms, require_prices
from ggt_studio.pipeline.limits import Limiters
from ggt_studio.pipeline.patience import PATIENT, Patience
from ggt_studio.pipeline.progress import Meter, Progress
from ggt_studio.pipeline.recovery import settle_interrupted_calls
from ggt_studio.pipeline.steps import Steps, Work
from ggt_studio.pipeline.stoppable import Stoppable, whatever_comes
from ggt_studio.providers.registry import Registry
from ggt_studio.store import patches, runs
from ggt_studio.store.project import Project
from ggt_studio.store.status import status
from ggt_studio.store.thread import StoreThread
from ggt_studio.worker.client import WorkerPool

_PAGE = 64
_SHOW_EVERY_S = 0.05
_TICK_S = 1.0
_HOPELESS = (Outcome.BAD_KEY, Outcome.QUOTA)


@dataclass(frozen=True, slots=True)
class RunReport:
    """What a run did: patches it took on, attempts it made, and where those patches stand now.

    `waiting_for_extra` patches are generated and wait for the ml extra; `message` says so in words. `ambiguous` paid calls of
    an earlier, interrupted run were set aside. `accepted` are those of the `waiting` that passed the judge. `outcomes` are the
    requests of this run, those set aside among them, by how they ended. `ended`: `done`, `stopped`, or `halted` by a bad key, an
    exhausted quota or the budget, which `message` tells.
    """

    patches: int
    attempts: int
    waiting: int
    rejected: int
    failed: int
    waiting_for_extra: int
    ambiguous: int
    cost_usd: float
    ended: str
    message: str
    accepted: int
    outcomes: dict[Outcome, int]
    budget_usd: float | None

    @property
    def cost_per_accepted_usd(self) -> float | None:
        """What each candidate that passed the judge cost, those that did not pass included; None without any."""
        return self.cost_usd / self.accepted if self.accepted else None


class Engine:
    """One run of a recipe over a project's open patches. Make one per run; `run` once.

    `limiters` are those of the session, so that its runs share what providers allow. Spend never passes `budget_usd`.
    Without `generate` it measures and judges the candidates that are there, and makes none.
    """

    def __init__(
        self,
        store: StoreThread,
        pool: WorkerPool,
        registry: Registry,
        recipe: Recipe,
        *,
        limit: int | None = None,
        niqe_parameters: str = "",
        on_progress: Callable[[Progress], None] | None = None,
        limiters: Limiters | None = None,
        budget_usd: float | None = None,
        patience: Patience = PATIENT,
        generate: bool = True,
    ) -> None:
        self._store, self._pool, self._registry, self._recipe = store, pool, registry, recipe
        self._limit = limit
        self._limiters = limiters or Limiters()
        self._budget = Budget(budget_usd)
        self._patience = patience
        self._generate = generate
        self._niqe_parameters = niqe_parameters
        self._on_progress = on_progress or (lambda _: None)
        self._going = asyncio.Event()
        self._going.set()
        self._work_under_way = Stoppable()
        self._meter = Meter(0, budget_usd=budget_usd)
        self._accepted = 0
        self._missing_extra = ""
        self._halted = ""
        self._waiting_for_extra = 0
        self._shown_at = 0.0

    def pause(self) -> None:
        """Begin no further step; those under way are finished and recorded."""
        self._going.clear()
        self._meter.pause()

    def resume(self) -> None:
        """Go on after `pause`."""
        self._meter.resume()
        self._going.set()

    def stop(self) -> None:
        """End the run at once. What is under way is given up; all that was recorded stays."""
        self._work_under_way.stop()

    @property
    def paused(self) -> bool:
        """Whether the run is paused."""
        return not self._going.is_set()

    async def run(self) -> RunReport:
        """Run until no open patch is left, the limit is reached, or `stop`.

        Raises StudioError before anything is begun when a provider lacks its key or model, or its price where there is a
        budget, and when the project cannot be written; cancellation ends the run as `stop` does, and is raised.
        """
        await self._registry.check_ready(self._recipe)
        require_prices(self._budget, [provider.info for provider in self._registry.of(self._recipe)])
        ambiguous, run_id, total, sent = await self._store.call(self._begin)
        self._limiters.remember(sent)
        self._meter.outcomes[Outcome.AMBIGUOUS] = ambiguous
        self._meter.total = total if self._limit is None else min(total, self._limit)
        ended = "failed"
        ticking = asyncio.create_task(self._tick())
        try:
            whole = await self._work_under_way.run(self._work(run_id))
            ended = ("halted" if self._halted else "done") if whole else "stopped"
        except asyncio.CancelledError:
            ended = "stopped"
            raise
        finally:
            ticking.cancel()
            self._show_progress(now=True)
            self._store.submit(lambda project: runs.end_run(project, run_id, ended))
        return self._report(ambiguous, ended)

    def _begin(self, project: Project) -> tuple[int, int, int, dict[str, list[float]]]:
        sent = runs.sent_lately(project)
        ambiguous = settle_interrupted_calls(project)
        now = status(project)
        made = now.count(state=State.OPEN, held=False, stage_at_least=Stage.GENERATED)
        return ambiguous, runs.begin_run(project, self._recipe), now.runnable if self._generate else made, sent

    async def _tick(self) -> None:
        """Tell of the progress also while nothing ends."""
        while True:
            await asyncio.sleep(_TICK_S)
            self._show_progress()

    async def _work(self, run_id: int) -> None:
        generator = self._registry.generator(self._recipe.generator)
        # Enough patches under way that the provider's slots stay full while others are measured and recorded.
        places = asyncio.Semaphore(4 * generator.info.concurrency + 4 * self._pool.size)
        terms = Terms(self._store, run_id, self._going, self._meter, self._limiters, self._budget, self._patience)
        steps = Steps(terms, self._pool, self._registry, self._recipe, self._niqe_parameters)
        try:
            async with asyncio.TaskGroup() as group:
                taken = after = 0
                while page := await self._store.call(lambda project, after=after: _open_page(project, run_id, after)):
                    for patch, facts in page:
                        if self._leaves(Work(patch, facts)):
                            continue
                        await places.acquire()
                        await self._going.wait()
                        if self._halted or (self._limit is not None and taken >= self._limit):
                            return
                        task = group.create_task(self._advance(steps, Work(patch, facts)))
                        task.add_done_callback(lambda _: places.release())
                        taken += 1
                    after = page[-1][0].id
        finally:
            await whatever_comes(steps.finish())

    def _leaves(self, work: Work) -> bool:
        """Whether the patch wants a candidate, and this run makes none."""
        step = None if self._generate else next_step(work.history, self._recipe, work.patch.sha256, work.patch.category)
        return isinstance(step, WritePrompt | Generate)

    async def _advance(self, steps: Steps, work: Work) -> None:
        """Take one patch as far as the machine can."""
        self._meter.in_work += 1
        try:
            while True:
                await self._going.wait()
                step = next_step(work.history, self._recipe, work.patch.sha256, work.patch.category)
                if isinstance(step, Rest):
                    self._accepted += step.state is State.WAITING and _passed_judge(work.history)
                    self._meter.finish(step.state)
                    return
                if self._leaves(work):
                    self._meter.finish(State.OPEN)
                    return
                known = len(work.history)
                try:
                    await steps.do(work, step)
                except MlExtraMissing as error:
                    self._missing_extra = str(error)
                    self._waiting_for_extra += 1
                    self._meter.finish(State.OPEN)
                    return
                except BudgetReached as error:
                    self._halted = self._halted or str(error)
                    self._meter.finish(State.OPEN)
                    return
                for fact in work.history[known:]:
                    self._take_note(fact)
                self._show_progress()
        finally:
            self._meter.in_work -= 1
            self._show_progress()

    def _take_note(self, fact: Fact) -> None:
        self._meter.attempts += isinstance(fact, Generated)
        if isinstance(fact, Failed) and fact.outcome in _HOPELESS and not self._halted:
            # Every other call would end the same: no more patches are begun, so that these few can be retried later.
            self._halted = f"The run takes no more patches: {fact.message}"

    def _show_progress(self, *, now: bool = False) -> None:
        """Tell of the progress, a few times a second at most."""
        clock = time.monotonic()
        if now or clock - self._shown_at > _SHOW_EVERY_S:
            self._shown_at = clock
            self._on_progress(self._meter.snapshot(self._limiters.waiting_s))

    def _report(self, ambiguous: int, ended: str) -> RunReport:
        states = self._meter.states
        return RunReport(
            patches=self._meter.done,
            attempts=self._meter.attempts,
            waiting=states[State.WAITING],
            rejected=states[State.REJECTED],
            failed=states[State.FAILED],
            waiting_for_extra=self._waiting_for_extra,
            ambiguous=ambiguous,
            cost_usd=self._meter.cost_usd,
            ended=ended,
            message=self._missing_extra or self._halted,
            accepted=self._accepted,
            outcomes=dict(self._meter.outcomes),
            budget_usd=self._budget.cap_usd,
        )


def _passed_judge(history: Sequence[Fact]) -> bool:
    judged = next((fact for fact in reversed(history) if isinstance(fact, Judged)), None)
    return judged is not None and is_accepted(judged)


def _open_page(project: Project, run_id: int, after: int) -> list[tuple[Patch, list[Fact]]]:
    """Open patches but those that came back from a batch since the run began: its estimate did not count them."""
    page = patches.runnable(project, after=after, limit=_PAGE, since=runs.began_at(project, run_id))
    facts = patches.facts_of(project, [patch.id for patch in page])
    return [(patch, facts[patch.id]) for patch in page]
