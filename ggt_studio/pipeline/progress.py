"""What a person sees of a run: counts, rate and time left."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass, field

from ggt_studio.core.words import Outcome, State

_WINDOW_S = 60.0


@dataclass(frozen=True, slots=True)
class Progress:
    """A moment of a run. `rate` in patches per second, `eta_s` in seconds; None while unknown.

    `outcomes` are the requests that have ended, `budget_usd` is the cap on what they may cost (None: none), and `waiting_s` for
    how many seconds a provider's limit makes the next request wait.
    """

    done: int
    total: int
    attempts: int
    in_work: int
    cost_usd: float
    rate: float | None
    eta_s: float | None
    states: dict[State, int]
    outcomes: dict[Outcome, int]
    budget_usd: float | None = None
    waiting_s: float = 0.0


@dataclass(slots=True)
class Meter:
    """Counts what a run has done and measures its rate over the last minute of work, pauses left out."""

    total: int
    done: int = 0
    attempts: int = 0
    in_work: int = 0
    cost_usd: float = 0.0
    states: dict[State, int] = field(default_factory=lambda: dict.fromkeys(State, 0))
    outcomes: dict[Outcome, int] = field(default_factory=lambda: dict.fromkeys(Outcome, 0))
    budget_usd: float | None = None
    _finished_at: deque[float] = field(default_factory=deque)
    _began: float = field(default_factory=time.monotonic)
    _paused_at: float | None = None
    _paused_s: float = 0.0

    def _clock(self) -> float:
        now = self._paused_at if self._paused_at is not None else time.monotonic()
        return now - self._paused_s

    def pause(self) -> None:
        """Stop the clock."""
        if self._paused_at is None:
            self._paused_at = time.monotonic()

    def resume(self) -> None:
        """Let the clock run on."""
        if self._paused_at is not None:
            self._paused_s += time.monotonic() - self._paused_at
            self._paused_at = None

    def finish(self, state: State) -> None:
        """One patch came to rest."""
        self.done += 1
        self.states[state] += 1
        self._finished_at.append(self._clock())

    def ended(self, outcome: Outcome, cost_usd: float) -> None:
        """One request ended."""
        self.outcomes[outcome] += 1
        self.cost_usd += cost_usd

    def snapshot(self, waiting_s: float = 0.0) -> Progress:
        """The progress now, while the next request has to wait so long."""
        now = self._clock()
        while len(self._finished_at) > 1 and now - self._finished_at[0] > _WINDOW_S:
            self._finished_at.popleft()
        rate = eta = None
        if self.done >= 2:
            span = now - (self._began if self.done == len(self._finished_at) else self._finished_at[0])
            if span > 0:
                rate = len(self._finished_at) / span
                eta = max(self.total - self.done, 0) / rate
        return Progress(
            self.done,
            self.total,
            self.attempts,
            self.in_work,
            self.cost_usd,
            rate,
            eta,
            dict(self.states),
            dict(self.outcomes),
            self.budget_usd,
            waiting_s,
        )
