"""Commands about runs: estimate, run, retry."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from ggt_studio.cli.console import ProgressBar, agreeing, counted, json_option, note, project_argument, run_async, say
from ggt_studio.cli.recipes import named_recipe_option
from ggt_studio.core.money import dollars
from ggt_studio.core.outcomes import MAY_BE_CHARGED, OUTCOME_WORDS
from ggt_studio.core.recipe import Recipe
from ggt_studio.core.words import Outcome, State
from ggt_studio.pipeline.engine import Engine, RunReport
from ggt_studio.pipeline.estimate import Estimate, project_facts
from ggt_studio.pipeline.estimate import estimate as estimate_run
from ggt_studio.pipeline.progress import Progress
from ggt_studio.pipeline.recipes import DEFAULT_GENERATOR, DEFAULT_JUDGE, DEFAULT_PROMPTS, MetricGate
from ggt_studio.pipeline.retrying import reopen, retry_failed
from ggt_studio.pipeline.session import Session
from ggt_studio.settings import load
from ggt_studio.store.project import Project
from ggt_studio.worker.process import Progress as Step

_ASKED_FOR = "asked for on the command line"
_CHOICES = (
    click.option("--generator", default=DEFAULT_GENERATOR, show_default=True, metavar="ID", help="Makes the targets."),
    click.option(
        "--prompts", default=DEFAULT_PROMPTS, show_default=True, metavar="ID", help="Writes the instructions."
    ),
    click.option(
        "--judge", default=DEFAULT_JUDGE, show_default=True, metavar="ID", help="Scores targets, says yes or no."
    ),
    click.option(
        "--metric-gate",
        type=click.Choice([g.value for g in MetricGate]),
        default=MetricGate.DEFAULT.value,
        show_default=True,
        help="`none` judges candidates without measuring them first; it does not need the ml extra.",
    ),
    click.option("--limit", type=click.IntRange(min=1), metavar="N", help="Take at most this many patches."),
)


def _recipe_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """The options that make a recipe, and how many patches it is for."""
    function = named_recipe_option(function)
    for option in reversed(_CHOICES):
        function = option(function)
    return function


@click.command(epilog="The defaults need no key, network or GPU. `ggt-studio models` lists the ids of all others.")
@project_argument
@_recipe_options
@click.option("--budget", type=click.FloatRange(min=0), metavar="USD", help="Spend at most this much in this run.")
@click.option("--retry-failed", "retry_all", is_flag=True, help="Take failed patches again, too.")
@click.option("--redo-rejected", is_flag=True, help="Start rejected patches afresh, too.")
@click.option("--redo-failed", is_flag=True, help="Start failed patches afresh, from their first attempt.")
@click.option(
    "--no-generate",
    is_flag=True,
    help="Measure and judge the candidates that are there, as after `batch collect`; make none.",
)
@click.option("--seed", type=int, default=0, show_default=True, help="Another seed draws other samples.")
@json_option
def run(
    project: Path,
    generator: str,
    prompts: str,
    judge: str,
    metric_gate: str,
    limit: int | None,
    budget: float | None,
    retry_all: bool,
    redo_rejected: bool,
    redo_failed: bool,
    no_generate: bool,
    seed: int,
    as_json: bool,
) -> None:
    """Generate targets for the open patches of PROJECT and control their quality."""

    async def work() -> RunReport:
        settings = load()
        with Session(project, settings) as session:
            _tell_problems(session)
            recipe = session.recipe(generator, prompts, judge, metric_gate=MetricGate(metric_gate), seed=seed)
            _tell_places(session, recipe)
            if retry_all:
                await session.store.call(lambda opened: retry_failed(opened, _ASKED_FOR, limit))
            for state, wanted in ((State.REJECTED, redo_rejected), (State.FAILED, redo_failed)):
                if wanted:
                    await session.store.call(lambda opened, s=state: reopen(opened, s, _ASKED_FOR, limit))
            if any(provider.info.paid for provider in session.registry.of(recipe)):
                note(f"{_money_words(await _estimate(session, recipe, limit, generate=not no_generate))}.")
            with ProgressBar("Running", "patch") as bar:
                at_work = _listen(session)
                return await Engine(
                    session.store,
                    session.pool,
                    session.registry,
                    recipe,
                    limit=limit,
                    niqe_parameters=settings.niqe_parameters,
                    on_progress=lambda progress: _show(bar, progress, at_work),
                    limiters=session.limiters,
                    budget_usd=budget,
                    generate=not no_generate,
                ).run()

    report = run_async(work)
    _tell_waiting(report)
    say(as_json, _document(report), _report_lines(report, MetricGate(metric_gate)))


def _tell_problems(session: Session) -> None:
    for plugin, problem in session.registry.problems.items():
        note(f"Plugin {plugin} was skipped: {problem}")
    for problem in session.services.catalogue.problems:
        note(problem)


def _tell_places(session: Session, recipe: Recipe) -> None:
    places = (provider.info.leaves_machine for provider in session.registry.of(recipe))
    for place in dict.fromkeys(place for place in places if place):
        note(f"Photos are sent to {place}.")


def _listen(session: Session) -> dict[str, str]:
    """Have told what a model on this machine tells at once; returns how far it is with its image, which changes."""
    at_work: dict[str, str] = {}

    def moved(progress: Step) -> None:
        at_work.clear()
        if progress.what == "load" and progress.done < progress.total:
            at_work["model"] = "loading"
        elif progress.done < progress.total:
            at_work["step"] = f"{progress.done:.0f} of {progress.total:.0f}"

    session.services.telling.on_notice, session.services.telling.on_progress = note, moved
    return at_work


def _show(bar: ProgressBar, progress: Progress, at_work: dict[str, str]) -> None:
    more: dict[str, object] = {"attempts": progress.attempts, **at_work}
    if progress.cost_usd or progress.budget_usd is not None:
        cap = f" of {dollars(progress.budget_usd)}" if progress.budget_usd is not None else ""
        more["spent"] = f"{dollars(progress.cost_usd)}{cap}"
    if progress.waiting_s >= 1:
        more["rate limited"] = f"waiting {progress.waiting_s:.0f} s"
    bar.show(progress.done, progress.total, **more)


def _document(report: RunReport) -> dict[str, Any]:
    return {
        **asdict(report),
        "spent_usd": report.cost_usd,
        "cost_per_accepted_usd": report.cost_per_accepted_usd,
    }


def _report_lines(report: RunReport, metric_gate: MetricGate) -> list[str]:
    taken, made = counted(report.patches, "patch"), counted(report.attempts, "attempt")
    waiting, rejected = agreeing(report.waiting, "waits", "wait"), agreeing(report.rejected, "was", "were")
    cap = f" of {dollars(report.budget_usd)}" if report.budget_usd is not None else ""
    each = f" (${report.cost_per_accepted_usd:.3f} per accepted candidate)" if report.cost_per_accepted_usd else ""
    lines = [
        f"{taken} taken, {made} made, {dollars(report.cost_usd)}{cap} spent{each}.",
        f"{waiting} for a person, {rejected} rejected, {report.failed:,} failed.",
    ]
    for outcome, number in report.outcomes.items():
        if number and outcome not in (Outcome.OK, Outcome.AMBIGUOUS):
            words = OUTCOME_WORDS[outcome]
            lines.append(f"{counted(number, 'request')}: {words.words}. {words.todo}")
    if metric_gate is MetricGate.NONE:
        lines.append("There was no metric gate: candidates went to the judge without being measured.")
    return lines


def _tell_waiting(report: RunReport) -> None:
    if report.waiting_for_extra:
        note(
            f"{agreeing(report.waiting_for_extra, 'patch is generated and waits', 'patches are generated and wait')} for "
            f"the metric stage. {report.message}, or run with --metric-gate none."
        )
    if report.ended == "halted":
        note(report.message)
    if report.ambiguous:
        note(
            f"{counted(report.ambiguous, 'paid call')} of an interrupted run may have been charged; "
            "none is repeated by itself. `ledger` lists them with their prices; `retry --outcome ambiguous` has them made again."
        )


@click.command()
@project_argument
@_recipe_options
@json_option
def estimate(
    project: Path, generator: str, prompts: str, judge: str, metric_gate: str, limit: int | None, as_json: bool
) -> None:
    """Say what a run over the open patches of PROJECT will probably cost, and how long it may take. Nothing is sent."""

    async def work() -> Estimate:
        with Session(project, load(), read_only=True) as session:
            _tell_problems(session)
            recipe = session.recipe(generator, prompts, judge, metric_gate=MetricGate(metric_gate))
            return await _estimate(session, recipe, limit)

    found = run_async(work)
    lines = [f"{_money_words(found)}.", *(f"{step}: {counted(n, 'call')}" for step, n in found.calls.items())]
    lines += [f"- {assumption}" for assumption in found.assumptions]
    say(as_json, asdict(found), lines)


async def _estimate(session: Session, recipe: Recipe, limit: int | None, *, generate: bool = True) -> Estimate:
    registry = session.registry
    facts = await session.store.call(lambda opened: project_facts(opened, recipe, registry, limit, generate=generate))
    return estimate_run(facts, recipe, registry, generate=generate)


def _money_words(found: Estimate) -> str:
    """The estimate in one line."""
    words = f"{counted(found.patches, 'patch')}: "
    if found.paid:
        words += f"about {dollars(found.expected_usd)}, at most {dollars(found.most_usd)}"
        words += f", without {' and '.join(found.unpriced)}, whose price is not known" if found.unpriced else ""
    else:
        words += "no charge"
    if found.expected_seconds is not None:
        words += f", about {_duration(found.expected_seconds)}"
    return words


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


@click.command()
@project_argument
@click.option(
    "--outcome",
    "wanted",
    metavar="NAMES",
    help=f"Only patches that failed so; several with commas: {', '.join(o for o in Outcome if o is not Outcome.OK)}.",
)
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="At most this many patches.")
@json_option
def retry(project: Path, wanted: str | None, limit: int | None, as_json: bool) -> None:
    """Let the next run of PROJECT go on with patches that failed. Calls that it makes again are charged again."""
    outcomes = _outcomes(wanted) if wanted is not None else None
    with Project.open(project) as opened:
        retried = retry_failed(opened, _ASKED_FOR, limit, outcomes)
    charged = sorted(o.value for o in outcomes or Outcome if o in MAY_BE_CHARGED)
    if retried and charged:
        note(f"Calls that ended as {', '.join(charged)} may have been charged before.")
    lines = [agreeing(retried, "failed patch is open again.", "failed patches are open again.")]
    say(as_json, {"retried": retried}, lines)


def _outcomes(names: str) -> frozenset[Outcome]:
    try:
        return frozenset(Outcome(name.strip().replace("-", "_")) for name in names.split(","))
    except ValueError as error:
        known = ", ".join(o for o in Outcome if o is not Outcome.OK)
        raise click.BadParameter(f"{error}. There are: {known}.", param_hint="--outcome") from error
