"""Calls to providers: limits, budget and pause, the ledger in which a paid request stands before it leaves, and sending again."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

from ggt_studio.core.errors import StudioError, WriteError
from ggt_studio.core.facts import Fact, Failed
from ggt_studio.core.model import Usage
from ggt_studio.core.outcomes import MAY_BE_CHARGED
from ggt_studio.core.words import CostBasis, Outcome
from ggt_studio.pipeline.budget import Budget
from ggt_studio.pipeline.limits import Limiters, Request
from ggt_studio.pipeline.patience import PATIENT, Patience
from ggt_studio.providers.base import ProviderError, ProviderInfo
from ggt_studio.store import runs
from ggt_studio.store.project import Project
from ggt_studio.store.records import Record

T = TypeVar("T")

TASK_KEPT = "Its task is on record: a retry fetches the image without paying again."
"""What is said of a call whose provider took it as a task, when it ends without the result."""


@dataclass(frozen=True, slots=True)
class Ask:
    """What a call is for; `request_hash` identifies what was asked. `images` are those that it is to make. `task` is one that
    the provider took earlier, whose result is fetched: it was paid for then."""

    patch_id: int
    step: str
    attempt: int
    request_hash: str
    images: int = 0
    task: str = ""


class Tally(Protocol):
    """Counts what requests came to."""

    def ended(self, outcome: Outcome, cost_usd: float) -> None:
        """A request ended like this, and is booked at so much."""
        ...


class Recorder(Protocol):
    """Where calls go on record: the store's thread, what stands before it, or a journal of another kind."""

    @property
    def folder(self) -> Path:
        """The folder of what is recorded."""
        ...

    async def record(self, record: Record) -> None:
        """Write a record and wait until it is on disk; see `StoreThread.record`."""
        ...

    def submit_record(self, record: Record) -> None:
        """Write a record, whenever that is."""
        ...


class ProjectRecorder(Recorder, Protocol):
    """Where the calls and facts of a project's run go on record."""

    async def call(self, function: Callable[[Project], T]) -> T:
        """Look something up in the project; see `StoreThread.call`."""
        ...


R_co = TypeVar("R_co", bound=Recorder, covariant=True)


@dataclass(frozen=True, slots=True)
class Terms(Generic[R_co]):
    """What all calls of a run share. `going` is cleared while the run is paused."""

    store: R_co
    run_id: int
    going: asyncio.Event
    tally: Tally
    limiters: Limiters = field(default_factory=Limiters)
    budget: Budget = field(default_factory=Budget)
    patience: Patience = PATIENT


@dataclass(frozen=True, slots=True)
class Answered:
    """A call that gave a result; its `ending` goes on record together with what is made of the result."""

    call: runs.Call
    result: Any
    seconds: float
    info: ProviderInfo
    tally: Tally

    def ending(self, outcome: Outcome = Outcome.OK) -> runs.Ending:
        """End the call: what the ledger is told of it. Once per call."""
        cost, basis = self.result.cost_usd, self.result.cost_basis
        if not cost:
            basis = CostBasis.NOTHING if self.info.price_known else CostBasis.ESTIMATE
        self.tally.ended(outcome, cost)
        return runs.Ending(self.call, outcome, cost, basis, self.result.usage)


class Unanswered(Exception):
    """A call that gave no result and is not made again by itself: `error` says why, `ending` is for the ledger.

    It has to go on record together with the fact that the step failed: else a crash between the two would let the next run
    make, and pay, the call again.
    """

    def __init__(self, error: ProviderError, ending: runs.Ending) -> None:
        super().__init__(str(error))
        self.error, self.ending = error, ending


@dataclass(slots=True)
class _Admission:
    """A call's place in the limits, and the most it can cost, which is set aside."""

    request: Request
    most_usd: float
    left: bool = False


class Lane:
    """All calls of a run to one provider. Its requests are sent again while the server certainly did nothing."""

    def __init__(self, terms: Terms[Recorder], info: ProviderInfo) -> None:
        self.info = info
        self._terms = terms
        self._gate = terms.limiters.gate(info)
        # Grows where a call costs more than its provider said at most.
        self._most_usd = (info.price_usd if info.most_usd is None else info.most_usd) if info.paid else 0.0

    async def call(
        self,
        ask: Ask,
        request: Callable[[], Coroutine[Any, Any, Any]],
        checked: Callable[[object], T],
        taken: Callable[[], bool] = lambda: False,
    ) -> Answered:
        """Make a call when limits, budget and pause allow it, and look at its answer.

        `taken` says whether the provider has the call as a task by now, whose result can be fetched later.

        Raises Unanswered where there is none; whatever a provider raises becomes an outcome. Raises BudgetReached before
        anything is sent.
        """
        tried, waited_s = 0, 0.0
        while True:
            try:
                return await self._once(ask, request, checked, taken)
            except Unanswered as unanswered:
                delay_s = self._terms.patience.delay_s(unanswered.error.again_after_s, tried, waited_s)
                if delay_s is None:
                    raise
                ended = unanswered.ending
            await self._terms.store.record(Record(ask.patch_id, self._terms.run_id, ended=ended))
            await asyncio.sleep(delay_s)
            tried, waited_s = tried + 1, waited_s + delay_s

    async def _once(
        self,
        ask: Ask,
        request: Callable[[], Coroutine[Any, Any, Any]],
        checked: Callable[[object], T],
        taken: Callable[[], bool],
    ) -> Answered:
        going = self._terms.going
        while True:
            await going.wait()
            async with self._admitted(ask) as admission:
                if not going.is_set():
                    continue
                call = await self._begin(ask)
                try:
                    await self._gate.places.acquire()
                except asyncio.CancelledError:
                    self._withdraw(call)
                    raise
                try:
                    if going.is_set():
                        self._gate.limiter.leaves(admission.request)
                        admission.left = True
                        return await self._result(call, admission, request, checked, taken)
                finally:
                    self._gate.places.release()
                self._withdraw(call)

    @asynccontextmanager
    async def _admitted(self, ask: Ask) -> AsyncIterator[_Admission]:
        """Admitted by budget and limits; taken back at the end where the call did not leave."""
        budget, most_usd = self._terms.budget, 0.0 if ask.task else self._most_usd
        await budget.admit(most_usd)
        try:
            place = await self._gate.limiter.enter(ask.images, self.info.tokens)
        except BaseException:
            budget.give_back(most_usd)
            raise
        admission = _Admission(place, most_usd)
        try:
            yield admission
        finally:
            if not admission.left:
                self._gate.limiter.unsent(place)
                budget.give_back(most_usd)

    async def _begin(self, ask: Ask) -> runs.Call:
        info = self.info
        call = runs.Call(
            self._terms.run_id,
            ask.patch_id,
            ask.step,
            info.id,
            ask.attempt,
            ask.request_hash,
            info.paid,
            0.0 if ask.task else info.price_usd,
            info.quota,
        )
        if info.paid:
            try:
                await self._terms.store.record(Record(call.patch_id, call.run_id, begun=call))
            except asyncio.CancelledError:
                # The row is written or about to be, but the request does not leave.
                self._withdraw(call)
                raise
        return call

    def _withdraw(self, call: runs.Call) -> None:
        if call.paid:
            ending = runs.Ending(call, Outcome.CANCELLED, 0.0)
            self._terms.store.submit_record(Record(call.patch_id, call.run_id, ended=ending))

    async def _result(
        self,
        call: runs.Call,
        admission: _Admission,
        request: Callable[[], Coroutine[Any, Any, Any]],
        checked: Callable[[object], T],
        taken: Callable[[], bool],
    ) -> Answered:
        began = time.monotonic()
        try:
            result: Any = checked(await request())
        except ProviderError as error:
            raise Unanswered(error, self._ended(call, admission, error)) from error
        except (asyncio.CancelledError, WriteError):
            self._give_up(call, admission, taken=taken())
            raise
        except Exception as error:
            message = f"{self.info.label} failed unexpectedly: {type(error).__name__}: {error}"
            crashed = ProviderError(Outcome.CRASHED, message)
            raise Unanswered(crashed, self._ended(call, admission, crashed)) from error
        self._settle(admission, result.cost_usd, result.usage)
        return Answered(call, result, time.monotonic() - began, self.info, self._terms.tally)

    def _ended(self, call: runs.Call, admission: _Admission, error: ProviderError) -> runs.Ending:
        """The end of a call without a result."""
        cost_usd, basis = error.cost_usd, error.cost_basis
        if cost_usd is None:
            cost_usd, basis = _possible_cost(call, error.outcome), CostBasis.ESTIMATE
        charge_known = error.cost_usd is not None or error.outcome not in MAY_BE_CHARGED
        refused = error.outcome is Outcome.QUOTA and error.again_after_s is not None
        self._settle(
            admission,
            cost_usd,
            error.usage,
            held_usd=0.0 if charge_known else max(0.0, admission.most_usd - cost_usd),
            refused_s=error.again_after_s if refused else None,
        )
        self._terms.tally.ended(error.outcome, cost_usd)
        return runs.Ending(call, error.outcome, cost_usd, basis if cost_usd else CostBasis.NOTHING, error.usage)

    def _settle(
        self,
        admission: _Admission,
        cost_usd: float,
        usage: Usage | None = None,
        *,
        held_usd: float = 0.0,
        refused_s: float | None = None,
    ) -> None:
        """Tell limits and budget how a request ended: answered, or refused for so many seconds, what it is booked at, and how
        much more it can have cost."""
        if refused_s is None:
            self._gate.limiter.answered(admission.request, usage.tokens if usage else None)
        else:
            self._gate.limiter.refused(admission.request, refused_s)
        self._terms.budget.spend(admission.most_usd, cost_usd, held_usd)
        if self.info.paid:
            self._most_usd = max(self._most_usd, cost_usd)

    def _give_up(self, call: runs.Call, admission: _Admission, *, taken: bool) -> None:
        """The run was stopped with the request on its way: a paid one is booked, and made again only when asked for."""
        cost = _possible_cost(call, Outcome.CANCELLED)
        self._settle(admission, cost, held_usd=max(0.0, admission.most_usd - cost))
        self._terms.tally.ended(Outcome.CANCELLED, cost)
        facts: Sequence[Fact] = ()
        if call.paid:
            stopped = f"The run was stopped while {self.info.label} was at work"
            message = (
                f"{stopped}. {TASK_KEPT}"
                if taken
                else f"{stopped}; the call may have been charged ({price_words(cost)}). Retry it if you want it made again."
            )
            facts = [Failed(call.attempt, call.step, Outcome.CANCELLED, message)]
        basis = CostBasis.ESTIMATE if cost else CostBasis.NOTHING
        ending = runs.Ending(call, Outcome.CANCELLED, cost, basis)
        self._terms.store.submit_record(Record(call.patch_id, call.run_id, facts, ended=ending))


def require_prices(budget: Budget, infos: Sequence[ProviderInfo]) -> None:
    """Raises StudioError where there is a cap and a paid provider of which nobody knows what a call costs."""
    unknown = next((info for info in infos if info.paid and not info.price_known), None)
    if budget.cap_usd is not None and unknown is not None:
        raise StudioError(
            f"Nobody has said what a call to {unknown.label} costs, so a budget cannot be kept. Give its price in your "
            f'models.toml, in an entry with id = "{unknown.id}", such as price = {{ per_image = {{ default = 0.04 }} }} for a '
            "generator or price = { per_million_input_tokens = 2.0, per_million_output_tokens = 12.0 } for a model that reads; "
            "or run without a budget."
        )


def price_words(cost_usd: float) -> str:
    """A price in words, for messages."""
    return f"${cost_usd:.3f}" if cost_usd else "its price is not known"


def _possible_cost(call: runs.Call, outcome: Outcome) -> float:
    """What a call that ended like this is booked at when nobody knows its price: the estimate where it may be charged."""
    return call.estimated_usd if call.paid and outcome in MAY_BE_CHARGED else 0.0
