"""Sizes and times for people. Light."""

from __future__ import annotations

_STEPS = ((86400.0, "day"), (3600.0, "hour"), (60.0, "minute"))


def gigabytes(size: int) -> str:
    """Bytes as `1.2 GB`, or `340 MB` below one."""
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{max(1, round(size / 1e6))} MB"


def how_long(seconds: float) -> str:
    """How long, in the largest fitting unit: `about 3 days`, `about 1 hour`, `less than a minute`."""
    for length, name in _STEPS:
        if seconds >= length:
            count = round(seconds / length)
            return f"about {count} {name}" if count == 1 else f"about {count} {name}s"
    return "less than a minute"
