"""Amounts of US dollars in words."""

from __future__ import annotations

import math


def dollars(usd: float) -> str:
    """US dollars: `0.42` -> `$0.42`; amounts under a cent keep two digits that say something: `0.0031` -> `$0.0031`."""
    sign = "-" if usd < 0 else ""
    amount = abs(usd)
    if 0 < amount < 0.01:
        digits = 1 - math.floor(math.log10(amount))
        return f"{sign}${amount:.{digits}f}"
    return f"{sign}${amount:,.2f}"
