"""The command `prompts`: have prompts written before anything is generated, read them, and put them into one's own words."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import click

from ggt_studio.cli.console import agreeing, json_option, note, project_argument, run_async, say
from ggt_studio.core.facts import Prompted
from ggt_studio.core.prompts import EDITED, serving_prompt
from ggt_studio.core.recipe import Recipe
from ggt_studio.pipeline.budget import BudgetReached
from ggt_studio.pipeline.prompts import edit_prompt, take_back_edit, write_prompts
from ggt_studio.pipeline.recipes import DEFAULT_GENERATOR, DEFAULT_JUDGE, DEFAULT_PROMPTS
from ggt_studio.pipeline.session import Session
from ggt_studio.settings import load
from ggt_studio.store import patches
from ggt_studio.store.project import Project

_USUAL_LIMIT = 12


@dataclass(frozen=True, slots=True)
class _Row:
    """A patch, and the prompt that a run would use for it."""

    patch_id: int
    category: str
    prompt: Prompted | None


@click.command()
@project_argument
@click.argument("patch_ids", type=int, nargs=-1, metavar="[PATCH...]")
@click.option("--prompts", default=DEFAULT_PROMPTS, show_default=True, metavar="ID", help="Whose prompts.")
@click.option("--write", is_flag=True, help="Have those written that are missing; each is paid for once.")
@click.option("--words", metavar="TEXT", help="Use these words for one PATCH, with whichever generator.")
@click.option("--take-back", is_flag=True, help="Return to the written prompt of one PATCH.")
@click.option(
    "--limit",
    type=click.IntRange(min=1),
    default=_USUAL_LIMIT,
    show_default=True,
    metavar="N",
    help="The first N patches of the next run, where none is named.",
)
@click.option("--budget", type=click.FloatRange(min=0), metavar="USD", help="Spend at most this much on writing.")
@json_option
def prompts(
    project: Path,
    patch_ids: tuple[int, ...],
    prompts: str,
    write: bool,
    words: str | None,
    take_back: bool,
    limit: int,
    budget: float | None,
    as_json: bool,
) -> None:
    """Show the prompts that the next run of PROJECT uses, before anything is generated of them.

    A prompt is kept with its patch and used with every generator.
    """
    if words is not None or take_back:
        if len(patch_ids) != 1 or write or (words is not None and take_back):
            raise click.UsageError("--words and --take-back are for one PATCH, one at a time.")
        with Project.open(project) as opened:
            if words is not None:
                edit_prompt(opened, patch_ids[0], words)
            else:
                take_back_edit(opened, patch_ids[0])

    async def work() -> list[_Row]:
        with Session(project, load(), read_only=not write) as session:
            recipe = session.recipe(DEFAULT_GENERATOR, prompts, DEFAULT_JUDGE)
            rows = await session.store.call(lambda opened: _rows(opened, recipe, patch_ids, limit))
            missing = [row.patch_id for row in rows if row.prompt is None]
            if write and missing:
                await _write(session, recipe, missing, budget)
                rows = await session.store.call(lambda opened: _rows(opened, recipe, [r.patch_id for r in rows], limit))
            return rows

    rows = run_async(work)
    document = [
        {
            "patch": row.patch_id,
            "category": row.category,
            "strategy": row.prompt.strategy if row.prompt else None,
            "text": row.prompt.text if row.prompt else None,
        }
        for row in rows
    ]
    say(as_json, document, [_line(row) for row in rows] or ["No patch is open."])


async def _write(session: Session, recipe: Recipe, missing: list[int], budget: float | None) -> None:
    writer = session.registry.prompt_writer(recipe.prompts)
    if writer.info.leaves_machine:
        note(f"Photos are sent to {writer.info.leaves_machine}.")
    await session.registry.check_ready(recipe)
    try:
        written = await write_prompts(
            session.store, session.pool, session.registry, recipe, missing, session.limiters, budget
        )
    except BudgetReached as error:
        note(str(error))
        return
    if failed := len(missing) - len(written):
        note(
            f"{agreeing(failed, 'prompt was', 'prompts were')} not written: `list --state failed` and `show` say why; a patch that "
            "has a candidate needs none."
        )


def _rows(project: Project, recipe: Recipe, patch_ids: tuple[int, ...] | list[int], limit: int) -> list[_Row]:
    found = patches.by_ids(project, patch_ids) if patch_ids else patches.runnable(project, limit=limit)
    facts = patches.facts_of(project, [patch.id for patch in found])
    return [
        _Row(
            patch.id,
            patch.category.value,
            serving_prompt([fact for fact in facts[patch.id] if isinstance(fact, Prompted)], recipe, patch.category),
        )
        for patch in found
    ]


def _line(row: _Row) -> str:
    if row.prompt is None:
        return f"{row.patch_id:>8}  {row.category:<14} not written yet; --write has it written"
    kind = "your words" if row.prompt.strategy == EDITED else row.prompt.strategy
    return f"{row.patch_id:>8}  {row.category:<14} {kind}: {' '.join(row.prompt.text.split())}"
