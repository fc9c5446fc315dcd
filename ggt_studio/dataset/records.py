"""What an export is made of: one record per pair, with everything that tells where each of its bytes came from."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ggt_studio.core.facts import Reviewed
from ggt_studio.core.model import Alignment, Geometry, Verdict
from ggt_studio.core.words import Category, Origin


@dataclass(frozen=True, slots=True)
class PairRecord:
    """A patch and its HQ target, with provenance.

    `group` is equal for photos that are near duplicates of each other (and for all patches of one photo): pairs of one
    group never fall on both sides of a split. `lq_path` is a PNG, `hq_path` has media type `hq_media_type`.
    `reviewed` is None for pairs that no person has decided on.
    """

    patch_id: int
    photo_id: int
    group: int
    category: Category
    lq_path: Path
    lq_sha256: str
    hq_path: Path
    hq_sha256: str
    hq_media_type: str
    source_path: str
    source_sha256: str
    origin: Origin
    licence: str
    geometry: Geometry
    attempts: int
    generator: str
    prompt: str
    recipe_hash: str
    scores_lq: dict[str, float]
    scores_hq: dict[str, float]
    scores_between: dict[str, float]
    alignment: Alignment | None
    judge: str
    verdict: Verdict | None
    reviewed: Reviewed | None
    reviewed_at: str
