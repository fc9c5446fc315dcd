"""Commands that only look: status, list, show, check."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from ggt_studio.cli.console import FAILED, ProgressBar, counted, json_option, project_argument, say
from ggt_studio.core.errors import ProjectLocked, StudioError, WriteError
from ggt_studio.core.words import Category, Hold, State
from ggt_studio.store import check as checks
from ggt_studio.store import patches
from ggt_studio.store.details import Details, details
from ggt_studio.store.photos import photo, quarantined
from ggt_studio.store.project import Project
from ggt_studio.store.status import Status
from ggt_studio.store.status import status as read_status


def _look(project: Path) -> Project:
    """Open for looking only; works while another process writes."""
    return Project.open(project, read_only=True)


@click.command()
@project_argument
@json_option
def status(project: Path, as_json: bool) -> None:
    """Say where PROJECT stands."""
    with _look(project) as opened:
        now = read_status(opened)
        problems = quarantined(opened) if as_json else []
    states = {state.value: now.count(state=state) for state in State}
    document = {
        "photos": now.photos,
        "patches": now.patches,
        "states": states,
        "by_category": {
            c.value: {"patches": now.count(category=c), **{s.value: now.count(category=c, state=s) for s in State}}
            for c in Category
            if now.count(category=c)
        },
        "funnel": [{"step": label, "patches": n} for label, n in now.funnel()],
        "in_batches": now.in_batches,
        "held": {h.value: now.count(hold=h) for h in Hold if h is not Hold.REMOVED},
        "duplicates": now.duplicates,
        "near_duplicates": now.near_duplicates,
        "removed": now.removed,
        "quarantined": [{"path": q.path, "reason": q.reason} for q in problems],
    }
    say(as_json, document, _status_lines(now))


def _status_lines(now: Status) -> list[str]:
    lines = [
        f"{counted(now.photos, 'photo')}, {counted(now.duplicates, 'duplicate')} left out, "
        f"{counted(now.quarantined, 'file')} that could not be used"
        + (f", {counted(now.removed, 'photo')} removed" if now.removed else ""),
        "",
    ]
    lines += [f"{n:>9,}  {label}" for label, n in now.funnel()]
    lines += [f"{now.count(state=state):>9,}  {state}" for state in (State.REJECTED, State.FAILED)]
    if now.in_batches:
        lines.append(f"{now.in_batches:>9,}  in batches that `batch collect` fetches")
    held = now.count(held=True)
    if held:
        lines.append(f"{held:>9,}  held back from runs")
    lines += ["", *(f"{now.count(category=c):>9,}  {c}" for c in Category if now.count(category=c))]
    return lines


@click.command("list")
@project_argument
@click.option("--state", type=click.Choice([s.value for s in State]))
@click.option("--category", type=click.Choice([c.value for c in Category]))
@click.option("--held", is_flag=True, help="Only patches that are held back from runs.")
@click.option("--alike", is_flag=True, help="Only patches of photos that look nearly like another one, group by group.")
@click.option("--removed", is_flag=True, help="Only patches of photos that were removed from the project.")
@click.option("--limit", type=click.IntRange(min=1), help="At most this many.")
@json_option
def list_(
    project: Path,
    state: str | None,
    category: str | None,
    held: bool,
    alike: bool,
    removed: bool,
    limit: int | None,
    as_json: bool,
) -> None:
    """List patches: number, category, state, what decided, the photo's number and name."""
    which = patches.Filter(
        State(state) if state else None,
        Category(category) if category else None,
        True if held else None,
        alike=alike,
        removed=removed,
    )
    with _look(project) as opened:
        wanted = list(patches.ids(opened, which)[:limit])
        if as_json:
            say(True, [_entry(_details(opened, patch_id)) for patch_id in wanted], [])
            return
        for patch in patches.by_ids(opened, wanted):
            words = f" ({patch.hold_words})" if patch.hold_words else ""
            hold = f"  held: {patch.hold}{words}" if patch.hold else ""
            name = Path(photo(opened, patch.photo_id).path).name
            of = f"photo {patch.photo_id:<6} {name}"
            click.echo(f"{patch.id:>8}  {patch.category:<14} {patch.state:<9} {patch.decided_by:<20} {of}{hold}")


@click.command()
@project_argument
@click.argument("patch", type=int)
@json_option
def show(project: Path, patch: int, as_json: bool) -> None:
    """Show all that is on record about one PATCH."""
    with _look(project) as opened:
        found = _details(opened, patch)
        record = [
            {"at": r.at, "fact": type(r.fact).__name__.lower(), **asdict(r.fact)}
            for r in patches.history(opened, patch)
        ]
    document = {**_entry(found), "history": record}
    lines = [f"patch {patch}: {found.patch.category}, {found.patch.state}", f"photo {found.photo.path}"]
    lines.append(f"LQ {found.patch.lq_path}")
    if found.patch.hq_path:
        lines.append(f"HQ {found.patch.hq_path}")
    for r in record:
        lines.append(f"{r['at']}  {r['fact']}")
        lines += [f"    {name}: {_plain(value)}" for name, value in r.items() if name not in ("at", "fact", "raw")]
    say(as_json, document, lines)


def _plain(value: Any) -> str:
    """A recorded value on one line."""
    if isinstance(value, dict):
        return "; ".join(f"{name} {_plain(part)}" for name, part in value.items() if name != "raw")
    if isinstance(value, tuple | list):
        return "; ".join(_plain(part) for part in value)
    return " ".join(str(value).split())


def _details(project: Project, patch_id: int) -> Details:
    try:
        return details(project, patch_id)
    except KeyError as error:
        raise StudioError(f"There is no patch {patch_id} in {project.folder}.") from error


def _entry(found: Details) -> dict[str, Any]:
    patch, current = found.patch, found.current
    scored = current.scored if current else None
    judged = current.judged if current else None
    aligned = current.aligned if current else None
    return {
        "patch": patch.id,
        "photo": found.photo.path,
        "photo_id": patch.photo_id,
        "category": patch.category.value,
        "state": patch.state.value,
        "decided_by": patch.decided_by,
        "held": patch.hold.value if patch.hold else None,
        "held_because": patch.hold_words or None,
        "near_duplicate_of": found.photo.near_duplicate_of,
        "quality": patch.level.value,
        "attempts": patch.attempts,
        "lq": str(patch.lq_path),
        "hq": str(patch.hq_path) if patch.hq_path else None,
        "prompt": current.generated.prompt if current else (found.prompt.text if found.prompt else None),
        "generator": current.generated.generator if current else None,
        "scores": {"lq": scored.lq, "hq": scored.hq, "between": scored.between, "gate": asdict(scored.gate)}
        if scored
        else None,
        "verdict": {**asdict(judged.verdict), "judge": judged.judge, "ruled": judged.ruled.value} if judged else None,
        "alignment": {**asdict(aligned.alignment), "gate": asdict(aligned.gate)} if aligned else None,
        "review": {**asdict(found.review), "at": found.reviewed_at} if found.review else None,
        "failure": asdict(found.failure) if found.failure and patch.state is State.FAILED else None,
    }


@click.command()
@project_argument
@json_option
def check(project: Path, as_json: bool) -> int:
    """Verify the database's integrity and every file's hash."""
    try:
        opened = Project.open(project)
    except (ProjectLocked, WriteError):
        opened = _look(project)
    with opened, ProgressBar("Checking", "file") as bar:

        def advance(done: int, total: int) -> None:
            bar.show(done, total)

        report = checks.check(opened, advance)
    document = {
        "ok": report.ok,
        "files": report.files,
        "problems": list(report.problems),
        "unreferenced": report.unreferenced,
    }
    say(
        as_json,
        document,
        [f"{counted(report.files, 'file')} checked, {counted(len(report.problems), 'problem')}.", *report.problems],
    )
    return 0 if report.ok else FAILED
