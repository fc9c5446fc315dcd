"""Small real projects: real SQLite, real PNG files."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np

from ggt_studio.core.facts import Aligned, Fact, Generated, Judged, Prompted, Scored
from ggt_studio.core.files import write_content_addressed
from ggt_studio.core.images import encode_png
from ggt_studio.core.model import Alignment, AspectScore, GateResult, Geometry, Verdict
from ggt_studio.core.words import Aspect, Category, Decision, Hold, Origin, Prepare, QualityLevel
from ggt_studio.store.patches import append
from ggt_studio.store.photos import NewPatch, NewPhoto, add_photo, record_file
from ggt_studio.store.project import CANDIDATES, Project


def png(seed: int, size: int = 160) -> bytes:
    """A small PNG that no other seed gives."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 256, (size // 8, size // 8, 3), np.uint8)
    return encode_png(np.ascontiguousarray(coarse.repeat(8, 0).repeat(8, 1)))


def add_patch(
    project: Project,
    seed: int,
    *,
    category: Category = Category.GENERAL_MIXED,
    hold: Hold | None = None,
    level: QualityLevel = QualityLevel.LOW,
    near_duplicate_of: int | None = None,
    size: int = 160,
    path: str | None = None,
) -> int:
    """Record a photo of one patch; returns the patch's id."""
    data = png(seed, size)
    sha256 = write_content_addressed(project.patches_dir, data, ".png")
    patch = NewPatch(sha256, len(data), Geometry(size, size, size, size, 0, 0, size, size), 0.5, 0.5, level, hold)
    photo_sha = hashlib.sha256(f"photo {seed}".encode()).hexdigest()
    photo = NewPhoto(
        path=path or f"/photos/{seed}.png",
        sha256=photo_sha,
        bytes=len(data),
        mtime_ns=seed,
        perceptual_hash=seed,
        width=size,
        height=size,
        category=category,
        category_source="folder",
        prepare=Prepare.AUTO,
        origin=Origin.CAPTURE,
        licence="CC0-1.0",
        near_duplicate_of=near_duplicate_of,
        notes=(),
        patches=(patch,),
    )
    photo_id = add_photo(project, photo)
    return project.db.execute("SELECT id FROM patch WHERE photo_id = ?", (photo_id,)).fetchone()[0]


def verdict(score: float = 95.0, decision: Decision = Decision.ACCEPT) -> Verdict:
    """A verdict with the same score for every aspect."""
    return Verdict({aspect: AspectScore(score, f"{aspect} looks fine") for aspect in Aspect}, decision)


def facts_until_waiting(target_sha256: str, attempt: int = 1) -> list[Fact]:
    """What is on record of a patch that passed everything at its first attempt."""
    return [
        Prompted("fix", "Restore this photo."),
        Generated(
            attempt, 3, "classical", "Restore this photo.", (), 1, target_sha256, target_sha256, "image/png", 0.1, 0.0
        ),
        Aligned(attempt, Alignment(0.1, 0.0, 1.0, 0.0, 0.95), GateResult(True, "shift", "0.1 px")),
        Scored(
            attempt,
            {"piqe": 40.0},
            {"piqe": 30.0},
            {"psnr": 30.0},
            {"pyiqa": "0"},
            GateResult(True, "piqe", "PIQE fell by 10"),
        ),
        Judged(attempt, "measured", verdict(), Decision.ACCEPT, 0.1, 0.0),
    ]


def make_waiting(project: Project, patch_id: int, seed: int, *, size: int = 160) -> str:
    """Give a patch a candidate on disk that passed everything; returns the candidate's SHA-256."""
    sha256 = make_candidate(project, seed, size=size)
    append(project, patch_id, facts_until_waiting(sha256))
    return sha256


def make_candidate(project: Project, seed: int, *, size: int = 160) -> str:
    """Put a candidate on disk and on record, whose patch is to be told of it; returns its SHA-256."""
    data = png(seed + 1_000_000, size)
    sha256 = write_content_addressed(project.candidates_dir, data, ".png")
    with project.transaction():
        record_file(project, sha256, CANDIDATES, ".png", len(data))
    return sha256


def waiting_project(folder: Path, count: int) -> Project:
    """A project of `count` pairs that wait for a person; categories in turn."""
    project = Project.create(folder)
    categories = list(Category)
    for seed in range(count):
        patch_id = add_patch(project, seed, category=categories[seed % len(categories)])
        make_waiting(project, patch_id, seed)
    return project
