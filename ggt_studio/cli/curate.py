"""Commands about which photos and patches take part: sample, hold, release, category, remove, aside."""

from __future__ import annotations

import os
from pathlib import Path

import click

from ggt_studio.cli.console import agreeing, counted, json_option, project_argument, say
from ggt_studio.core.errors import StudioError
from ggt_studio.core.money import dollars
from ggt_studio.core.words import Category, Hold
from ggt_studio.dataset.sampling import release as release_held
from ggt_studio.dataset.sampling import sample as sample_patches
from ggt_studio.store import holds, photos
from ggt_studio.store.patches import by_ids
from ggt_studio.store.project import Project

_RELEASABLE = [hold for hold in Hold if hold is not Hold.REMOVED]


@click.command()
@project_argument
@click.option("--ratio", default="1:2:3", show_default=True, help="High : medium : low quality.")
@click.option("--total", type=click.IntRange(min=1), help="Patches to take; by default as many as the ratio allows.")
@click.option("--seed", type=int, default=0, show_default=True)
@click.option("--near-duplicates", is_flag=True, help="Take near duplicates of other photos, too.")
@json_option
def sample(project: Path, ratio: str, total: int | None, seed: int, near_duplicates: bool, as_json: bool) -> None:
    """Take a sample of the open patches by graded quality and hold the others back. Can be redone at any time."""
    try:
        high, medium, low = (int(part) for part in ratio.split(":"))
    except ValueError as error:
        raise click.BadParameter("three whole numbers such as 1:2:3", param_hint="--ratio") from error
    with Project.open(project) as opened:
        report = sample_patches(
            opened, ratio=(high, medium, low), total=total, seed=seed, near_duplicates=near_duplicates
        )
    document = {"taken": dict(report.taken), "available": dict(report.available)}
    lines = [
        f"{level}: {report.taken[level]:,} of {counted(report.available[level], 'patch')}" for level in report.taken
    ]
    say(as_json, document, [*lines, "The others are held back; `release` lets them take part again."])


@click.command()
@project_argument
@click.option("--hold", type=click.Choice([h.value for h in _RELEASABLE]), help="Only those held for this reason.")
@json_option
def release(project: Path, hold: str | None, as_json: bool) -> None:
    """Let held patches take part in runs again; those that a person held by hand only with `--hold by-hand`."""
    wanted = (Hold(hold),) if hold else tuple(h for h in _RELEASABLE if h is not Hold.BY_HAND)
    with Project.open(project) as opened:
        released = release_held(opened, wanted)
    say(as_json, {"released": released}, [_takes_part_again(released)])


def _takes_part_again(released: int) -> str:
    return agreeing(released, "patch takes part in runs again.", "patches take part in runs again.")


@click.command(short_help="Hold patches back from runs and exports, or let them go.")
@project_argument
@click.argument("patches", nargs=-1, required=True, type=int, metavar="PATCH...")
@click.option("--release", "let_go", is_flag=True, help="Let them take part again, whatever held them.")
@click.option("--reason", default="", help="Why they are held, in your words.")
@json_option
def hold(project: Path, patches: tuple[int, ...], let_go: bool, reason: str, as_json: bool) -> None:
    """Hold PATCH... (numbers as `list` shows them) back from runs and exports. No sample lets them go."""
    if let_go and reason:
        raise click.UsageError("--reason belongs to holding, not to --release.")
    with Project.open(project) as opened:
        changed = holds.set_hold(opened, patches, None if let_go else Hold.BY_HAND, reason)
    held = agreeing(
        len(changed),
        "patch is held back from runs and exports now.",
        "patches are held back from runs and exports now.",
    )
    say(as_json, {"changed": len(changed)}, [_takes_part_again(len(changed)) if let_go else held])


@click.command(short_help="Take photos out of the project with all their patches, or put them back.")
@project_argument
@click.argument("references", nargs=-1, required=True, metavar="PHOTO...")
@click.option("--put-back", is_flag=True, help="Let removed photos be in the project again, as they were.")
@json_option
def remove(project: Path, references: tuple[str, ...], put_back: bool, as_json: bool) -> None:
    """Take PHOTO... (numbers as `list` shows them, or paths) out of the project with all their patches.

    They leave lists, counts, runs, samples and exports. Nothing is deleted: what was generated, paid and decided stays on
    record, and --put-back brings it all back.
    """
    with Project.open(project) as opened:
        photo_ids = [_photo_id(opened, reference) for reference in references]
        if put_back:
            number = holds.put_back(opened, photo_ids)
            document, lines = {"put_back": number}, [f"{counted(number, 'photo')} put back."]
        else:
            removal = holds.remove(opened, photo_ids)
            document = {
                "removed": len(removal.photos),
                "patches": removal.patches,
                "generated": removal.generated,
                "spent_usd": removal.spent_usd,
                "reviewed": removal.reviewed,
            }
            lines = _removal_lines(removal)
    say(as_json, document, lines)


def _photo_id(project: Project, reference: str) -> int:
    if reference.isascii() and reference.isdigit():
        return int(reference)
    path = os.path.abspath(Path(reference).expanduser())  # noqa: PTH100 - as paths are recorded: links are kept
    found = photos.photo_at(project, path)
    if found is None:
        raise StudioError(f"No photo of this project was imported from {path}. Nothing was changed.")
    return found


def _removal_lines(removal: holds.Removal) -> list[str]:
    lines = [f"{counted(len(removal.photos), 'photo')} removed with {counted(removal.patches, 'patch')}."]
    if removal.generated:
        paid = f" that cost {dollars(removal.spent_usd)}" if removal.spent_usd else ""
        decided = f", and people decided about {removal.reviewed:,}" if removal.reviewed else ""
        made = agreeing(removal.generated, "patch has a target", "patches have targets")
        lines.append(f"{made}{paid}{decided}: all of that stays on record.")
    if removal.photos:
        lines.append("`remove --put-back` with the same photos brings everything back.")
    return lines


@click.command()
@project_argument
@json_option
def aside(project: Path, as_json: bool) -> None:
    """List the files that are not in the project: not usable, exact duplicates of photos, and removed photos."""
    with Project.open(project, read_only=True) as opened:
        problems, copies = photos.quarantined(opened), photos.duplicates(opened)
        removed = holds.removed_photos(opened)
    document = {
        "quarantined": [{"path": q.path, "reason": q.reason, "at": q.at} for q in problems],
        "duplicates": [{"path": d.path, "same_as": d.same_as} for d in copies],
        "removed": [{"photo": r.id, "path": r.path, "at": r.at, "patches": r.patches} for r in removed],
    }
    lines = [f"not usable  {q.path}: {q.reason}" for q in problems]
    lines += [f"duplicate   {d.path}: the same as {d.same_as}" for d in copies]
    lines += [f"removed     {r.path}: photo {r.id}, {counted(r.patches, 'patch')}" for r in removed]
    say(as_json, document, lines or ["Nothing was set aside."])


@click.command(short_help="Put photos into a category.")
@project_argument
@click.argument("name", metavar="CATEGORY", type=click.Choice([c.value for c in Category]))
@click.argument("patches", nargs=-1, required=True, type=int, metavar="PATCH...")
@json_option
def category(project: Path, name: str, patches: tuple[int, ...], as_json: bool) -> None:
    """Put the photos that PATCH... were cut from (numbers as `list` shows them) into a category."""
    with Project.open(project) as opened:
        found = by_ids(opened, patches)
        if missing := set(patches) - {patch.id for patch in found}:
            raise StudioError(f"There is no patch {min(missing)} in {opened.folder}. Nothing was changed.")
        changed = photos.set_category(opened, sorted({patch.photo_id for patch in found}), Category(name))
    say(as_json, {"changed": changed}, [f"{counted(changed, 'photo')} changed to {name}, with all patches of each."])
