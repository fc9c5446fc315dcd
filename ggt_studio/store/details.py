"""Everything on record about a patch's current candidate, gathered from its facts."""

from __future__ import annotations

from dataclasses import dataclass

from ggt_studio.core.facts import Aligned, Failed, Generated, Judged, Prompted, Recorded, Reopened, Reviewed, Scored
from ggt_studio.core.model import Patch, Photo
from ggt_studio.core.prompts import shown_prompt
from ggt_studio.core.reviews import standing_reviews
from ggt_studio.store.patches import history, patch
from ggt_studio.store.photos import photo
from ggt_studio.store.project import Project


@dataclass(frozen=True, slots=True)
class Attempt:
    """One candidate with what was measured and said of it. `round` counts from 1; each start afresh begins a new one."""

    round: int
    generated: Generated
    aligned: Aligned | None
    scored: Scored | None
    judged: Judged | None
    recipe_hash: str
    at: str


@dataclass(frozen=True, slots=True)
class Details:
    """A patch, its photo, all attempts, the one its state rests on, the standing review, and every step that failed."""

    patch: Patch
    photo: Photo
    prompt: Prompted | None
    attempts: tuple[Attempt, ...]
    current: Attempt | None
    review: Reviewed | None
    reviewed_at: str
    failure: Failed | None
    failures: tuple[Failed, ...] = ()


def details(project: Project, patch_id: int) -> Details:
    """All about one patch. Raises KeyError when there is none."""
    subject = patch(project, patch_id)
    recorded = history(project, patch_id)
    recipes = dict(
        project.db.execute(
            "SELECT id, recipe_hash FROM run WHERE id IN (SELECT run_id FROM fact WHERE patch_id = ?)", (patch_id,)
        )
    )
    attempts = _attempts(recorded, recipes)
    current = next((a for a in reversed(attempts) if a.generated.target_sha256 == subject.hq_sha256), None)
    standing = standing_reviews(r.fact for r in recorded)
    review = recorded[standing[-1]] if standing else None
    return Details(
        patch=subject,
        photo=photo(project, subject.photo_id),
        prompt=shown_prompt([r.fact for r in recorded if isinstance(r.fact, Prompted)]),
        attempts=tuple(attempts),
        current=current,
        review=review.fact if review and isinstance(review.fact, Reviewed) else None,
        reviewed_at=review.at if review else "",
        failure=next((r.fact for r in reversed(recorded) if isinstance(r.fact, Failed)), None),
        failures=tuple(r.fact for r in recorded if isinstance(r.fact, Failed)),
    )


def _attempts(recorded: list[Recorded], recipes: dict[int, str]) -> list[Attempt]:
    attempts: list[Attempt] = []
    parts: dict[tuple[int, int], dict[str, Aligned | Scored | Judged]] = {}
    starts: list[tuple[int, Recorded, Generated]] = []
    number = 1
    for item in recorded:
        match item.fact:
            case Reopened():
                number += 1
            case Generated() as generated:
                starts.append((number, item, generated))
            case Aligned() | Scored() | Judged() as fact:
                parts.setdefault((number, fact.attempt), {})[type(fact).__name__] = fact
            case _:
                continue
    for number, item, generated in starts:
        found = parts.get((number, generated.attempt), {})
        aligned, scored, judged = found.get("Aligned"), found.get("Scored"), found.get("Judged")
        attempts.append(
            Attempt(
                round=number,
                generated=generated,
                aligned=aligned if isinstance(aligned, Aligned) else None,
                scored=scored if isinstance(scored, Scored) else None,
                judged=judged if isinstance(judged, Judged) else None,
                recipe_hash=recipes.get(item.run_id or 0, ""),
                at=item.at,
            )
        )
    return attempts
