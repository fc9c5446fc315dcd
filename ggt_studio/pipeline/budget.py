"""A run's money: what is spent, what calls under way may still cost, and the cap that both together may not pass."""

from __future__ import annotations

import asyncio
import math

from ggt_studio.core.errors import StudioError
from ggt_studio.core.money import dollars


class BudgetReached(StudioError):
    """The next call could pass the cap. Nothing was sent; the patch stays open."""


class Budget:
    """Counts a run's spend in US dollars against a cap (None: no cap).

    Before a call leaves, the most it can cost is set aside; when it ends, what it is booked at takes that place. Where nobody
    knows what it was charged, the rest of the most it can cost is held back. So spend never passes the cap, however many calls
    are in flight, as long as no call costs more than its provider says at most.
    Counted in whole billionths of a dollar: sums of binary fractions drift.
    """

    def __init__(self, cap_usd: float | None = None) -> None:
        if cap_usd is not None and not (math.isfinite(cap_usd) and cap_usd >= 0):
            raise StudioError(f"A budget is an amount of dollars from 0 up, not {cap_usd}.")
        self.cap_usd = cap_usd
        self._spent = self._held = self._aside = 0
        self._changed = asyncio.Event()

    @property
    def spent_usd(self) -> float:
        """What the ended calls are booked at."""
        return self._spent / _PARTS

    @property
    def held_usd(self) -> float:
        """What they may have been charged beyond that."""
        return self._held / _PARTS

    @property
    def aside_usd(self) -> float:
        """The most that the calls under way can cost."""
        return self._aside / _PARTS

    async def admit(self, most_usd: float) -> None:
        """Set the most that a call can cost aside, once calls under way have left enough. Raises BudgetReached when the cap
        does not allow it even if these should cost nothing."""
        while True:
            try:
                return self.set_aside(most_usd)
            except BudgetReached:
                if not self._aside or self._spent + self._held + _parts(most_usd) > _parts(self.cap_usd or 0.0):
                    raise
            self._changed.clear()
            await self._changed.wait()

    def set_aside(self, most_usd: float) -> None:
        """Reserve the most that a call can cost. Raises BudgetReached when the cap does not allow it; a free call always may."""
        most = _parts(most_usd)
        taken = self._spent + self._held + self._aside
        if most and self.cap_usd is not None and taken + most > _parts(self.cap_usd):
            parts = [f"{dollars(self.spent_usd)} are spent"]
            if self._held:
                parts.append(f"{dollars(self.held_usd)} more held back for calls that may have been charged at most")
            if self._aside:
                parts.append(f"{dollars(self.aside_usd)} on their way")
            raise BudgetReached(
                f"The budget of {dollars(self.cap_usd)} allows no further call: {', '.join(parts)}, and the next call may cost "
                f"${most_usd:.3f}. Run again with a higher budget to go on."
            )
        self._aside += most

    def give_back(self, most_usd: float) -> None:
        """A call for which this was set aside did not leave."""
        self._aside -= _parts(most_usd)
        self._changed.set()

    def spend(self, most_usd: float, cost_usd: float, held_usd: float = 0.0) -> None:
        """A call for which `most_usd` were set aside is booked at `cost_usd`, and may have been charged `held_usd` more."""
        self._aside -= _parts(most_usd)
        self._spent += _parts(cost_usd)
        self._held += _parts(held_usd)
        self._changed.set()


_PARTS = 1_000_000_000


def _parts(usd: float) -> int:
    return round(usd * _PARTS)
