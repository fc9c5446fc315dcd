"""Commands that work on patches by hand, and others: review, demo, plugins."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import click

from ggt_studio.cli.console import json_option, note, project_argument, say
from ggt_studio.core.errors import StudioError
from ggt_studio.core.words import Decision, RejectReason
from ggt_studio.providers.registry import find_plugins
from ggt_studio.settings import load, reviewer_name, save
from ggt_studio.store.project import Project
from ggt_studio.store.review import decide, undo


@click.command()
@project_argument
@click.argument("patch", type=int)
@click.argument("decision", type=click.Choice(["accept", "reject", "undo"]))
@click.option("--reason", type=click.Choice([r.value for r in RejectReason]), help="Why a pair is rejected.")
@click.option("--words", default="", help="The reason in your words.")
@json_option
def review(project: Path, patch: int, decision: str, reason: str | None, words: str, as_json: bool) -> None:
    """Accept or reject the pair of PATCH, or undo the latest decision about it."""
    if decision != "reject" and (reason or words):
        raise click.UsageError("--reason and --words belong to `reject`.")
    with Project.open(project) as opened:
        reviewer = reviewer_name(load())
        if decision == "undo":
            summary = undo(opened, patch, reviewer)
        else:
            why = RejectReason(reason) if reason else (RejectReason.OTHER if decision == "reject" else None)
            summary = decide(opened, patch, Decision(decision), reason=why, words=words, reviewer=reviewer)
    say(as_json, {"patch": patch, "state": summary.state.value}, [f"Patch {patch} is {summary.state}."])


@click.command()
@click.argument("folder", required=False, type=click.Path(path_type=Path, file_okay=False))
@click.option(
    "--headless", is_flag=True, help="Do the whole job without a window, as --json does, and say where the result lies."
)
@click.option("--fresh", is_flag=True, help="Make another demo project, where one was made before.")
@json_option
def demo(folder: Path | None, headless: bool, fresh: bool, as_json: bool) -> int:
    """Make a demo project with synthetic low-quality photos, and open it (or run it, without a display).

    The one that was made last is opened again.
    """
    from ggt_studio.cli.demo import run_demo

    return run_demo(folder, headless=headless, fresh=fresh, as_json=as_json)


@click.command()
@click.argument("action", type=click.Choice(["list", "enable", "disable"]), default="list")
@click.argument("plugin", required=False)
@json_option
def plugins(action: str, plugin: str | None, as_json: bool) -> None:
    """List plugins, or enable or disable one. A plugin is code that runs with all your rights: enable only what you trust."""
    found = {p.id: p for p in find_plugins()}
    settings = load()
    enabled = set(settings.enabled_plugins)
    if action != "list":
        if plugin is None:
            raise click.UsageError(f"`plugins {action}` needs the name of a plugin.")
        if action == "enable":
            if plugin not in found:
                raise StudioError(f"There is no plugin {plugin}. There are: {', '.join(found) or 'none'}.")
            note(f"{plugin} is code from {found[plugin].folder} and runs with all your rights from now on.")
            enabled.add(plugin)
        else:
            enabled.discard(plugin)
        save(replace(settings, enabled_plugins=tuple(sorted(enabled))))
    document = [
        {
            "plugin": p.id,
            "label": p.label,
            "description": p.description,
            "enabled": p.id in enabled,
            "problem": p.problem,
        }
        for p in found.values()
    ]
    lines = [
        f"{'on ' if p.id in enabled else 'off'}  {p.id:<20} {p.label}. {p.description} {p.problem}"
        for p in found.values()
    ]
    say(as_json, document, lines or ["There are no plugins."])
