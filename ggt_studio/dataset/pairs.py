"""Which pairs an export holds, read from the project."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence

from ggt_studio.core.files import content_path
from ggt_studio.core.media import MEDIA_TYPES
from ggt_studio.dataset.include import TAKES_PART, Include, lowest_stages
from ggt_studio.dataset.records import PairRecord
from ggt_studio.store import runs
from ggt_studio.store.details import Attempt, Details, details
from ggt_studio.store.project import CANDIDATES, Project

_PAGE = 500


def selected_ids(project: Project, include: Include) -> list[int]:
    """The patches that a selection may take, ascending; none that a person held back or removed."""
    found: list[int] = []
    for state, lowest in lowest_stages(include).items():
        sql = f"SELECT id FROM patch WHERE state = ? AND stage >= ? AND {TAKES_PART}"  # noqa: S608
        rows = project.db.execute(sql, (state, int(lowest)))
        found += (row[0] for row in rows)
    return sorted(found)


def pages_of_pairs(project: Project, patch_ids: Sequence[int], include: Include) -> Iterator[list[PairRecord]]:
    """As `read_pairs`, some hundreds at a time."""
    for start in range(0, len(patch_ids), _PAGE):
        yield read_pairs(project, patch_ids[start : start + _PAGE], include)


def read_pairs(project: Project, patch_ids: Iterable[int], include: Include) -> list[PairRecord]:
    """The pairs of these patches; a patch without a candidate gives none."""
    pairs = []
    for patch_id in patch_ids:
        all_about = details(project, patch_id)
        attempt = _chosen(all_about, include)
        if attempt is not None:
            pairs.append(_record(project, all_about, attempt))
    return pairs


def _chosen(all_about: Details, include: Include) -> Attempt | None:
    if include is not Include.ALL:
        return all_about.current
    latest_round = max((a.round for a in all_about.attempts), default=0)
    return next((a for a in all_about.attempts if a.round == latest_round), None)


def _record(project: Project, all_about: Details, attempt: Attempt) -> PairRecord:
    patch, photo, scored = all_about.patch, all_about.photo, attempt.scored
    sha256 = attempt.generated.target_sha256
    (suffix,) = project.db.execute(
        "SELECT suffix FROM file WHERE sha256 = ? AND folder = ?", (sha256, CANDIDATES)
    ).fetchone()
    review = all_about.review if all_about.review and all_about.review.target_sha256 == sha256 else None
    return PairRecord(
        patch_id=patch.id,
        photo_id=photo.id,
        group=photo.near_duplicate_of if photo.near_duplicate_of is not None else photo.id,
        category=patch.category,
        lq_path=patch.lq_path,
        lq_sha256=patch.sha256,
        hq_path=content_path(project.candidates_dir, sha256, suffix),
        hq_sha256=sha256,
        hq_media_type=MEDIA_TYPES[suffix],
        source_path=photo.path,
        source_sha256=photo.sha256,
        origin=photo.origin,
        licence=photo.licence,
        geometry=patch.geometry,
        attempts=patch.attempts,
        generator=attempt.generated.generator,
        prompt=attempt.generated.prompt,
        recipe_hash=attempt.recipe_hash,
        scores_lq=scored.lq if scored else {},
        scores_hq=scored.hq if scored else {},
        scores_between=scored.between if scored else {},
        alignment=attempt.aligned.alignment if attempt.aligned else None,
        judge=attempt.judged.judge if attempt.judged else "",
        verdict=attempt.judged.verdict if attempt.judged else None,
        reviewed=review,
        reviewed_at=all_about.reviewed_at if review else "",
    )


def used_recipes(project: Project, counts: Mapping[str, int]) -> list[dict[str, object]]:
    """The recipes of a selection; `counts` says how many of its pairs each made, by hash."""
    return [
        {"hash": key, "pairs": counts[key], **json.loads(text)}
        for key, text in runs.recipes(project).items()
        if counts.get(key)
    ]
