"""Screening of patches by a VLM before anything is generated of them (paper section 3.1): paid for, resumable, stoppable."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from ggt_studio.core.facts import Fact, Screened
from ggt_studio.core.model import Patch
from ggt_studio.core.policy import ASKED_AGAIN
from ggt_studio.core.recipe import ScreeningRecipe
from ggt_studio.core.screening import hold_of, wants_screening
from ggt_studio.core.words import Hold, Outcome, State
from ggt_studio.pipeline.answers import checked_screening, failure
from ggt_studio.pipeline.budget import Budget, BudgetReached
from ggt_studio.pipeline.calls import Ask, Lane, Terms, Unanswered, require_prices
from ggt_studio.pipeline.estimate import ENOUGH
from ggt_studio.pipeline.limits import Limiters
from ggt_studio.pipeline.progress import Meter, Progress
from ggt_studio.pipeline.recovery import settle_interrupted_calls
from ggt_studio.pipeline.stoppable import Stoppable
from ggt_studio.providers.base import ProviderInfo, ScreenedPatch, Screener, ScreenRequest
from ggt_studio.store import patches, runs
from ggt_studio.store.experience import Pace
from ggt_studio.store.project import Project
from ggt_studio.store.records import Record
from ggt_studio.store.screenings import count_unscreened, record_screening, unscreened
from ggt_studio.store.thread import StoreThread

_PAGE = 64
_HOPELESS = (Outcome.BAD_KEY, Outcome.QUOTA)


@dataclass(frozen=True, slots=True)
class ScreenReport:
    """What a screening did: how many patches it looked at, how many of these are held back now and why, how many failed.

    `ambiguous` paid calls of an earlier, interrupted run were set aside. `ended` is `done`, `stopped`, or `halted` by a bad key
    or an exhausted quota, which `message` tells.
    """

    screened: int
    held: dict[Hold, int]
    failed: int
    ambiguous: int
    cost_usd: float
    ended: str
    message: str


@dataclass(frozen=True, slots=True)
class ScreeningCost:
    """What a screening will take: patches, and US dollars. `most_usd` is reached when every reply has to be asked for again and
    each call costs the most it can. `priced`: whether anybody knows what a call costs; `paid`: whether it costs anything."""

    patches: int
    expected_usd: float
    most_usd: float
    paid: bool
    priced: bool


def screening_cost(info: ProviderInfo, patches: int, pace: Pace | None = None) -> ScreeningCost:
    """What showing so many patches to a screener will cost; `pace` is what its calls cost lately, where there were some."""
    if not info.paid:
        return ScreeningCost(patches, 0.0, 0.0, paid=False, priced=True)
    usual = pace.cost_usd if pace is not None and pace.calls >= ENOUGH else info.price_usd
    most = max(usual, info.price_usd if info.most_usd is None else info.most_usd)
    return ScreeningCost(
        patches, patches * usual, patches * (1 + ASKED_AGAIN) * most, paid=True, priced=info.price_known
    )


class ScreeningRun:
    """One screening of a project's open patches that have no candidate yet. Make one per screening; `run` once.

    A patch that this screener has answered about before is not shown to it again, so a screening that was stopped goes on
    where it stood. `grade` lets the model's quality level take the place of the measured one. `budget_usd` is what it may cost at
    most (None: no cap).
    """

    def __init__(
        self,
        store: StoreThread,
        screener: Screener,
        *,
        limit: int | None = None,
        grade: bool = False,
        on_progress: Callable[[Progress], None] | None = None,
        limiters: Limiters | None = None,
        budget_usd: float | None = None,
    ) -> None:
        self._budget = Budget(budget_usd)
        self._limiters = limiters or Limiters()
        self._store, self._screener, self._limit, self._grade = store, screener, limit, grade
        self._on_progress = on_progress or (lambda _: None)
        self._going = asyncio.Event()
        self._going.set()
        self._work_under_way = Stoppable()
        self._meter = Meter(0, budget_usd=budget_usd)
        self._held: Counter[Hold] = Counter()
        self._screened = 0
        self._halted = ""

    def pause(self) -> None:
        """Ask about no further patch; what was asked is finished and recorded."""
        self._going.clear()
        self._meter.pause()

    def resume(self) -> None:
        """Go on after `pause`."""
        self._meter.resume()
        self._going.set()

    def stop(self) -> None:
        """End the screening at once. All that was recorded stays."""
        self._work_under_way.stop()

    async def run(self) -> ScreenReport:
        """Screen until no patch is left, the limit or the budget is reached, or `stop`.

        Raises StudioError when the project cannot be written, or a budget cannot be kept for want of a price; cancellation ends
        the screening as `stop` does, and is raised.
        """
        require_prices(self._budget, [self._screener.info])
        ambiguous, run_id, total, sent = await self._store.call(self._begin)
        self._limiters.remember(sent)
        self._meter.outcomes[Outcome.AMBIGUOUS] = ambiguous
        self._meter.total = total if self._limit is None else min(total, self._limit)
        ended = "failed"
        try:
            whole = await self._work_under_way.run(self._work(run_id))
            ended = ("halted" if self._halted else "done") if whole else "stopped"
        except asyncio.CancelledError:
            ended = "stopped"
            raise
        finally:
            self._show_progress()
            self._store.submit(lambda project: runs.end_run(project, run_id, ended))
        failed = self._meter.states[State.FAILED]
        return ScreenReport(
            self._screened, dict(self._held), failed, ambiguous, self._meter.cost_usd, ended, self._halted
        )

    def _begin(self, project: Project) -> tuple[int, int, int, dict[str, list[float]]]:
        info = self._screener.info
        recipe = ScreeningRecipe(info.id, info.model, info.instruction, self._grade)
        sent = runs.sent_lately(project)
        ambiguous = settle_interrupted_calls(project)
        return ambiguous, runs.begin_run(project, recipe), count_unscreened(project, info.id), sent

    async def _work(self, run_id: int) -> None:
        info = self._screener.info
        lane = Lane(Terms(self._store, run_id, self._going, self._meter, self._limiters, self._budget), info)
        places = asyncio.Semaphore(2 * info.concurrency)
        async with asyncio.TaskGroup() as group:
            taken = after = 0
            while page := await self._store.call(lambda project, after=after: self._page(project, after)):
                for patch, facts in page:
                    await places.acquire()
                    await self._going.wait()
                    if self._halted or (self._limit is not None and taken >= self._limit):
                        return
                    task = group.create_task(self._screen(lane, run_id, patch, facts))
                    task.add_done_callback(lambda _: places.release())
                    taken += 1
                after = page[-1][0].id

    def _page(self, project: Project, after: int) -> list[tuple[Patch, list[Fact]]]:
        page = unscreened(project, self._screener.info.id, after=after, limit=_PAGE)
        facts = patches.facts_of(project, [patch.id for patch in page])
        return [(patch, facts[patch.id]) for patch in page]

    async def _screen(self, lane: Lane, run_id: int, patch: Patch, history: list[Fact]) -> None:
        """Ask about one patch until there is an answer or a failure that stands."""
        self._meter.in_work += 1
        request = ScreenRequest(patch.lq_path, patch.category)
        ask = Ask(patch.id, "screen", 1, patch.sha256)
        state = State.FAILED
        try:
            while wants_screening(history, lane.info.id):
                try:
                    answered = await lane.call(ask, lambda: self._screener.screen(request), checked_screening)
                except Unanswered as unanswered:
                    failed = failure(1, "screen", unanswered.error)
                    await self._store.record(Record(patch.id, run_id, [failed], list(history), ended=unanswered.ending))
                    history.append(failed)
                    if failed.outcome in _HOPELESS and not self._halted:
                        self._halted = f"No more patches are shown: {failed.message}"
                    continue
                except BudgetReached as error:
                    self._halted = self._halted or str(error)
                    state = State.OPEN
                    break
                fact = _fact(lane.info.id, answered.result, answered.seconds)
                record = Record(patch.id, run_id, [fact], list(history), ended=answered.ending())
                await self._store.call(
                    lambda project, record=record, fact=fact: record_screening(project, record, fact, grade=self._grade)
                )
                history.append(fact)
                self._screened += 1
                if hold := hold_of(fact.verdict):
                    self._held[hold] += 1
                state = State.OPEN
            self._meter.finish(state)
        finally:
            self._meter.in_work -= 1
            self._show_progress()

    def _show_progress(self) -> None:
        self._on_progress(self._meter.snapshot(self._limiters.waiting_s))


def _fact(screener: str, answer: ScreenedPatch, seconds: float) -> Screened:
    return Screened(
        screener, answer.verdict, answer.level, answer.reason, answer.raw, round(seconds, 3), answer.cost_usd
    )
