"""A project of very many patches, written straight into the database; its pictures are shared by all of them."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

from fakes.projects import facts_until_waiting, png
from ggt_studio.core.facts import Failed, Reviewed
from ggt_studio.core.files import write_content_addressed
from ggt_studio.core.model import Geometry
from ggt_studio.core.policy import summarise
from ggt_studio.core.words import Category, Decision, Outcome
from ggt_studio.store.facts import encode
from ggt_studio.store.project import CANDIDATES, PATCHES, Project, now

_PICTURES = 24


def make_large_project(folder: Path, count: int) -> None:
    """`count` patches, ten of each photo: half waiting, a quarter verified, the rest open or failed."""
    geometry = json.dumps(asdict(Geometry(1024, 1024, 1024, 1024, 0, 0, 1024, 1024)))
    categories = list(Category)
    at = now()
    with Project.create(folder) as project, project.transaction():
        lq, hq = (
            [_keep(project, PATCHES, n) for n in range(_PICTURES)],
            [_keep(project, CANDIDATES, 100 + n) for n in range(_PICTURES)],
        )
        outcomes = [_outcomes(sha256) for sha256 in hq]
        db = project.db
        for photo in range(1, count // 10 + 2):
            db.execute(
                "INSERT INTO photo (id, path, sha256, bytes, mtime_ns, perceptual_hash, width, height, category, category_source,"
                " prepare, origin, licence, notes, imported_at)"
                " VALUES (?,?,?,1,1,?,1024,1024,?,'folder','auto','capture','CC0-1.0','[]',?)",
                (
                    photo,
                    f"/photos/a long folder name/{photo:07}.jpg",
                    f"{photo:064x}",
                    photo,
                    categories[photo % 6],
                    at,
                ),
            )
        fact_id = 0
        facts = []
        for patch in range(1, count + 1):
            kind = (patch * 7919) % 4
            rows, summary = outcomes[patch % _PICTURES][kind]
            photo = 1 + (patch - 1) // 10
            candidate = summary.candidate.target_sha256 if summary.candidate else None
            db.execute(
                "INSERT INTO patch (id, photo_id, sha256, geometry, category, content, quality, level, state, stage, attempts,"
                " decided_by, hq_sha256) VALUES (?,?,?,?,?,0.5,0.5,'low',?,?,?,?,?)",
                (
                    *(patch, photo, lq[patch % _PICTURES], geometry, categories[photo % 6]),
                    *(summary.state, int(summary.stage), summary.attempts, summary.decided_by, candidate),
                ),
            )
            for name, data in rows:
                fact_id += 1
                facts.append((fact_id, patch, at, name, data))
        db.executemany("INSERT INTO fact (id, patch_id, at, kind, data) VALUES (?,?,?,?,?)", facts)


def _keep(project: Project, folder: str, seed: int) -> str:
    data = png(seed, 256)
    sha256 = write_content_addressed(project.folder / folder, data, ".png")
    project.db.execute(
        "INSERT OR IGNORE INTO file (sha256, folder, suffix, bytes) VALUES (?,?,'.png',?)", (sha256, folder, len(data))
    )
    return sha256


def _outcomes(sha256: str):
    passed = facts_until_waiting(sha256)
    verified = [*passed, Reviewed(Decision.ACCEPT, None, "", "me", sha256)]
    failed = [Failed(1, "generate", Outcome.NETWORK, "no route to the provider")]
    return [([encode(f) for f in facts], summarise(facts)) for facts in (passed, verified, passed, failed)]
