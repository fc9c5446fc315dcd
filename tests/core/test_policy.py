"""The QC procedure holds against an independent model of it, for any outcomes and any interruption."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

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
from ggt_studio.core.model import Alignment, AspectScore, GateResult, Verdict
from ggt_studio.core.policy import (
    Align,
    AskJudge,
    Generate,
    Rest,
    Score,
    WritePrompt,
    next_step,
    summarise,
)
from ggt_studio.core.recipe import Recipe
from ggt_studio.core.words import Aspect, Category, Decision, Outcome, RejectReason, Stage, State

RECIPE = Recipe(generator="g", prompts="fix", judge="j")
LQ = "a" * 64
PASS = GateResult(True, "shift", "well aligned")


@dataclass(frozen=True)
class Attempt:
    """What the world does with one attempt."""

    aligned: bool
    scored: bool
    scores: tuple[int, int, int, int, int]
    says: Decision

    @property
    def ruled(self) -> Decision:
        _, consistency, *_ = self.scores
        return Decision.ACCEPT if min(self.scores) >= 60 and consistency >= 90 else Decision.REJECT


attempts = st.builds(
    Attempt,
    st.booleans(),
    st.booleans(),
    st.tuples(*[st.sampled_from([10, 59, 60, 89, 90, 100])] * 5),
    st.sampled_from(Decision),
)
worlds = st.lists(attempts, min_size=3, max_size=3)


def verdict(attempt: Attempt) -> Verdict:
    return Verdict(
        {a: AspectScore(s, f"words about {a}") for a, s in zip(Aspect, attempt.scores, strict=True)}, attempt.says
    )


def perform(step: object, world: list[Attempt]) -> Fact:
    """Do what the policy asks for, as the world has it."""
    match step:
        case WritePrompt():
            return Prompted("fix", "Restore this photo.")
        case Generate():
            sha = f"{step.attempt}" * 64
            return Generated(
                step.attempt, 3, "g", step.prompt, step.aspects, step.seed, sha, sha, "image/png", 1.0, 0.0
            )
        case Align():
            gate = GateResult(world[step.attempt - 1].aligned, "shift", "")
            return Aligned(step.attempt, Alignment(0, 0, 1, 0, 1), gate)
        case Score():
            return Scored(step.attempt, {}, {}, {}, {}, GateResult(world[step.attempt - 1].scored, "piqe", ""))
        case AskJudge():
            attempt = world[step.attempt - 1]
            return Judged(step.attempt, "j", verdict(attempt), attempt.ruled, 1.0, 0.0)
        case _:
            raise AssertionError(step)


def run(world: list[Attempt], history: list[Fact] | None = None) -> list[Fact]:
    facts = history if history is not None else []
    for _ in range(40):
        step = next_step(facts, RECIPE, LQ, Category.RAIN)
        if isinstance(step, Rest):
            return facts
        facts.append(perform(step, world))
    raise AssertionError("the procedure does not end")


def expected(world: list[Attempt]) -> tuple[State, str, int]:
    """The procedure told once more, straight from the paper: state, what decided it, attempts used."""
    by = ""
    for number, attempt in enumerate(world, 1):
        if not attempt.aligned:
            by = "alignment:shift"
        elif not attempt.scored:
            by = "metric:piqe"
        elif attempt.says is Decision.ACCEPT and attempt.ruled is Decision.ACCEPT:
            return State.WAITING, "judge", number
        elif attempt.says is not attempt.ruled:
            return State.WAITING, "disagreement", number
        else:
            by = "judge"
    return State.REJECTED, by, len(world)


@given(worlds)
def test_the_procedure_ends_as_the_paper_says(world: list[Attempt]) -> None:
    facts = run(world)
    summary = summarise(facts)
    assert (summary.state, summary.decided_by, summary.attempts) == expected(world)
    assert next_step(facts, RECIPE, LQ, Category.RAIN) == Rest(summary.state)


@given(worlds)
def test_the_first_rejection_by_a_judge_strengthens_and_later_ones_keep_the_prompt(world: list[Attempt]) -> None:
    made = [fact for fact in run(world) if isinstance(fact, Generated)]
    assert made[0].prompt == "Restore this photo."
    assert made[0].strengthened == ()
    assert len({g.seed for g in made}) == len(made), "each attempt is another sample"
    strengthened = False
    for before, after in pairwise(made):
        attempt = world[before.attempt - 1]
        judge_rejected = attempt.aligned and attempt.scored
        if judge_rejected and not strengthened:
            strengthened = True
            wanting = [
                a
                for a, s in zip(Aspect, attempt.scores, strict=True)
                if s < 60 or (a is Aspect.OBJECT_CONSISTENCY and s < 90)
            ]
            assert set(after.strengthened) == set(wanting)
            assert after.prompt.startswith("Restore this photo.")
            assert all(f"words about {aspect}" in after.prompt for aspect in wanting)
        else:
            assert (after.prompt, after.strengthened) == (before.prompt, before.strengthened)


@given(worlds, st.integers(0, 20))
def test_an_interrupted_run_goes_on_to_the_same_end(world: list[Attempt], cut: int) -> None:
    whole = run(world)
    assert run(world, whole[:cut]) == whole


@given(worlds, st.integers(0, 20))
def test_state_and_next_step_agree_at_every_moment(world: list[Attempt], cut: int) -> None:
    facts = run(world)[:cut]
    step, summary = next_step(facts, RECIPE, LQ, Category.RAIN), summarise(facts)
    assert (summary.state is State.OPEN) == (not isinstance(step, Rest))


@given(worlds, st.sampled_from(Decision), st.integers(0, 3))
def test_people_have_the_last_word_and_can_take_it_back(world: list[Attempt], decision: Decision, undos: int) -> None:
    facts = run(world)
    before = summarise(facts)
    reviews = [
        Reviewed(decision, RejectReason.COLOUR if decision is Decision.REJECT else None, "", "me", "1" * 64),
        Reviewed(Decision.ACCEPT, None, "", "me", "1" * 64),
    ]
    after = summarise([*facts, *reviews])
    assert after.state is State.VERIFIED
    assert after.candidate is not None
    assert after.candidate.target_sha256 == "1" * 64, "the decision is about the candidate that was looked at"
    undone = summarise([*facts, *reviews, *[ReviewUndone("me")] * undos])
    if undos == 0:
        assert undone.state is State.VERIFIED
    elif undos == 1:
        assert undone.state is (State.VERIFIED if decision is Decision.ACCEPT else State.REJECTED)
        assert undone.decided_by == ("person" if decision is Decision.ACCEPT else "person:colour")
    else:
        assert undone == before


def test_a_failure_is_no_attempt_and_waits_for_a_retry() -> None:
    world = [Attempt(True, True, (90, 95, 90, 90, 90), Decision.ACCEPT)] * 3
    facts: list[Fact] = [Prompted("fix", "p"), Failed(1, "generate", Outcome.NETWORK, "no route")]
    assert next_step(facts, RECIPE, LQ, Category.RAIN) == Rest(State.FAILED)
    assert summarise(facts).decided_by == "generate:network"
    facts.append(Retried("asked"))
    finished = run(world, facts)
    assert summarise(finished).state is State.WAITING
    assert summarise(finished).attempts == 1


def test_starting_afresh_forgets_the_attempts_and_keeps_the_prompt() -> None:
    rejected = [Attempt(False, True, (90,) * 5, Decision.ACCEPT)] * 3
    accepted = [Attempt(True, True, (95,) * 5, Decision.ACCEPT)] * 3
    facts = run(rejected)
    facts.append(Reopened("another try"))
    assert summarise(facts).state is State.OPEN
    run(accepted, facts)
    assert summarise(facts).state is State.WAITING
    assert summarise(facts).attempts == 1
    assert sum(isinstance(fact, Prompted) for fact in facts) == 1


def test_the_stage_is_that_of_the_latest_attempt() -> None:
    facts = run([Attempt(True, True, (95,) * 5, Decision.ACCEPT)] * 3)
    seen = [summarise(facts[:n]).stage for n in range(len(facts) + 1)]
    assert seen == [
        Stage.NONE,
        Stage.NONE,
        Stage.GENERATED,
        Stage.GENERATED,
        Stage.PASSED_METRICS,
        Stage.PASSED_JUDGE,
    ]


def test_a_recipe_with_fewer_attempts_does_not_strand_a_patch_begun_under_another() -> None:
    facts = run([Attempt(False, True, (90,) * 5, Decision.ACCEPT)] * 3)[:3]
    assert summarise(facts).state is State.OPEN
    shorter = Recipe(generator="g", prompts="fix", judge="j", max_attempts=1)
    assert isinstance(next_step(facts, shorter, LQ, Category.RAIN), Generate)
