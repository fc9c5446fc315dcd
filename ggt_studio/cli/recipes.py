"""Commands for named recipes and for trying recipes out: recipes, tryout."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from ggt_studio.cli.console import ProgressBar, counted, json_option, note, project_argument, run_async, say
from ggt_studio.core.errors import StudioError
from ggt_studio.core.facts import Judged
from ggt_studio.core.money import dollars
from ggt_studio.core.words import State
from ggt_studio.pipeline.progress import Progress
from ggt_studio.pipeline.recipes import DEFAULT_GENERATOR, DEFAULT_JUDGE, DEFAULT_PROMPTS, MetricGate
from ggt_studio.pipeline.session import Session
from ggt_studio.pipeline.trying import Trying, TryoutReport, estimate_tryout, recipe_of
from ggt_studio.settings import load
from ggt_studio.store import named_recipes, tryouts
from ggt_studio.store.named_recipes import Choice
from ggt_studio.store.project import Project


def named_recipe_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """`--recipe NAME`: a named recipe for those of a command's own options that are not on the command line."""

    @functools.wraps(function)
    def with_named(*args: Any, recipe_name: str | None, **options: Any) -> Any:
        if recipe_name is not None:
            with Project.open(options["project"], read_only=True) as opened:
                kept = asdict(named_recipes.named(opened, recipe_name))
            source = click.get_current_context().get_parameter_source
            options |= {
                key: value
                for key, value in kept.items()
                if key in options and source(key) is not ParameterSource.COMMANDLINE
            }
        return function(*args, **options)

    return click.option(
        "--recipe", "recipe_name", metavar="NAME", help="A named recipe; options given beside it go before it."
    )(with_named)


@click.command()
@project_argument
@click.argument("action", type=click.Choice(["list", "save", "rename", "delete"]), default="list")
@click.argument("names", nargs=-1, metavar="[NAME [NEW]]")
@click.option("--generator", default=DEFAULT_GENERATOR, show_default=True, metavar="ID", help="Makes the targets.")
@click.option("--prompts", default=DEFAULT_PROMPTS, show_default=True, metavar="ID", help="Writes the instructions.")
@click.option("--judge", default=DEFAULT_JUDGE, show_default=True, metavar="ID", help="Scores targets.")
@click.option(
    "--metric-gate",
    type=click.Choice([g.value for g in MetricGate]),
    default=MetricGate.DEFAULT.value,
    show_default=True,
    help="`none` judges candidates without measuring them first.",
)
@click.option("--seed", type=int, default=0, show_default=True, help="Another seed draws other samples.")
@json_option
def recipes(
    project: Path,
    action: str,
    names: tuple[str, ...],
    generator: str,
    prompts: str,
    judge: str,
    metric_gate: str,
    seed: int,
    as_json: bool,
) -> None:
    """List the named recipes of PROJECT, or `save`, `rename` and `delete` one. `run --recipe NAME` uses it.

    The options say what `save` keeps under NAME.
    """
    wanted = {"list": 0, "rename": 2}.get(action, 1)
    if len(names) != wanted:
        raise click.UsageError(f"`recipes PROJECT {action}` takes {counted(wanted, 'name')}.")
    if action == "save":
        _save(project, names[0], Choice(generator, prompts, judge, metric_gate, seed))
    with Project.open(project, read_only=action in ("list", "save")) as opened:
        if action == "rename":
            named_recipes.rename(opened, *names)
        elif action == "delete":
            named_recipes.delete(opened, *names)
        found = named_recipes.all_named(opened)
    lines = [f"{name}: {_words(choice)}" for name, choice in found.items()]
    say(as_json, [{"name": name, **asdict(choice)} for name, choice in found.items()], lines or ["There are none."])


def _save(project: Path, name: str, choice: Choice) -> None:
    async def work() -> None:
        with Session(project, load()) as session:
            # A name for what cannot be run would only fail later.
            recipe_of(session, choice)
            await session.store.call(lambda opened: named_recipes.save(opened, name, choice))

    run_async(work)


@click.command()
@project_argument
@click.option("--recipe", "names", multiple=True, metavar="NAME", help="A named recipe; up to four.")
@click.option(
    "--patches",
    "count",
    type=click.IntRange(1, tryouts.MOST_PATCHES),
    default=4,
    show_default=True,
    metavar="N",
    help="How many patches, picked at random from all categories.",
)
@click.option("--patch", "chosen", type=int, multiple=True, metavar="ID", help="These patches instead.")
@click.option("--seed", type=int, default=0, show_default=True, help="Another seed picks other patches.")
@click.option(
    "--budget", "budget_usd", type=click.FloatRange(min=0), metavar="USD", help="What all of it may cost at most."
)
@click.option("--estimate", "only_estimate", is_flag=True, help="Say what it would take, and do nothing.")
@click.option(
    "--adopt", nargs=2, metavar="NAME PATCH", help="Adopt what recipe NAME made of PATCH in the latest try-out."
)
@json_option
def tryout(
    project: Path,
    names: tuple[str, ...],
    count: int,
    chosen: tuple[int, ...],
    seed: int,
    budget_usd: float | None,
    only_estimate: bool,
    adopt: tuple[str, str] | None,
    as_json: bool,
) -> None:
    """Try recipes on a few patches of PROJECT, side by side. No patch changes its state; what is paid for is kept."""
    if adopt is not None:
        _adopt(project, *adopt, as_json=as_json)
        return
    if not 1 <= len(names) <= tryouts.MOST_RECIPES or len(set(names)) != len(names):
        raise click.UsageError(f"--recipe names 1 to {tryouts.MOST_RECIPES} different recipes.")

    async def work() -> tuple[TryoutReport | None, list[dict[str, Any]]]:
        with Session(project, load()) as session:
            found = [(name, await session.store.call(lambda p, n=name: named_recipes.named(p, n))) for name in names]
            patch_ids = list(chosen) or await session.store.call(lambda p: tryouts.pick(p, count, seed))
            if only_estimate:
                estimates = await estimate_tryout(session, [choice for _, choice in found], patch_ids)
                return None, [{"recipe": name, **asdict(e)} for name, e in zip(names, estimates, strict=True)]
            with ProgressBar("Trying out", "result") as bar:

                def advance(progress: Progress) -> None:
                    bar.show(progress.done, progress.total)

                report = await Trying(session, found, patch_ids, budget_usd=budget_usd, on_progress=advance).run()
            results = await session.store.call(lambda p: tryouts.results(p, report.tryout))
            named = {entry.run_id: entry.name for entry in report.tryout.entries}
            return report, [_row(named[result.run_id], result) for result in results.values()]

    report, rows = run_async(work)
    if report is None:
        lines = [
            f"{row['recipe']}: about {dollars(row['expected_usd'])}, at most {dollars(row['most_usd'])}."
            if row["paid"]
            else f"{row['recipe']}: no charge."
            for row in rows
        ]
        say(as_json, rows, lines)
        return
    if report.message:
        note(report.message)
    document = {
        "tryout": report.tryout.id,
        "ended": report.ended,
        "message": report.message,
        "cost_usd": report.cost_usd,
        "results": rows,
    }
    lines = [f"{row['recipe']}, patch {row['patch']}: {row['words']}, ${row['cost_usd']:.3f}." for row in rows]
    lines.append(f"{counted(report.made, 'result')}, {report.passed} passed, {dollars(report.cost_usd)} spent.")
    say(as_json, document, lines)


def _adopt(project: Path, name: str, patch: str, *, as_json: bool) -> None:
    if not patch.isdigit():
        raise click.UsageError(f"{patch} is not the number of a patch.")
    with Project.open(project) as opened:
        latest = next(iter(tryouts.ids(opened)), None)
        entries = tryouts.tryout(opened, latest).entries if latest is not None else ()
        entry = next((entry for entry in entries if entry.name == name), None)
        if entry is None:
            there = ", ".join(entry.name for entry in entries) or "none"
            raise StudioError(f"The latest try-out has no recipe called {name}. It has: {there}.")
        summary = tryouts.adopt(opened, entry.run_id, int(patch))
    say(as_json, {"patch": int(patch), "state": summary.state.value}, [f"Patch {patch} is {summary.state}."])


def _row(name: str, result: tryouts.Result) -> dict[str, Any]:
    judged = next((fact for fact in reversed(result.facts) if isinstance(fact, Judged)), None)
    scores = {aspect.value: score.score for aspect, score in judged.verdict.aspects.items()} if judged else {}
    passed = result.summary.state is State.WAITING
    words = "passed" if passed else f"{result.summary.state} ({result.summary.decided_by or 'not finished'})"
    return {
        "recipe": name,
        "patch": result.patch_id,
        "passed": passed,
        "words": words,
        "attempts": result.summary.attempts,
        "scores": scores,
        "cost_usd": result.cost_usd,
        "hq": str(result.hq_path) if result.hq_path else None,
    }


def _words(choice: Choice) -> str:
    gate = "" if choice.metric_gate == MetricGate.DEFAULT else ", no metric gate"
    seed = f", seed {choice.seed}" if choice.seed else ""
    return f"{choice.generator}, prompts {choice.prompts}, judge {choice.judge}{gate}{seed}"
