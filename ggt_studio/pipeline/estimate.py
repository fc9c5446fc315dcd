"""What a run will probably take: calls, money and time, from this project's own history where there is enough of it."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass, field

from ggt_studio.core.policy import ASKED_AGAIN
from ggt_studio.core.prompts import serving_prompt
from ggt_studio.core.recipe import Recipe
from ggt_studio.core.words import Stage, State
from ggt_studio.providers.base import ProviderInfo
from ggt_studio.providers.registry import Registry
from ggt_studio.store.experience import Course, Pace, course, paces, prompts_of_open
from ggt_studio.store.patches import count_interrupted
from ggt_studio.store.project import Project
from ggt_studio.store.status import status

ENOUGH = 20
"""Patches, or calls, from which a project's own history counts."""

ASSUMED_ATTEMPTS = 1.6
"""Attempts per patch where nothing is known: about every third candidate is turned away."""

# Seconds of a call where nothing is known, for models elsewhere.
_ASSUMED_SECONDS = {"prompt": 10.0, "generate": 20.0, "judge": 10.0}


@dataclass(frozen=True, slots=True)
class ProjectFacts:
    """What a project says about its next run of a recipe: open patches that it would take, how many of these have their prompt
    already, and what earlier runs took. `paces` are by provider and step."""

    patches: int
    prompted: int
    course: Course = field(default_factory=Course)
    paces: dict[tuple[str, str], Pace] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a run will probably take. `calls` are by step, of providers that are called at all.

    `most_usd` is reached when every patch takes all attempts, every reply has to be asked for again, and each call costs the
    most it can. `unpriced` providers cost money that nobody knows, which is in neither figure. `expected_seconds` is None where
    nothing is known of the time. `assumptions` are sentences. `left_out` patches are more than the budget of an order allows.
    """

    patches: int
    calls: dict[str, int]
    expected_usd: float
    most_usd: float
    expected_seconds: float | None
    paid: bool
    unpriced: tuple[str, ...]
    assumptions: tuple[str, ...]
    left_out: int = 0


@dataclass(frozen=True, slots=True)
class _Lane:
    """All calls of one step."""

    step: str
    info: ProviderInfo
    calls: float
    most_calls: int
    pace: Pace | None


def project_facts(
    project: Project, recipe: Recipe, registry: Registry, count: int | None = None, *, generate: bool = True
) -> ProjectFacts:
    """What has to be known of a project for `estimate`; of its first `count` open patches only, where given. Without `generate`:
    of those that have a candidate."""
    now = status(project)
    if generate:
        runnable = now.runnable - count_interrupted(project)
    else:
        runnable = now.count(state=State.OPEN, held=False, stage_at_least=Stage.GENERATED)
    patches = runnable if count is None else min(count, runnable)
    prompted = prompted_among(project, recipe, registry, patches)
    return ProjectFacts(patches, prompted, course(project, recipe.generator, recipe.judge), paces(project))


def prompted_among(project: Project, recipe: Recipe, registry: Registry, count: int) -> int:
    """How many of the first `count` patches that a run would take have a prompt that serves the recipe, and was asked for."""
    if not is_asked(registry.prompt_writer(recipe.prompts).info):
        return 0
    found = prompts_of_open(project, count)
    return sum(serving_prompt(prompts, recipe, category) is not None for category, prompts in found)


def estimate(facts: ProjectFacts, recipe: Recipe, registry: Registry, *, generate: bool = True) -> Estimate:
    """Estimate a run of a recipe; without `generate` it only judges the candidates that are there.

    Raises StudioError for an id that the registry does not have.
    """
    told: list[str] = []
    if generate:
        attempts, judged = _per_patch(facts.course, recipe, told)
        lanes = _lanes(facts, recipe, registry, attempts, judged, told)
    else:
        lanes = [_judging(facts, registry.judge(recipe.judge).info, facts.patches, facts.patches)]
    paid = [lane for lane in lanes if lane.info.paid]
    unpriced = tuple(dict.fromkeys(lane.info.label for lane in paid if not lane.info.price_known))
    told += [f"What a call to {label} costs is not known, and is not counted." for label in unpriced]
    return Estimate(
        patches=facts.patches,
        calls={lane.step: round(lane.calls) for lane in lanes},
        expected_usd=sum(lane.calls * _usual_usd(lane) for lane in paid),
        most_usd=sum(lane.most_calls * max(lane.info.most_usd or 0.0, _usual_usd(lane)) for lane in paid),
        expected_seconds=_seconds(facts, lanes, told),
        paid=bool(paid),
        unpriced=unpriced,
        assumptions=tuple(told),
    )


def is_asked(info: ProviderInfo) -> bool:
    """Whether a prompt writer's prompts are calls; those of presets are texts."""
    return info.paid or bool(info.model)


def _per_patch(known: Course, recipe: Recipe, told: list[str]) -> tuple[float, float]:
    """Candidates and judgements per patch."""
    if known.patches >= ENOUGH:
        attempts, judged = known.generated / known.patches, known.judged / known.patches
        told.append(
            f"{attempts:.2f} attempts and {judged:.2f} judgements per patch, as {known.patches:,} patches of this project "
            f"took with {recipe.generator} and {recipe.judge}."
        )
        return attempts, judged
    attempts = min(ASSUMED_ATTEMPTS, float(recipe.max_attempts))
    told.append(
        f"{attempts:g} attempts per patch, each of them judged: an assumption, as fewer than {ENOUGH} patches of this project "
        f"were run with {recipe.generator} and {recipe.judge}."
    )
    return attempts, attempts


def _lanes(
    facts: ProjectFacts, recipe: Recipe, registry: Registry, attempts: float, judged: float, told: list[str]
) -> list[_Lane]:
    writer = registry.prompt_writer(recipe.prompts).info
    generator, judge = registry.generator(recipe.generator).info, registry.judge(recipe.judge).info
    most = facts.patches * recipe.max_attempts
    lanes = []

    def add(step: str, info: ProviderInfo, calls: float, most_calls: int) -> None:
        pace = facts.paces.get((info.id, step))
        lanes.append(_Lane(step, info, calls, most_calls, pace if pace and pace.calls >= ENOUGH else None))

    if is_asked(writer):
        unwritten = facts.patches - facts.prompted
        add("prompt", writer, unwritten, unwritten * (1 + ASKED_AGAIN))
        if facts.prompted:
            told.append(f"{facts.prompted:,} prompts are written already and are used again at no cost.")
    add("generate", generator, facts.patches * attempts, most)
    return [*lanes, _judging(facts, judge, facts.patches * judged, most)]


def _judging(facts: ProjectFacts, judge: ProviderInfo, candidates: float, most: int) -> _Lane:
    pace = facts.paces.get((judge.id, "judge"))
    return _Lane("judge", judge, candidates, most * (1 + ASKED_AGAIN), pace if pace and pace.calls >= ENOUGH else None)


def _usual_usd(lane: _Lane) -> float:
    if not lane.info.price_known:
        return 0.0
    return lane.pace.cost_usd if lane.pace else lane.info.price_usd


def _seconds(facts: ProjectFacts, lanes: list[_Lane], told: list[str]) -> float | None:
    """How long the run takes: as earlier ones did, or as long as its most crowded service needs."""
    known = facts.course
    if known.patches >= ENOUGH and known.seconds:
        told.append("Time as earlier runs took.")
        return facts.patches * known.seconds / known.patches
    here = next(
        (lane for lane in lanes if lane.step == "generate" and lane.pace is None and _is_local(lane.info)), None
    )
    if here is not None:
        told.append(f"How long {here.info.label} takes for a candidate on this machine is not known yet.")
        return None
    busy: dict[str, float] = defaultdict(float)
    for lane in lanes:
        seconds = lane.pace.seconds if lane.pace else _ASSUMED_SECONDS[lane.step] if lane.info.quota else None
        if seconds is not None:
            busy[lane.info.quota or lane.info.id] += max(lane.calls * seconds / lane.info.concurrency, _limited(lane))
    if not busy:
        return None
    if any(lane.pace is None and lane.info.quota for lane in lanes):
        told.append(
            f"Calls take {_ASSUMED_SECONDS['generate']:g} s for a candidate and {_ASSUMED_SECONDS['judge']:g} s for a reading "
            "model, where this project has no experience with them."
        )
    told.append("The time for aligning and measuring on this machine is not counted.")
    return max(busy.values())


def _is_local(info: ProviderInfo) -> bool:
    """Whether it is a model that runs on this machine: no service's limits, and slow."""
    return bool(info.model) and not info.quota


def _limited(lane: _Lane) -> float:
    """Seconds that the service's limits alone make of these calls."""
    limit = lane.info.allowance
    images = lane.calls if lane.step == "generate" else 0.0
    shares = (
        lane.calls / limit.requests if limit.requests else 0.0,
        images / limit.images if limit.images else 0.0,
        lane.calls * lane.info.tokens / limit.tokens if limit.tokens else 0.0,
    )
    # The last window need not pass before the run is over.
    return max(0.0, math.ceil(max(shares)) - 1) * limit.window_s
