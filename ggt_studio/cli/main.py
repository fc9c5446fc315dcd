"""`ggt-studio`: the commands and where they are."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import click

from ggt_studio import __version__
from ggt_studio.cli.console import guarded
from ggt_studio.cli.display import require_display

_COMMANDS = {
    "new": "data:new",
    "import": "data:import_",
    "sample": "curate:sample",
    "hold": "curate:hold",
    "release": "curate:release",
    "category": "curate:category",
    "remove": "curate:remove",
    "aside": "curate:aside",
    "screen": "screen:screen",
    "estimate": "run:estimate",
    "run": "run:run",
    "retry": "run:retry",
    "prompts": "prompts:prompts",
    "recipes": "recipes:recipes",
    "tryout": "recipes:tryout",
    "status": "browse:status",
    "list": "browse:list_",
    "show": "browse:show",
    "ledger": "ledger:ledger",
    "review": "work:review",
    "export": "data:export",
    "restore": "restore:restore",
    "train": "train:train",
    "trained": "trained:trained",
    "export-model": "trained:export",
    "add-run": "trained:add_run",
    "check": "browse:check",
    "demo": "work:demo",
    "plugins": "work:plugins",
    "batch": "batch:batch",
    "models": "models:models",
    "doctor": "doctor:doctor",
    "key": "keys:key",
}


class _Commands(click.Group):
    """Imports a command when it is asked for: looking at a project need not wait for what runs models."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted({*super().list_commands(ctx), *_COMMANDS})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return super().get_command(ctx, cmd_name)
        module, _, function = _COMMANDS[cmd_name].partition(":")
        return getattr(importlib.import_module(f"ggt_studio.cli.{module}"), function)


@click.group(
    cls=_Commands,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, prog_name="ggt-studio")
@click.pass_context
def ggt_studio(context: click.Context) -> None:
    """Make, check and review generative ground truth. Without a command, open the window."""
    if context.invoked_subcommand is None:
        require_display()
        from ggt_studio.app import run_window

        context.exit(run_window(None))


@ggt_studio.command("open")
@click.argument("project", type=click.Path(path_type=Path, file_okay=False))
def open_project(project: Path) -> int:
    """Open the window on a project."""
    require_display()
    from ggt_studio.app import run_window

    return run_window(project)


def main() -> None:
    """The entry point."""
    sys.exit(guarded(ggt_studio))
