"""What was found out about one part of the set-up."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Condition(StrEnum):
    """ABSENT: not set up, which may be as wanted. UNKNOWN: not looked at, or not to be found out."""

    WORKS = "works"
    BROKEN = "does not work"
    ABSENT = "not set up"
    UNKNOWN = "not known"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line: `area` and `subject` say what it is about, `words` how it stands, `mend` what can be done (empty: nothing is
    to be done). `facts` are its figures as JSON; no key is ever among them."""

    area: str
    subject: str
    condition: Condition
    words: str
    mend: str = ""
    facts: dict[str, Any] = field(default_factory=dict)


def works(area: str, subject: str, words: str, **facts: Any) -> Finding:
    """Something that works."""
    return Finding(area, subject, Condition.WORKS, words, facts=facts)


def broken(area: str, subject: str, words: str, mend: str = "", **facts: Any) -> Finding:
    """Something that is set up and does not work."""
    return Finding(area, subject, Condition.BROKEN, words, mend, facts)


def absent(area: str, subject: str, words: str, mend: str = "", **facts: Any) -> Finding:
    """Something that is not set up."""
    return Finding(area, subject, Condition.ABSENT, words, mend, facts)


def unknown(area: str, subject: str, words: str, mend: str = "", **facts: Any) -> Finding:
    """Something that was not found out."""
    return Finding(area, subject, Condition.UNKNOWN, words, mend, facts)
