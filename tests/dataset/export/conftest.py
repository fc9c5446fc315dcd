"""Pairs for the export tests: real image files beside each other as a project holds them."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ggt_studio.core.facts import Reviewed
from ggt_studio.core.files import content_path, write_content_addressed
from ggt_studio.core.model import Alignment, AspectScore, Geometry, Verdict
from ggt_studio.core.words import Aspect, Category, Decision, Origin
from ggt_studio.dataset.export import CardFacts
from ggt_studio.dataset.include import Include
from ggt_studio.dataset.records import PairRecord

MakePair = Callable[..., PairRecord]


@pytest.fixture
def make_pair(tmp_path: Path) -> MakePair:
    """Make a pair with files of its own; `patch_id` determines all of it."""

    def make(
        patch_id: int, category: Category = Category.RAIN, group: int | None = None, media_type: str = "image/png"
    ) -> PairRecord:
        rng = np.random.default_rng(patch_id)
        lq_sha256, lq_path = _store(tmp_path / "project", rng, "image/png")
        hq_sha256, hq_path = _store(tmp_path / "project", rng, media_type)
        aspects = {a: AspectScore(90.0 + patch_id % 10, 'fine, "so far" | 良い') for a in Aspect}
        return PairRecord(
            patch_id=patch_id,
            photo_id=patch_id // 2,
            group=patch_id // 2 if group is None else group,
            category=category,
            lq_path=lq_path,
            lq_sha256=lq_sha256,
            hq_path=hq_path,
            hq_sha256=hq_sha256,
            hq_media_type=media_type,
            source_path=f"/home/anna/Family photos/雨の日 {patch_id}.jpg",
            source_sha256=hashlib.sha256(bytes([patch_id % 256])).hexdigest(),
            origin=Origin.CAPTURE,
            licence="CC0-1.0" if patch_id % 3 else "",
            geometry=Geometry(64, 48, 64, 48, 8, 0, 48, 48),
            attempts=1 + patch_id % 3,
            generator="classical",
            prompt="Remove the rain.\nKeep the mood \u2028 of the photo; naïve façade, дождь.",
            recipe_hash="ab" * 32,
            scores_lq={"niqe": 5.5, "musiq": float("nan")},
            scores_hq={"niqe": 4.5} if patch_id % 2 else {},
            scores_between={"lpips": 0.125},
            alignment=Alignment(0.5, -0.25, 1.0, 0.0, 0.97) if patch_id % 2 else None,
            judge="measured",
            verdict=Verdict(aspects, Decision.ACCEPT, raw="a reply that saw /home/anna/secret")
            if patch_id % 4
            else None,
            reviewed=Reviewed(Decision.ACCEPT, None, "gut so", "Zoë", hq_sha256) if patch_id % 5 else None,
            reviewed_at="2026-01-02T03:04:05+00:00" if patch_id % 5 else "",
        )

    return make


@pytest.fixture
def pairs(make_pair: MakePair) -> list[PairRecord]:
    """Twelve pairs of two categories, two patches per photo."""
    return [make_pair(i, Category.RAIN if i < 6 else Category.GENERAL_MIXED) for i in range(1, 13)]


@pytest.fixture
def card() -> CardFacts:
    return CardFacts(
        project="Regen & Schnee | 雨 <b>",
        include=Include.VERIFIED,
        funnel=(("Photos", 40), ("Patches", 36), ("Generated", 30), ("Verified", 12)),
        recipes=({"hash": "ab" * 32, "generator": "classical", "options": {"weights": "/home/anna/net.safetensors"}},),
        notes=("Taken in autumn.",),
    )


def _store(project: Path, rng: np.random.Generator, media_type: str) -> tuple[str, Path]:
    image = Image.fromarray(rng.integers(0, 256, (48, 48, 3), dtype=np.uint8))
    stream = io.BytesIO()
    image.save(stream, media_type.removeprefix("image/").upper())
    suffix = f".{media_type.removeprefix('image/')}"
    sha256 = write_content_addressed(project, stream.getvalue(), suffix)
    return sha256, content_path(project, sha256, suffix)
