"""Facts: what happened to a patch, in order; appended and never changed."""

from __future__ import annotations

from dataclasses import dataclass

from ggt_studio.core.model import Alignment, GateResult, Registration, Verdict
from ggt_studio.core.words import Aspect, Decision, Outcome, QualityLevel, RejectReason, Screening


@dataclass(frozen=True, slots=True)
class Prompted:
    """A prompt writer produced the restoration prompt of the patch, or a person put it into words of their own.

    `basis` is what it rests on, so that it can be used again (`core.prompts.prompt_basis`); empty where nobody asked.
    """

    strategy: str
    text: str
    basis: str = ""


@dataclass(frozen=True, slots=True)
class Generated:
    """A generator returned an image: `received_sha256` are its exact bytes, `target_sha256` the registered HQ.

    `max_attempts` is the limit under which the attempt was made. Without a `registration` the received image is the target,
    or, before there were registrations, was only resized to it. `notes` say in words how it was made, where that is known.
    """

    attempt: int
    max_attempts: int
    generator: str
    prompt: str
    strengthened: tuple[Aspect, ...]
    seed: int
    received_sha256: str
    target_sha256: str
    media_type: str
    seconds: float
    cost_usd: float
    registration: Registration | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Aligned:
    """LQ and HQ were registered and the alignment gate answered."""

    attempt: int
    alignment: Alignment
    gate: GateResult


@dataclass(frozen=True, slots=True)
class Scored:
    """No-reference metrics of LQ and HQ, full-reference metrics between them, and the metric gate's answer."""

    attempt: int
    lq: dict[str, float]
    hq: dict[str, float]
    between: dict[str, float]
    provenance: dict[str, str]
    gate: GateResult


@dataclass(frozen=True, slots=True)
class Judged:
    """A judge answered. `ruled` is what the decision rule makes of the scores; where it differs from the judge's own
    decision, a person decides."""

    attempt: int
    judge: str
    verdict: Verdict
    ruled: Decision
    seconds: float
    cost_usd: float


@dataclass(frozen=True, slots=True)
class Failed:
    """A step could not be done. Not a QC attempt; the patch waits until somebody retries it.

    `raw` is the reply where there was one that could not be read. With `ask_again` the same is asked again by itself, a few
    times (see `core.policy`), before the patch waits.
    """

    attempt: int
    step: str
    outcome: Outcome
    message: str
    raw: str = ""
    ask_again: bool = False


@dataclass(frozen=True, slots=True)
class Screened:
    """A VLM looked at the LQ patch before any target was made (paper section 3.1). `raw` is its unchanged reply."""

    model: str
    verdict: Screening
    level: QualityLevel
    reason: str
    raw: str
    seconds: float
    cost_usd: float


@dataclass(frozen=True, slots=True)
class Retried:
    """A person or policy asked to go on after a failure."""

    reason: str


@dataclass(frozen=True, slots=True)
class Reopened:
    """The procedure starts afresh: earlier candidates stay on record and no longer decide the state."""

    reason: str


@dataclass(frozen=True, slots=True)
class Reviewed:
    """A person decided about the candidate `target_sha256`."""

    decision: Decision
    reason: RejectReason | None
    words: str
    reviewer: str
    target_sha256: str


@dataclass(frozen=True, slots=True)
class ReviewUndone:
    """A person took the latest standing review back."""

    reviewer: str


Fact = (
    Prompted | Generated | Aligned | Scored | Judged | Failed | Screened | Retried | Reopened | Reviewed | ReviewUndone
)


@dataclass(frozen=True, slots=True)
class Recorded:
    """A fact as the store keeps it: with its id, time (ISO 8601, UTC) and run."""

    id: int
    at: str
    run_id: int | None
    fact: Fact
