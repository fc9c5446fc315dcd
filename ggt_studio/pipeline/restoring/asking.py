"""What generators are asked for photos: within limits and a budget, on record before and after, and never paid for twice unasked."""

from __future__ import annotations

import asyncio
import itertools
import secrets
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ggt_studio.core.errors import MlExtraMissing, StudioError, WriteError
from ggt_studio.core.files import write_content_addressed
from ggt_studio.core.media import SUFFIXES
from ggt_studio.core.words import Outcome
from ggt_studio.pipeline.answers import checked_image
from ggt_studio.pipeline.budget import Budget
from ggt_studio.pipeline.calls import Answered, Ask, Lane, Terms, Unanswered, price_words, require_prices
from ggt_studio.pipeline.limits import Limiters
from ggt_studio.pipeline.restoring.journal import RECEIVED, Journal, Received, Uncertain
from ggt_studio.pipeline.stoppable import whatever_comes
from ggt_studio.providers.base import GeneratedImage, ProviderInfo
from ggt_studio.store.records import Record


@dataclass(frozen=True, slots=True)
class Money:
    """What a run may spend, in US dollars (None: as much as it costs), and whether it makes requests again that may have been charged."""

    budget_usd: float | None = None
    repeat_uncertain: bool = False


class MayBeCharged(StudioError):
    """A photo whose request may have been charged already, at `cost_usd`; it is made again only when a person asks for it."""

    def __init__(self, message: str, cost_usd: float) -> None:
        super().__init__(message)
        self.cost_usd = cost_usd


class _Recorder:
    """The journal as `pipeline.calls.Recorder`: one entry after the other, in the order in which they were given."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="restore-journal")

    @property
    def folder(self) -> Path:
        """Where the journal is."""
        return self._journal.folder

    async def record(self, record: Record) -> None:
        """Write a record and wait until it is on disk."""
        await asyncio.wrap_future(self._thread.submit(self._write, record))

    def submit_record(self, record: Record) -> None:
        """Write a record, whenever that is."""
        self._thread.submit(self._try, record)

    async def keep(self, image: GeneratedImage, answered: Answered) -> Received:
        """Put what came on disk, and then on record."""
        return await asyncio.wrap_future(self._thread.submit(self._keep, image, answered))

    async def close(self) -> None:
        """Wait until all is on disk."""
        await whatever_comes(asyncio.to_thread(self._thread.shutdown))

    def _write(self, record: Record) -> None:
        if record.begun is not None:
            self._journal.begin(record.begun)
        if record.ended is not None:
            self._journal.end(record.ended)

    def _try(self, record: Record) -> None:
        # A call that could not be ended stays open on record, and so counts as one that may have been charged.
        with suppress(WriteError):
            self._write(record)

    def _keep(self, image: GeneratedImage, answered: Answered) -> Received:
        folder = self._journal.folder / RECEIVED
        sha256 = write_content_addressed(folder, image.data, SUFFIXES[image.media_type])
        received = Received(sha256, image.media_type, image.canvas, image.notes)
        self._journal.end(answered.ending(), received)
        return received


class Asking:
    """The requests of one run to one generator. Close it at the end, whatever comes.

    `going` is cleared while the run is paused. `cost_usd` is what the run is booked at so far, `left_usd` that part of it which an
    earlier, interrupted run left open: it may have been charged, and counts against the budget. Raises StudioError where a budget
    cannot be kept, because nobody knows what a call costs.
    """

    def __init__(
        self, journal: Journal, info: ProviderInfo, going: asyncio.Event, limiters: Limiters, money: Money
    ) -> None:
        self.cost_usd = self.left_usd = 0.0
        self._budget = Budget(money.budget_usd)
        require_prices(self._budget, [info])
        self._journal, self._info, self._repeat = journal, info, money.repeat_uncertain
        self._recorder = _Recorder(journal)
        self._run, self._numbers = secrets.randbits(52), itertools.count(1)
        self._lane = Lane(Terms(self._recorder, self._run, going, self, limiters, self._budget), info)

    async def settle(self) -> None:
        """Book what an ended program left open."""
        for left in await asyncio.to_thread(self._journal.settle):
            self._budget.spend(0.0, left.cost_usd)
            self.cost_usd += left.cost_usd
            self.left_usd += left.cost_usd

    def ended(self, outcome: Outcome, cost_usd: float) -> None:
        """As of `pipeline.calls.Tally`."""
        self.cost_usd += cost_usd

    @property
    def folder(self) -> Path:
        """Where answers are kept."""
        return self._journal.folder

    def known(self, request: str) -> Received | None:
        """What the generator gave when it was asked `request` before. Raises MayBeCharged where nobody knows whether it did."""
        known = self._journal.requests.get(request)
        if isinstance(known, Uncertain) and not self._repeat:
            raise MayBeCharged(
                f"{self._info.label} was asked for it before, and it is not known whether that was charged "
                f"({price_words(known.cost_usd)}). It is asked again only when you say so.",
                known.cost_usd,
            )
        return self._journal.received(request)

    async def ask(
        self, request: str, call: Callable[[], Coroutine[Any, Any, GeneratedImage]]
    ) -> tuple[Received, float]:
        """Ask the generator for what is not `known`: what it gives, and what that cost.

        What has arrived is kept, also when the run is stopped at this very moment. Raises BudgetReached before anything is sent,
        ProviderError with its outcome where there is no answer, MayBeCharged where nobody knows what that cost, MlExtraMissing, and
        WriteError.
        """
        wanted = Ask(next(self._numbers), "restore", 1, request, images=1)
        try:
            answered = await self._lane.call(wanted, call, checked_image)
        except Unanswered as unanswered:
            ended = Record(wanted.patch_id, self._run, ended=unanswered.ending)
            await whatever_comes(self._recorder.record(ended))
            if isinstance(unanswered.__cause__, MlExtraMissing):
                raise unanswered.__cause__ from unanswered
            doubtful = self._journal.requests.get(request)
            if isinstance(doubtful, Uncertain):
                message = f"{unanswered.error} It is asked again only when you say so."
                raise MayBeCharged(message, doubtful.cost_usd) from unanswered
            raise unanswered.error from unanswered
        image: GeneratedImage = answered.result
        kept: list[Received] = []

        async def keep() -> None:
            kept.append(await self._recorder.keep(image, answered))

        await whatever_comes(keep())
        return kept[0], image.cost_usd

    async def close(self) -> None:
        """Wait until everything is on record."""
        await self._recorder.close()
