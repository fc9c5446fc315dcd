"""What an order in batches will take: candidates and prompts, and money, kept under the budget as the order itself keeps it."""

from __future__ import annotations

from dataclasses import dataclass

from ggt_studio.core.recipe import Recipe
from ggt_studio.pipeline.batch_runs import batches_of, most_of_prompt, most_usd
from ggt_studio.pipeline.estimate import Estimate, is_asked, prompted_among
from ggt_studio.providers.registry import Registry
from ggt_studio.store.patches import count_interrupted, count_unjudged
from ggt_studio.store.project import Project
from ggt_studio.store.status import status


@dataclass(frozen=True, slots=True)
class OrderFacts:
    """What a project says about its next order: open patches that want a candidate, and how many of these have their prompt."""

    patches: int
    prompted: int


def order_facts(project: Project, recipe: Recipe, registry: Registry, count: int | None = None) -> OrderFacts:
    """What has to be known of a project for `estimate_order`; of its first `count` patches only, where given."""
    made = count_unjudged(project)
    wanting = status(project).runnable - made - count_interrupted(project, ("prompt", "generate"))
    patches = wanting if count is None else min(count, wanting)
    found = prompted_among(project, recipe, registry, patches + made)
    return OrderFacts(patches, min(patches, max(0, found - made)))


def estimate_order(facts: OrderFacts, recipe: Recipe, registry: Registry, budget_usd: float | None = None) -> Estimate:
    """Estimate an order of one candidate for each patch. Raises StudioError where the generator takes no batches.

    `patches` are those that the budget allows: an order sets aside the most that each candidate and each prompt can cost.
    """
    info, writer = batches_of(registry, recipe.generator).info, registry.prompt_writer(recipe.prompts).info
    asked = is_asked(writer)
    most = most_usd(info), most_of_prompt(writer) if asked else 0.0
    patches, prompts = _allowed(facts if asked else OrderFacts(facts.patches, facts.patches), most, budget_usd)
    told = [
        f"One candidate for each patch, at {info.label}'s price of batches. Measuring and judging comes afterwards."
    ]
    if patches < facts.patches:
        told.append(f"The budget allows {patches:,} of {facts.patches:,} patches, each at the most that it can cost.")
    if asked and facts.prompted:
        told.append(f"{min(facts.prompted, patches):,} prompts are written already and are used again at no cost.")
    paid = [(of, calls) for of, calls in ((info, patches), (writer, prompts)) if of.paid]
    unpriced = tuple(of.label for of, _ in paid if not of.price_known)
    told += [f"What a call to {label} costs is not known, and is not counted." for label in unpriced]
    return Estimate(
        patches=patches,
        calls={"generate": patches, **({"prompt": prompts} if asked else {})},
        expected_usd=sum(calls * of.price_usd for of, calls in paid),
        most_usd=patches * most[0] + prompts * most[1],
        expected_seconds=None,
        paid=bool(paid),
        unpriced=unpriced,
        assumptions=tuple(told),
        left_out=facts.patches - patches,
    )


def _allowed(facts: OrderFacts, most: tuple[float, float], budget_usd: float | None) -> tuple[int, int]:
    """How many candidates and prompts a budget allows, those patches first whose prompts are written."""
    wanting = facts.patches - facts.prompted
    if budget_usd is None or not any(most):
        return facts.patches, wanting
    image, prompt = most
    written = min(facts.prompted, int(budget_usd / image + 1e-9)) if image else facts.prompted
    left = budget_usd - written * image
    unwritten = min(wanting, int(left / (image + prompt) + 1e-9)) if image + prompt else wanting
    return written + unwritten, unwritten
