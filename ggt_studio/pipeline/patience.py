"""How long a request that the server did not take is waited for and sent again."""

from __future__ import annotations

import random
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Patience:
    """At most `tries` further requests, with at most `total_s` seconds of waiting before them all together.

    Before the first one waits about `first_s`, before each other one twice as long, up to `longest_s`; longer where the server
    says so.
    """

    tries: int = 6
    total_s: float = 600.0
    first_s: float = 1.0
    longest_s: float = 60.0

    def delay_s(self, asked_s: float | None, tried: int, waited_s: float) -> float | None:
        """How long to wait before sending again what was sent `tried` times again already, after `waited_s` in all.

        `asked_s` is the delay that the server asks for, None where the request may not be sent again. None: not any more.
        Jittered, so that requests that were turned away together do not come back together.
        """
        if asked_s is None or tried >= self.tries:
            return None
        backoff = min(self.first_s * 2**tried, self.longest_s) * random.uniform(0.5, 1.0)
        delay = max(asked_s, backoff)
        return delay if waited_s + delay <= self.total_s else None


PATIENT = Patience()
"""For calls to services that people pay for and wait for."""
