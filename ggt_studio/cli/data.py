"""Commands about what goes in and out: new, import, export."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from ggt_studio.cli.console import ProgressBar, agreeing, counted, json_option, project_argument, run_async, say
from ggt_studio.core.words import Category, Origin, Prepare
from ggt_studio.dataset.importer import ImportOptions, ImportProgress, ImportReport, import_photos
from ggt_studio.dataset.include import Include
from ggt_studio.pipeline.session import Session
from ggt_studio.settings import load
from ggt_studio.store.project import Project

_FIRST = 5


@click.command()
@project_argument
@json_option
def new(project: Path, as_json: bool) -> None:
    """Make a new, empty project in the folder PROJECT."""
    with Project.create(project) as created:
        folder = str(created.folder)
    say(as_json, {"project": folder}, [f"Made a project in {folder}."])


@click.command("import")
@project_argument
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--category", type=click.Choice([c.value for c in Category]), help="By default from the folder's name.")
@click.option(
    "--origin",
    type=click.Choice([o.value for o in Origin]),
    default=Origin.CAPTURE.value,
    show_default=True,
    help="Where the photos come from.",
)
@click.option("--licence", default="unspecified", metavar="SPDX", help="Licence of the photos, such as CC0-1.0.")
@click.option(
    "--prepare",
    type=click.Choice([p.value for p in Prepare]),
    default=Prepare.AUTO.value,
    show_default=True,
    help="How patches are cut; `auto`: rain and snow are resized before they are cropped, all others only cropped.",
)
@json_option
def import_(
    project: Path, paths: tuple[Path, ...], category: str | None, origin: str, licence: str, prepare: str, as_json: bool
) -> None:
    """Import photos, or folders of them, into PROJECT. Photos stay where they are; importing twice adds nothing."""
    options = ImportOptions(Category(category) if category else None, Origin(origin), licence, Prepare(prepare))

    async def work() -> ImportReport:
        with Session(project, load()) as session, ProgressBar("Importing", "file") as bar:

            def show(progress: ImportProgress) -> None:
                bar.show(progress.done, progress.total)

            return await import_photos(session.store, session.pool, paths, options, show)

    report = run_async(work)
    document = {
        **asdict(report),
        "duplicate_files": [{"path": path, "same_as": same_as} for path, same_as in report.duplicate_files],
        "quarantined": [{"path": path, "reason": reason} for path, reason in report.quarantined],
    }
    say(as_json, document, _import_lines(project, report))


def _import_lines(project: Path, report: ImportReport) -> list[str]:
    """What an import came to; numbers that are nought are left out."""
    lines = [f"{counted(report.photos, 'photo')} imported, cut into {counted(report.patches, 'patch')}."]
    for n, one, many in (
        (report.known, "was in the project already.", "were in the project already."),
        (
            report.removed,
            "was removed from the project before and stays out (`remove --put-back`).",
            "were removed from the project before and stay out (`remove --put-back`).",
        ),
        (
            report.near_duplicates,
            "looks nearly the same as another photo; they stay together in any split.",
            "look nearly the same as another photo; they stay together in any split.",
        ),
        (
            report.content_poor,
            "patch shows next to nothing and is held back from runs (`list --held`).",
            "patches show next to nothing and are held back from runs (`list --held`).",
        ),
        (
            report.assumed_category,
            "had no category in its folder's name and is taken as general-mixed.",
            "had no category in their folder's name and are taken as general-mixed.",
        ),
    ):
        if n:
            lines.append(agreeing(n, one, many))
    if report.duplicates:
        exact = ("is an exact duplicate of a photo", "are exact duplicates of photos")
        lines.append(f"{agreeing(report.duplicates, *exact)} in the project, left out:")
        lines += [f"  {path}: the same as {same_as}" for path, same_as in report.duplicate_files[:_FIRST]]
        if report.duplicates > _FIRST:
            lines.append(f"  and {report.duplicates - _FIRST:,} more: `ggt-studio aside {project}` lists all of them.")
    if report.quarantined:
        lines.append(f"{len(report.quarantined):,} could not be used:")
        lines += [f"  {path}: {reason}" for path, reason in report.quarantined]
    return lines


@click.command()
@project_argument
@click.argument("dest", type=click.Path(path_type=Path))
@click.option(
    "--format",
    "layout",
    type=click.Choice(["imagefolder", "parquet", "webdataset"]),
    default="imagefolder",
    show_default=True,
    help="Image files in folders, tables with the images inside, or tar files.",
)
@click.option(
    "--include",
    type=click.Choice([i.value for i in Include]),
    default=Include.VERIFIED.value,
    show_default=True,
    help="Pairs that a person accepted; those and what still waits for a person; or the first candidate of every patch.",
)
@click.option(
    "--test",
    "test_count",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="Pairs to set aside for testing.",
)
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of the choice of test pairs.")
@json_option
def export(project: Path, dest: Path, layout: str, include: str, test_count: int, seed: int, as_json: bool) -> None:
    """Write the verified pairs as a dataset to the new folder DEST. Works while the project is open elsewhere."""
    from ggt_studio.pipeline.exporting import ExportChoice, export_project

    choice = ExportChoice(dest, layout, Include(include), test_count, seed)

    async def work() -> tuple[int, int, int, str]:
        with Session(project, load(), read_only=True) as session, ProgressBar("Exporting", "pair") as bar:

            def show(done: int, total: int) -> None:
                bar.show(done, total)

            report = await export_project(session.store, choice, show)
        return report.pairs, report.train, report.test, str(report.path)

    pairs, train, test, path = run_async(work)
    document = {"pairs": pairs, "train": train, "test": test, "path": path}
    say(as_json, document, [f"{counted(pairs, 'pair')} exported to {path} ({train} for training, {test} for testing)."])
