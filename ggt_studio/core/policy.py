"""The whole quality-control procedure as one pure function over recorded facts (paper section 3.3).

A patch goes through prompt -> generate -> align -> score -> judge. A gate that fails, or a judge that rejects, uses up the
attempt. The first rejection by a judge strengthens the prompt with the failed aspects and the judge's words; later
attempts keep that same strengthened prompt and draw another sample. At most `Recipe.max_attempts` attempts. What passes
waits for a person; so does a candidate on which the judge's own decision and the rule disagree. A reply that cannot be
read is no score and no attempt: the same is asked again, `ASKED_AGAIN` times at most.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from ggt_studio.core.facts import (
    Aligned,
    Fact,
    Failed,
    Generated,
    Judged,
    Prompted,
    Reopened,
    Retried,
    Reviewed,
    ReviewUndone,
    Scored,
)
from ggt_studio.core.model import Verdict
from ggt_studio.core.prompts import serving_prompt
from ggt_studio.core.recipe import Recipe
from ggt_studio.core.reviews import standing_review
from ggt_studio.core.strengthen import strengthen
from ggt_studio.core.words import Aspect, Category, Decision, Outcome, Stage, State

ASKED_AGAIN = 2
"""How often the same is asked again by itself after a reply that could not be read."""


@dataclass(frozen=True, slots=True)
class WritePrompt:
    """Ask the prompt writer for the patch's prompt."""


@dataclass(frozen=True, slots=True)
class Generate:
    """Draw attempt `attempt` with this prompt; `aspects` are those the strengthening names."""

    attempt: int
    prompt: str
    aspects: tuple[Aspect, ...]
    seed: int


@dataclass(frozen=True, slots=True)
class Align:
    """Register the current candidate and ask the alignment gate."""

    attempt: int
    target: Generated


@dataclass(frozen=True, slots=True)
class Score:
    """Measure the current candidate and ask the metric gate."""

    attempt: int
    target: Generated


@dataclass(frozen=True, slots=True)
class AskJudge:
    """Show the current candidate to the judge."""

    attempt: int
    target: Generated


@dataclass(frozen=True, slots=True)
class Rest:
    """Nothing for the machine to do: the patch is in `state`."""

    state: State


Step = WritePrompt | Generate | Align | Score | AskJudge | Rest


@dataclass(frozen=True, slots=True)
class Summary:
    """What a patch's facts amount to.

    `decided_by` names what the state rests on: `metric:piqe`, `alignment:shift`, `judge`, `disagreement`, `person`,
    `person:artefact`, `generate:network`; empty while open. `candidate` is the latest one, or the one a person decided on.
    """

    state: State
    stage: Stage
    attempts: int
    decided_by: str
    candidate: Generated | None


@dataclass(slots=True)
class _Round:
    """The facts since the procedure last started afresh, sorted by what they say.

    `number` counts the starts, `voided` the candidates that could not be read and were drawn again, `unreadable` the
    replies that could not be read, by step and attempt. `prompts` are the patch's from the beginning.
    """

    number: int = 1
    voided: int = 0
    prompts: list[Prompted] = field(default_factory=list)
    unreadable: Counter[tuple[str, int]] = field(default_factory=Counter)
    attempts: list[Generated] = field(default_factory=list)
    aligned: dict[int, Aligned] = field(default_factory=dict)
    scored: dict[int, Scored] = field(default_factory=dict)
    judged: dict[int, Judged] = field(default_factory=dict)
    failure: Failed | None = None
    review: Reviewed | None = None


def _current_round(history: Sequence[Fact]) -> _Round:
    current = _Round()
    for fact in history:
        match fact:
            case Reopened():
                # The written prompts belong to the patch, not to the round.
                current = _Round(number=current.number + 1, prompts=current.prompts)
            case Prompted():
                current.prompts.append(fact)
            case Generated():
                current.attempts.append(fact)
            case Aligned():
                current.aligned[fact.attempt] = fact
            case Scored():
                current.scored[fact.attempt] = fact
            case Judged():
                current.judged[fact.attempt] = fact
            case Failed():
                current.unreadable[fact.step, fact.attempt] += fact.ask_again
                if not fact.ask_again or current.unreadable[fact.step, fact.attempt] > ASKED_AGAIN:
                    current.failure = fact
            case Retried():
                _void_unreadable(current)
                current.failure = None
                current.unreadable.clear()
            case Reviewed() | ReviewUndone():
                pass  # which reviews stand is the history's, not the round's
    current.review = standing_review(history)
    return current


def _void_unreadable(current: _Round) -> None:
    """A retry after a candidate that could not be read draws a new one: the same bytes would fail again."""
    failure = current.failure
    if failure is None or failure.step not in ("align", "score") or failure.outcome is not Outcome.MALFORMED:
        return
    if current.attempts and current.attempts[-1].attempt == failure.attempt:
        current.attempts.pop()
        current.aligned.pop(failure.attempt, None)
        current.voided += 1


def attempt_seed(lq_sha256: str, recipe_seed: int, attempt: int, draw: int = 0) -> int:
    """A reproducible seed in [0, 2**31) for one attempt at one patch; another `draw` gives another sample."""
    digest = hashlib.sha256(f"{lq_sha256}:{recipe_seed}:{attempt}:{draw}".encode()).digest()
    return int.from_bytes(digest[:4], "big") >> 1


def is_accepted(judged: Judged) -> bool:
    """Whether both the judge and the rule accept."""
    return judged.verdict.decision is Decision.ACCEPT and judged.ruled is Decision.ACCEPT


def is_disputed(judged: Judged) -> bool:
    """Whether the judge's own decision and the rule differ, so that a person has to decide."""
    return judged.verdict.decision is not judged.ruled


def next_step(history: Sequence[Fact], recipe: Recipe, lq_sha256: str, category: Category) -> Step:
    """What to do next with a patch.

    The limit of attempts is that of the recipe under which the latest attempt was made, so that state and next step
    always agree. `history` holds the patch's facts in the order in which they were recorded. Pure: equal arguments, equal answer.
    """
    current = _current_round(history)
    if current.review is not None:
        accepted = current.review.decision is Decision.ACCEPT
        return Rest(State.VERIFIED if accepted else State.REJECTED)
    if current.failure is not None:
        return Rest(State.FAILED)
    if not current.attempts:
        prompt = serving_prompt(current.prompts, recipe, category)
        if prompt is None:
            return WritePrompt()
        return Generate(1, prompt.text, (), _seed(current, recipe, lq_sha256, 1))
    last = current.attempts[-1]
    step = _step_within_attempt(current, last)
    if step is not None:
        return step
    if len(current.attempts) >= last.max_attempts:
        return Rest(State.REJECTED)
    return _another_attempt(current, last, recipe, lq_sha256)


def _seed(current: _Round, recipe: Recipe, lq_sha256: str, attempt: int) -> int:
    return attempt_seed(lq_sha256, recipe.seed, attempt, (current.number - 1) * 1000 + current.voided)


def _step_within_attempt(current: _Round, last: Generated) -> Step | None:
    """The next step of the latest attempt, or None when that attempt was rejected."""
    aligned = current.aligned.get(last.attempt)
    if aligned is None:
        return Align(last.attempt, last)
    if not aligned.gate.passed:
        return None
    scored = current.scored.get(last.attempt)
    if scored is None:
        return Score(last.attempt, last)
    if not scored.gate.passed:
        return None
    judged = current.judged.get(last.attempt)
    if judged is None:
        return AskJudge(last.attempt, last)
    if is_accepted(judged) or is_disputed(judged):
        return Rest(State.WAITING)
    return None


def _another_attempt(current: _Round, last: Generated, recipe: Recipe, lq_sha256: str) -> Generate:
    number = last.attempt + 1
    seed = _seed(current, recipe, lq_sha256, number)
    judged = current.judged.get(last.attempt)
    if last.strengthened or judged is None:
        # Already strengthened once, or a gate rejected it: the same prompt, another sample.
        return Generate(number, last.prompt, last.strengthened, seed)
    aspects = failed_aspects(judged.verdict, recipe)
    return Generate(number, strengthen(last.prompt, judged.verdict, aspects), aspects, seed)


def failed_aspects(verdict: Verdict, recipe: Recipe) -> tuple[Aspect, ...]:
    """The aspects under the rule's bounds, in the order of `Aspect`; the lowest one where a judge rejected none of them."""
    rule = recipe.judge_rule

    def bound(aspect: Aspect) -> float:
        return max(rule.min_score, rule.min_consistency) if aspect is Aspect.OBJECT_CONSISTENCY else rule.min_score

    failed = tuple(a for a in Aspect if a in verdict.aspects and verdict.aspects[a].score < bound(a))
    if failed or not verdict.aspects:
        return failed
    return (min((a for a in Aspect if a in verdict.aspects), key=lambda a: verdict.aspects[a].score),)


def summarise(history: Sequence[Fact]) -> Summary:
    """The state of a patch, derived from its facts alone."""
    current = _current_round(history)
    last = current.attempts[-1] if current.attempts else None
    stage, rejected_by = _progress(current, last)
    count = len(current.attempts)
    if current.review is not None:
        review = current.review
        candidate = next((g for g in reversed(current.attempts) if g.target_sha256 == review.target_sha256), last)
        if review.decision is Decision.ACCEPT:
            return Summary(State.VERIFIED, stage, count, "person", candidate)
        by = f"person:{review.reason}" if review.reason else "person"
        return Summary(State.REJECTED, stage, count, by, candidate)
    if current.failure is not None:
        by = f"{current.failure.step}:{current.failure.outcome}"
        return Summary(State.FAILED, stage, count, by, last)
    if last is None:
        return Summary(State.OPEN, stage, count, "", None)
    judged = current.judged.get(last.attempt)
    if judged is not None and is_disputed(judged):
        return Summary(State.WAITING, stage, count, "disagreement", last)
    if stage is Stage.PASSED_JUDGE:
        return Summary(State.WAITING, stage, count, "judge", last)
    if rejected_by and count >= last.max_attempts:
        return Summary(State.REJECTED, stage, count, rejected_by, last)
    return Summary(State.OPEN, stage, count, "", last)


def _progress(current: _Round, last: Generated | None) -> tuple[Stage, str]:
    """The stage that the latest attempt reached, and what rejected it (empty: nothing so far)."""
    if last is None:
        return Stage.NONE, ""
    aligned = current.aligned.get(last.attempt)
    if aligned is None:
        return Stage.GENERATED, ""
    if not aligned.gate.passed:
        return Stage.GENERATED, f"alignment:{aligned.gate.decided_by}"
    scored = current.scored.get(last.attempt)
    if scored is None:
        return Stage.GENERATED, ""
    if not scored.gate.passed:
        return Stage.GENERATED, f"metric:{scored.gate.decided_by}"
    judged = current.judged.get(last.attempt)
    if judged is None:
        return Stage.PASSED_METRICS, ""
    if is_accepted(judged):
        return Stage.PASSED_JUDGE, ""
    return Stage.PASSED_METRICS, "judge"
