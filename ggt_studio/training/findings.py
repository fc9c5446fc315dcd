"""What is found out about a job before its first step, for people. Light."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any


class Answer(StrEnum):
    """Whether it can begin: `no` says why not; `doubt` lets it begin and says what to think of."""

    YES = "yes"
    DOUBT = "doubt"
    NO = "no"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at (`pairs`, `crop`, `step`, `memory`, `disk`, `time`), and the outcome in words."""

    what: str
    answer: Answer
    words: str


@dataclass(frozen=True, slots=True)
class Preflight:
    """All findings, and what the measured steps took: seconds, and bytes of memory and disk; 0 where it did not come to that."""

    findings: tuple[Finding, ...]
    step_s: float = 0.0
    memory_bytes: int = 0
    disk_bytes: int = 0

    @property
    def can_begin(self) -> bool:
        """Whether nothing speaks against it."""
        return all(finding.answer is not Answer.NO for finding in self.findings)

    def to_json(self) -> dict[str, Any]:
        """As JSON values."""
        return {**asdict(self), "can_begin": self.can_begin}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Preflight:
        """The inverse of `to_json`."""
        findings = tuple(Finding(one["what"], Answer(one["answer"]), one["words"]) for one in values["findings"])
        return cls(findings, float(values["step_s"]), int(values["memory_bytes"]), int(values["disk_bytes"]))


def reasons(findings: Sequence[Finding]) -> str:
    """Why it cannot begin, in one text."""
    return " ".join(finding.words for finding in findings if finding.answer is Answer.NO)
