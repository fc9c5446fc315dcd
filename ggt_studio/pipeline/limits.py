"""How fast a provider may be asked: windows of requests, images and tokens, and what its refusals teach."""

from __future__ import annotations

import asyncio
import math
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from ggt_studio.providers.base import Allowance, ProviderInfo

# A request has reached the server when its answer is here, or after this long.
_ARRIVED_S = 3.0
# By how much the pace is raised again with each window that passes without a refusal.
_RECOVERY = 1.1
_LONGEST_WAIT_S = 3600.0
# So many allowed requests tell of a limit; fewer may tell of a burst, or of others who use the same account.
_TELLING = 8


@dataclass(slots=True, eq=False)
class Request:
    """One request under the limiter's eyes: end it with `answered`, `refused` or `unsent`; the first of these counts."""

    sent: float
    images: int
    tokens: int
    answered: float | None = None
    ended: bool = False

    def counts_from(self, now: float) -> float:
        """The latest time at which the server can have counted it."""
        return min(now if self.answered is None else self.answered, self.sent + _ARRIVED_S)


@dataclass(frozen=True, slots=True, eq=False)
class _Waiting:
    """A request that waits for its turn."""

    images: int
    tokens: int
    turn: asyncio.Future[Request]


class Limiter:
    """Admits requests, first come first served, so that no window of the server's sees more than the allowance, and no more
    than `concurrency` are under way.

    A request counts from the time at which the server must have seen it, not from when it left: delays on the way cannot make
    it arrive in a window that was full. A refusal (429) makes all wait as long as the server says and halves how many may be in
    flight; what the server did allow in the last window becomes the limit, unless that was little and the server says itself
    when to come again. Both recover slowly.
    """

    def __init__(self, allowance: Allowance, concurrency: int = 8, clock: Callable[[], float] = time.monotonic) -> None:
        self.allowance, self.concurrency = allowance, concurrency
        self._clock = clock
        self._window: deque[Request] = deque()
        self._images = self._tokens = self._in_flight = 0
        self._slots = float(concurrency)
        self._pace = float(allowance.requests or math.inf)
        self._not_before = self._full_until = -math.inf
        self._calm_since = -math.inf
        self._queue: deque[_Waiting] = deque()
        self._alarm: asyncio.TimerHandle | None = None

    @property
    def in_flight(self) -> int:
        """How many requests are on their way."""
        return self._in_flight

    @property
    def waiting_s(self) -> float:
        """For how many seconds a refusal, or a window that is full, still makes the next request wait."""
        return max(0.0, max(self._not_before, self._full_until) - self._clock())

    def remember(self, ages_s: Iterable[float]) -> None:
        """Count requests of an earlier run, sent so many seconds ago. Call before the first `enter`."""
        now = self._clock()
        for age in sorted(ages_s, reverse=True):
            self._count(Request(now - age, 1, 0, now - age))

    async def enter(self, images: int = 0, tokens: int = 0) -> Request:
        """Wait for this request's turn. `tokens` is how many it is expected to use. End it, whatever comes."""
        if not self._queue and self._wait_s(images, tokens) <= 0:
            return self._admit(images, tokens)
        waiting = _Waiting(images, tokens, asyncio.get_running_loop().create_future())
        self._queue.append(waiting)
        self._serve()
        try:
            return await waiting.turn
        except asyncio.CancelledError:
            if not waiting.turn.cancelled():
                self.unsent(waiting.turn.result())
            self._serve()
            raise

    def leaves(self, request: Request) -> None:
        """It leaves only now; time has passed since it was admitted."""
        request.sent = self._clock()

    def answered(self, request: Request, tokens: int | None = None) -> None:
        """The server answered, well or badly; `tokens` are those that it reported."""
        if self._end(request):
            request.answered = self._clock()
            if tokens is not None and self._leaves_at(request, request.answered) > request.answered:
                self._tokens += tokens - request.tokens
                request.tokens = tokens
            self._serve()

    def refused(self, request: Request, delay_s: float) -> None:
        """The server refused it for coming too fast, and asks to wait so many seconds."""
        if not self._end(request):
            return
        now = self._clock()
        self._not_before = max(self._not_before, now + min(max(delay_s, 0.0), _LONGEST_WAIT_S))
        self._take_back(request)
        if request.sent > self._calm_since:
            # Those that were on their way when the first was refused teach nothing more.
            self._calm_since = now
            self._slots = max(1.0, self._slots / 2)
            allowed = sum(other.answered is not None for other in self._window if self._leaves_at(other, now) > now)
            if allowed >= _TELLING or delay_s <= 0:
                self._pace = min(self._pace, max(1.0, float(allowed)))
        self._serve()

    def unsent(self, request: Request) -> None:
        """It did not leave after all."""
        if self._end(request):
            self._take_back(request)
            self._serve()

    def _serve(self) -> None:
        """Admit all whose turn has come, and look again when the first of the others may have waited long enough.

        In one go: with many in flight, a turn of the event loop for each would leave places empty.
        """
        if self._alarm is not None:
            self._alarm.cancel()
        self._alarm, self._full_until = None, -math.inf
        while self._queue:
            first = self._queue[0]
            if not first.turn.done():
                wait = self._wait_s(first.images, first.tokens)
                if wait == math.inf:
                    return
                if wait > 0:
                    self._full_until = self._clock() + wait
                    self._alarm = first.turn.get_loop().call_later(wait, self._serve)
                    return
                first.turn.set_result(self._admit(first.images, first.tokens))
            self._queue.popleft()

    def _admit(self, images: int, tokens: int) -> Request:
        request = Request(self._clock(), images, tokens)
        self._count(request)
        self._in_flight += 1
        return request

    def _end(self, request: Request) -> bool:
        if request.ended:
            return False
        request.ended = True
        self._in_flight -= 1
        return True

    def _count(self, request: Request) -> None:
        self._window.append(request)
        self._images += request.images
        self._tokens += request.tokens

    def _uncount(self, request: Request) -> None:
        self._images -= request.images
        self._tokens -= request.tokens

    def _wait_s(self, images: int, tokens: int) -> float:
        """For how long this request has to wait at least; infinite: until another one ends."""
        now = self._clock()
        self._recover(now)
        while self._window and self._leaves_at(self._window[0], now) <= now:
            self._uncount(self._window.popleft())
        if self._not_before > now:
            return self._not_before - now
        if self._in_flight >= int(self._slots):
            return math.inf
        limit = self.allowance
        over = [len(self._window) + 1 - math.floor(self._pace) if self._pace != math.inf else 0]
        over.append(self._images + images - limit.images if limit.images else 0)
        # A request that alone needs more than a window allows goes when the window is empty.
        over.append(self._tokens + min(tokens, limit.tokens) - limit.tokens if limit.tokens else 0)
        wait = 0.0
        for request in self._window:
            if max(over) <= 0:
                break
            wait = max(wait, self._leaves_at(request, now) - now)
            over = [over[0] - 1, over[1] - request.images, over[2] - request.tokens]
        return wait

    def _leaves_at(self, request: Request, now: float) -> float:
        return request.counts_from(now) + self.allowance.window_s

    def _recover(self, now: float) -> None:
        limit = self.allowance
        while now - self._calm_since > limit.window_s:
            if self._slots == self.concurrency and self._pace == (limit.requests or math.inf):
                return
            self._calm_since += limit.window_s
            self._slots = min(float(self.concurrency), self._slots * _RECOVERY + 1)
            self._pace = min(float(limit.requests or math.inf), self._pace * _RECOVERY + 1)

    def _take_back(self, request: Request) -> None:
        if request in self._window:
            self._window.remove(request)
            self._uncount(request)


@dataclass(frozen=True, slots=True)
class Gate:
    """The limits of one quota: `limiter` admits calls, `places` are those in flight.

    A quarter more calls are admitted than may be in flight, so that no place waits for the disk, on which a call stands before
    it leaves.
    """

    limiter: Limiter
    places: asyncio.Semaphore


class Limiters:
    """The gates of all that is asked from one session: one per quota, whoever asks, in whichever run."""

    def __init__(self) -> None:
        self._gates: dict[str, Gate] = {}
        self._earlier: Mapping[str, Sequence[float]] = {}

    def remember(self, ages_s: Mapping[str, Sequence[float]]) -> None:
        """What was sent lately, by quota and how many seconds ago. Only what was sent before this session counts."""
        if not self._gates:
            self._earlier = ages_s

    def gate(self, info: ProviderInfo) -> Gate:
        """The gate of a provider; one of its own where it shares no quota."""
        known = self._gates.get(info.quota) if info.quota else None
        if known is not None:
            return known
        limiter = Limiter(info.allowance, info.concurrency + info.concurrency // 4)
        gate = Gate(limiter, asyncio.Semaphore(info.concurrency))
        if info.quota:
            limiter.remember(self._earlier.get(info.quota, ()))
            self._gates[info.quota] = gate
        return gate

    @property
    def waiting_s(self) -> float:
        """For how many seconds the most crowded quota makes its next request wait."""
        return max((gate.limiter.waiting_s for gate in self._gates.values()), default=0.0)
