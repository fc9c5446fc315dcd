"""The command `screen`: let a VLM look at patches before anything is generated of them."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from ggt_studio.cli.console import ProgressBar, counted, json_option, note, project_argument, run_async, say
from ggt_studio.core.money import dollars
from ggt_studio.pipeline.progress import Progress
from ggt_studio.pipeline.screening import ScreeningRun, ScreenReport
from ggt_studio.pipeline.session import Session
from ggt_studio.settings import load


@click.command()
@project_argument
@click.option("--judge", required=True, metavar="ID", help="The model that looks, such as `gemini`.")
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="Show it at most this many patches.")
@click.option(
    "--budget", type=click.FloatRange(min=0), metavar="USD", help="Spend at most this much in this screening."
)
@click.option("--grade", is_flag=True, help="Let its quality levels take the place of the measured ones.")
@json_option
def screen(project: Path, judge: str, limit: int | None, budget: float | None, grade: bool, as_json: bool) -> None:
    """Show the open patches of PROJECT to a model and hold back those that are not worth restoring.

    Photos are sent to where the model runs. Patches that it has seen are not shown again; `release` lets held ones take part.
    """

    async def work() -> ScreenReport:
        with Session(project, load()) as session, ProgressBar("Screening", "patch") as bar:

            def advance(progress: Progress) -> None:
                bar.show(progress.done, progress.total)

            screener = session.registry.screener(judge)
            if screener.info.leaves_machine:
                note(f"Photos are sent to {screener.info.leaves_machine}.")
            return await ScreeningRun(
                session.store,
                screener,
                limit=limit,
                grade=grade,
                on_progress=advance,
                limiters=session.limiters,
                budget_usd=budget,
            ).run()

    report = run_async(work)
    looked, held = counted(report.screened, "patch"), sum(report.held.values())
    lines = [f"{looked} looked at, {held} held back, {report.failed} failed, {dollars(report.cost_usd)} spent."]
    lines += [f"  {hold}: {count}" for hold, count in sorted(report.held.items())]
    if report.held:
        lines.append("`list --held` shows them with the reasons; `release` lets them take part again.")
    if report.ended == "halted":
        note(report.message)
    if report.ambiguous:
        note(
            f"{report.ambiguous} paid calls of an interrupted run may have been charged; they are not repeated by themselves."
        )
    say(as_json, asdict(report), lines)
