"""Numbers as people read them: money, durations, counts, rates, sizes, times of the record."""

from __future__ import annotations

import math
from datetime import datetime

from ggt_studio.core.money import dollars as money


def count(number: int) -> str:
    """`12345` -> `12,345`."""
    return f"{number:,}"


def counted(number: int, one: str, many: str) -> str:
    """A number with its word: `one` as it stands for 1, else `many` with the number at its `{0}`."""
    return one if number == 1 else many.format(count(number))


def money_of(usd: float, budget_usd: float) -> str:
    """`$0.42 of $20.00`."""
    return f"{money(usd)} of {money(budget_usd)}"


def duration(seconds: float) -> str:
    """A length of time in at most two units: `42 s`, `3 min`, `2 h 5 min`, `3 d 4 h`."""
    total = max(0, round(seconds))
    if 0 < seconds < 1:
        return "under 1 s"
    if total < 60:
        return f"{total} s"
    minutes = round(total / 60)
    if minutes < 60:
        return f"{minutes} min"
    if minutes < 24 * 60:
        return _two(minutes, 60, "h", "min")
    return _two(round(minutes / 60), 24, "d", "h")


def _two(value: int, base: int, large: str, small: str) -> str:
    whole, rest = divmod(value, base)
    return f"{whole} {large} {rest} {small}" if rest else f"{whole} {large}"


def eta(seconds: float | None) -> str:
    """`3 min left`; empty when nothing is known yet."""
    if seconds is None or not math.isfinite(seconds):
        return ""
    return f"{duration(max(seconds, 1))} left"


def rate(per_second: float, unit: str = "") -> str:
    """`12.4/s`; slow work is told per minute or hour: `0.2` -> `12/min`. `unit` is put before the slash with a space."""
    name = f" {unit}" if unit else ""
    for factor, period in ((1, "s"), (60, "min"), (3600, "h")):
        value = per_second * factor
        if value >= 1 or period == "h":
            return f"{_short(value)}{name}/{period}"
    raise AssertionError("the last period always answers")


def _short(value: float) -> str:
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}".removesuffix(".0")


def percent(share: float) -> str:
    """A share in [0, 1]: `0.325` -> `32.5 %`; `<0.1 %` where rounding would hide that there is something."""
    if 0 < share < 0.001:
        return "<0.1 %"
    return f"{share * 100:.1f}".removesuffix(".0") + " %"


def size(bytes_: int) -> str:
    """Bytes in decimal units, as disks are sold: `1_540_000` -> `1.5 MB`."""
    value = float(bytes_)
    for unit in ("B", "kB", "MB", "GB"):
        if value < 1000:
            return f"{value:.0f} {unit}" if unit == "B" else f"{_short(value)} {unit}"
        value /= 1000
    return f"{_short(value)} TB"


def when(at: str) -> str:
    """A time of the record (ISO 8601, UTC) in local time: `14:05` today, `12 Mar 14:05` this year, else with the year."""
    local = datetime.fromisoformat(at).astimezone()
    now = datetime.now().astimezone()
    if local.date() == now.date():
        return f"{local:%H:%M}"
    return f"{local.day} {local:%b %H:%M}" if local.year == now.year else f"{local.day} {local:%b %Y}"
