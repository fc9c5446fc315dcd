"""The demo project: synthetic low-quality photos, imported and ready to run."""

from __future__ import annotations

from pathlib import Path

from ggt_studio.core.words import Origin
from ggt_studio.dataset.importer import ImportOptions, import_photos
from ggt_studio.pipeline.session import Session
from ggt_studio.settings import Settings
from ggt_studio.store.project import DATABASE, Project
from ggt_studio.store.status import status


def demo_folder(base: Path, *, fresh: bool = False) -> Path:
    """The folder of the demo project that was made last under `base`; of a new one where `fresh`, or none was made."""
    number = 1
    while (_folder(base, number) / DATABASE).exists():
        number += 1
    return _folder(base, number if fresh else max(1, number - 1))


def _folder(base: Path, number: int) -> Path:
    return base / ("demo-project" if number == 1 else f"demo-project-{number}")


def is_done(project: Path) -> bool:
    """Whether the demo was made and all its patches were taken as far as the machine can. Raises what opening it raises."""
    if not (project / DATABASE).exists():
        return False
    with Project.open(project, read_only=True) as opened:
        now = status(opened)
    return now.photos > 0 and now.runnable == 0


async def prepare_demo(base: Path, settings: Settings, *, fresh: bool = False) -> Path:
    """Make the demo's photos and project under `base` where they are missing; returns the project's folder."""
    project = demo_folder(base, fresh=fresh)
    with Session(project, settings, create=not (project / DATABASE).exists()) as session:
        await session.pool.call("write_demo_photos", {"folder": str(base / "photos")})
        options = ImportOptions(origin=Origin.DATASET, licence="CC0-1.0")
        await import_photos(session.store, session.pool, [base / "photos"], options)
    return project
